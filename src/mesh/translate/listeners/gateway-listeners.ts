// Listeners of a gateway proxy: one a port, `0.0.0.0_<port>`, with the chains of every server on it.
import { TrafficDirection } from '../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Listener } from '../../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { FilterChain, FilterChainMatch } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { BLACK_HOLE_CLUSTER, listenerName } from '../../../shared/xds/index.ts';
import { policiesFor } from '../../model/policy-selection.ts';
import type { ProxyView } from '../proxy-view.ts';
import { boundVirtualServices, type GatewayServer } from '../routes/gateway-routes.ts';
import { matchApplies } from '../routes/route-match.ts';
import { customAuthorizations } from '../security/custom-authorization.ts';
import { rbacFilters } from '../security/rbac.ts';
import { gatewayServerSocket } from '../security/tls-contexts.ts';
import { wildcardAddress } from '../address-families.ts';
import { socketAddress } from '../xds-values.ts';
import { httpChain, tcpChain, TLS_INSPECTOR, type ChainOptions, type TcpTarget } from './chains.ts';
import { trustDomainsOf } from './inbound-chains.ts';
import { tlsRouteTargets, weightedTarget } from './l4-routes.ts';

/** The listeners of `servers`. A port that two servers use for incompatible things keeps to the first. */
export function gatewayListeners(view: ProxyView, servers: readonly GatewayServer[]): Listener[] {
  const byName = new Map<string, GatewayServer[]>();
  for (const server of servers) {
    const name = listenerName(server.bind, server.listenPort);
    byName.set(name, [...(byName.get(name) ?? []), server]);
  }
  return [...byName].sort(([left], [right]) => (left < right ? -1 : 1)).flatMap(([name, own]) => gatewayListener(view, name, own));
}

function gatewayListener(view: ProxyView, name: string, servers: readonly GatewayServer[]): Listener[] {
  const [first] = servers;
  if (!first) return [];
  const plaintext = first.kind === 'http' || first.kind === 'tcp';
  // One plaintext HTTP chain serves all servers of the port by their routes; plaintext TCP can not be told apart at all.
  const chains = plaintext ? plaintextChains(view, first) : servers.filter(({ kind }) => kind === 'https' || kind === 'tls').flatMap((server) => tlsChains(view, server));
  if (chains.length === 0) return [];
  return [{
    name,
    // The name keeps IPv4's wildcard, which users' tools know, whatever the pod has.
    ...(first.bind === '0.0.0.0' ? wildcardAddress(view.families, first.listenPort) : { address: socketAddress(first.bind, first.listenPort) }),
    trafficDirection: TrafficDirection.OUTBOUND,
    ...(plaintext ? {} : { listenerFilters: [TLS_INSPECTOR] }),
    filterChains: withoutOverlap(chains),
  }];
}

function policies(view: ProxyView, tcp: boolean): Pick<ChainOptions, 'rbac' | 'custom'> {
  const { snapshot, proxy } = view;
  const rules = { trustDomains: trustDomainsOf(view), tcp };
  return { rbac: rbacFilters(policiesFor(snapshot.authorizationPolicies, snapshot.rootNamespace, proxy), rules), custom: customAuthorizations(view, rules) };
}

function plaintextChains(view: ProxyView, server: GatewayServer): FilterChain[] {
  const shared = { direction: 'gateway' as const, statPrefix: `outbound_${listenerName(server.bind, server.listenPort)}` };
  if (server.kind === 'http') return [{ filters: [httpChain(view, { ...shared, ...policies(view, false), source: { routeName: server.routeName } })] }];
  const target = tcpTargetOf(view, server);
  return [{ filters: tcpChain(view, { ...shared, ...policies(view, true), target: target ?? BLACK_HOLE_CLUSTER }) }];
}

/** The first TCP route that is bound to the server. */
function tcpTargetOf(view: ProxyView, server: GatewayServer): TcpTarget | undefined {
  const gateway = `${server.gateway.namespace}/${server.gateway.name}`;
  const audience = { gateways: [gateway], port: server.server.port.number, namespace: view.proxy.namespace, labels: view.proxy.labels };
  for (const { record } of boundVirtualServices(view, server)) {
    const route = record.spec.tcp?.find(({ match }) => !match?.length || match.some((condition) => matchApplies(condition, audience)));
    if (route?.route?.length) return weightedTarget(view, route.route, server.server.port.number);
  }
  return undefined;
}

function tlsChains(view: ProxyView, server: GatewayServer): FilterChain[] {
  const shared = { direction: 'gateway' as const, statPrefix: `outbound_${listenerName(server.bind, server.listenPort)}` };
  const tls = server.server.tls ?? {};
  const hosts = server.server.hosts.map((entry) => entry.slice(entry.indexOf('/') + 1).toLowerCase());
  const transportSocket = gatewayServerSocket(tls, { trustDomains: trustDomainsOf(view), http: server.kind === 'https' });
  if (server.kind === 'https' && transportSocket) {
    return [{ filterChainMatch: sniMatch(hosts), filters: [httpChain(view, { ...shared, ...policies(view, false), source: { routeName: server.routeName } })], transportSocket }];
  }
  const named = namedTargets(view, server);
  if (transportSocket && named.length === 0) {
    const target = tcpTargetOf(view, server);
    return target === undefined ? [] : [{ filterChainMatch: sniMatch(hosts), filters: tcpChain(view, { ...shared, ...policies(view, true), target }), transportSocket }];
  }
  return named.map(({ serverNames, target }) => (
    { filterChainMatch: sniMatch(serverNames), filters: tcpChain(view, { ...shared, ...policies(view, true), target }), ...(transportSocket ? { transportSocket } : {}) }));
}

/** Where connections go by server name: to the `tls` routes bound to the server. VirtualServices of users have them for passthrough only. */
function namedTargets(view: ProxyView, server: GatewayServer): ReturnType<typeof tlsRouteTargets> {
  const gateway = `${server.gateway.namespace}/${server.gateway.name}`;
  const passthrough = server.server.tls?.mode === 'PASSTHROUGH' || server.server.tls?.mode === 'AUTO_PASSTHROUGH' || server.server.tls === undefined;
  return boundVirtualServices(view, server).filter(({ record }) => passthrough || record.spec.gatewayApi !== undefined)
    .flatMap(({ record, hosts: common }) => tlsRouteTargets(view, record, server.server.port.number, [gateway], common));
}

/** A wildcard for everything is written by leaving the names out. */
function sniMatch(hosts: readonly string[]): FilterChainMatch {
  return hosts.includes('*') ? { transportProtocol: 'tls' } : { serverNames: [...hosts], transportProtocol: 'tls' };
}

/** Drops server names that an earlier chain has: Envoy refuses a listener in which two chains match the same. */
function withoutOverlap(chains: readonly FilterChain[]): FilterChain[] {
  const seen = new Set<string>();
  return chains.flatMap((chain) => {
    const names = chain.filterChainMatch?.serverNames;
    if (!names) {
      const key = JSON.stringify(chain.filterChainMatch ?? {});
      if (seen.has(key)) return [];
      seen.add(key);
      return [chain];
    }
    const left = names.filter((name) => !seen.has(name));
    for (const name of left) seen.add(name);
    return left.length > 0 ? [{ ...chain, filterChainMatch: { ...chain.filterChainMatch, serverNames: left } }] : [];
  });
}
