// Clusters (envoy.config.cluster.v3.Cluster) as plain data, with Envoy's defaults. Called by the xDS client for each CDS resource.
import type { Issue, Result } from '../../shared/lib/index.ts';
import {
  Cluster_ClusterProtocolSelection, Cluster_DiscoveryType, Cluster_DnsLookupFamily, type Cluster, type Cluster_TransportSocketMatch,
} from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { RoutingPriority } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Http2ProtocolOptions } from '../../shared/xds/generated/envoy/config/core/v3/protocol.ts';
import { ClusterConfig as AggregateConfig } from '../../shared/xds/generated/envoy/extensions/clusters/aggregate/v3/cluster.ts';
import { ClusterConfig as ForwardProxyConfig } from '../../shared/xds/generated/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.ts';
import { HttpProtocolOptions } from '../../shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { digestOf } from './digest.ts';
import { endpoints } from './endpoints.ts';
import { Findings, isSet } from './findings.ts';
import { healthChecks } from './health-check.ts';
import { http2Tuning } from './http2-tuning.ts';
import { loadBalancing, originalDestination } from './load-balancing.ts';
import { circuitBreaker, outlierDetection } from './outlier-detection.ts';
import type { ClusterConfig, UpstreamProtocolConfig } from './runtime-config.ts';
import { upstreamTls } from './tls.ts';
import { typedConfig } from './typed-struct.ts';
import { milliseconds } from './values.ts';

const FORWARD_PROXY = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';
const AGGREGATE = 'envoy.extensions.clusters.aggregate.v3.ClusterConfig';
const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
/** Network filters on upstream connections that only report: leaving them out changes no traffic. */
const REPORTING_FILTERS = new Set(['envoy.tcp.metadataexchange.config.MetadataExchange', 'stats.PluginConfig']);

/** A CDS resource. */
export function compileCluster(message: Cluster, warnings?: Issue[]): Result<ClusterConfig, Issue[]> {
  const name = message.name ?? '';
  const findings = new Findings('Cluster', name);
  if (name === '') findings.refuse('name', 'A cluster name is needed.');
  checkFields(message, findings);
  const discovery = discoveryOf(message, findings);
  const named = discovery === 'strict_dns' || discovery === 'logical_dns';
  const config: Omit<ClusterConfig, 'digest'> = {
    name,
    statName: (message.altStatName || name).replaceAll(':', '_'),
    discovery,
    aggregateOf: discovery === 'aggregate' ? aggregateOf(message, findings) : [],
    endpointsName: discovery === 'eds' ? message.edsClusterConfig?.serviceName || name : '',
    staticEndpoints: discovery === 'static' || named ? endpoints(message.loadAssignment ?? {}, 'load_assignment', findings, named) : null,
    ...connectionParts(message),
    loadBalancing: loadBalancing(message, findings),
    circuitBreakers: { default: circuitBreaker(message.circuitBreakers, RoutingPriority.DEFAULT, findings), high: circuitBreaker(message.circuitBreakers, RoutingPriority.HIGH, findings) },
    ...healthParts(message, findings),
    originalDestination: originalDestination(message, findings),
    outlierDetection: message.outlierDetection ? outlierDetection(message.outlierDetection, findings) : null,
    panicThresholdPercent: message.commonLbConfig?.healthyPanicThreshold?.value ?? (message.commonLbConfig?.healthyPanicThreshold ? 0 : 50),
    protocol: protocolOf(message, findings),
    transportSocketMatches: (message.transportSocketMatches ?? []).map((match, index) => socketMatch(match, `transport_socket_matches[${index}]`, findings)),
    defaultTls: upstreamTls(message.transportSocket, 'transport_socket', findings),
    destinationService: destinationService(message),
  };
  return findings.result({ ...config, digest: digestOf(config) }, warnings);
}

function healthParts(message: Cluster, findings: Findings): Pick<ClusterConfig, 'healthChecks' | 'ignoreHealthOnHostRemoval' | 'closeConnectionsOnHealthFailure'> {
  return {
    healthChecks: healthChecks(message.healthChecks, findings),
    ignoreHealthOnHostRemoval: message.ignoreHealthOnHostRemoval ?? false,
    closeConnectionsOnHealthFailure: message.closeConnectionsOnHostHealthFailure ?? false,
  };
}

function connectionParts(message: Cluster): Pick<ClusterConfig, 'dnsRefreshMilliseconds' | 'respectDnsTtl' | 'dnsFailureRefresh' | 'dnsFamilies' | 'connectTimeoutMilliseconds' | 'perConnectionBufferLimitBytes' | 'sourceAddresses' | 'tcpKeepalive'> {
  return {
    dnsRefreshMilliseconds: milliseconds(message.dnsRefreshRate, 5000),
    respectDnsTtl: message.respectDnsTtl ?? false,
    dnsFailureRefresh: failureRefresh(message),
    dnsFamilies: dnsFamilies(message),
    connectTimeoutMilliseconds: milliseconds(message.connectTimeout, 5000),
    perConnectionBufferLimitBytes: message.perConnectionBufferLimitBytes ?? 1_048_576,
    sourceAddresses: sourceAddresses(message),
    tcpKeepalive: keepalive(message),
  };
}

