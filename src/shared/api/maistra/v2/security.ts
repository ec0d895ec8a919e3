// `spec.security` of a ServiceMeshControlPlane.
import { z } from 'zod';

const certificateAuthoritySchema = z.looseObject({
  type: z.enum(['Istiod', 'Custom', 'cert-manager']).optional(),
  istiod: z.looseObject({
    type: z.enum(['PrivateKey', 'SelfSigned']).optional(),
    workloadCertTTLDefault: z.string().optional(),
    workloadCertTTLMax: z.string().optional(),
    selfSigned: z.looseObject({ ttl: z.string().optional(), gracePeriod: z.string().optional(), checkPeriod: z.string().optional(), enableJitter: z.boolean().optional() }).optional(),
    privateKey: z.looseObject({ rootCADir: z.string().optional() }).optional(),
  }).optional(),
  custom: z.looseObject({ address: z.string().optional() }).optional(),
});

/** Schema of `spec.security`. */
export const securitySchema = z.looseObject({
  trust: z.looseObject({ domain: z.string().optional(), additionalDomains: z.array(z.string()).optional() }).optional(),
  certificateAuthority: certificateAuthoritySchema.optional(),
  identity: z.looseObject({
    type: z.enum(['Kubernetes', 'ThirdParty']).optional(),
    thirdParty: z.looseObject({ issuer: z.string().optional(), audience: z.string().optional() }).optional(),
  }).optional(),
  controlPlane: z.looseObject({
    mtls: z.boolean().optional(),
    certProvider: z.enum(['Istiod', 'Kubernetes', 'Custom']).optional(),
    tls: z.looseObject({
      minProtocolVersion: z.string().optional(),
      maxProtocolVersion: z.string().optional(),
      cipherSuites: z.array(z.string()).optional(),
      ecdhCurves: z.array(z.string()).optional(),
    }).optional(),
  }).optional(),
  dataPlane: z.looseObject({ mtls: z.boolean().optional(), automtls: z.boolean().optional() }).optional(),
  manageNetworkPolicy: z.boolean().optional(),
});
