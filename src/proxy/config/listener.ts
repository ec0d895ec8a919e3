// Listeners (envoy.config.listener.v3.Listener) as plain data. Called by the xDS client for each LDS resource.
import type { Issue, Result } from '../../shared/lib/index.ts';
import { TrafficDirection } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { AdditionalAddress, Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import {
  FilterChainMatch_ConnectionSourceType as SourceType, type FilterChain, type FilterChainMatch, type ListenerFilter,
} from '../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { OriginalSrc } from '../../shared/xds/generated/envoy/extensions/filters/listener/original_src/v3/original_src.ts';
import { digestOf } from './digest.ts';
import { Findings } from './findings.ts';
import { networkFilters } from './network-filters.ts';
import { portPredicate } from './port-predicate.ts';
import type { AddressConfig, FilterChainConfig, FilterChainMatchConfig, ListenerConfig } from './runtime-config.ts';
import { downstreamTls } from './tls.ts';
import { typedConfig } from './typed-struct.ts';
import { address, cidr, milliseconds } from './values.ts';

const LISTENER_FILTERS: Readonly<Record<string, ListenerConfig['listenerFilters'][number]>> = {
  'envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector': 'tls_inspector',
  'envoy.extensions.filters.listener.http_inspector.v3.HttpInspector': 'http_inspector',
  'envoy.extensions.filters.listener.original_dst.v3.OriginalDst': 'original_dst',
  'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol': 'proxy_protocol',
};

/** It acts on upstream connections, so it is no step of inspection. */
const ORIGINAL_SOURCE = 'envoy.extensions.filters.listener.original_src.v3.OriginalSrc';

/** Filters without a configuration are known by their name. */
const FILTERS_BY_NAME = Object.values(LISTENER_FILTERS);

/** An LDS resource. */
export function compileListener(message: Listener, warnings?: Issue[]): Result<ListenerConfig, Issue[]> {
  const name = message.name ?? '';
  const findings = new Findings('Listener', name);
  if (name === '') findings.refuse('name', 'A listener name is needed.');
  findings.refuseFields(message, '', ['filterChainMatcher', 'udpListenerConfig', 'apiListener']);
  findings.ignoreFields(message, '', [
    'statPrefix', 'drainType', 'freebind', 'socketOptions', 'tcpFastOpenQueueLength', 'connectionBalanceConfig', 'accessLog', 'tcpBacklogSize', 'maxConnectionsToAcceptPerSocketEvent',
    'enableMptcp', 'ignoreGlobalConnLimit', 'bypassOverloadManager',
  ]);
  const direction = message.trafficDirection === TrafficDirection.INBOUND ? 'inbound' : message.trafficDirection === TrafficDirection.OUTBOUND ? 'outbound' : 'unspecified';
  const chains = (message.filterChains ?? []).map((chain, index) => filterChain(chain, `filter_chains[${index}]`, findings, direction));
  if (chains.length === 0 && !message.defaultFilterChain) findings.refuse('filter_chains', 'A listener needs a filter chain.');
  checkMatches(chains, findings);
  const config: Omit<ListenerConfig, 'digest'> = {
    name,
    address: message.listenerSpecifier?.$case === 'internalListener' ? { kind: 'internal', listener: name } : address(message.address, 'address', findings),
    additionalAddresses: (message.additionalAddresses ?? []).map((additional, index) => additionalAddress(additional, `additional_addresses[${index}]`, findings)),
    direction,
    bindToPort: message.bindToPort ?? message.deprecatedV1?.bindToPort ?? true,
    useOriginalDestination: message.useOriginalDst ?? false,
    transparent: message.transparent ?? false,
    ...inspection(message.listenerFilters ?? [], findings),
    listenerFiltersTimeoutMilliseconds: milliseconds(message.listenerFiltersTimeout, 15_000),
    continueOnListenerFiltersTimeout: message.continueOnListenerFiltersTimeout ?? false,
    filterChains: chains,
    defaultFilterChain: message.defaultFilterChain ? filterChain(message.defaultFilterChain, 'default_filter_chain', findings, direction) : null,
    perConnectionBufferLimitBytes: message.perConnectionBufferLimitBytes ?? 1_048_576,
  };
  return findings.result({ ...config, digest: digestOf(config) }, warnings);
}

function additionalAddress(message: AdditionalAddress, path: string, findings: Findings): AddressConfig {
  findings.ignoreFields(message, path, ['socketOptions']);
  return address(message.address, `${path}.address`, findings);
}

/** What the listener filters are, each taken apart. */
function inspection(filters: readonly ListenerFilter[], findings: Findings): Pick<ListenerConfig, 'keptSourceMark' | 'listenerFilters' | 'disabledInspectors'> {
  return {
    keptSourceMark: keptSourceMark(filters), disabledInspectors: disabledInspectors(filters),
    listenerFilters: filters.flatMap((filter, index) => listenerFilter(filter, `listener_filters[${index}]`, findings)),
  };
}

/** The mark that original_src puts on upstream connections; null without that filter. */
function keptSourceMark(filters: readonly ListenerFilter[]): number | null {
  for (const filter of filters) {
    const { type, bytes } = typedConfig(filter.configType?.$case === 'typedConfig' ? filter.configType.typedConfig : undefined);
    if (type === ORIGINAL_SOURCE) return OriginalSrc.decode(bytes).mark ?? 0;
    if (type === '' && filter.name === 'envoy.filters.listener.original_src') return 0;
  }
  return null;
}

/** Two chains with the same match could never be told apart. */
function checkMatches(chains: readonly FilterChainConfig[], findings: Findings): void {
  const seen = new Map<string, number>();
  for (const [index, chain] of chains.entries()) {
    const digest = digestOf(chain.match);
    const other = seen.get(digest);
    if (other !== undefined) findings.refuse(`filter_chains[${index}].filter_chain_match`, `Filter chain ${other} has the same match. Make them differ.`);
    seen.set(digest, index);
  }
}

/** Where the inspectors do not look: there a connection must not wait for first bytes, which may never come. */
function disabledInspectors(filters: readonly ListenerFilter[]): ListenerConfig['disabledInspectors'] {
  return Object.fromEntries(filters.flatMap((filter) => {
    const kind = filterKind(filter);
    return filter.filterDisabled && (kind === 'tls_inspector' || kind === 'http_inspector') ? [[kind, portPredicate(filter.filterDisabled)]] : [];
  }));
}

function filterKind(message: ListenerFilter): ListenerConfig['listenerFilters'][number] | undefined {
  const { type } = typedConfig(message.configType?.$case === 'typedConfig' ? message.configType.typedConfig : undefined);
  return LISTENER_FILTERS[type] ?? (type === '' ? FILTERS_BY_NAME.find((known) => message.name === `envoy.filters.listener.${known}`) : undefined);
}

/** A listener filter. A condition on others than inspectors is listed, not refused. */
function listenerFilter(message: ListenerFilter, path: string, findings: Findings): ListenerConfig['listenerFilters'] {
  const { type } = typedConfig(message.configType?.$case === 'typedConfig' ? message.configType.typedConfig : undefined);
  const kind = filterKind(message);
  if (kind !== 'tls_inspector' && kind !== 'http_inspector') findings.ignoreFields(message, path, ['filterDisabled']);
  if (type === ORIGINAL_SOURCE || (type === '' && message.name === 'envoy.filters.listener.original_src')) return [];
  if (kind) return [kind];
  findings.refuse(path, `Listener filter ${JSON.stringify(message.name ?? '')} of type ${JSON.stringify(type)} is not supported by this proxy.`);
  return [];
}

function filterChain(message: FilterChain, path: string, findings: Findings, direction: ListenerConfig['direction']): FilterChainConfig {
  findings.refuseFields(message, path, ['useProxyProto']);
  findings.ignoreFields(message, path, ['onDemandConfiguration']);
  return {
    name: message.name ?? '',
    match: chainMatch(message.filterChainMatch ?? {}, `${path}.filter_chain_match`, findings),
    tls: downstreamTls(message.transportSocket, `${path}.transport_socket`, findings),
    transportSocketConnectTimeoutMilliseconds: milliseconds(message.transportSocketConnectTimeout, 0),
    filters: networkFilters(message.filters, `${path}.filters`, findings, direction),
  };
}

function chainMatch(message: FilterChainMatch, path: string, findings: Findings): FilterChainMatchConfig {
  findings.refuseFields(message, path, ['addressSuffix', 'suffixLen']);
  const transport = message.transportProtocol ?? '';
  if (!['', 'tls', 'raw_buffer'].includes(transport)) findings.refuse(`${path}.transport_protocol`, 'The transport protocol must be tls or raw_buffer.');
  const ranges = (list: FilterChainMatch['prefixRanges'], field: string): readonly string[] => (list ?? []).map((range, index) => cidr(range, `${path}.${field}[${index}]`, findings));
  for (const [index, name] of (message.serverNames ?? []).entries()) {
    if (name === '*' || (name.includes('*') && !/^\*\.[^*]+$/.test(name))) findings.refuse(`${path}.server_names[${index}]`, `Server name ${JSON.stringify(name)} is not a name or of the form *.name.`);
  }
  return {
    destinationPort: message.destinationPort ?? null,
    destinationRanges: ranges(message.prefixRanges, 'prefix_ranges'),
    serverNames: (message.serverNames ?? []).map((name) => name.toLowerCase()),
    transportProtocol: transport === 'tls' || transport === 'raw_buffer' ? transport : '',
    applicationProtocols: message.applicationProtocols ?? [],
    directSourceRanges: ranges(message.directSourcePrefixRanges, 'direct_source_prefix_ranges'),
    sourceType: message.sourceType === SourceType.SAME_IP_OR_LOOPBACK ? 'same_ip_or_loopback' : message.sourceType === SourceType.EXTERNAL ? 'external' : 'any',
    sourceRanges: ranges(message.sourcePrefixRanges, 'source_prefix_ranges'),
    sourcePorts: message.sourcePorts ?? [],
  };
}
