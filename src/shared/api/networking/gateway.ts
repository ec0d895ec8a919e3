// Gateway (networking.istio.io): the ports, hosts and certificates of a proxy at the edge of the mesh.
import { z } from 'zod';
import { istioObject } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

const tlsVersion = z.enum(['TLS_AUTO', 'TLSV1_0', 'TLSV1_1', 'TLSV1_2', 'TLSV1_3']);

/** TLS on a server's port. */
export const ServerTlsSettings = z.object({
  httpsRedirect: z.boolean().optional(),
  mode: z.enum(['PASSTHROUGH', 'SIMPLE', 'MUTUAL', 'AUTO_PASSTHROUGH', 'ISTIO_MUTUAL', 'OPTIONAL_MUTUAL']).optional(),
  serverCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  caCrl: z.string().optional(),
  credentialName: z.string().optional(),
  credentialNames: z.array(z.string()).optional(),
  caCertCredentialName: z.string().optional(),
  tlsCertificates: z.array(z.object({ serverCertificate: z.string().optional(), privateKey: z.string().optional(), caCertificates: z.string().optional() })).optional(),
  subjectAltNames: z.array(z.string()).optional(),
  verifyCertificateSpki: z.array(z.string()).optional(),
  verifyCertificateHash: z.array(z.string()).optional(),
  minProtocolVersion: tlsVersion.optional(),
  maxProtocolVersion: tlsVersion.optional(),
  cipherSuites: z.array(z.string()).optional(),
  insecureSkipVerify: z.boolean().optional(),
});
export type ServerTlsSettings = z.infer<typeof ServerTlsSettings>;

/** One port of a gateway with the hosts it serves. */
export const Server = z.object({
  port: z.object({ number: z.number().int(), protocol: z.string(), name: z.string(), targetPort: z.number().int().optional() }),
  bind: z.string().optional(),
  hosts: z.array(z.string()),
  tls: ServerTlsSettings.optional(),
  defaultEndpoint: z.string().optional(),
  name: z.string().optional(),
});
export type Server = z.infer<typeof Server>;

/** A Gateway object. */
export const Gateway = istioObject('Gateway', z.object({
  servers: z.array(Server).optional(),
  selector: z.record(z.string(), z.string()).optional(),
}));
export type Gateway = z.infer<typeof Gateway>;

/** The kind's names. */
export const GatewayType = {
  group: 'networking.istio.io', version: 'v1', kind: 'Gateway', plural: 'gateways', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: ['gw'],
} as const satisfies ResourceType<Gateway> & { servedVersions: readonly string[]; shortNames: readonly string[] };
