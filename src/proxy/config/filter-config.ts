// Configuration of network filters as plain data; HTTP filters' stands beside it.
import type { NetworkExtAuthzConfig } from './ext-authz-config.ts';
import type { HttpFilterConfig, IstioStatsConfig, RbacRulesConfig } from './http-filter-config.ts';
import type { Http2TuningConfig } from './http2-tuning-config.ts';
import type { RouteConfig } from './route-config.ts';

export type { HttpFilterConfig, HttpFilterOverride, FaultConfig, CorsFilterConfig, CorsPolicyConfig, LocalRateLimitConfig, RbacRulesConfig, PermissionConfig, PrincipalConfig, IstioStatsConfig } from './http-filter-config.ts';

/** A network filter of a chain, by kind. */
export type NetworkFilterConfig = HttpConnectionManagerConfig | TcpProxyConfig | NetworkRbacConfig | NetworkExtAuthzConfig | MetadataExchangeConfig | IstioStatsConfig;

/** The HTTP connection manager. */
export interface HttpConnectionManagerConfig {
  readonly kind: 'http_connection_manager';
  readonly statPrefix: string;
  readonly codec: 'auto' | 'http1' | 'http2';
  /** Name into RuntimeConfig.routes, or the configuration itself. */
  readonly routes: { readonly kind: 'rds'; readonly name: string } | { readonly kind: 'inline'; readonly config: RouteConfig };
  /** In order; the last is `router`. */
  readonly httpFilters: readonly HttpFilterConfig[];
  readonly accessLogs: readonly AccessLogConfig[];
  readonly tracing: TracingConfig | null;
  readonly serverName: string;
  readonly useRemoteAddress: boolean;
  readonly trustedForwardedHops: number;
  readonly forwardClientCertificate: 'sanitize' | 'forward_only' | 'append_forward' | 'sanitize_set' | 'always_forward_only';
  readonly clientCertificateDetails: { readonly subject: boolean; readonly dns: boolean; readonly uri: boolean; readonly chain: boolean; readonly certificate: boolean };
  readonly generateRequestId: boolean;
  readonly preserveExternalRequestId: boolean;
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'keep' | 'reject' | 'unescape_and_redirect' | 'unescape_and_forward';
  readonly streamIdleTimeoutMilliseconds: number;
  /** How long nothing of a request's body may come while no answer has begun; 0 for no limit. */
  readonly requestBodyIdleTimeoutMilliseconds: number;
  readonly requestTimeoutMilliseconds: number;
  readonly requestHeadersTimeoutMilliseconds: number;
  readonly idleTimeoutMilliseconds: number;
  readonly maximumConnectionDurationMilliseconds: number;
  readonly maximumStreamDurationMilliseconds: number;
  readonly drainTimeoutMilliseconds: number;
  readonly maximumRequestHeadersKilobytes: number;
  readonly maximumHeadersCount: number;
  readonly acceptHttp10: boolean;
  /** Upgrade types allowed for every route: `websocket`, `CONNECT`. */
  readonly upgrades: readonly { readonly type: string; readonly enabled: boolean }[];
  readonly http2: { readonly maximumConcurrentStreams: number; readonly allowConnect: boolean; readonly tuning?: Http2TuningConfig };
  readonly stripPort: 'none' | 'matching' | 'any';
  readonly appendForwardedFor: boolean;
}

/** TCP forwarding. */
export interface TcpProxyConfig {
  readonly kind: 'tcp_proxy';
  readonly statPrefix: string;
  /** With what `envoy.lb` metadata of an endpoint must be, for clusters with subsets. */
  readonly clusters: readonly { readonly name: string; readonly weight: number; readonly metadataMatch?: Readonly<Record<string, string>> }[];
  readonly totalWeight: number;
  readonly idleTimeoutMilliseconds: number;
  readonly maximumConnectAttempts: number;
  readonly accessLogs: readonly AccessLogConfig[];
  readonly hashSourceIp: boolean;
}

/** Role-based access control on connections. */
export interface NetworkRbacConfig {
  readonly kind: 'rbac';
  readonly statPrefix: string;
  readonly rules: RbacRulesConfig | null;
  readonly shadowRules: RbacRulesConfig | null;
  /** Stands before the names under which the outcome of shadow rules is left in metadata. */
  readonly shadowStatPrefix?: string;
}

/** Istio's exchange of workload metadata on TCP connections of the ALPN protocol `istio-peer-exchange`. */
export interface MetadataExchangeConfig {
  readonly kind: 'metadata_exchange';
  readonly alpnProtocol: string;
}

/** Where finished streams are written. */
export interface AccessLogConfig {
  /** `/dev/stdout`, `/dev/stderr` or a file. */
  readonly path: string;
  /** Text with %OPERATORS%, or an object of them. */
  readonly format: { readonly kind: 'text'; readonly text: string } | { readonly kind: 'json'; readonly fields: Readonly<Record<string, unknown>> };
}

/** Tracing of a connection manager's requests. */
export interface TracingConfig {
  readonly clientSamplingPercent: number;
  readonly randomSamplingPercent: number;
  readonly overallSamplingPercent: number;
  readonly verbose: boolean;
  readonly maximumPathTagLength: number;
  readonly customTags: readonly { readonly name: string; readonly source: { readonly kind: 'literal'; readonly value: string } | { readonly kind: 'environment' | 'header'; readonly name: string; readonly defaultValue: string } }[];
  readonly provider: { readonly kind: 'zipkin'; /** Cluster that takes the spans. */ readonly cluster: string; readonly path: string; readonly hostname: string; readonly traceId128: boolean } | null;
}
