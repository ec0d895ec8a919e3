// RequestAuthentication (security.istio.io): which JSON Web Tokens a workload accepts.
import { z } from 'zod';
import { duration, istioObject, labelSelectorMap, policyTargetReference } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

/** One token issuer. */
export const JwtRule = z.object({
  issuer: z.string().optional(),
  audiences: z.array(z.string()).optional(),
  jwksUri: z.string().optional(),
  jwks: z.string().optional(),
  fromHeaders: z.array(z.object({ name: z.string(), prefix: z.string().optional() })).optional(),
  fromParams: z.array(z.string()).optional(),
  fromCookies: z.array(z.string()).optional(),
  outputPayloadToHeader: z.string().optional(),
  forwardOriginalToken: z.boolean().optional(),
  outputClaimToHeaders: z.array(z.object({ header: z.string(), claim: z.string() })).optional(),
  timeout: duration.optional(),
  spaceDelimitedClaims: z.array(z.string()).optional(),
});
export type JwtRule = z.infer<typeof JwtRule>;

/** A RequestAuthentication object. */
export const RequestAuthentication = istioObject('RequestAuthentication', z.object({
  selector: labelSelectorMap.optional(),
  targetRef: policyTargetReference.optional(),
  targetRefs: z.array(policyTargetReference).optional(),
  jwtRules: z.array(JwtRule).optional(),
}));
export type RequestAuthentication = z.infer<typeof RequestAuthentication>;

/** The kind's names. */
export const RequestAuthenticationType = {
  group: 'security.istio.io', version: 'v1', kind: 'RequestAuthentication', plural: 'requestauthentications', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1'], shortNames: ['ra'],
} as const satisfies ResourceType<RequestAuthentication> & { servedVersions: readonly string[]; shortNames: readonly string[] };
