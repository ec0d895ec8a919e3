// AuthorizationPolicies with the action CUSTOM, in Istio's form: an RBAC filter whose shadow rules leave the name of the policy that matched in metadata, then a filter that asks the provider
// when that name is the provider's. A workload has one provider; with more of them, or one that is not there, the requests that it would be asked about are denied.
import { RBAC_Action, type Policy, type RBAC } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import { policiesFor } from '../../model/policy-selection.ts';
import type { AuthorizationPolicyRecord } from '../../model/snapshot.ts';
import type { ProxyView } from '../proxy-view.ts';
import { askingFilters, providerPrefix, type AskingFilters } from './extension-providers.ts';
import { isDryRun, policyRules } from './rbac.ts';

/** One step before all other policies: ask a provider about what matches, deny it, or only count it. */
export type CustomAuthorization =
  | { readonly kind: 'ask'; readonly rules: RBAC; readonly provider: AskingFilters }
  | { readonly kind: 'deny' | 'count'; readonly rules: RBAC };

const BAD_PROVIDER_SUFFIX = '-deny-due-to-bad-CUSTOM-action';

interface RuleOptions { readonly trustDomains: readonly string[]; readonly tcp: boolean }

/** The steps of the proxy's workload. */
export function customAuthorizations({ snapshot, proxy }: ProxyView, options: RuleOptions): CustomAuthorization[] {
  const policies = policiesFor(snapshot.authorizationPolicies, snapshot.rootNamespace, proxy).filter((policy) => policy.spec.action === 'CUSTOM');
  const tried = policies.filter(isDryRun);
  const byProvider = new Map<string, AuthorizationPolicyRecord[]>();
  for (const policy of policies.filter((one) => !isDryRun(one))) {
    const provider = policy.spec.provider?.name ?? '';
    byProvider.set(provider, [...(byProvider.get(provider) ?? []), policy]);
  }
  const steps = [...byProvider].sort(([left], [right]) => (left < right ? -1 : 1)).flatMap(([name, own]) => providerSteps(name, own, byProvider.size > 1 ? { problem: 'a workload has one provider' } : askingFilters(snapshot, name), options));
  const counted = rulesOf(tried, (policy) => providerPrefix(policy.spec.provider?.name ?? ''), '', options);
  return counted ? [...steps, { kind: 'count', rules: counted }] : steps;
}

function providerSteps(name: string, policies: readonly AuthorizationPolicyRecord[], provider: ReturnType<typeof askingFilters>, options: RuleOptions): CustomAuthorization[] {
  const bad = 'problem' in provider;
  // A provider that speaks HTTP alone can not be asked about connections, as in Istio.
  if (!bad && options.tcp && !provider.tcp) return [];
  const rules = rulesOf(policies, () => providerPrefix(name), bad ? BAD_PROVIDER_SUFFIX : '', options);
  if (!rules) return [];
  return [bad ? { kind: 'deny', rules } : { kind: 'ask', rules, provider }];
}

function rulesOf(policies: readonly AuthorizationPolicyRecord[], prefixOf: (policy: AuthorizationPolicyRecord) => string, suffix: string, options: RuleOptions): RBAC | undefined {
  const made = policies.flatMap((policy): [string, Policy][] => policyRules(policy, 'CUSTOM', options).map(([name, rule]) => [`${prefixOf(policy)}${name}${suffix}`, rule]));
  return made.length === 0 ? undefined : { action: RBAC_Action.DENY, policies: Object.fromEntries(made) };
}
