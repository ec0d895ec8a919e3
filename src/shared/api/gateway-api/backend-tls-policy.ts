// BackendTLSPolicy: how a gateway speaks TLS to the Services that the policy names.
import { z } from 'zod';
import { conditionSchema, gatewayApiObject, gatewayApiType, LocalObjectReference, ParentReference } from './shared.ts';

/** What is written about one ancestor (a Gateway) of a policy. */
export const PolicyAncestorStatus = z.object({ ancestorRef: ParentReference, controllerName: z.string(), conditions: z.array(conditionSchema).optional() });
export type PolicyAncestorStatus = z.infer<typeof PolicyAncestorStatus>;

/** A BackendTLSPolicy object. */
export const BackendTLSPolicy = gatewayApiObject(
  'BackendTLSPolicy',
  z.object({
    targetRefs: z.array(LocalObjectReference.extend({ sectionName: z.string().optional() })).optional(),
    validation: z.object({
      caCertificateRefs: z.array(LocalObjectReference).optional(),
      wellKnownCACertificates: z.string().optional(),
      hostname: z.string(),
      subjectAltNames: z.array(z.object({ type: z.string(), hostname: z.string().optional(), uri: z.string().optional() })).optional(),
    }),
    options: z.record(z.string(), z.string()).optional(),
  }),
  z.object({ ancestors: z.array(PolicyAncestorStatus).optional() }),
);
export type BackendTLSPolicy = z.infer<typeof BackendTLSPolicy>;

/** The kind's names. */
export const BackendTLSPolicyType = gatewayApiType('BackendTLSPolicy', 'backendtlspolicies');
