// MeshConfig and ProxyConfig: the mesh-wide settings in the ConfigMap `istio[-<revision>]`, key `mesh`. Not a CRD, but of the same form.
// The control plane parses it at ingest; templates of the operator write it.
import { z } from 'zod';
import { err, ok, type Issue, type Result } from '../../lib/index.ts';
import { duration } from '../istio-object.ts';
import { ConnectionPoolSettings, LocalityLoadBalancerSetting, OutlierDetection, TcpKeepalive } from '../networking/destination-rule.ts';
import { HttpRetry } from '../networking/virtual-service.ts';
import { ExtensionProvider } from './extension-provider.ts';

const exportTo = z.array(z.string());
const tlsVersion = z.enum(['TLS_AUTO', 'TLSV1_2', 'TLSV1_3']);

/** How requests are traced. */
export const ProxyTracing = z.object({
  zipkin: z.object({ address: z.string().optional() }).optional(),
  customTags: z.record(z.string(), z.object({
    literal: z.object({ value: z.string() }).optional(),
    environment: z.object({ name: z.string(), defaultValue: z.string().optional() }).optional(),
    header: z.object({ name: z.string(), defaultValue: z.string().optional() }).optional(),
  })).optional(),
  maxPathTagLength: z.number().int().optional(),
  sampling: z.number().optional(),
});

/** Settings of each proxy. */
export const ProxyConfig = z.object({
  configPath: z.string().default('./etc/istio/proxy'),
  serviceCluster: z.string().default('istio-proxy'),
  drainDuration: duration.default('45s'),
  terminationDrainDuration: duration.default('5s'),
  discoveryAddress: z.string().default('istiod.istio-system.svc:15012'),
  proxyAdminPort: z.number().int().default(15000),
  statusPort: z.number().int().default(15020),
  statNameLength: z.number().int().default(189),
  concurrency: z.number().int().optional(),
  interceptionMode: z.enum(['REDIRECT', 'TPROXY', 'NONE']).default('REDIRECT'),
  tracing: ProxyTracing.optional(),
  proxyMetadata: z.record(z.string(), z.string()).default({}),
  runtimeValues: z.record(z.string(), z.string()).default({}),
  gatewayTopology: z.object({ numTrustedProxies: z.number().int().optional(), forwardClientCertDetails: z.string().optional() }).optional(),
  meshId: z.string().optional(),
  holdApplicationUntilProxyStarts: z.boolean().optional(),
  image: z.object({ imageType: z.string().optional() }).optional(),
  readinessProbe: z.record(z.string(), z.unknown()).optional(),
});
export type ProxyConfig = z.infer<typeof ProxyConfig>;

/** Mesh-wide settings with Istio's defaults filled in. */
export const MeshConfig = z.object({
  proxyListenPort: z.number().int().default(15001),
  proxyInboundListenPort: z.number().int().default(15006),
  proxyHttpPort: z.number().int().default(0),
  connectTimeout: duration.default('10s'),
  protocolDetectionTimeout: duration.default('0s'),
  tcpKeepalive: TcpKeepalive.optional(),
  enableTracing: z.boolean().default(false),
  accessLogFile: z.string().default(''),
  accessLogFormat: z.string().default(''),
  accessLogEncoding: z.enum(['TEXT', 'JSON']).default('TEXT'),
  defaultConfig: ProxyConfig.prefault({}),
  outboundTrafficPolicy: z.object({ mode: z.enum(['REGISTRY_ONLY', 'ALLOW_ANY', 'ALLOW_ANY_DYNAMIC_DNS']).default('ALLOW_ANY') }).prefault({}),
  inboundTrafficPolicy: z.object({ mode: z.enum(['PASSTHROUGH', 'LOCALHOST']).default('PASSTHROUGH') }).prefault({}),
  enableAutoMtls: z.boolean().default(true),
  trustDomain: z.string().default('cluster.local'),
  trustDomainAliases: z.array(z.string()).default([]),
  rootNamespace: z.string().default('istio-system'),
  ingressService: z.string().default('istio-ingressgateway'),
  ingressSelector: z.string().default('ingressgateway'),
  ingressClass: z.string().default('istio'),
  ingressControllerMode: z.enum(['UNSPECIFIED', 'OFF', 'DEFAULT', 'STRICT']).optional(),
  defaultServiceExportTo: exportTo.default(['*']),
  defaultVirtualServiceExportTo: exportTo.default(['*']),
  defaultDestinationRuleExportTo: exportTo.default(['*']),
  localityLbSetting: LocalityLoadBalancerSetting.default({ enabled: true }),
  dnsRefreshRate: duration.default('60s'),
  h2UpgradePolicy: z.enum(['DO_NOT_UPGRADE', 'UPGRADE']).default('DO_NOT_UPGRADE'),
  enablePrometheusMerge: z.boolean().default(true),
  extensionProviders: z.array(ExtensionProvider).default([]),
  defaultProviders: z.object({ tracing: z.array(z.string()).default([]), metrics: z.array(z.string()).default([]), accessLogging: z.array(z.string()).default([]) }).prefault({}),
  pathNormalization: z.object({ normalization: z.enum(['DEFAULT', 'NONE', 'BASE', 'MERGE_SLASHES', 'DECODE_AND_MERGE_SLASHES']).default('DEFAULT') }).prefault({}),
  defaultHttpRetryPolicy: HttpRetry.optional(),
  meshMTLS: z.object({ minProtocolVersion: tlsVersion.optional(), cipherSuites: z.array(z.string()).optional() }).optional(),
  defaultTrafficPolicy: z.object({ connectionPool: ConnectionPoolSettings.optional(), outlierDetection: OutlierDetection.optional() }).optional(),
});
export type MeshConfig = z.infer<typeof MeshConfig>;

/** The mesh configuration that parsed YAML or JSON describes, defaults filled in; nothing at all gives the defaults. */
export function parseMeshConfig(data: unknown): Result<MeshConfig, Issue[]> {
  const parsed = MeshConfig.safeParse(data ?? {});
  if (parsed.success) return ok(parsed.data);
  return err(parsed.error.issues.map(({ path, message }) => ({ code: 'MESH_CONFIG_INVALID', level: 'error' as const, path: path.join('.'), message: `${message}. Correct the field in the mesh configuration.` })));
}
