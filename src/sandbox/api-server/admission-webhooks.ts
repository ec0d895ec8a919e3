// Mutating and validating admission webhooks, called as Kubernetes calls them: mutating ones in order of their names, with
// reinvocation, then all validating ones.
import { randomUUID } from 'node:crypto';
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import { applyJsonPatch, PatchError } from '../patch/index.ts';
import type { RbacAuthorizer } from '../auth/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { Converter } from './conversion.ts';
import { ApiStatusError } from './internal-client.ts';
import type { RequestContext } from './request-context.ts';
import { internalError } from './status.ts';
import { denial, readResponse, type ReviewResponse } from './webhook-answers.ts';
import type { WebhookCaller } from './webhook-caller.ts';
import { conditionsHold, isSelected, matchedVersion, type AdmissionAttributes, type Webhook } from './webhook-matching.ts';

const GROUP = 'admissionregistration.k8s.io';

/** A webhook that is to be asked, and the version in which it wants to see the object. */
interface Asked { readonly hook: Webhook; readonly version: string }

/** A failure of a webhook itself, which its configuration may say to ignore. */
class WebhookFailure extends Error {}

/** Calls the webhooks that are configured in the store. */
export class AdmissionWebhooks {
  readonly #store: Store;
  readonly #caller: WebhookCaller;
  readonly #converter: Converter;
  readonly #rbac: RbacAuthorizer;

  constructor(store: Store, caller: WebhookCaller, converter: Converter, rbac: RbacAuthorizer) {
    this.#store = store;
    this.#caller = caller;
    this.#converter = converter;
    this.#rbac = rbac;
  }

  /** The object after all mutating webhooks. `renormalize` is called after each change. */
  async mutate(context: RequestContext, attributes: AdmissionAttributes, renormalize: (object: KubeObject) => void): Promise<KubeObject | undefined> {
    let object = attributes.object;
    const asked = this.#configured('mutatingwebhookconfigurations', attributes);
    const seen = new Map<Webhook, KubeObject | undefined>();
    for (const one of asked) {
      const called = await this.#mutateOnce(context, one, { ...attributes, object }, renormalize);
      if (!called) continue;
      object = called.object;
      seen.set(one.hook, object);
    }
    for (const one of asked) {
      if (one.hook.reinvocationPolicy !== 'IfNeeded' || !seen.has(one.hook) || deepEqual(seen.get(one.hook), object)) continue;
      object = (await this.#mutateOnce(context, one, { ...attributes, object }, renormalize))?.object ?? object;
    }
    return object;
  }

  /** Throws the Status error of the first validating webhook that denies. */
  async validate(context: RequestContext, attributes: AdmissionAttributes): Promise<void> {
    const asked = this.#configured('validatingwebhookconfigurations', attributes);
    await Promise.all(asked.map(async (one) => { await this.#review(context, one, attributes, false); }));
  }

  #configured(resource: string, attributes: AdmissionAttributes): Asked[] {
    // A webhook cannot guard the configuration of webhooks: it could never be repaired.
    if (attributes.info.group === GROUP) return [];
    return this.#store.list(`${GROUP}/${resource}`).flatMap((configuration) => (configuration['webhooks'] ?? []) as Webhook[]).flatMap((hook) => {
      const version = matchedVersion(hook, attributes);
      return version === undefined ? [] : [{ hook, version }];
    });
  }

  async #mutateOnce(context: RequestContext, asked: Asked, attributes: AdmissionAttributes, renormalize: (object: KubeObject) => void): Promise<{ object: KubeObject | undefined } | undefined> {
    const reviewed = await this.#review(context, asked, attributes, true);
    if (!reviewed) return undefined;
    const { object } = attributes;
    const operations = reviewed.operations;
    if (operations.length === 0) return { object };
    if (!object || !reviewed.shown) throw internalError(`admission webhook "${asked.hook.name}" attempted to modify the object, which is not supported for this operation`);
    const patched = await this.#inVersion(attributes, applyPatch(reviewed.shown, operations), attributes.version);
    try {
      renormalize(patched);
    } catch (error) {
      // What it has made of the object is no object of the kind: that is nobody's bad request.
      if (!(error instanceof ApiStatusError) || error.code !== 400) throw error;
      throw internalError(error.message.replace(/^.* cannot be handled as a \w+: /, ''));
    }
    return { object: patched };
  }

