// PeerAuthentication (security.istio.io): whether a workload's proxy demands, allows or refuses mutual TLS.
import { z } from 'zod';
import { istioObject, labelSelectorMap } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

/** Mutual TLS on inbound connections; UNSET inherits. */
export const MutualTls = z.object({ mode: z.enum(['UNSET', 'DISABLE', 'PERMISSIVE', 'STRICT']).optional() });
export type MutualTls = z.infer<typeof MutualTls>;

/** A PeerAuthentication object. */
export const PeerAuthentication = istioObject('PeerAuthentication', z.object({
  selector: labelSelectorMap.optional(),
  mtls: MutualTls.optional(),
  portLevelMtls: z.record(z.string(), MutualTls).optional(),
}));
export type PeerAuthentication = z.infer<typeof PeerAuthentication>;

/** The kind's names. */
export const PeerAuthenticationType = {
  group: 'security.istio.io', version: 'v1', kind: 'PeerAuthentication', plural: 'peerauthentications', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1'], shortNames: ['pa'],
} as const satisfies ResourceType<PeerAuthentication> & { servedVersions: readonly string[]; shortNames: readonly string[] };
