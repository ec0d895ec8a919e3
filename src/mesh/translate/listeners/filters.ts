// The filters of a chain in their fixed order: HTTP ones inside a connection manager, network ones around a TCP proxy.
// Filters that stock Envoy lacks are given only to our own proxy.
import { Cors } from '../../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { FilterConfig as ForwardProxyConfig } from '../../../shared/xds/generated/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.ts';
import { HTTPFault } from '../../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { ExtAuthz } from '../../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import { FilterConfig as GrpcStats } from '../../../shared/xds/generated/envoy/extensions/filters/http/grpc_stats/v3/config.ts';
import { JwtAuthentication } from '../../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { RBAC as HttpRbac } from '../../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { Router } from '../../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import type { HttpFilter } from '../../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { ExtAuthz as NetworkExtAuthz } from '../../../shared/xds/generated/envoy/extensions/filters/network/ext_authz/v3/ext_authz.ts';
import { RBAC as NetworkRbac } from '../../../shared/xds/generated/envoy/extensions/filters/network/rbac/v3/rbac.ts';
import type { Filter } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { FilterConfig as AlpnConfig, FilterConfig_Protocol } from '../../../shared/xds/generated/istio/alpn.ts';
import { MetadataExchange } from '../../../shared/xds/generated/istio/metadata_exchange.ts';
import { Config as PeerMetadata } from '../../../shared/xds/generated/istio/peer_metadata.ts';
import { PluginConfig } from '../../../shared/xds/generated/istio/stats.ts';
import { packAny, type MessageCodec } from '../../../shared/xds/index.ts';
import { DNS_CACHE } from '../clusters/special-clusters.ts';
import { CORS_FILTER, FAULT_FILTER } from '../routes/route-filters.ts';
import type { CustomAuthorization } from '../security/custom-authorization.ts';
import { CUSTOM_STAT_PREFIX } from '../security/extension-providers.ts';
import { JWT_FILTER } from '../security/jwt.ts';
import type { RbacRules } from '../security/rbac.ts';

/** Where a chain stands. */
export type Direction = 'inbound' | 'outbound' | 'gateway';

/** What decides the filters of a chain. */
export interface FilterOptions {
  readonly direction: Direction;
  readonly ownProxy: boolean;
  readonly rbac: readonly RbacRules[];
  readonly custom?: readonly CustomAuthorization[] | undefined;
  /** How tokens are checked; none is when absent. */
  readonly jwt?: JwtAuthentication | undefined;
  /** Hosts that only DNS knows may be asked for (explicit HTTP proxy): Envoy resolves them in a filter, our own proxy in the cluster. */
  readonly dynamicDns?: boolean;
}

function httpFilter<T>(name: string, type: string, codec: MessageCodec<T>, message: T): HttpFilter {
  return { name, configType: { $case: 'typedConfig', typedConfig: packAny(type, codec, message) } };
}

/** The HTTP filters of a chain. */
export function httpFilters(options: FilterOptions): HttpFilter[] {
  const { direction, ownProxy } = options;
  return [
    ...(ownProxy ? [peerMetadata(direction)] : []),
    ...(options.custom ?? []).flatMap(customFilters),
    ...(options.jwt ? [httpFilter(JWT_FILTER, 'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', JwtAuthentication, options.jwt)] : []),
    ...options.rbac.map((rules) => httpFilter('envoy.filters.http.rbac', 'envoy.extensions.filters.http.rbac.v3.RBAC', HttpRbac, rbacConfig(rules))),
    httpFilter('istio.grpc_stats', 'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig', GrpcStats, { emitFilterState: true, perMethodStatSpecifier: { $case: 'statsForAllMethods', statsForAllMethods: false } }),
    ...(ownProxy && direction !== 'inbound' ? [ALPN_OVERRIDE] : []),
    httpFilter(FAULT_FILTER, 'envoy.extensions.filters.http.fault.v3.HTTPFault', HTTPFault, {}),
    httpFilter(CORS_FILTER, 'envoy.extensions.filters.http.cors.v3.Cors', Cors, {}),
    ...(ownProxy ? [httpFilter('istio.stats', 'stats.PluginConfig', PluginConfig, { disableHostHeaderFallback: direction !== 'outbound' })] : []),
    ...(options.dynamicDns && !ownProxy ? [httpFilter('envoy.filters.http.dynamic_forward_proxy', 'envoy.extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig', ForwardProxyConfig, { implementationSpecifier: { $case: 'dnsCacheConfig', dnsCacheConfig: DNS_CACHE } })] : []),
    httpFilter('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', Router, {}),
  ];
}

