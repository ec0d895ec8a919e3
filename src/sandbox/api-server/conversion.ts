// Between the version that is stored and the version that is asked for.
import { randomUUID } from 'node:crypto';
import { describeError } from '../../shared/lib/index.ts';
import type { KubeObject } from '../store/index.ts';
import { groupVersion, type ResourceInfo } from './resource-info.ts';
import { internalError } from './status.ts';
import type { WebhookCaller } from './webhook-caller.ts';

/** Converts objects of resources with several versions. */
export class Converter {
  readonly #caller: WebhookCaller;

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
    return { ...object, apiVersion: wanted };
  }

  /** `objects` in another version. */
  async convert(info: ResourceInfo, objects: readonly KubeObject[], version: string): Promise<KubeObject[]> {
    const { conversion } = info;
    const pending = conversion ? objects.filter((object) => !this.isImmediate(info, object, version)) : [];
    if (!conversion || pending.length === 0) return objects.map((object) => this.convertNow(info, object, version));
    const converted = await this.#callWebhook(info, conversion, pending, groupVersion(info.group, version));
    let next = 0;
    return objects.map((object) => (this.isImmediate(info, object, version) ? object : (converted[next++] as KubeObject)));
  }

  async #callWebhook(info: ResourceInfo, conversion: NonNullable<ResourceInfo['conversion']>, objects: readonly KubeObject[], wanted: string): Promise<KubeObject[]> {
    const uid = randomUUID();
    const review = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', request: { uid, desiredAPIVersion: wanted, objects } };
    const fail = (reason: string): Error => internalError(`conversion webhook for ${groupVersion(info.group, info.storageVersion)}, Kind=${info.kind} failed: ${reason}`);
    let answer: { response?: { uid?: string; result?: { status?: string; message?: string }; convertedObjects?: KubeObject[] } };
    try {
      answer = (await this.#caller.call(conversion.clientConfig, review, 30_000)) as typeof answer;
    } catch (error) {
      throw fail(describeError(error));
    }
    const { response } = answer;
    if (response?.result?.status !== 'Success') throw fail(response?.result?.message ?? 'no successful response');
    const converted = response.convertedObjects ?? [];
    if (converted.length !== objects.length) throw fail(`returned ${String(converted.length)} objects, expected ${String(objects.length)}`);
    return converted.map((object, index) => {
      if (object.apiVersion !== wanted) throw fail(`returned invalid converted object at index ${String(index)}: invalid groupVersion (required ${wanted}, actual ${object.apiVersion})`);
      // A webhook may change labels and annotations, nothing else of the metadata.
      const { metadata } = objects[index] as KubeObject;
      const { labels, annotations } = object.metadata;
      const kept = { ...metadata, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) };
      return { ...object, metadata: kept };
    });
  }
}

const EVENT_FIELDS: readonly (readonly [string, string])[] = [
  ['message', 'note'], ['involvedObject', 'regarding'], ['reportingComponent', 'reportingController'], ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'], ['lastTimestamp', 'deprecatedLastTimestamp'], ['count', 'deprecatedCount'],
];

/** Events have one store and two groups that name the fields differently. */
function convertEvent(event: KubeObject, wanted: string): KubeObject {
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
