// DestinationRule (networking.istio.io): what happens to traffic after routing, for one host and its subsets.
import { z } from 'zod';
import { duration, istioObject } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

const uint32 = z.number().int();

/** Locality preferences of a load balancer. */
export const LocalityLoadBalancerSetting = z.object({
  distribute: z.array(z.object({ from: z.string().optional(), to: z.record(z.string(), uint32).optional() })).optional(),
  failover: z.array(z.object({ from: z.string().optional(), to: z.string().optional() })).optional(),
  failoverPriority: z.array(z.string()).optional(),
  enabled: z.boolean().optional(),
});
export type LocalityLoadBalancerSetting = z.infer<typeof LocalityLoadBalancerSetting>;

/** Hash-based choice of an endpoint. */
export const ConsistentHashLb = z.object({
  httpHeaderName: z.string().optional(),
  httpCookie: z.object({
    name: z.string(),
    path: z.string().optional(),
    ttl: duration.optional(),
    attributes: z.array(z.object({ name: z.string(), value: z.string().optional() })).optional(),
  }).optional(),
  useSourceIp: z.boolean().optional(),
  httpQueryParameterName: z.string().optional(),
  ringHash: z.object({ minimumRingSize: uint32.optional() }).optional(),
  maglev: z.object({ tableSize: uint32.optional() }).optional(),
  minimumRingSize: uint32.optional(),
});
export type ConsistentHashLb = z.infer<typeof ConsistentHashLb>;

/** How an endpoint is chosen. */
export const LoadBalancerSettings = z.object({
  simple: z.enum(['UNSPECIFIED', 'LEAST_CONN', 'RANDOM', 'PASSTHROUGH', 'ROUND_ROBIN', 'LEAST_REQUEST']).optional(),
  consistentHash: ConsistentHashLb.optional(),
  localityLbSetting: LocalityLoadBalancerSetting.optional(),
  warmupDurationSecs: duration.optional(),
  warmup: z.object({ duration: duration.optional(), minimumPercent: z.number().optional(), aggression: z.number().optional() }).optional(),
});
export type LoadBalancerSettings = z.infer<typeof LoadBalancerSettings>;

/** TCP keep-alive. */
export const TcpKeepalive = z.object({ probes: uint32.optional(), time: duration.optional(), interval: duration.optional() });
export type TcpKeepalive = z.infer<typeof TcpKeepalive>;

/** Limits on connections and requests to a host. */
export const ConnectionPoolSettings = z.object({
  tcp: z.object({
    maxConnections: uint32.optional(),
    connectTimeout: duration.optional(),
    tcpKeepalive: TcpKeepalive.optional(),
    maxConnectionDuration: duration.optional(),
    idleTimeout: duration.optional(),
  }).optional(),
  http: z.object({
    http1MaxPendingRequests: uint32.optional(),
    http2MaxRequests: uint32.optional(),
    maxRequestsPerConnection: uint32.optional(),
    maxRetries: uint32.optional(),
    idleTimeout: duration.optional(),
    h2UpgradePolicy: z.enum(['DEFAULT', 'DO_NOT_UPGRADE', 'UPGRADE']).optional(),
    useClientProtocol: z.boolean().optional(),
    maxConcurrentStreams: uint32.optional(),
    http2KeepAlive: z.object({ interval: duration.optional(), timeout: duration.optional() }).optional(),
  }).optional(),
});
export type ConnectionPoolSettings = z.infer<typeof ConnectionPoolSettings>;

/** When an endpoint is taken out for failing. */
export const OutlierDetection = z.object({
  consecutiveErrors: uint32.optional(),
  splitExternalLocalOriginErrors: z.boolean().optional(),
  consecutiveLocalOriginFailures: uint32.optional(),
  consecutiveGatewayErrors: uint32.optional(),
  consecutive5xxErrors: uint32.optional(),
  interval: duration.optional(),
  baseEjectionTime: duration.optional(),
  maxEjectionPercent: uint32.optional(),
  minHealthPercent: uint32.optional(),
});
export type OutlierDetection = z.infer<typeof OutlierDetection>;

/** TLS towards a host. */
export const ClientTlsSettings = z.object({
  mode: z.enum(['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']).optional(),
  clientCertificate: z.string().optional(),
  privateKey: z.string().optional(),
  caCertificates: z.string().optional(),
  credentialName: z.string().optional(),
  subjectAltNames: z.array(z.string()).optional(),
  sni: z.string().optional(),
  insecureSkipVerify: z.boolean().optional(),
  caCrl: z.string().optional(),
});
export type ClientTlsSettings = z.infer<typeof ClientTlsSettings>;

const policyFields = {
  loadBalancer: LoadBalancerSettings.optional(),
  connectionPool: ConnectionPoolSettings.optional(),
  outlierDetection: OutlierDetection.optional(),
  tls: ClientTlsSettings.optional(),
};

/** Policies for one host, or one subset of it. */
export const TrafficPolicy = z.object({
  ...policyFields,
  portLevelSettings: z.array(z.object({ port: z.object({ number: uint32 }).optional(), ...policyFields })).optional(),
  tunnel: z.object({ protocol: z.string().optional(), targetHost: z.string(), targetPort: uint32 }).optional(),
  proxyProtocol: z.object({ version: z.enum(['V1', 'V2']).optional() }).optional(),
  retryBudget: z.object({ percent: z.number().optional(), minRetryConcurrency: uint32.optional(), budgetInterval: duration.optional() }).optional(),
});
export type TrafficPolicy = z.infer<typeof TrafficPolicy>;

/** A named part of a host's endpoints, chosen by labels. */
export const Subset = z.object({ name: z.string(), labels: z.record(z.string(), z.string()).optional(), trafficPolicy: TrafficPolicy.optional() });
export type Subset = z.infer<typeof Subset>;

/** A DestinationRule object. */
export const DestinationRule = istioObject('DestinationRule', z.object({
  host: z.string(),
  trafficPolicy: TrafficPolicy.optional(),
  subsets: z.array(Subset).optional(),
  exportTo: z.array(z.string()).optional(),
  workloadSelector: z.object({ matchLabels: z.record(z.string(), z.string()).optional() }).optional(),
}));
export type DestinationRule = z.infer<typeof DestinationRule>;

/** The kind's names. */
export const DestinationRuleType = {
  group: 'networking.istio.io', version: 'v1', kind: 'DestinationRule', plural: 'destinationrules', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: ['dr'],
} as const satisfies ResourceType<DestinationRule> & { servedVersions: readonly string[]; shortNames: readonly string[] };
