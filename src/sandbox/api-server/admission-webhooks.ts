// Mutating and validating admission webhooks, called as Kubernetes calls them: mutating ones in order of their names, with
// reinvocation, then all validating ones.
import { randomUUID } from 'node:crypto';
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import { applyJsonPatch } from '../patch/index.ts';
import { evaluateCel } from '../schema/index.ts';
import { compileLabelSelector, type KubeObject, type LabelSelectorObject, type Store } from '../store/index.ts';
import { ApiStatusError } from './internal-client.ts';
import type { RequestContext } from './request-context.ts';
import { groupVersion, type ResourceInfo, type WebhookClientConfig } from './resource-info.ts';
import { internalError } from './status.ts';
import type { WebhookCaller } from './webhook-caller.ts';

/** What is about to happen to an object. */
export interface AdmissionAttributes {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';
  readonly info: ResourceInfo;
  readonly version: string;
  readonly subresource: string;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: KubeObject | undefined;
  readonly oldObject: KubeObject | undefined;
  readonly options: object;
}

interface Webhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly { operations: string[]; apiGroups: string[]; apiVersions: string[]; resources: string[]; scope?: string }[];
  readonly failurePolicy: string;
  readonly namespaceSelector?: LabelSelectorObject;
  readonly objectSelector?: LabelSelectorObject;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly reinvocationPolicy?: string;
  readonly matchConditions?: readonly { name: string; expression: string }[];
}

interface ReviewResponse {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly status?: { code?: number; reason?: string; message?: string; details?: unknown };
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

const GROUP = 'admissionregistration.k8s.io';

/** Calls the webhooks that are configured in the store. */
export class AdmissionWebhooks {
  readonly #store: Store;
  readonly #caller: WebhookCaller;

  constructor(store: Store, caller: WebhookCaller) {
    this.#store = store;
    this.#caller = caller;
  }

