// What the proxy runs: the whole configuration as plain, frozen, structured-cloneable data, compiled from xDS by the
// rest of this folder. Listeners, routes and clusters read it; nothing on a request's path knows protobuf.
// Regular expressions are kept as RE2 source text and compiled once by whoever matches with them.
import type { HttpFilterConfig, NetworkFilterConfig } from './filter-config.ts';
import type { Http2TuningConfig } from './http2-tuning-config.ts';
import type { StringMatchConfig } from './match-config.ts';
import type { RouteConfig } from './route-config.ts';

/** All configuration of one moment. A request keeps the one it started with. */
export interface RuntimeConfig {
  /** Grows by one with each change that was accepted. */
  readonly number: number;
  /** By listener name. */
  readonly listeners: Readonly<Record<string, ListenerConfig>>;
  /** By route configuration name (those that listeners name by RDS). */
  readonly routes: Readonly<Record<string, RouteConfig>>;
  /** By cluster name. */
  readonly clusters: Readonly<Record<string, ClusterConfig>>;
  /** Endpoints by EDS service name (the cluster's `endpointsName`); absent means none known yet. */
  readonly endpoints: Readonly<Record<string, EndpointsConfig>>;
}

/** An IP address and port, or the name of an internal listener. */
export type AddressConfig =
  | { readonly kind: 'socket'; readonly address: string; readonly port: number }
  | { readonly kind: 'internal'; readonly listener: string };

/** One listener (envoy.config.listener.v3.Listener). */
export interface ListenerConfig {
  readonly name: string;
  readonly address: AddressConfig;
  /** Where it listens besides, for example `::` beside `0.0.0.0`. */
  readonly additionalAddresses: readonly AddressConfig[];
  readonly direction: 'inbound' | 'outbound' | 'unspecified';
  readonly bindToPort: boolean;
  /** Hand the connection to the listener bound to its original destination. */
  readonly useOriginalDestination: boolean;
  /** Takes connections to any address (TPROXY). */
  readonly transparent: boolean;
  /** Upstream connections keep the client's address as their source and carry this mark; null for our own address. */
  readonly keptSourceMark: number | null;
  /** In order; unknown ones are refused when the configuration is compiled. */
  readonly listenerFilters: readonly ('tls_inspector' | 'http_inspector' | 'original_dst' | 'proxy_protocol')[];
  /** Where an inspector does not look; absent: it looks everywhere. */
  readonly disabledInspectors: { readonly tls_inspector?: PortPredicateConfig; readonly http_inspector?: PortPredicateConfig };
  /** Time for the listener filters to decide, 0 for no limit. */
  readonly listenerFiltersTimeoutMilliseconds: number;
  readonly continueOnListenerFiltersTimeout: boolean;
  readonly filterChains: readonly FilterChainConfig[];
  readonly defaultFilterChain: FilterChainConfig | null;
  readonly perConnectionBufferLimitBytes: number;
  /** Digest of everything in it: an equal one means the listener need not be touched. */
  readonly digest: string;
}

/** A condition on the port that a connection is meant for. */
export type PortPredicateConfig =
  | { readonly kind: 'any'; readonly matches: boolean }
  | { readonly kind: 'range'; readonly start: number; readonly end: number }
  | { readonly kind: 'and' | 'or'; readonly rules: readonly PortPredicateConfig[] }
  | { readonly kind: 'not'; readonly rule: PortPredicateConfig };

/** What a connection must be for a filter chain to take it (Envoy's order, most specific first, no backtracking). */
export interface FilterChainMatchConfig {
  readonly destinationPort: number | null;
  readonly destinationRanges: readonly string[];
  readonly serverNames: readonly string[];
  readonly transportProtocol: '' | 'tls' | 'raw_buffer';
  readonly applicationProtocols: readonly string[];
  readonly directSourceRanges: readonly string[];
  readonly sourceType: 'any' | 'same_ip_or_loopback' | 'external';
  readonly sourceRanges: readonly string[];
  readonly sourcePorts: readonly number[];
}

/** One filter chain: the last network filter is `http_connection_manager` or `tcp_proxy`. */
export interface FilterChainConfig {
  readonly name: string;
  readonly match: FilterChainMatchConfig;
  readonly tls: DownstreamTlsConfig | null;
  readonly transportSocketConnectTimeoutMilliseconds: number;
  readonly filters: readonly NetworkFilterConfig[];
}

