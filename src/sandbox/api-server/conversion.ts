// Between the version that is stored and the version that is asked for.
import { randomUUID } from 'node:crypto';
import type { KubeObject } from '../store/index.ts';
import { pruneUnknown } from '../schema/index.ts';
import { convertAutoscaler } from './autoscaler-conversion.ts';
import { ApiStatusError } from './internal-client.ts';
import { validateLabels } from './names.ts';
import { groupVersion, servedVersion, type ResourceInfo } from './resource-info.ts';
import type { WebhookCaller } from './webhook-caller.ts';

/** Converts objects of resources with several versions. */
export class Converter {
  readonly #caller: WebhookCaller;
  readonly #converted = new WeakMap<KubeObject, Map<string, KubeObject>>();

  constructor(caller: WebhookCaller) {
    this.#caller = caller;
  }

  /** Whether converting to `version` can be done at once, without a webhook. */
  isImmediate(info: ResourceInfo, object: KubeObject, version: string): boolean {
    return !info.conversion || object.apiVersion === groupVersion(info.group, version);
  }

  /** `object` in another version when no webhook is needed. */
  convertNow(info: ResourceInfo, object: KubeObject, version: string): KubeObject {
    const wanted = groupVersion(info.group, version);
    if (object.apiVersion === wanted && object.kind === info.kind) return object;
    if (info.storeKey === '/events') return convertEvent(object, wanted);
    if (info.storeKey === 'autoscaling/horizontalpodautoscalers') return convertAutoscaler(object, wanted);
    const converted = { ...object, apiVersion: wanted };
    if (!info.custom) return converted;
    // What the other version does not know is not shown in it.
    const shown = structuredClone(converted);
    pruneUnknown(servedVersion(info, version)?.schema, shown);
    return shown;
  }

  /** A stored object in another version, as it was converted first: who changes or watches it does not have it converted again. */
  async convertOnce(info: ResourceInfo, object: KubeObject, version: string): Promise<KubeObject> {
    if (this.isImmediate(info, object, version)) return this.convertNow(info, object, version);
    const known = this.#converted.get(object) ?? new Map<string, KubeObject>();
    const earlier = known.get(version);
    if (earlier) return earlier;
    const [converted] = (await this.convert(info, [object], version)) as [KubeObject];
    this.#converted.set(object, known.set(version, converted));
    return converted;
  }

  /** `objects` in another version. */
  async convert(info: ResourceInfo, objects: readonly KubeObject[], version: string): Promise<KubeObject[]> {
    const { conversion } = info;
    const pending = conversion ? objects.filter((object) => !this.isImmediate(info, object, version)) : [];
    if (!conversion || pending.length === 0) return objects.map((object) => this.convertNow(info, object, version));
    const converted = await this.#convertAlike(info, conversion, pending, version);
    let next = 0;
    return objects.map((object) => (this.isImmediate(info, object, version) ? object : (converted[next++] as KubeObject)));
  }

  async #convertAlike(info: ResourceInfo, conversion: NonNullable<ResourceInfo['conversion']>, objects: readonly KubeObject[], version: string): Promise<KubeObject[]> {
    const wanted = groupVersion(info.group, version);
    const uid = randomUUID();
    const review = { kind: 'ConversionReview', apiVersion: 'apiextensions.k8s.io/v1', request: { uid, desiredAPIVersion: wanted, objects }, response: { uid: '', convertedObjects: null, result: { metadata: {} } } };
    const refuse = (reason: string): Error => new ApiStatusError(500, '', `conversion webhook for ${objects[0]?.apiVersion ?? ''}, Kind=${info.kind} ${reason}`);
    const answer = await this.#caller.call(conversion.clientConfig, review, 30_000).catch((error: unknown) => { throw refuse(`failed: ${(error instanceof Error ? error.message : String(error)).replace(/^failed to call webhook: /, '')}`); });
    const converted = readConverted(answer, uid, refuse);
    if (converted.length !== objects.length) throw refuse(`returned ${String(converted.length)} objects, expected ${String(objects.length)}`);
    return converted.map((object, index) => {
      if (object.apiVersion !== wanted) throw refuse(`returned invalid object at index ${String(index)}: invalid groupVersion (expected ${wanted}, received ${object.apiVersion})`);
      if (object.kind !== info.kind) throw refuse(`returned invalid object at index ${String(index)}: invalid kind (expected ${info.kind}, received ${object.kind})`);
      return restoreMetadata(info, version, objects[index] as KubeObject, object, refuse);
    });
  }
}