  /** The object after all mutating webhooks. `renormalize` is called after each change. */
  async mutate(context: RequestContext, attributes: AdmissionAttributes, renormalize: (object: KubeObject) => void): Promise<KubeObject | undefined> {
    let object = attributes.object;
    const hooks = this.#configured('mutatingwebhookconfigurations', attributes);
    const seen = new Map<Webhook, KubeObject | undefined>();
    for (const hook of hooks) {
      const called = await this.#mutateOnce(context, hook, { ...attributes, object }, renormalize);
      if (!called) continue;
      object = called.object;
      seen.set(hook, object);
    }
    for (const hook of hooks) {
      if (hook.reinvocationPolicy !== 'IfNeeded' || !seen.has(hook) || deepEqual(seen.get(hook), object)) continue;
      object = (await this.#mutateOnce(context, hook, { ...attributes, object }, renormalize))?.object ?? object;
    }
    return object;
  }

  /** Throws the Status error of the first validating webhook that denies. */
  async validate(context: RequestContext, attributes: AdmissionAttributes): Promise<void> {
    const hooks = this.#configured('validatingwebhookconfigurations', attributes);
    await Promise.all(hooks.map(async (hook) => { await this.#review(context, hook, attributes); }));
  }

  #configured(resource: string, attributes: AdmissionAttributes): Webhook[] {
    // A webhook cannot guard the configuration of webhooks: it could never be repaired.
    if (attributes.info.group === GROUP) return [];
    return this.#store.list(`${GROUP}/${resource}`).flatMap((configuration) => (configuration['webhooks'] ?? []) as Webhook[]).filter((hook) => matchesRules(hook, attributes));
  }

  async #mutateOnce(context: RequestContext, hook: Webhook, attributes: AdmissionAttributes, renormalize: (object: KubeObject) => void): Promise<{ object: KubeObject | undefined } | undefined> {
    const response = await this.#review(context, hook, attributes);
    if (!response) return undefined;
    if (response.patch === undefined || response.patch === '' || !attributes.object) return { object: attributes.object };
    try {
      const patched = applyJsonPatch(attributes.object, JSON.parse(Buffer.from(response.patch, 'base64').toString())) as KubeObject;
      renormalize(patched);
      return { object: patched };
    } catch (error) {
      if (error instanceof ApiStatusError) throw error;
      if (hook.failurePolicy === 'Ignore') return { object: attributes.object };
      throw internalError(`failed calling webhook "${hook.name}": ${describeError(error)}`);
    }
  }

  /** The answer of a webhook that allows; undefined when it does not match or its failure is to be ignored. */
  async #review(context: RequestContext, hook: Webhook, attributes: AdmissionAttributes): Promise<ReviewResponse | undefined> {
    if (!this.#selects(hook, attributes)) return undefined;
    const request = buildRequest(context, attributes);
    if (!conditionsHold(hook, attributes, request)) return undefined;
    if (context.dryRun && hook.sideEffects !== 'None' && hook.sideEffects !== 'NoneOnDryRun') throw new ApiStatusError(400, 'BadRequest', `admission webhook "${hook.name}" does not support dry run`);
    let response: ReviewResponse | undefined;
    try {
      const answer = (await this.#caller.call(hook.clientConfig, { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request }, hook.timeoutSeconds * 1000)) as { response?: ReviewResponse };
      response = answer.response;
      if (!response) throw new Error('webhook response was absent');
      if (response.uid !== request.uid) throw new Error(`expected response.uid="${request.uid}", got "${response.uid ?? ''}"`);
    } catch (error) {
      if (hook.failurePolicy === 'Ignore') return undefined;
      throw internalError(`failed calling webhook "${hook.name}": ${describeError(error)}`);
    }
    context.warnings.push(...(response.warnings ?? []));
    if (response.allowed !== true) throw denial(hook, response);
    return response;
  }

  #selects(hook: Webhook, attributes: AdmissionAttributes): boolean {
    const { info, namespace, object, oldObject } = attributes;
    if (isNarrow(hook.namespaceSelector)) {
      const labels = info.group === '' && info.plural === 'namespaces' ? (object ?? oldObject)?.metadata.labels : this.#store.get('/namespaces', undefined, namespace ?? '')?.metadata.labels;
      const scoped = info.namespaced || (info.group === '' && info.plural === 'namespaces');
      if (scoped && !compileLabelSelector(hook.namespaceSelector)(labels)) return false;
    }
    if (!isNarrow(hook.objectSelector)) return true;
    const matches = compileLabelSelector(hook.objectSelector);
    return [object, oldObject].some((candidate) => candidate !== undefined && matches(candidate.metadata.labels));
  }
}

function isNarrow(selector: LabelSelectorObject | undefined): boolean {
  return selector !== undefined && (Object.keys(selector.matchLabels ?? {}).length > 0 || (selector.matchExpressions ?? []).length > 0);
}

function matchesRules(hook: Webhook, attributes: AdmissionAttributes): boolean {
  const { info, operation, subresource } = attributes;
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  // matchPolicy Equivalent: any version of the resource counts.
  const versions = info.versions.map((version) => version.name);
  return (hook.rules ?? []).some((rule) => has(rule.operations, operation) && has(rule.apiGroups, info.group) && (rule.apiVersions.includes('*') || rule.apiVersions.some((version) => versions.includes(version)))
    && (rule.scope === undefined || rule.scope === '*' || (rule.scope === 'Namespaced') === info.namespaced) && rule.resources.some((resource) => matchesResource(resource, info.plural, subresource)));
}

function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  if (pattern === '*/*') return true;
  const [resource, sub = ''] = pattern.split('/', 2);
  return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource);
}

function buildRequest(context: RequestContext, attributes: AdmissionAttributes): { uid: string } & Record<string, unknown> {
  const { info, version, operation, namespace, name, subresource, object, oldObject, options } = attributes;
  const kind = subresource === 'scale' ? { group: 'autoscaling', version: 'v1', kind: 'Scale' } : { group: info.group, version, kind: info.kind };
  const resource = { group: info.group, version, resource: info.plural };
  return {
    uid: randomUUID(),
    kind, resource, requestKind: kind, requestResource: resource,
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

function conditionsHold(hook: Webhook, attributes: AdmissionAttributes, request: Readonly<Record<string, unknown>>): boolean {
  for (const { name, expression } of hook.matchConditions ?? []) {
    try {
      if (evaluateCel(expression, { object: attributes.object ?? null, oldObject: attributes.oldObject ?? null, request }) !== true) return false;
    } catch (error) {
      if (hook.failurePolicy === 'Ignore') return false;
      throw new ApiStatusError(403, 'Forbidden', `${groupVersion(attributes.info.group, attributes.info.plural)} "${attributes.name}" is forbidden: webhook "${hook.name}": match condition "${name}": ${describeError(error)}`);
    }
  }
  return true;
}

function denial(hook: Webhook, response: ReviewResponse): ApiStatusError {
  const { code = 403, reason = 'Forbidden', message, details } = response.status ?? {};
  const status = code >= 400 && code < 600 ? code : 400;
  const because = message ?? (response.status?.reason === undefined ? '' : reason);
  return new ApiStatusError(status, reason, because === '' ? `admission webhook "${hook.name}" denied the request without explanation` : `admission webhook "${hook.name}" denied the request: ${because}`, details);
}