/** How a peer's certificate is checked. */
export interface ValidationConfig {
  /** Name of the SDS secret with the trusted roots (`ROOTCA`), or null when `trustedCaPem` is given or nothing is checked. */
  readonly secretName: string | null;
  readonly trustedCaPem: string | null;
  /** Certificates that no root vouches for are let in too, as long as they are well formed. */
  readonly acceptUntrusted?: true;
  /** One of these must match a subject alternative name; empty accepts any that the roots vouch for. */
  readonly subjectAltNames: readonly { readonly type: 'uri' | 'dns' | 'email' | 'ip' | 'any'; readonly match: StringMatchConfig }[];
}

/** TLS of connections that we accept. */
export interface DownstreamTlsConfig {
  /** Names of SDS secrets holding certificate and key; the first that fits the SNI serves. */
  readonly certificateSecretNames: readonly string[];
  readonly inlineCertificates: readonly { readonly certificateChainPem: string; readonly privateKeyPem: string }[];
  readonly requireClientCertificate: boolean;
  readonly validation: ValidationConfig | null;
  readonly alpnProtocols: readonly string[];
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maximumVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly cipherSuites: readonly string[];
}

/** TLS of connections that we open. */
export interface UpstreamTlsConfig {
  readonly sni: string;
  readonly certificateSecretName: string | null;
  readonly inlineCertificate: { readonly certificateChainPem: string; readonly privateKeyPem: string } | null;
  /** Null trusts whatever the peer presents (Istio SIMPLE without roots). */
  readonly validation: ValidationConfig | null;
  readonly alpnProtocols: readonly string[];
  readonly minimumVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly maximumVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** One cluster (envoy.config.cluster.v3.Cluster). */
export interface ClusterConfig {
  readonly name: string;
  /** What statistics call it. */
  readonly statName: string;
  readonly discovery: 'static' | 'eds' | 'strict_dns' | 'logical_dns' | 'original_dst' | 'dynamic_forward_proxy' | 'aggregate';
  /** Clusters whose priorities follow one another, when `discovery` is `aggregate`. */
  readonly aggregateOf: readonly string[];
  /** EDS service name when `discovery` is `eds`. */
  readonly endpointsName: string;
  /** Endpoints of static and DNS clusters; hosts of DNS clusters are names still to be resolved. */
  readonly staticEndpoints: EndpointsConfig | null;
  readonly dnsRefreshMilliseconds: number;
  /** Names are looked up again when their records expire, instead of after `dnsRefreshMilliseconds`. */
  readonly respectDnsTtl: boolean;
  /** Pause after a look-up that failed: it grows from the first to the second; null for the usual one. */
  readonly dnsFailureRefresh: { readonly baseMilliseconds: number; readonly maximumMilliseconds: number } | null;
  /** For `original_dst`: the request header that names the destination, and a port in place of the dialled one. */
  readonly originalDestination: { readonly header: string | null; readonly portOverride: number | null };
  /** Which addresses of a name are used: those of one family, those of the first family of two that it has, or all. */
  readonly dnsFamilies: 'ipv4' | 'ipv6' | 'ipv4_else_ipv6' | 'ipv6_else_ipv4' | 'all';
  readonly connectTimeoutMilliseconds: number;
  readonly loadBalancing: LoadBalancingConfig;
  readonly circuitBreakers: { readonly default: CircuitBreakerConfig; readonly high: CircuitBreakerConfig };
  readonly outlierDetection: OutlierDetectionConfig | null;
  readonly healthChecks: readonly HealthCheckConfig[];
  /** An endpoint that discovery leaves out goes at once; else it stays until its health checks fail. */
  readonly ignoreHealthOnHostRemoval: boolean;
  /** Connections to an endpoint end when its health check fails. */
  readonly closeConnectionsOnHealthFailure: boolean;
  /** Percent of healthy hosts under which health is ignored; 0 switches panic off. */
  readonly panicThresholdPercent: number;
  readonly protocol: UpstreamProtocolConfig;
  /** First entry whose criteria an endpoint's `transportSocketMatch` metadata satisfies; none: `defaultTls`. */
  readonly transportSocketMatches: readonly { readonly name: string; readonly criteria: Readonly<Record<string, string>>; readonly tls: UpstreamTlsConfig | null }[];
  readonly defaultTls: UpstreamTlsConfig | null;
  readonly perConnectionBufferLimitBytes: number;
  /** Local addresses for upstream connections, for example 127.0.0.6 and ::6: the first of the endpoint's family counts; none: any. */
  readonly sourceAddresses: readonly string[];
  readonly tcpKeepalive: { readonly timeSeconds: number } | null;
  /** Istio's description of the destination: labels of telemetry. */
  readonly destinationService: { readonly host: string; readonly name: string; readonly namespace: string } | null;
  readonly digest: string;
}

/** Protocol and connection handling towards the upstream. */
export interface UpstreamProtocolConfig {
  readonly http: 'http1' | 'http2' | 'downstream';
  /** Requests after which a connection is closed, 0 for no limit. */
  readonly maximumRequestsPerConnection: number;
  readonly idleTimeoutMilliseconds: number;
  /** Concurrent streams on one HTTP/2 connection. */
  readonly maximumConcurrentStreams: number;
  readonly http2?: Http2TuningConfig;
}

/** How an endpoint is picked. */
export interface LoadBalancingConfig {
  readonly policy: 'round_robin' | 'random' | 'least_request' | 'ring_hash' | 'maglev' | 'cluster_provided';
  readonly ringMinimumSize: number;
  readonly ringMaximumSize: number;
  readonly ringHashFunction: 'xx_hash' | 'murmur_hash_2';
  /** Consistent hashing hashes host names instead of addresses. */
  readonly hashByHostname: boolean;
  /** Consistent hashing passes over a host that has more than this percent of its share of the requests under way; 0 for no bound. */
  readonly hashBalancePercent: number;
  readonly leastRequestChoices: number;
  /** How much requests under way count against a host whose weight differs from others': weight / (requests + 1) ^ bias. */
  readonly activeRequestBias: number;
  readonly maglevTableSize: number;
  readonly slowStart: SlowStartConfig | null;
  /** Localities are drawn by their weights, before the endpoint within one. */
  readonly localityWeighted: boolean;
  /** In panic nobody is chosen, instead of anybody. */
  readonly failTrafficOnPanic: boolean;
  readonly subsets: SubsetsConfig | null;
  /** Health in which an endpoint still serves the sessions that stay with it. */
  readonly overrideStatuses: readonly EndpointConfig['health'][];
}

/** Endpoints that became usable a short while ago get less. */
export interface SlowStartConfig {
  readonly windowMilliseconds: number;
  readonly aggression: number;
  readonly minimumPercent: number;
}

/** Choice among the endpoints whose `envoy.lb` metadata match the route's (envoy.config.cluster.v3.Cluster.LbSubsetConfig). */
export interface SubsetsConfig {
  readonly fallback: 'none' | 'any' | 'default_subset';
  readonly defaultSubset: Readonly<Record<string, string>>;
  readonly selectors: readonly SubsetSelectorConfig[];
  /** Localities are drawn by weight within a subset too. */
  readonly localityWeightAware: boolean;
  /** A locality's weight shrinks with the share of its endpoints that are in the subset. */
  readonly scaleLocalityWeight: boolean;
  /** Any endpoint is taken when otherwise there would be none. */
  readonly panicModeAny: boolean;
  /** A list among an endpoint's metadata matches by any of its values. */
  readonly listAsAny: boolean;
}

/** Keys by which subsets are made, and what happens when a route's values name none. */
export interface SubsetSelectorConfig {
  readonly keys: readonly string[];
  readonly fallback: 'cluster' | 'none' | 'any' | 'default_subset' | 'keys_subset';
  readonly fallbackKeys: readonly string[];
  readonly singleHost: boolean;
}

/** An active health check (envoy.config.core.v3.HealthCheck). */
export interface HealthCheckConfig {
  readonly timeoutMilliseconds: number;
  readonly intervalMilliseconds: number;
  readonly initialJitterMilliseconds: number;
  readonly intervalJitterMilliseconds: number;
  readonly intervalJitterPercent: number;
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly reuseConnection: boolean;
  /** Interval while the cluster carries no traffic: after an unhealthy and after a healthy result. */
  readonly noTrafficIntervalMilliseconds: number;
  readonly noTrafficHealthyIntervalMilliseconds: number;
  readonly unhealthyIntervalMilliseconds: number;
  readonly unhealthyEdgeIntervalMilliseconds: number;
  readonly healthyEdgeIntervalMilliseconds: number;
  readonly alwaysLogFailures: boolean;
  readonly alwaysLogSuccesses: boolean;
  /** File that changes of health are written to; empty for none. */
  readonly eventLogPath: string;
  /** A port in place of the endpoint's; 0 for that one. */
  readonly altPort: number;
  /** ALPN in place of the cluster's; empty for that. */
  readonly alpnProtocols: readonly string[];
  readonly checker: HealthCheckerConfig;
}

/** What is asked. */
export type HealthCheckerConfig =
  | {
    readonly kind: 'http'; readonly host: string; readonly path: string; readonly method: string; readonly codec: 'http1' | 'http2';
    /** Half-open ranges. */
    readonly expectedStatuses: readonly { readonly start: number; readonly end: number }[];
    readonly retriableStatuses: readonly { readonly start: number; readonly end: number }[];
    readonly headers: readonly { readonly name: string; readonly value: string; readonly append: boolean }[];
    readonly removeHeaders: readonly string[];
    /** Text that must be at the start of the body's first bytes, in order; hexadecimal. */
    readonly receive: readonly string[];
    readonly serviceName: StringMatchConfig | null;
  }
  | { readonly kind: 'grpc'; readonly serviceName: string; readonly authority: string; readonly headers: readonly { readonly name: string; readonly value: string; readonly append: boolean }[] }
  /** Hexadecimal bytes. */
  | { readonly kind: 'tcp'; readonly send: string; readonly receive: readonly string[] };

/** Limits of one routing priority; Infinity cannot be cloned to JSON, so 4294967295 stands for none. */
export interface CircuitBreakerConfig {
  readonly maximumConnections: number;
  readonly maximumPendingRequests: number;
  readonly maximumRequests: number;
  readonly maximumRetries: number;
  /** Retries limited by a share of what is under way, in place of `maximumRetries`. */
  readonly retryBudget: { readonly percent: number; readonly minimumConcurrency: number } | null;
  /** Connections to one endpoint. */
  readonly maximumConnectionsPerHost: number;
  /** Statistics tell what is left of each limit. */
  readonly trackRemaining: boolean;
}

/** Ejection of endpoints by their answers (envoy.config.cluster.v3.OutlierDetection). */
export interface OutlierDetectionConfig {
  readonly consecutive5xx: number;
  readonly enforcingConsecutive5xxPercent: number;
  readonly consecutiveGatewayFailure: number;
  readonly enforcingConsecutiveGatewayFailurePercent: number;
  readonly splitExternalLocalOriginErrors: boolean;
  readonly consecutiveLocalOriginFailure: number;
  readonly enforcingConsecutiveLocalOriginFailurePercent: number;
  readonly successRate: RateEjectionConfig & { readonly standardDeviationFactor: number };
  readonly failurePercentage: RateEjectionConfig & { readonly thresholdPercent: number };
  readonly intervalMilliseconds: number;
  readonly baseEjectionMilliseconds: number;
  readonly maximumEjectionMilliseconds: number;
  readonly maximumEjectionPercent: number;
  /** One endpoint may be ejected whatever `maximumEjectionPercent` says. */
  readonly alwaysEjectOne: boolean;
  readonly ejectionJitterMilliseconds: number;
  /** A health check that succeeds brings an endpoint back. */
  readonly successfulHealthCheckUnejects: boolean;
}

/** Ejection by shares of answers over an interval. */
export interface RateEjectionConfig {
  readonly enforcingPercent: number;
  readonly enforcingLocalOriginPercent: number;
  /** Endpoints that must have had enough requests. */
  readonly minimumHosts: number;
  readonly requestVolume: number;
}

/** Endpoints of a cluster, by locality. */
export interface EndpointsConfig {
  readonly localities: readonly LocalityEndpointsConfig[];
  readonly overprovisioningPercent: number;
  readonly digest: string;
}

/** The endpoints of one locality at one priority (0 is tried first). */
export interface LocalityEndpointsConfig {
  readonly locality: string;
  readonly priority: number;
  readonly weight: number;
  readonly endpoints: readonly EndpointConfig[];
}

/** One endpoint. */
export interface EndpointConfig {
  readonly address: AddressConfig;
  readonly hostname: string;
  readonly weight: number;
  readonly health: 'healthy' | 'unhealthy' | 'draining' | 'degraded';
  /** `envoy.transport_socket_match` metadata. */
  readonly transportSocketMatch: Readonly<Record<string, string>>;
  /** Istio's `workload;namespace;canonical-name;canonical-revision;cluster` metadata, empty when absent. */
  readonly workload: string;
  /** `envoy.lb` metadata. */
  readonly labels: Readonly<Record<string, string>>;
  /** Those of `envoy.lb` metadata that are lists. */
  readonly labelLists?: Readonly<Record<string, readonly string[]>>;
  /** Where and whether it is checked, when that is not its own address. */
  readonly healthCheck?: { readonly address: string | null; readonly port: number; readonly hostname: string; readonly disabled: boolean };
}

export type { HttpFilterConfig, NetworkFilterConfig, RouteConfig, StringMatchConfig };
