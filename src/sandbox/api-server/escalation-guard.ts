// Nobody may give more rights than they hold: Kubernetes' rule for writes of roles and bindings, with its verbs
// `escalate` and `bind`.
import type { PolicyRule, RbacAuthorizer } from '../auth/index.ts';
import type { RequestContext } from './request-context.ts';
import { forbidden, notFound } from './status.ts';
import type { AdmissionRequest } from './target.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Throws 403 when `request` would let its user hand out rights that they do not hold. */
export function guardEscalation(rbac: RbacAuthorizer, context: RequestContext, request: AdmissionRequest): void {
  const { target, object, oldObject } = request;
  const { info, namespace, name } = target;
  if (!object) return;
  if (info.plural === 'roles' || info.plural === 'clusterroles') {
    if (JSON.stringify(object['rules']) === JSON.stringify(oldObject?.['rules'])) return;
    if (rbac.allows(context.user, { verb: 'escalate', group: GROUP, resource: info.plural, name, ...(namespace === undefined ? {} : { namespace }) })) return;
    demand(rbac, context, request, (object['rules'] ?? []) as PolicyRule[]);
    return;
  }
  if (JSON.stringify([object['roleRef'], object['subjects']]) === JSON.stringify([oldObject?.['roleRef'], oldObject?.['subjects']])) return;
  const ref = object['roleRef'] as { kind: string; name: string };
  const resource = ref.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  if (rbac.allows(context.user, { verb: 'bind', group: GROUP, resource, name: ref.name, ...(namespace === undefined ? {} : { namespace }) })) return;
  const rules = rbac.rulesOfRole(ref.kind, namespace, ref.name);
  if (!rules) throw notFound({ group: GROUP, plural: resource, kind: ref.kind }, ref.name);
  demand(rbac, context, request, rules);
}

function demand(rbac: RbacAuthorizer, context: RequestContext, { target }: AdmissionRequest, rules: readonly PolicyRule[]): void {
  const missing = rbac.missingRules(context.user, rules, target.namespace);
  if (missing.length === 0) return;
  const { name, groups } = context.user;
  throw forbidden(target.info, target.name, `user ${JSON.stringify(name)} (groups=[${groups.map((group) => JSON.stringify(group)).join(' ')}]) is attempting to grant RBAC permissions not currently held:\n${missing.map(showRule).join('\n')}`);
}

function showRule(rule: PolicyRule): string {
  const part = (label: string, values: readonly string[] | undefined): string[] => (values && values.length > 0 ? [`${label}:[${values.map((value) => JSON.stringify(value)).join(' ')}]`] : []);
  return `{${[...part('NonResourceURLs', rule.nonResourceURLs), ...part('APIGroups', rule.apiGroups), ...part('Resources', rule.resources), ...part('ResourceNames', rule.resourceNames), ...part('Verbs', rule.verbs)].join(', ')}}`;
}
