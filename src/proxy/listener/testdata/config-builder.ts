// Builds RuntimeConfig for the component tests and the benchmark: whole, valid defaults, with only what a case is about to be said.
import type { FilterChainConfig, ClusterConfig, EndpointConfig, EndpointsConfig, ListenerConfig, RuntimeConfig } from '../../config/runtime-config.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig, NetworkFilterConfig } from '../../config/filter-config.ts';
import type { HeaderMutationsConfig, RetryPolicyConfig, RouteActionConfig, RouteConfig, RouteEntryConfig, VirtualHostConfig } from '../../config/route-config.ts';

export const NO_MUTATIONS: HeaderMutationsConfig = { requestAdd: [], requestRemove: [], responseAdd: [], responseRemove: [] };

let digests = 0;

function digest(): string {
  digests += 1;
  return `digest-${digests}`;
}

export function routeAction(cluster: string | readonly (readonly [string, number])[], over: Partial<RouteActionConfig> = {}): RouteActionConfig {
  const clusters = (typeof cluster === 'string' ? [[cluster, 1] as const] : cluster).map(([name, weight]) => ({ name, weight, headerMutations: NO_MUTATIONS, hostRewriteLiteral: null, perFilter: {} }));
  return {
    kind: 'route', clusters, totalWeight: clusters.reduce((sum, { weight }) => sum + weight, 0), clusterHeader: null, timeoutMilliseconds: 0, idleTimeoutMilliseconds: null,
    maximumStreamDurationMilliseconds: null, grpcTimeoutMaximumMilliseconds: null, retryPolicy: null, hashPolicies: [], mirrors: [], rewrite: null, hostRewrite: null,
    priority: 'default', upgrades: [], clusterNotFoundStatus: 503, ...over,
  };
}

export function route(action: RouteEntryConfig['action'], over: Partial<RouteEntryConfig> & { prefix?: string } = {}): RouteEntryConfig {
  const { prefix = '/', ...rest } = over;
  return {
    name: 'route', match: { path: { kind: 'prefix', value: prefix, ignoreCase: false }, headers: [], queryParameters: [], grpcOnly: false, runtimeFractionPerMillion: null },
    action, headerMutations: NO_MUTATIONS, perFilter: {}, decoratorOperation: null, ...rest,
  };
}

export function virtualHost(routes: readonly RouteEntryConfig[], over: Partial<VirtualHostConfig> = {}): VirtualHostConfig {
  return { name: 'host', domains: ['*'], requireTls: 'none', routes, headerMutations: NO_MUTATIONS, includeRequestAttemptCount: true, perFilter: {}, retryPolicy: null, ...over };
}

export function routeConfig(virtualHosts: readonly VirtualHostConfig[], over: Partial<RouteConfig> = {}): RouteConfig {
  return { name: 'routes', virtualHosts, headerMutations: NO_MUTATIONS, mostSpecificHeaderMutationsWin: false, ignorePortInHostMatching: true, digest: digest(), ...over };
}

export function retryPolicy(over: Partial<RetryPolicyConfig> = {}): RetryPolicyConfig {
  return {
    retryOn: ['5xx'], retries: 2, perTryTimeoutMilliseconds: 0, perTryIdleTimeoutMilliseconds: 0, retriableStatusCodes: [], backoffBaseMilliseconds: 5, backoffMaximumMilliseconds: 50,
    avoidPreviousHosts: true, hostSelectionAttempts: 5, retriableHeaders: [], ...over,
  };
}

export function connectionManager(over: Partial<HttpConnectionManagerConfig> & { filters?: readonly HttpFilterConfig[] } = {}): HttpConnectionManagerConfig {
  const { filters = [], ...rest } = over;
  return {
    kind: 'http_connection_manager', statPrefix: 'test', codec: 'auto', routes: { kind: 'rds', name: 'routes' }, httpFilters: [...filters, { name: 'router', kind: 'router' }], accessLogs: [], tracing: null,
    serverName: 'istio-envoy', useRemoteAddress: false, trustedForwardedHops: 0, forwardClientCertificate: 'append_forward', clientCertificateDetails: { subject: true, dns: true, uri: true, chain: false, certificate: false },
    generateRequestId: true, preserveExternalRequestId: false, normalizePath: true, mergeSlashes: false, escapedSlashes: 'keep', streamIdleTimeoutMilliseconds: 0, requestBodyIdleTimeoutMilliseconds: 0, requestTimeoutMilliseconds: 0,
    requestHeadersTimeoutMilliseconds: 0, idleTimeoutMilliseconds: 3_600_000, maximumConnectionDurationMilliseconds: 0, maximumStreamDurationMilliseconds: 0, drainTimeoutMilliseconds: 1000, maximumRequestHeadersKilobytes: 60,
    maximumHeadersCount: 100, acceptHttp10: false, upgrades: [{ type: 'websocket', enabled: true }], http2: { maximumConcurrentStreams: 1024, allowConnect: true }, stripPort: 'none', appendForwardedFor: true, ...rest,
  };
}

export const ANY_MATCH: FilterChainConfig['match'] = {
  destinationPort: null, destinationRanges: [], serverNames: [], transportProtocol: '', applicationProtocols: [], directSourceRanges: [], sourceType: 'any', sourceRanges: [], sourcePorts: [],
};

