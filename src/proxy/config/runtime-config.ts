// What the proxy runs: the whole configuration as plain, frozen, structured-cloneable data, compiled from xDS by the
// rest of this folder. Listeners, routes and clusters read it; nothing on a request's path knows protobuf.
// Regular expressions are kept as RE2 source text and compiled once by whoever matches with them.
import type { HttpFilterConfig, NetworkFilterConfig } from './filter-config.ts';
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
  readonly discovery: 'static' | 'eds' | 'strict_dns' | 'logical_dns' | 'original_dst' | 'dynamic_forward_proxy';
  /** EDS service name when `discovery` is `eds`. */
  readonly endpointsName: string;
  /** Endpoints of static and DNS clusters; hosts of DNS clusters are names still to be resolved. */
  readonly staticEndpoints: EndpointsConfig | null;
  readonly dnsRefreshMilliseconds: number;
  /** Which addresses of a name are used: those of one family, those of the first family of two that it has, or all. */
  readonly dnsFamilies: 'ipv4' | 'ipv6' | 'ipv4_else_ipv6' | 'ipv6_else_ipv4' | 'all';
  readonly connectTimeoutMilliseconds: number;
  readonly loadBalancing: LoadBalancingConfig;
  readonly circuitBreakers: { readonly default: CircuitBreakerConfig; readonly high: CircuitBreakerConfig };
  readonly outlierDetection: OutlierDetectionConfig | null;
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
}

/** How an endpoint is picked. */
export interface LoadBalancingConfig {
  readonly policy: 'round_robin' | 'random' | 'least_request' | 'ring_hash' | 'maglev' | 'cluster_provided';
  readonly ringMinimumSize: number;
  readonly ringMaximumSize: number;
  readonly leastRequestChoices: number;
  readonly maglevTableSize: number;
  readonly slowStartWindowMilliseconds: number;
  /** Failover by locality: priorities come from the endpoints. */
  readonly localityWeighted: boolean;
}

/** Limits of one routing priority; Infinity cannot be cloned to JSON, so 4294967295 stands for none. */
export interface CircuitBreakerConfig {
  readonly maximumConnections: number;
  readonly maximumPendingRequests: number;
  readonly maximumRequests: number;
  readonly maximumRetries: number;
}

/** Ejection of endpoints by their answers (envoy.config.cluster.v3.OutlierDetection). */
export interface OutlierDetectionConfig {
  readonly consecutive5xx: number;
  readonly enforcingConsecutive5xxPercent: number;
  readonly consecutiveGatewayFailure: number;
  readonly enforcingConsecutiveGatewayFailurePercent: number;
  readonly splitExternalLocalOriginErrors: boolean;
  readonly consecutiveLocalOriginFailure: number;
  readonly intervalMilliseconds: number;
  readonly baseEjectionMilliseconds: number;
  readonly maximumEjectionMilliseconds: number;
  readonly maximumEjectionPercent: number;
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
}

export type { HttpFilterConfig, NetworkFilterConfig, RouteConfig, StringMatchConfig };
