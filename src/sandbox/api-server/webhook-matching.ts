// Which webhooks are asked about a write: their rules, selectors and conditions.
import { evaluateCondition, type ConditionAuthorizer } from '../schema/index.ts';
import { compileLabelSelector, type KubeObject, type LabelSelectorObject, type Store } from '../store/index.ts';
import type { ResourceInfo, WebhookClientConfig } from './resource-info.ts';
import { forbidden } from './status.ts';

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

/** One webhook of a configuration. */
export interface Webhook {
  readonly name: string;
  readonly clientConfig: WebhookClientConfig;
  readonly rules?: readonly Rule[];
  readonly failurePolicy: string;
  readonly matchPolicy?: string;
  readonly namespaceSelector?: LabelSelectorObject;
  readonly objectSelector?: LabelSelectorObject;
  readonly sideEffects: string;
  readonly timeoutSeconds: number;
  readonly reinvocationPolicy?: string;
  readonly matchConditions?: readonly { name: string; expression: string }[];
}

interface Rule { readonly operations: string[]; readonly apiGroups: string[]; readonly apiVersions: string[]; readonly resources: string[]; readonly scope?: string }

const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);

/** The version in which the webhook wants to see the object; undefined when its rules are not about this write. */
export function matchedVersion(hook: Webhook, attributes: AdmissionAttributes): string | undefined {
  const rules = (hook.rules ?? []).filter((rule) => ruleFits(rule, attributes));
  if (rules.some((rule) => has(rule.apiVersions, attributes.version))) return attributes.version;
  if (hook.matchPolicy === 'Exact') return undefined;
  // Equivalent: the same resource in another of its versions.
  const { versions } = attributes.info;
  for (const rule of rules) for (const wanted of rule.apiVersions) if (versions.some((version) => version.name === wanted)) return wanted;
  return undefined;
}

function ruleFits(rule: Rule, { info, operation, subresource }: AdmissionAttributes): boolean {
  const isWithin = info.namespaced && !(info.group === '' && info.plural === 'namespaces');
  return has(rule.operations, operation) && has(rule.apiGroups, info.group)
    && (rule.scope === undefined || rule.scope === '*' || (rule.scope === 'Namespaced') === isWithin)
    && rule.resources.some((resource) => matchesResource(resource, info.plural, subresource));
}

function matchesResource(pattern: string, plural: string, subresource: string): boolean {
  if (pattern === '*/*') return true;
  const [resource, sub = ''] = pattern.split('/', 2);
  return (resource === '*' || resource === plural) && (sub === '*' || sub === subresource);
}

/** Whether the webhook's selectors choose the object. */
export function isSelected(store: Store, hook: Webhook, attributes: AdmissionAttributes): boolean {
  const { info, namespace, object, oldObject } = attributes;
  if (isNarrow(hook.namespaceSelector)) {
    const isNamespace = info.group === '' && info.plural === 'namespaces';
    const labels = isNamespace ? (object ?? oldObject)?.metadata.labels : store.get('/namespaces', undefined, namespace ?? '')?.metadata.labels;
    if ((info.namespaced || isNamespace) && !compileLabelSelector(hook.namespaceSelector)(labels)) return false;
  }
  if (!isNarrow(hook.objectSelector)) return true;
  const matches = compileLabelSelector(hook.objectSelector);
  return [object, oldObject].some((candidate) => candidate !== undefined && matches(candidate.metadata.labels));
}

function isNarrow(selector: LabelSelectorObject | undefined): boolean {
  return selector !== undefined && (Object.keys(selector.matchLabels ?? {}).length > 0 || (selector.matchExpressions ?? []).length > 0);
}

/** Whether all conditions hold. One that cannot be evaluated refuses the write, unless another does not hold or failures are ignored. */
export function conditionsHold(hook: Webhook, attributes: AdmissionAttributes, request: Readonly<Record<string, unknown>>, authorizer: ConditionAuthorizer): boolean {
  const problems: string[] = [];
  for (const { expression } of hook.matchConditions ?? []) {
    try {
      if (!evaluateCondition(expression, { object: attributes.object ?? null, oldObject: attributes.oldObject ?? null, request, authorizer })) return false;
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (problems.length === 0) return true;
  if (hook.failurePolicy === 'Ignore') return false;
  throw forbidden(attributes.info, attributes.name, problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
}