/** Without a maximum the pause grows to ten times its base, as in Envoy. */
function failureRefresh({ dnsFailureRefreshRate: rate }: Cluster): ClusterConfig['dnsFailureRefresh'] {
  if (!rate) return null;
  const baseMilliseconds = milliseconds(rate.baseInterval, 0);
  return { baseMilliseconds, maximumMilliseconds: milliseconds(rate.maxInterval, baseMilliseconds * 10) };
}

/** Clusters in the order in which they are used. */
function aggregateOf({ clusterDiscoveryType: form }: Cluster, findings: Findings): readonly string[] {
  const clusters = form?.$case === 'clusterType' ? AggregateConfig.decode(typedConfig(form.clusterType.typedConfig).bytes).clusters ?? [] : [];
  if (clusters.length === 0) findings.refuse('cluster_type.typed_config.clusters', 'An aggregate cluster needs the names of clusters.');
  return clusters;
}

const DNS_FAMILIES = {
  [Cluster_DnsLookupFamily.AUTO]: 'ipv6_else_ipv4', [Cluster_DnsLookupFamily.V4_ONLY]: 'ipv4', [Cluster_DnsLookupFamily.V6_ONLY]: 'ipv6', [Cluster_DnsLookupFamily.V4_PREFERRED]: 'ipv4_else_ipv6', [Cluster_DnsLookupFamily.ALL]: 'all',
} as const satisfies Readonly<Record<number, ClusterConfig['dnsFamilies']>>;

/** The cluster's own setting, or that of the cache behind hosts that requests name. */
function dnsFamilies({ clusterDiscoveryType: form, dnsLookupFamily }: Cluster): ClusterConfig['dnsFamilies'] {
  let family = dnsLookupFamily;
  if (form?.$case === 'clusterType') {
    const { type, bytes } = typedConfig(form.clusterType.typedConfig);
    const specifier = type === FORWARD_PROXY ? ForwardProxyConfig.decode(bytes).clusterImplementationSpecifier : undefined;
    if (specifier?.$case === 'dnsCacheConfig') family = specifier.dnsCacheConfig.dnsLookupFamily;
  }
  return (DNS_FAMILIES as Readonly<Record<number, ClusterConfig['dnsFamilies']>>)[family ?? Cluster_DnsLookupFamily.AUTO] ?? 'ipv6_else_ipv4';
}

/** The address to bind, and those for other families. */
function sourceAddresses({ upstreamBindConfig: bind }: Cluster): readonly string[] {
  return [bind?.sourceAddress, ...(bind?.extraSourceAddresses ?? []).map(({ address }) => address), ...(bind?.additionalSourceAddresses ?? [])].flatMap((address) => address?.address || []);
}

function checkFields(message: Cluster, findings: Findings): void {
  findings.refuseFields(message, '', ['loadBalancingPolicy', 'upstreamConfig', 'connectionPoolPerDownstreamConnection', 'upstreamHttpProtocolOptions']);
  findings.ignoreFields(message, '', [
    'dnsResolvers', 'useTcpForDnsLookups', 'dnsResolutionConfig', 'typedDnsResolverConfig', 'waitForWarmOnInit', 'cleanupInterval',
    'lrsServer', 'lrsReportEndpointMetrics', 'trackTimeoutBudgets', 'trackClusterStats', 'preconnectPolicy',
  ]);
  for (const [index, filter] of (message.filters ?? []).entries()) {
    const { type } = typedConfig(filter.typedConfig);
    if (!REPORTING_FILTERS.has(type)) findings.refuse(`filters[${index}].typed_config`, `Upstream network filter ${JSON.stringify(type)} is not supported by this proxy.`);
  }
}

function discoveryOf(message: Cluster, findings: Findings): ClusterConfig['discovery'] {
  const form = message.clusterDiscoveryType;
  if (form?.$case === 'clusterType') {
    if (form.clusterType.name === 'envoy.clusters.dynamic_forward_proxy') return 'dynamic_forward_proxy';
    if (form.clusterType.name === 'envoy.clusters.aggregate' || typedConfig(form.clusterType.typedConfig).type === AGGREGATE) return 'aggregate';
    findings.refuse('cluster_type', `Cluster type ${JSON.stringify(form.clusterType.name ?? '')} is not supported by this proxy.`);
    return 'static';
  }
  switch (form?.type ?? Cluster_DiscoveryType.STATIC) {
    case Cluster_DiscoveryType.STATIC: return 'static';
    case Cluster_DiscoveryType.STRICT_DNS: return 'strict_dns';
    case Cluster_DiscoveryType.LOGICAL_DNS: return 'logical_dns';
    case Cluster_DiscoveryType.EDS:
      if (!message.edsClusterConfig) findings.refuse('eds_cluster_config', 'A cluster of type EDS needs eds_cluster_config.');
      return 'eds';
    case Cluster_DiscoveryType.ORIGINAL_DST: return 'original_dst';
    default:
      findings.refuse('type', 'This discovery type is not known.');
      return 'static';
  }
}

