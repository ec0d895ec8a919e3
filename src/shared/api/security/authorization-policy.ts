// AuthorizationPolicy (security.istio.io): who may do what on a workload.
import { z } from 'zod';
import { istioObject, labelSelectorMap, policyTargetReference } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

const strings = z.array(z.string()).optional();

/** Where a request comes from; all given fields must hold. */
export const Source = z.object({
  principals: strings, notPrincipals: strings,
  requestPrincipals: strings, notRequestPrincipals: strings,
  namespaces: strings, notNamespaces: strings,
  serviceAccounts: strings, notServiceAccounts: strings,
  ipBlocks: strings, notIpBlocks: strings,
  remoteIpBlocks: strings, notRemoteIpBlocks: strings,
  trustDomains: strings, notTrustDomains: strings,
});
export type Source = z.infer<typeof Source>;

/** What a request does; all given fields must hold. */
export const Operation = z.object({
  hosts: strings, notHosts: strings,
  ports: strings, notPorts: strings,
  methods: strings, notMethods: strings,
  paths: strings, notPaths: strings,
});
export type Operation = z.infer<typeof Operation>;

/** A further condition on an attribute. */
export const PolicyCondition = z.object({ key: z.string(), values: strings, notValues: strings });
export type PolicyCondition = z.infer<typeof PolicyCondition>;

/** One rule: any `from`, any `to`, every `when`. */
export const PolicyRule = z.object({
  from: z.array(z.object({ source: Source.optional() })).optional(),
  to: z.array(z.object({ operation: Operation.optional() })).optional(),
  when: z.array(PolicyCondition).optional(),
});
export type PolicyRule = z.infer<typeof PolicyRule>;

/** An AuthorizationPolicy object. */
export const AuthorizationPolicy = istioObject('AuthorizationPolicy', z.object({
  selector: labelSelectorMap.optional(),
  targetRef: policyTargetReference.optional(),
  targetRefs: z.array(policyTargetReference).optional(),
  rules: z.array(PolicyRule).optional(),
  action: z.enum(['ALLOW', 'DENY', 'AUDIT', 'CUSTOM']).optional(),
  provider: z.object({ name: z.string().optional() }).optional(),
}));
export type AuthorizationPolicy = z.infer<typeof AuthorizationPolicy>;

/** The kind's names. */
export const AuthorizationPolicyType = {
  group: 'security.istio.io', version: 'v1', kind: 'AuthorizationPolicy', plural: 'authorizationpolicies', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1'], shortNames: ['ap'],
} as const satisfies ResourceType<AuthorizationPolicy> & { servedVersions: readonly string[]; shortNames: readonly string[] };
