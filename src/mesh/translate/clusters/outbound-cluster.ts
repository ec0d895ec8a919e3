// One outbound cluster: `outbound|<port>|<subset>|<host>`. The key object holds every input; nothing else is read.
import type { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import { MetadataExchange } from '../../../shared/xds/generated/istio/metadata_exchange.ts';
import { Cluster_DiscoveryType, type Cluster, type Cluster_TransportSocketMatch } from '../../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { HttpProtocolOptions } from '../../../shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import type { HttpProtocolOptions as CommonOptions } from '../../../shared/xds/generated/envoy/config/core/v3/protocol.ts';
import type { Any } from '../../../shared/xds/generated/google/protobuf/any.ts';
import { outboundClusterName, packAny, sniClusterName } from '../../../shared/xds/index.ts';
import { isDetected, isHttp, isHttp2 } from '../../model/protocol.ts';
import type { BackendTlsRecord } from '../../model/gateway-api-configuration.ts';
import type { EndpointSet, ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import type { DestinationRuleRecord } from '../../model/snapshot.ts';
import { dnsFamilyOf, type AddressFamilies } from '../address-families.ts';
import { localityGroups } from '../endpoints.ts';
import { balanceLocalities, localityBalancing, type LocalityClient } from '../locality-balancing.ts';
import { backendTlsSocket, meshClientSocket, originatedSocket, RAW_BUFFER } from '../security/tls-contexts.ts';
import { ADS_SOURCE, durationOf } from '../xds-values.ts';
import { circuitBreakers, commonLbFields, connectionFields, effectivePolicy, loadBalancerFields, PASSTHROUGH_BALANCER, outlierFields, type EffectivePolicy } from './traffic-policy.ts';

/** Everything that an outbound cluster is made of. */
export interface OutboundClusterKey {
  readonly service: ServiceRecord;
  readonly port: ServicePortRecord;
  /** Empty for the whole service. */
  readonly subset: string;
  readonly rule: DestinationRuleRecord | undefined;
  /** SPIFFE identities of the endpoints, for the check of the server's name; part of the key by value. */
  readonly identities: readonly string[];
  /** Endpoints of services that DNS resolves; undefined for those that come by endpoint discovery. */
  readonly dnsEndpoints: EndpointSet | undefined;
  readonly meshConfig: MeshConfig;
  /** Whether connections keep the address that the client dialled (capture); else endpoints are used for headless services too. */
  readonly captured: boolean;
  readonly ownProxy: boolean;
  readonly families: AddressFamilies;
  /** Every endpoint of a headless service takes mutual TLS, so that connections to dialled addresses use it. */
  readonly dialledMutualTls: boolean;
  /** For whom endpoints are ordered by nearness, in clusters that hold their endpoints. */
  readonly client: LocalityClient;
  /** TLS that a policy of the Gateway API asks of gateways, and the Secret that the gateway shows itself with. */
  readonly backendTls?: { readonly record: BackendTlsRecord; readonly certificate: string | undefined } | undefined;
}

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

/** The cluster that `key` describes. */
export function outboundCluster(key: OutboundClusterKey): Cluster {
  const { service, port, subset, rule, meshConfig } = key;
  const name = outboundClusterName(service.host, port.number, subset);
  const policy = effectivePolicy(rule, subset, port.number, meshConfig);
  const http2 = isHttp2(port.protocol) || upgradesToHttp2(policy, key);
  return {
    name,
    ...discovery(name, key, policy),
    ...connectionFields(policy.connectionPool, meshConfig),
    circuitBreakers: circuitBreakers(policy.connectionPool, policy.retryBudget),
    ...outlierFields(policy.outlierDetection),
    ...commonLbFields(policy, localityBalancing(policy, service, meshConfig)),
    ...httpOptions(key, policy, http2),
    ...transport(key, policy, http2),
    ...(key.ownProxy && !service.external ? { filters: [METADATA_EXCHANGE] } : {}),
    metadata: { filterMetadata: { istio: istioMetadata(key) } },
  };
}

const METADATA_EXCHANGE = {
  name: 'istio.metadata_exchange',
  typedConfig: packAny('envoy.tcp.metadataexchange.config.MetadataExchange', MetadataExchange, { protocol: 'istio-peer-exchange', enableDiscovery: false, additionalLabels: [] }),
};

function istioMetadata({ service, port, subset, rule }: OutboundClusterKey): Record<string, unknown> {
  return {
    services: [{ host: service.host, name: service.name, namespace: service.namespace }],
    default_original_port: port.number,
    ...(subset ? { subset } : {}),
    ...(rule ? { config: `/apis/networking.istio.io/v1/namespaces/${rule.namespace}/destination-rule/${rule.name}` } : {}),
    ...(service.external ? { external: true } : {}),
  };
}

function discovery(name: string, key: OutboundClusterKey, policy: EffectivePolicy): Partial<Cluster> {
  const { service } = key;
  if (isOriginalDestination(service, policy, key.captured)) {
    return { clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.ORIGINAL_DST }, ...PASSTHROUGH_BALANCER };
  }
  if (service.resolution === 'endpoints' || service.resolution === 'none') {
    return { clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.EDS }, edsClusterConfig: { edsConfig: ADS_SOURCE, serviceName: name }, ...loadBalancerFields(policy.loadBalancer) };
  }
  const type = service.resolution === 'dns' ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.LOGICAL_DNS;
  return {
    clusterDiscoveryType: { $case: 'type', type },
    dnsLookupFamily: dnsFamilyOf(key.families),
    dnsRefreshRate: durationOf(key.meshConfig.dnsRefreshRate),
    respectDnsTtl: true,
    loadAssignment: { clusterName: name, endpoints: balanceLocalities(localityGroups(key.dnsEndpoints?.endpoints ?? [], { port: key.port.number, labels: subsetLabels(key.rule, key.subset) }), localityBalancing(policy, service, key.meshConfig), key.client) },
    ...loadBalancerFields(policy.loadBalancer),
  };
}

