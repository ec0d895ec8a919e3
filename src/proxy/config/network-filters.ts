// Network filters of a filter chain, by the type of their configuration.
import { BinaryReader } from '@bufbuild/protobuf/wire';
import type { Filter } from '../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { ExtAuthz } from '../../shared/xds/generated/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts';
import { HttpConnectionManager } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { RBAC } from '../../shared/xds/generated/envoy/extensions/filters/network/rbac/v3/rbac.ts';
import { TcpProxy } from '../../shared/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { accessLogs } from './access-log.ts';
import { connectionManager } from './connection-manager.ts';
import { networkExtAuthz } from './ext-authz.ts';
import type { NetworkFilterConfig, NetworkRbacConfig, TcpProxyConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { istioStats, metadataExchange } from './istio-filters.ts';
import { rbacRules } from './rbac.ts';
import type { ListenerConfig } from './runtime-config.ts';
import { typedConfig } from './typed-struct.ts';
import { milliseconds } from './values.ts';
import type { Metadata } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { metadataCriteria } from './subsets.ts';

const MONGO_PROXY = 'envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy';
/** Its field of delays; the message is not generated, since nothing else of it is read. */
const MONGO_DELAY = 3;

/** The filters in order; the last one is a connection manager or a TCP proxy, and only it. */
export function networkFilters(messages: readonly Filter[] | undefined, path: string, findings: Findings, direction: ListenerConfig['direction']): readonly NetworkFilterConfig[] {
  const filters = (messages ?? []).flatMap((message, index) => networkFilter(message, `${path}[${index}]`, findings, direction));
  const terminal = filters.filter((filter) => filter.kind === 'http_connection_manager' || filter.kind === 'tcp_proxy');
  // A filter that is not known has been refused already.
  if (filters.length < (messages ?? []).filter((message) => !isMongoProxy(message)).length) return filters;
  if (terminal.length !== 1 || filters.at(-1) !== terminal[0]) findings.refuse(path, 'The last network filter, and only it, must be the HTTP connection manager or the TCP proxy.');
  return filters;
}

function isMongoProxy({ configType }: Filter): boolean {
  return configType?.$case === 'typedConfig' && typedConfig(configType.typedConfig).type === MONGO_PROXY;
}

/** MongoDB's filter only listens: what it counts and logs is not kept, and a delay that it would make can not be. */
function mongoProxy(bytes: Uint8Array, path: string, findings: Findings): readonly NetworkFilterConfig[] {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag >>> 3 === MONGO_DELAY) findings.refuse(`${path}.delay`, 'This field is not supported by this proxy. Remove it.');
    reader.skip(tag & 7);
  }
  findings.ignore(path, 'Statistics and logs of MongoDB are not kept by this proxy; its connections are forwarded as TCP.');
  return [];
}

function networkFilter(message: Filter, path: string, findings: Findings, direction: ListenerConfig['direction']): readonly NetworkFilterConfig[] {
  if (message.configType?.$case === 'configDiscovery') {
    findings.refuse(`${path}.config_discovery`, 'Discovery of filter configurations (ECDS) is not supported by this proxy.');
    return [];
  }
  const config = typedConfig(message.configType?.typedConfig);
  const at = `${path}.typed_config`;
  switch (config.type) {
    case 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': return [connectionManager(HttpConnectionManager.decode(config.bytes), at, findings, direction)];
    case 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': return [tcpProxy(TcpProxy.decode(config.bytes), at, findings)];
    case 'envoy.extensions.filters.network.rbac.v3.RBAC': return [networkRbac(RBAC.decode(config.bytes), at, findings)];
    case 'envoy.extensions.filters.network.ext_authz.v3.ExtAuthz': return [networkExtAuthz(ExtAuthz.decode(config.bytes), at, findings)];
    case 'envoy.tcp.metadataexchange.config.MetadataExchange': return [metadataExchange(config)];
    case 'stats.PluginConfig': return [istioStats(config, at, findings, direction)];
    case MONGO_PROXY: return mongoProxy(config.bytes, at, findings);
    default:
      findings.refuse(path, `Network filter ${JSON.stringify(message.name ?? '')} of type ${JSON.stringify(config.type)} is not supported by this proxy.`);
      return [];
  }
}

function networkRbac(message: RBAC, path: string, findings: Findings): NetworkRbacConfig {
  findings.refuseFields(message, path, ['matcher', 'shadowMatcher']);
  findings.ignoreFields(message, path, ['enforcementType']);
  return {
    kind: 'rbac',
    statPrefix: message.statPrefix ?? '',
    rules: message.rules ? rbacRules(message.rules, `${path}.rules`, findings) : null,
    shadowRules: message.shadowRules ? rbacRules(message.shadowRules, `${path}.shadow_rules`, findings) : null,
    ...(message.shadowRulesStatPrefix ? { shadowStatPrefix: message.shadowRulesStatPrefix } : {}),
  };
}

function tcpProxy(message: TcpProxy, path: string, findings: Findings): TcpProxyConfig {
  findings.refuseFields(message, path, ['onDemand', 'tunnelingConfig', 'maxDownstreamConnectionDuration']);
  findings.ignoreFields(message, path, ['downstreamIdleTimeout', 'upstreamIdleTimeout', 'accessLogFlushInterval', 'flushAccessLogOnConnected', 'accessLogOptions']);
  const clusters = tcpClusters(message, path, findings);
  const hash = message.hashPolicy?.[0]?.policySpecifier;
  if (hash?.$case === 'filterState') findings.refuse(`${path}.hash_policy[0].filter_state`, 'Only source_ip is supported by this proxy.');
  return {
    kind: 'tcp_proxy',
    statPrefix: message.statPrefix ?? '',
    clusters,
    totalWeight: clusters.reduce((total, cluster) => total + cluster.weight, 0),
    idleTimeoutMilliseconds: milliseconds(message.idleTimeout, 3_600_000),
    maximumConnectAttempts: message.maxConnectAttempts ?? 1,
    accessLogs: accessLogs(message.accessLog, `${path}.access_log`, findings),
    hashSourceIp: hash?.$case === 'sourceIp',
  };
}

function tcpClusters(message: TcpProxy, path: string, findings: Findings): TcpProxyConfig['clusters'] {
  const form = message.clusterSpecifier;
  const own = metadataCriteria(message.metadataMatch) ?? {};
  const criteria = (metadata: Metadata | undefined): Pick<TcpProxyConfig['clusters'][number], 'metadataMatch'> => {
    const metadataMatch = { ...own, ...metadataCriteria(metadata) };
    return Object.keys(metadataMatch).length > 0 ? { metadataMatch } : {};
  };
  if (form?.$case === 'cluster' && form.cluster !== '') return [{ name: form.cluster, weight: 1, ...criteria(undefined) }];
  const weighted = form?.$case === 'weightedClusters' ? form.weightedClusters.clusters ?? [] : [];
  if (weighted.length === 0) findings.refuse(path, 'A TCP proxy needs a cluster or weighted_clusters.');
  return weighted.map((cluster, index) => {
    const at = `${path}.weighted_clusters.clusters[${index}]`;
    if ((cluster.weight ?? 0) < 1) findings.refuse(`${at}.weight`, 'A weight of at least 1 is needed.');
    return { name: cluster.name ?? '', weight: cluster.weight ?? 0, ...criteria(cluster.metadataMatch) };
  });
}