export function filterChain(filters: readonly NetworkFilterConfig[], over: Partial<FilterChainConfig> & { when?: Partial<FilterChainConfig['match']> } = {}): FilterChainConfig {
  const { when = {}, ...rest } = over;
  return { name: 'chain', match: { ...ANY_MATCH, ...when }, tls: null, transportSocketConnectTimeoutMilliseconds: 0, filters, ...rest };
}

export function listener(name: string, address: string, chains: readonly FilterChainConfig[], over: Partial<ListenerConfig> & { port?: number } = {}): ListenerConfig {
  const { port = 0, ...rest } = over;
  return {
    name, address: { kind: 'socket', address, port }, additionalAddresses: [], transparent: false, keptSourceMark: null, direction: 'outbound', bindToPort: true, useOriginalDestination: false, listenerFilters: [], disabledInspectors: {}, listenerFiltersTimeoutMilliseconds: 0,
    continueOnListenerFiltersTimeout: true, filterChains: chains, defaultFilterChain: null, perConnectionBufferLimitBytes: 1_048_576, digest: digest(), ...rest,
  };
}

export function endpoint(address: string, port: number, over: Partial<EndpointConfig> = {}): EndpointConfig {
  return { address: { kind: 'socket', address, port }, hostname: '', weight: 1, health: 'healthy', transportSocketMatch: {}, workload: '', labels: {}, ...over };
}

export function endpoints(list: readonly EndpointConfig[], over: Partial<EndpointsConfig> = {}): EndpointsConfig {
  return { localities: [{ locality: '', priority: 0, weight: 1, endpoints: list }], overprovisioningPercent: 140, digest: digest(), ...over };
}

const NO_LIMITS = { maximumConnections: 4_294_967_295, maximumPendingRequests: 4_294_967_295, maximumRequests: 4_294_967_295, maximumRetries: 4_294_967_295, retryBudget: null, maximumConnectionsPerHost: 4_294_967_295, trackRemaining: false };

/** Outlier detection by consecutive failures alone. */
export function outliers(over: Partial<NonNullable<ClusterConfig['outlierDetection']>> = {}): NonNullable<ClusterConfig['outlierDetection']> {
  const off = { enforcingPercent: 0, enforcingLocalOriginPercent: 0, minimumHosts: 5, requestVolume: 100 };
  return {
    consecutive5xx: 5, enforcingConsecutive5xxPercent: 100, consecutiveGatewayFailure: 0, enforcingConsecutiveGatewayFailurePercent: 0, splitExternalLocalOriginErrors: false, consecutiveLocalOriginFailure: 5,
    enforcingConsecutiveLocalOriginFailurePercent: 100, successRate: { ...off, standardDeviationFactor: 1.9 }, failurePercentage: { ...off, thresholdPercent: 85 }, intervalMilliseconds: 10_000, baseEjectionMilliseconds: 30_000,
    maximumEjectionMilliseconds: 300_000, maximumEjectionPercent: 100, alwaysEjectOne: false, ejectionJitterMilliseconds: 0, successfulHealthCheckUnejects: true, ...over,
  };
}

/** The policy of clusters that say none. */
export const ROUND_ROBIN: ClusterConfig['loadBalancing'] = {
  policy: 'round_robin', ringMinimumSize: 1024, ringMaximumSize: 8_388_608, ringHashFunction: 'xx_hash', hashByHostname: false, hashBalancePercent: 0, leastRequestChoices: 2, activeRequestBias: 1,
  maglevTableSize: 65_537, slowStart: null, localityWeighted: false, failTrafficOnPanic: false, subsets: null, overrideStatuses: ['healthy', 'degraded'],
};

export function cluster(name: string, list: readonly EndpointConfig[], over: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    name, statName: name, discovery: 'static', aggregateOf: [], endpointsName: '', staticEndpoints: endpoints(list), dnsRefreshMilliseconds: 5000, respectDnsTtl: false, dnsFailureRefresh: null, originalDestination: { header: null, portOverride: null }, dnsFamilies: 'all', connectTimeoutMilliseconds: 2000,
    loadBalancing: ROUND_ROBIN, healthChecks: [], ignoreHealthOnHostRemoval: false, closeConnectionsOnHealthFailure: false,
    circuitBreakers: { default: NO_LIMITS, high: NO_LIMITS }, outlierDetection: null, panicThresholdPercent: 0,
    protocol: { http: 'http1', maximumRequestsPerConnection: 0, idleTimeoutMilliseconds: 3_600_000, maximumConcurrentStreams: 100 },
    transportSocketMatches: [], defaultTls: null, perConnectionBufferLimitBytes: 1_048_576, sourceAddresses: [], tcpKeepalive: null, destinationService: null, digest: digest(), ...over,
  };
}

export function runtimeConfig(parts: { listeners: readonly ListenerConfig[]; clusters: readonly ClusterConfig[]; routes?: readonly RouteConfig[]; endpoints?: Readonly<Record<string, EndpointsConfig>> }): RuntimeConfig {
  digests += 1;
  return {
    number: digests, listeners: Object.fromEntries(parts.listeners.map((one) => [one.name, one])), routes: Object.fromEntries((parts.routes ?? []).map((one) => [one.name, one])),
    clusters: Object.fromEntries(parts.clusters.map((one) => [one.name, one])), endpoints: parts.endpoints ?? {},
  };
}