/** Whether connections go where the client dialled. Without capture nobody knows, so headless services use their endpoints. */
export function isOriginalDestination(service: ServiceRecord, policy: EffectivePolicy, captured: boolean): boolean {
  if (!captured) return false;
  return service.resolution === 'none' || service.headless || policy.loadBalancer?.simple === 'PASSTHROUGH';
}

/** Labels that the endpoints of a subset have. */
export function subsetLabels(rule: DestinationRuleRecord | undefined, subset: string): Readonly<Record<string, string>> {
  return subset === '' ? {} : rule?.spec.subsets?.find(({ name }) => name === subset)?.labels ?? {};
}

function upgradesToHttp2(policy: EffectivePolicy, key: OutboundClusterKey): boolean {
  const choice = policy.connectionPool?.http?.h2UpgradePolicy ?? 'DEFAULT';
  if (key.port.protocol !== 'http') return false;
  return choice === 'UPGRADE' || (choice === 'DEFAULT' && key.meshConfig.h2UpgradePolicy === 'UPGRADE');
}

function httpOptions(key: OutboundClusterKey, policy: EffectivePolicy, http2: boolean): Partial<Cluster> {
  const { protocol } = key.port;
  const http = policy.connectionPool?.http;
  // The client's protocol says nothing about what the backend takes once TLS is between them; HTTP/1.1 is what a cluster speaks that says nothing.
  if (key.backendTls) return http2 ? { typedExtensionProtocolOptions: explicitHttpOptions(true) } : {};
  if (!isHttp(protocol) && !isDetected(protocol)) return {};
  const idleTimeout = durationOf(http?.idleTimeout);
  const common: CommonOptions = { ...(idleTimeout ? { idleTimeout } : {}), ...(http?.maxRequestsPerConnection ? { maxRequestsPerConnection: http.maxRequestsPerConnection } : {}) };
  const options: HttpProtocolOptions = {
    ...(Object.keys(common).length > 0 ? { commonHttpProtocolOptions: common } : {}),
    upstreamProtocolOptions: upstreamProtocol(http2, isDetected(protocol) || http?.useClientProtocol === true, policy),
  };
  return { typedExtensionProtocolOptions: { [HTTP_OPTIONS]: packAny(HTTP_OPTIONS, HttpProtocolOptions, options) } };
}

function upstreamProtocol(http2: boolean, asClient: boolean, policy: EffectivePolicy): HttpProtocolOptions['upstreamProtocolOptions'] {
  const http = policy.connectionPool?.http;
  const http2ProtocolOptions = http?.maxConcurrentStreams ? { maxConcurrentStreams: http.maxConcurrentStreams } : {};
  if (http2) return { $case: 'explicitHttpConfig', explicitHttpConfig: { protocolConfig: { $case: 'http2ProtocolOptions', http2ProtocolOptions } } };
  if (asClient) return { $case: 'useDownstreamProtocolConfig', useDownstreamProtocolConfig: { httpProtocolOptions: {}, http2ProtocolOptions } };
  return { $case: 'explicitHttpConfig', explicitHttpConfig: { protocolConfig: { $case: 'httpProtocolOptions', httpProtocolOptions: {} } } };
}

function transport(key: OutboundClusterKey, policy: EffectivePolicy, http2: boolean): Partial<Cluster> {
  const { service, port, subset, meshConfig, identities } = key;
  const { tls } = policy;
  if (key.backendTls) return { transportSocket: backendTlsSocket(key.backendTls.record, { http2, certificate: key.backendTls.certificate }) };
  if (tls?.mode === 'DISABLE') return {};
  const alternatives = tls?.subjectAltNames?.length ? tls.subjectAltNames : service.subjectAltNames.length > 0 ? service.subjectAltNames : identities;
  const sni = tls?.sni ?? sniClusterName(service.host, port.number, subset);
  const mesh = meshClientSocket({ sni, identities: alternatives, ownProxy: key.ownProxy, protocol: http2 ? 'http2' : alpnProtocol(key, policy) });
  if (tls?.mode === 'ISTIO_MUTUAL') return { transportSocket: mesh };
  const originated = tls && originatedSocket(tls, { host: service.host, http2, subjectAltNames: service.subjectAltNames });
  if (originated) return { transportSocket: originated };
  if (!meshConfig.enableAutoMtls || service.external || service.resolution !== 'endpoints') return {};
  // Hosts that are only dialled have no metadata to choose by.
  if (isOriginalDestination(service, policy, key.captured)) return key.dialledMutualTls ? { transportSocket: mesh } : {};
  const matches: Cluster_TransportSocketMatch[] = [
    { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: mesh },
    { name: 'tlsMode-disabled', match: {}, transportSocket: RAW_BUFFER },
  ];
  return { transportSocketMatches: matches };
}

/** What an upstream is asked in, where that is not HTTP/2. */
function alpnProtocol({ port }: OutboundClusterKey, policy: EffectivePolicy): 'http1' | 'tcp' | 'any' {
  if (isDetected(port.protocol) || policy.connectionPool?.http?.useClientProtocol) return 'any';
  return isHttp(port.protocol) ? 'http1' : 'tcp';
}

/** The typed options of an HTTP/1.1 (or, chosen, HTTP/2) upstream, for clusters made elsewhere. */
export function explicitHttpOptions(http2: boolean): { [key: string]: Any } {
  return { [HTTP_OPTIONS]: packAny(HTTP_OPTIONS, HttpProtocolOptions, { upstreamProtocolOptions: upstreamProtocol(http2, !http2, {}) }) };
}
