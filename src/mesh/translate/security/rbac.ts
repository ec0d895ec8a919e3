// AuthorizationPolicies of a workload as RBAC filters: DENY first, then ALLOW; AUDIT only logs, CUSTOM has a file of its own. Policy names are Istio's,
// `ns[<namespace>]-policy[<name>]-rule[<index>]`, which denials are reported with.
import type { PolicyRule } from '../../../shared/api/security/authorization-policy.ts';
import { RBAC_Action, type Permission, type Policy, type Principal, type RBAC } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { AuthorizationPolicyRecord } from '../../model/snapshot.ts';
import { conditionPermission, operationPermission } from './rbac-permissions.ts';
import { conditionPrincipal, sourcePrincipal, type RuleContext } from './rbac-principals.ts';
import { allPermissions, allPrincipals, ANY_PERMISSION, ANY_PRINCIPAL, notPermission } from './rbac-values.ts';

/** The rules of one RBAC filter. */
export interface RbacRules {
  readonly action: 'AUDIT' | 'DENY' | 'ALLOW';
  /** Only logged: the policy's dry-run annotation. */
  readonly shadow: boolean;
  readonly rules: RBAC;
}

const ACTIONS = { AUDIT: RBAC_Action.LOG, DENY: RBAC_Action.DENY, ALLOW: RBAC_Action.ALLOW } as const;

/** The RBAC filters that `policies` (those of one workload) make, in the order in which they run. */
export function rbacFilters(policies: readonly AuthorizationPolicyRecord[], options: { readonly trustDomains: readonly string[]; readonly tcp: boolean }): RbacRules[] {
  const filters: RbacRules[] = [];
  for (const action of ['AUDIT', 'DENY', 'ALLOW'] as const) {
    for (const shadow of [false, true]) {
      const chosen = policies.filter((policy) => (policy.spec.action ?? 'ALLOW') === action && isDryRun(policy) === shadow);
      if (chosen.length === 0) continue;
      const made = Object.fromEntries(chosen.flatMap((policy) => policyRules(policy, action, options)));
      // A DENY or AUDIT filter without rules does nothing; an ALLOW filter without rules lets nobody in, which is what it says.
      if (action === 'ALLOW' || Object.keys(made).length > 0) filters.push({ action, shadow, rules: { action: ACTIONS[action], policies: made } });
    }
  }
  return filters;
}

/** Whether the policy is only tried: nothing is refused by it. */
export function isDryRun(policy: AuthorizationPolicyRecord): boolean {
  return policy.annotations['istio.io/dry-run'] === 'true';
}

/** The rules of one policy, by their names. */
export function policyRules(record: AuthorizationPolicyRecord, action: RbacRules['action'] | 'CUSTOM', options: { readonly trustDomains: readonly string[]; readonly tcp: boolean }): [string, Policy][] {
  const context: RuleContext = { trustDomains: options.trustDomains, namespace: record.namespace, tcp: options.tcp };
  const prefix = `ns[${record.namespace}]-policy[${record.name}]`;
  const rules = record.spec.rules ?? [];
  if (rules.length === 0) return action === 'ALLOW' ? [[`${prefix}-rule[0]`, { permissions: [notPermission(ANY_PERMISSION)], principals: [{ identifier: { $case: 'notId', notId: ANY_PRINCIPAL } }] }]] : [];
  return rules.flatMap((rule, index): [string, Policy][] => {
    const policy = rulePolicy(rule, context, action !== 'ALLOW');
    return policy ? [[`${prefix}-rule[${index}]`, policy]] : [];
  });
}

/** A rule: any `from`, any `to`, every `when`. On TCP, what asks for requests is dropped from DENY (broader) and drops an ALLOW rule. */
function rulePolicy(rule: PolicyRule, context: RuleContext, deny: boolean): Policy | undefined {
  const whenPrincipals: Principal[] = [];
  const whenPermissions: Permission[] = [];
  for (const condition of rule.when ?? []) {
    const principal = conditionPrincipal(condition, context);
    const permission = principal === undefined ? conditionPermission(condition, context) : undefined;
    const unsupported = principal === 'unsupported' || permission === 'unsupported' || (principal === undefined && permission === undefined);
    if (unsupported && !deny) return undefined;
    if (principal !== undefined && principal !== 'unsupported') whenPrincipals.push(principal);
    if (permission !== undefined && permission !== 'unsupported') whenPermissions.push(permission);
  }
  const principals = fromPrincipals(rule, context, deny);
  const permissions = toPermissions(rule, context, deny);
  if (principals.length === 0 || permissions.length === 0) return undefined;
  return {
    principals: principals.map((principal) => (whenPrincipals.length > 0 ? allPrincipals([principal, ...whenPrincipals]) : principal)),
    permissions: permissions.map((permission) => (whenPermissions.length > 0 ? allPermissions([permission, ...whenPermissions]) : permission)),
  };
}

function fromPrincipals(rule: PolicyRule, context: RuleContext, deny: boolean): Principal[] {
  if (!rule.from?.length) return [ANY_PRINCIPAL];
  return rule.from.map(({ source }) => sourcePrincipal(source ?? {}, context, deny)).filter((principal) => principal !== 'unsupported');
}

function toPermissions(rule: PolicyRule, context: RuleContext, deny: boolean): Permission[] {
  if (!rule.to?.length) return [ANY_PERMISSION];
  return rule.to.map(({ operation }) => operationPermission(operation ?? {}, context, deny)).filter((permission) => permission !== 'unsupported');
}