interface ConversionAnswer {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly response?: { readonly uid?: string; readonly result?: { readonly status?: string; readonly message?: string }; readonly convertedObjects?: KubeObject[] };
}

type Refuse = (reason: string) => Error;

/** The objects of an answer that says that it has succeeded. */
function readConverted(answer: unknown, uid: string, refuse: Refuse): readonly KubeObject[] {
  const { apiVersion = '', kind = '', response } = (answer ?? {}) as ConversionAnswer;
  if (apiVersion !== 'apiextensions.k8s.io/v1' || kind !== 'ConversionReview') throw refuse(`failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got ${apiVersion === '' ? '/' : apiVersion}, Kind=${kind}`);
  if (!response) throw refuse('failed: no response provided');
  if (response.uid !== uid) throw refuse(`failed: expected response.uid="${uid}", got "${response.uid ?? ''}"`);
  const { status = '', message = '' } = response.result ?? {};
  if (status !== 'Success') throw refuse(`failed: ${message === '' ? `response.result.status was '${status}', not 'Success'` : message}`);
  return response.convertedObjects ?? [];
}

/** A webhook may change labels and annotations, nothing else of the metadata. */
function restoreMetadata(info: ResourceInfo, version: string, original: KubeObject, object: KubeObject, refuse: Refuse): KubeObject {
  const { metadata } = original;
  const given = object.metadata as Partial<KubeObject['metadata']> | undefined;
  for (const [field, words] of [['name', 'name'], ['namespace', 'namespace'], ['uid', 'UID']] as const) {
    if ((given?.[field] ?? '') !== (metadata[field] ?? '')) throw refuse(`returned invalid object: must have the same ${words}: ${metadata[field] ?? ''} != ${given?.[field] ?? ''}`);
  }
  const { labels, annotations } = given ?? {};
  const [problem] = [...validateLabels(labels ?? {}, 'metadata.labels'), ...validateLabels(Object.fromEntries(Object.keys(annotations ?? {}).map((key) => [key, ''])), 'metadata.annotations')];
  if (problem) throw refuse(`returned invalid metadata: ${problem.path}: ${problem.message}`);
  const { labels: _labels, annotations: _annotations, ...kept } = metadata;
  const schema = servedVersion(info, version)?.schema;
  const { metadata: _metadata, ...rest } = object;
  const body = rest as KubeObject;
  if (schema) pruneUnknown(schema, body);
  return { ...body, metadata: { ...kept, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) } };
}

const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ['message', 'note'], ['involvedObject', 'regarding'], ['reportingComponent', 'reportingController'], ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'], ['lastTimestamp', 'deprecatedLastTimestamp'], ['count', 'deprecatedCount'],
];

/** An event as another group writes it: there is one store and two groups, which name the fields differently. */
export function convertEvent(event: KubeObject, wanted: string): KubeObject {
  const toCore = wanted === 'v1';
  const result: KubeObject = { ...event, apiVersion: wanted };
  for (const [core, modern] of EVENT_FIELDS) {
    const [from, to] = toCore ? [modern, core] : [core, modern];
    if (!(from in result)) continue;
    result[to] = result[from];
    Reflect.deleteProperty(result, from);
  }
  // Only the first of the two groups writes who reported it when nobody is named.
  const names = toCore ? ['reportingComponent', 'reportingInstance'] : ['reportingController', 'reportingInstance'];
  for (const name of names) {
    if (toCore) result[name] ??= '';
    else if (result[name] === '') Reflect.deleteProperty(result, name);
  }
  return result;
}