/** Workload metadata by headers: a server learns from requests and tells in responses, a client the other way round. Gateways do not believe strangers. */
function peerMetadata(direction: Direction): HttpFilter {
  const headers = [{ methodSpecifier: { $case: 'istioHeaders' as const, istioHeaders: { skipExternalClusters: true } } }];
  const config = direction === 'inbound' ? { downstreamDiscovery: headers, downstreamPropagation: headers } : { upstreamDiscovery: headers, upstreamPropagation: headers };
  return httpFilter('istio.metadata_exchange', 'io.istio.http.peer_metadata.Config', PeerMetadata, config);
}

const ALPN_OVERRIDE = httpFilter('istio.alpn', 'istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig', AlpnConfig, {
  alpnOverride: [
    { upstreamProtocol: FilterConfig_Protocol.HTTP10, alpnOverride: ['istio-http/1.0', 'istio', 'http/1.0'] },
    { upstreamProtocol: FilterConfig_Protocol.HTTP11, alpnOverride: ['istio-http/1.1', 'istio', 'http/1.1'] },
    { upstreamProtocol: FilterConfig_Protocol.HTTP2, alpnOverride: ['istio-h2', 'istio', 'h2'] },
  ],
});

function customFilters(step: CustomAuthorization): HttpFilter[] {
  const rbac = httpFilter('envoy.filters.http.rbac', 'envoy.extensions.filters.http.rbac.v3.RBAC', HttpRbac, customRbac(step));
  return step.kind === 'ask' ? [rbac, httpFilter('envoy.filters.http.ext_authz', 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', ExtAuthz, step.provider.http)] : [rbac];
}

function customRbac({ kind, rules }: CustomAuthorization): HttpRbac {
  return kind === 'deny' ? { rules } : { shadowRules: rules, shadowRulesStatPrefix: kind === 'ask' ? CUSTOM_STAT_PREFIX : 'istio_dry_run_' };
}

function rbacConfig({ shadow, rules }: RbacRules): HttpRbac {
  return shadow ? { shadowRules: rules, shadowRulesStatPrefix: 'istio_dry_run_' } : { rules };
}

/** The network filters in front of a TCP proxy. */
export function networkFilters(options: FilterOptions, statPrefix: string): Filter[] {
  const filter = <T>(name: string, type: string, codec: MessageCodec<T>, message: T): Filter => ({ name, configType: { $case: 'typedConfig', typedConfig: packAny(type, codec, message) } });
  return [
    ...(options.ownProxy ? [filter('istio.metadata_exchange', 'envoy.tcp.metadataexchange.config.MetadataExchange', MetadataExchange, { protocol: 'istio-peer-exchange' })] : []),
    ...(options.custom ?? []).flatMap((step) => [
      filter('envoy.filters.network.rbac', 'envoy.extensions.filters.network.rbac.v3.RBAC', NetworkRbac, { ...customRbac(step), statPrefix: 'tcp.' }),
      ...(step.kind === 'ask' && step.provider.tcp ? [filter('envoy.filters.network.ext_authz', 'envoy.extensions.filters.network.ext_authz.v3.ExtAuthz', NetworkExtAuthz, step.provider.tcp)] : []),
    ]),
    ...options.rbac.map((rules) => filter('envoy.filters.network.rbac', 'envoy.extensions.filters.network.rbac.v3.RBAC', NetworkRbac, rules.shadow ? { shadowRules: rules.rules, shadowRulesStatPrefix: 'istio_dry_run_', statPrefix } : { rules: rules.rules, statPrefix })),
    ...(options.ownProxy ? [filter('istio.stats', 'stats.PluginConfig', PluginConfig, {})] : []),
  ];
}
