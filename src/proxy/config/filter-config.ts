// Configuration of network and HTTP filters as plain data. A new filter adds its interface here and its compiler in this folder.
import type { HeaderMatchConfig, RouteConfig } from './route-config.ts';
import type { StringMatchConfig } from './runtime-config.ts';

/** A network filter of a chain, by kind. */
export type NetworkFilterConfig = HttpConnectionManagerConfig | TcpProxyConfig | NetworkRbacConfig | MetadataExchangeConfig | IstioStatsConfig;

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
  readonly http2: { readonly maximumConcurrentStreams: number; readonly allowConnect: boolean };
  readonly stripPort: 'none' | 'matching' | 'any';
  readonly appendForwardedFor: boolean;
}

/** TCP forwarding. */
export interface TcpProxyConfig {
  readonly kind: 'tcp_proxy';
  readonly statPrefix: string;
  readonly clusters: readonly { readonly name: string; readonly weight: number }[];
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
}

/** Istio's exchange of workload metadata on TCP connections of the ALPN protocol `istio-peer-exchange`. */
export interface MetadataExchangeConfig {
  readonly kind: 'metadata_exchange';
  readonly alpnProtocol: string;
}

/** Istio's standard metrics; the same for HTTP streams and TCP connections. */
export interface IstioStatsConfig {
  readonly kind: 'istio_stats';
  /** Which side of the request this proxy reports. */
  readonly reporter: 'source' | 'destination';
  readonly disableHostHeaderFallback: boolean;
}

/** An HTTP filter, by kind; `name` is what per-route overrides name it by. */
export type HttpFilterConfig = { readonly name: string } & (
  | { readonly kind: 'router' }
  | FaultConfig
  | CorsFilterConfig
  | { readonly kind: 'rbac'; readonly rules: RbacRulesConfig | null; readonly shadowRules: RbacRulesConfig | null }
  | { readonly kind: 'peer_metadata'; readonly discoverDownstream: boolean; readonly discoverUpstream: boolean; readonly propagateUpstream: boolean; readonly propagateDownstream: boolean }
  | { readonly kind: 'istio_alpn'; readonly http10: readonly string[]; readonly http11: readonly string[]; readonly http2: readonly string[] }
  | IstioStatsConfig
  | { readonly kind: 'grpc_stats'; readonly emitFilterState: boolean; readonly statsForAllMethods: boolean }
  | LocalRateLimitConfig);

/** A per-route replacement of a filter's configuration; `disabled` skips the filter. */
export type HttpFilterOverride = { readonly disabled: true } | FaultConfig | CorsPolicyConfig | LocalRateLimitConfig | { readonly kind: 'rbac'; readonly rules: RbacRulesConfig | null };

/** Delays and aborts put in on purpose. */
export interface FaultConfig {
  readonly kind: 'fault';
  readonly delay: { readonly milliseconds: number; readonly perMillion: number } | null;
  readonly abort: { readonly httpStatus: number | null; readonly grpcStatus: number | null; readonly perMillion: number } | null;
  readonly headers: readonly HeaderMatchConfig[];
  readonly maximumActive: number | null;
}

/** Marks the CORS filter; policies are per route. */
export interface CorsFilterConfig {
  readonly kind: 'cors';
}

/** The CORS policy of a route or virtual host. */
export interface CorsPolicyConfig {
  readonly kind: 'cors_policy';
  readonly allowOrigins: readonly StringMatchConfig[];
  readonly allowMethods: string;
  readonly allowHeaders: string;
  readonly exposeHeaders: string;
  readonly maxAge: string;
  readonly allowCredentials: boolean;
  readonly forwardNotMatchingPreflights: boolean;
}

/** A token bucket in this process. */
export interface LocalRateLimitConfig {
  readonly kind: 'local_ratelimit';
  readonly statPrefix: string;
  readonly status: number;
  readonly bucket: { readonly maximumTokens: number; readonly tokensPerFill: number; readonly fillIntervalMilliseconds: number } | null;
  readonly enabledPerMillion: number;
  readonly enforcedPerMillion: number;
}

/** Policies of a role-based access control filter (envoy.config.rbac.v3.RBAC), in the order of their names. */
export interface RbacRulesConfig {
  readonly action: 'allow' | 'deny' | 'log';
  readonly policies: readonly { readonly name: string; readonly permissions: readonly PermissionConfig[]; readonly principals: readonly PrincipalConfig[] }[];
}

/** What is asked for. */
export type PermissionConfig =
  | { readonly kind: 'any' }
  | { readonly kind: 'and' | 'or'; readonly rules: readonly PermissionConfig[] }
  | { readonly kind: 'not'; readonly rule: PermissionConfig }
  | { readonly kind: 'header'; readonly header: HeaderMatchConfig }
  | { readonly kind: 'url_path'; readonly match: StringMatchConfig }
  | { readonly kind: 'destination_ip'; readonly range: string }
  | { readonly kind: 'destination_port'; readonly port: number }
  | { readonly kind: 'destination_port_range'; readonly start: number; readonly end: number }
  | { readonly kind: 'requested_server_name'; readonly match: StringMatchConfig }
  | { readonly kind: 'metadata'; readonly filter: string; readonly path: readonly string[]; readonly match: StringMatchConfig };

/** Who asks. */
export type PrincipalConfig =
  | { readonly kind: 'any' }
  | { readonly kind: 'and' | 'or'; readonly ids: readonly PrincipalConfig[] }
  | { readonly kind: 'not'; readonly id: PrincipalConfig }
  /** Null match: any authenticated peer. Matched against the URI SAN, with and without `spiffe://` as Istio writes it. */
  | { readonly kind: 'authenticated'; readonly match: StringMatchConfig | null }
  /** `filter_state` key io.istio.peer_principal and the like. */
  | { readonly kind: 'filter_state'; readonly key: string; readonly match: StringMatchConfig }
  | { readonly kind: 'direct_remote_ip' | 'remote_ip' | 'source_ip'; readonly range: string }
  | { readonly kind: 'header'; readonly header: HeaderMatchConfig }
  | { readonly kind: 'url_path'; readonly match: StringMatchConfig }
  | { readonly kind: 'metadata'; readonly filter: string; readonly path: readonly string[]; readonly match: StringMatchConfig };

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