  /** The answer of a webhook that allows; undefined when it is not asked or its failure is to be ignored. */
  async #review(context: RequestContext, { hook, version }: Asked, given: AdmissionAttributes, isMutating: boolean): Promise<{ operations: unknown[]; shown: KubeObject | undefined } | undefined> {
    if (!isSelected(this.#store, hook, given)) return undefined;
    const shown = given.object && (await this.#inVersion(given, given.object, version));
    const attributes = { ...given, object: shown, oldObject: given.oldObject && (await this.#inVersion(given, given.oldObject, version)) };
    const request = buildRequest(context, attributes, version);
    if (!conditionsHold(hook, attributes, request, { allows: (question) => this.#rbac.allows(context.user, question) })) return undefined;
    if (context.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') throw new ApiStatusError(400, 'BadRequest', `admission webhook "${hook.name}" does not support dry run`);
    try {
      const response = await this.#ask(hook, request, isMutating);
      context.warnings.push(...(response.warnings ?? []));
      if (response.allowed !== true) throw denial(hook.name, response);
      return { operations: readPatch(response), shown };
    } catch (error) {
      if (!(error instanceof WebhookFailure)) throw error;
      if (hook.failurePolicy === 'Ignore') return undefined;
      throw internalError(`failed calling webhook "${hook.name}": ${error.message}`);
    }
  }

  async #ask(hook: Webhook, request: { readonly uid: string }, isMutating: boolean): Promise<ReviewResponse> {
    try {
      const answer = await this.#caller.call(hook.clientConfig, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }, hook.timeoutSeconds * 1000);
      return readResponse(answer, request.uid, isMutating);
    } catch (error) {
      throw new WebhookFailure(describeError(error), { cause: error });
    }
  }

  async #inVersion({ info, subresource }: AdmissionAttributes, object: KubeObject, version: string): Promise<KubeObject> {
    if (!info.custom || subresource === 'scale') return object;
    return (await this.#converter.convert(info, [object], version))[0] as KubeObject;
  }
}

/** The operations of a response's patch. */
function readPatch({ patch = '', patchType }: ReviewResponse): unknown[] {
  if (patch === '') return [];
  const undecodable = (words: string): WebhookFailure => new WebhookFailure(`received undecodable patch in webhook response: ${words}`);
  let operations: unknown;
  try {
    operations = JSON.parse(Buffer.from(patch, 'base64').toString());
  } catch {
    throw undecodable('unexpected end of JSON input');
  }
  if (!Array.isArray(operations)) throw undecodable(`json: cannot unmarshal ${typeof operations} into Go value of type jsonpatch.Patch`);
  if (operations.length > 0 && patchType !== 'JSONPatch') throw new WebhookFailure(`unsupported patch type ${JSON.stringify(patchType)}`);
  return operations;
}

function applyPatch(object: KubeObject, operations: readonly unknown[]): KubeObject {
  try {
    return applyJsonPatch(object, operations) as KubeObject;
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw internalError(error.message);
  }
}

function buildRequest(context: RequestContext, attributes: AdmissionAttributes, shownVersion: string): { uid: string } & Record<string, unknown> {
  const { info, version, operation, namespace, name, subresource, object, oldObject, options } = attributes;
  const kindIn = (of: string): object => (subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { group: info.group, version: of, kind: info.kind });
  const resourceIn = (of: string): object => ({ group: info.group, version: of, resource: info.plural });
  return {
    uid: randomUUID(),
    kind: kindIn(shownVersion), resource: resourceIn(shownVersion), requestKind: kindIn(version), requestResource: resourceIn(version),
    ...(subresource === '' ? {} : { subResource: subresource, requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === undefined ? {} : { namespace }),
    operation,
    userInfo: { username: context.user.name, groups: context.user.groups, ...(context.user.uid === undefined ? {} : { uid: context.user.uid }), ...(context.user.extra ? { extra: context.user.extra } : {}) },
    object: object ?? null,
    oldObject: oldObject ?? null,
    dryRun: context.dryRun,
    options,
  };
}