/** The protocol towards the upstream: from the typed options, else from the older fields of the cluster itself. */
function protocolOf(message: Cluster, findings: Findings): UpstreamProtocolConfig {
  const fallback: UpstreamProtocolConfig = {
    http: message.protocolSelection === Cluster_ClusterProtocolSelection.USE_DOWNSTREAM_PROTOCOL ? 'downstream' : message.http2ProtocolOptions ? 'http2' : 'http1',
    maximumRequestsPerConnection: message.maxRequestsPerConnection ?? message.commonHttpProtocolOptions?.maxRequestsPerConnection ?? 0,
    idleTimeoutMilliseconds: milliseconds(message.commonHttpProtocolOptions?.idleTimeout, 3_600_000),
    maximumConcurrentStreams: message.http2ProtocolOptions?.maxConcurrentStreams ?? 1024,
    http2: http2Tuning(message.http2ProtocolOptions, 'http2_protocol_options', findings),
  };
  let protocol = fallback;
  for (const [key, any] of Object.entries(message.typedExtensionProtocolOptions ?? {})) {
    const path = `typed_extension_protocol_options[${JSON.stringify(key)}]`;
    const { type, bytes, fields } = typedConfig(any);
    if (type === HTTP_OPTIONS && !fields) protocol = typedProtocol(HttpProtocolOptions.decode(bytes), path, fallback, findings);
    else findings.refuse(path, `Protocol options of type ${JSON.stringify(type)} are not supported by this proxy.`);
  }
  return protocol;
}

function typedProtocol(options: HttpProtocolOptions, path: string, fallback: UpstreamProtocolConfig, findings: Findings): UpstreamProtocolConfig {
  findings.refuseFields(options, path, ['httpFilters']);
  findings.ignoreFields(options, path, ['upstreamHttpProtocolOptions', 'headerValidationConfig']);
  const common = options.commonHttpProtocolOptions;
  if (common) findings.ignoreFields(common, `${path}.common_http_protocol_options`, ['maxConnectionDuration', 'maxStreamDuration', 'headersWithUnderscoresAction', 'maxHeadersCount']);
  const { http, http2 } = upstreamHttp(options, path, findings);
  return {
    http,
    maximumRequestsPerConnection: common?.maxRequestsPerConnection ?? fallback.maximumRequestsPerConnection,
    idleTimeoutMilliseconds: milliseconds(common?.idleTimeout, fallback.idleTimeoutMilliseconds),
    maximumConcurrentStreams: http2?.maxConcurrentStreams ?? fallback.maximumConcurrentStreams,
    http2: http2Tuning(http2, `${path}.http2_protocol_options`, findings),
  };
}

function upstreamHttp(options: HttpProtocolOptions, path: string, findings: Findings): { http: UpstreamProtocolConfig['http']; http2: Http2ProtocolOptions | undefined } {
  const form = options.upstreamProtocolOptions;
  if (form?.$case === 'useDownstreamProtocolConfig') return { http: 'downstream', http2: form.useDownstreamProtocolConfig.http2ProtocolOptions };
  if (form?.$case === 'autoConfig') {
    findings.refuse(`${path}.auto_config`, 'Choosing the upstream protocol by ALPN is not supported by this proxy. Use explicit_http_config or use_downstream_protocol_config.');
    return { http: 'http1', http2: undefined };
  }
  const explicit = form?.explicitHttpConfig.protocolConfig;
  if (explicit?.$case === 'http3ProtocolOptions') findings.refuse(`${path}.explicit_http_config.http3_protocol_options`, 'HTTP/3 is not supported by this proxy.');
  return explicit?.$case === 'http2ProtocolOptions' ? { http: 'http2', http2: explicit.http2ProtocolOptions } : { http: 'http1', http2: undefined };
}

function socketMatch(match: Cluster_TransportSocketMatch, path: string, findings: Findings): ClusterConfig['transportSocketMatches'][number] {
  const criteria = Object.fromEntries(Object.entries(match.match ?? {}).map(([key, value]) => [key, String(value)]));
  return { name: match.name ?? '', criteria, tls: upstreamTls(match.transportSocket, `${path}.transport_socket`, findings) };
}

function keepalive(message: Cluster): ClusterConfig['tcpKeepalive'] {
  const options = message.upstreamConnectionOptions?.tcpKeepalive;
  return options ? { timeSeconds: options.keepaliveTime ?? 7200 } : null;
}

/** Istio names the destination in metadata `istio.services[0]`. */
function destinationService(message: Cluster): ClusterConfig['destinationService'] {
  const services: unknown = message.metadata?.filterMetadata?.['istio']?.['services'];
  const first: unknown = Array.isArray(services) ? services[0] : undefined;
  if (!isSet(first) || typeof first !== 'object' || first === null) return null;
  const { host, name, namespace } = first as Readonly<Record<string, unknown>>;
  return typeof host === 'string' ? { host, name: typeof name === 'string' ? name : '', namespace: typeof namespace === 'string' ? namespace : '' } : null;
}
