// Outbound listeners of a sidecar: under capture, `virtualOutbound` and one a service port; the explicit HTTP proxy where asked for.
import { TrafficDirection } from '../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Listener } from '../../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { FilterChain } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { BLACK_HOLE_CLUSTER, HTTP_PROXY_ROUTE, HTTP_PROXY_TUNNEL, listenerName, outboundClusterName, PASSTHROUGH_CLUSTER, VIRTUAL_OUTBOUND } from '../../../shared/xds/index.ts';
import { isDetected, isHttp } from '../../model/protocol.ts';
import type { ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import type { ProxyView } from '../proxy-view.ts';
import { cidrRange } from '../security/rbac-values.ts';
import { loopbackOf, wildcardAddress, wildcardOf } from '../address-families.ts';
import { podAddresses } from '../headless.ts';
import { socketAddress } from '../xds-values.ts';
import { HTTP_INSPECTOR, httpChain, ORIGINAL_DESTINATION, tcpChain, TLS_INSPECTOR } from './chains.ts';
import { detectionTimeout, outboundInspection } from './detection.ts';
import { tcpTarget, tlsTargets } from './l4-routes.ts';

interface ServicePort {
  readonly service: ServiceRecord;
  readonly port: ServicePortRecord;
}

/** The outbound listeners of a sidecar. */
export function outboundListeners(view: ProxyView): Listener[] {
  return [...(view.captured ? [virtualOutbound(view), ...capturedListeners(view)] : []), ...explicitProxyListeners(view)];
}

/** Takes every captured connection and hands it to the listener of its destination; what none claims goes on or ends. */
function virtualOutbound(view: ProxyView): Listener {
  const port = view.snapshot.meshConfig.proxyListenPort;
  const fallback = view.allowAny ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;
  return {
    name: VIRTUAL_OUTBOUND,
    ...wildcardAddress(view.families, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    useOriginalDst: true,
    listenerFilters: [ORIGINAL_DESTINATION],
    ...(view.proxy.metadata.interceptionMode === 'TPROXY' ? { transparent: true } : {}),
    filterChains: [
      { name: 'virtualOutbound-blackhole', filterChainMatch: { destinationPort: port }, filters: tcpChain(view, { direction: 'outbound', statPrefix: BLACK_HOLE_CLUSTER, rbac: [], target: BLACK_HOLE_CLUSTER }) },
      { name: 'virtualOutbound-catchall-tcp', filters: tcpChain(view, { direction: 'outbound', statPrefix: fallback, rbac: [], target: fallback }) },
    ],
  };
}

/** One listener for all HTTP services of a port, one for each address of other services, in order of name. */
function capturedListeners(view: ProxyView): Listener[] {
  const listeners = new Map<string, Listener>();
  const reserved = new Set([view.snapshot.meshConfig.proxyListenPort, view.snapshot.meshConfig.proxyInboundListenPort]);
  for (const service of view.services) {
    for (const port of service.ports) {
      if (port.protocol === 'unsupported' || reserved.has(port.number)) continue;
      for (const listener of serviceListeners(view, { service, port })) if (!listeners.has(listener.name ?? '')) listeners.set(listener.name ?? '', listener);
    }
  }
  return [...listeners.values()].sort((left, right) => ((left.name ?? '') < (right.name ?? '') ? -1 : 1));
}

function serviceListeners(view: ProxyView, entry: ServicePort): Listener[] {
  const { service, port } = entry;
  if (isHttp(port.protocol)) return [sharedHttpListener(view, port.number)];
  const addresses = service.addresses.filter((address) => !address.includes('/'));
  // A service without an address of its own shares the wildcard listener of its port, but for headless ones: theirs are those of their pods.
  const wildcard = wildcardOf(view.families);
  const binds = service.headless ? podAddresses(view, service) : addresses.length > 0 ? addresses : [wildcard];
  return binds.map((bind) => ({
    name: listenerName(bind, port.number),
    ...(bind === wildcard ? wildcardAddress(view.families, port.number) : { address: socketAddress(bind, port.number) }),
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
    ...outboundInspection(view, port.protocol),
    filterChains: serviceChains(view, entry, bind),
  }));
}

/** The listener `0.0.0.0_<port>`: HTTP by route configuration `<port>`; what is not HTTP goes on as the policy says. */
function sharedHttpListener(view: ProxyView, port: number): Listener {
  const fallback = view.allowAny ? PASSTHROUGH_CLUSTER : BLACK_HOLE_CLUSTER;
  const bind = wildcardOf(view.families);
  return {
    name: listenerName(bind, port),
    ...wildcardAddress(view.families, port),
    trafficDirection: TrafficDirection.OUTBOUND,
    bindToPort: false,
    listenerFilters: [TLS_INSPECTOR, HTTP_INSPECTOR],
    ...detectionTimeout(view),
    filterChains: [{ filterChainMatch: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1', 'h2c'] }, filters: [httpChain(view, { direction: 'outbound', statPrefix: `outbound_${listenerName(bind, port)}`, rbac: [], source: { routeName: String(port) } })] }],
    defaultFilterChain: { name: 'PassthroughFilterChain', filters: tcpChain(view, { direction: 'outbound', statPrefix: fallback, rbac: [], target: fallback }) },
  };
}

function serviceChains(view: ProxyView, { service, port }: ServicePort, bind: string): FilterChain[] {
  const blocks = service.addresses.filter((address) => address.includes('/'));
  // On every chain: one with a range alone would be chosen before those that look at the protocol.
  const range = blocks.length > 0 ? { prefixRanges: blocks.map(cidrRange) } : {};
  const chains: FilterChain[] = tlsTargets(view, service, port).map(({ serverNames, target }) => (
    { filterChainMatch: { ...range, serverNames, transportProtocol: 'tls' }, filters: tcpChain(view, { direction: 'outbound', statPrefix: outboundClusterName(service.host, port.number), rbac: [], target }) }));
  const filters = tcpChain(view, { direction: 'outbound', statPrefix: outboundClusterName(service.host, port.number), rbac: [], target: tcpTarget(view, service, port) });
  if (isDetected(port.protocol)) {
    chains.unshift({
      filterChainMatch: { ...range, transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1', 'h2c'] },
      filters: [httpChain(view, { direction: 'outbound', statPrefix: `outbound_${listenerName(bind, port.number)}`, rbac: [], source: { routeName: `${service.host}:${port.number}` } })],
    });
    // Once a chain asks for raw_buffer, what is not encrypted is looked for among such chains only: without one of its own, what is not HTTP would find none.
    chains.push({ filterChainMatch: { ...range, transportProtocol: 'raw_buffer' }, filters });
  }
  chains.push({ ...(blocks.length > 0 ? { filterChainMatch: range } : {}), filters });
  return chains;
}

/**
 * The explicit HTTP proxy on loopback, and the listener behind its CONNECT tunnels. Clients send absolute-form requests, or
 * CONNECT and then the request inside; both meet the same routes.
 */
function explicitProxyListeners(view: ProxyView): Listener[] {
  const port = view.proxy.metadata.httpProxyPort ?? view.snapshot.meshConfig.proxyHttpPort;
  if (port <= 0) return [];
  const shared = { direction: 'outbound' as const, rbac: [], dynamicDns: view.allowAny };
  const loopback = loopbackOf(view.families);
  return [
    {
      name: listenerName(loopback, port),
      address: socketAddress(loopback, port),
      trafficDirection: TrafficDirection.OUTBOUND,
      filterChains: [{ filters: [httpChain(view, { ...shared, statPrefix: `outbound_${listenerName(loopback, port)}`, source: { routeName: HTTP_PROXY_ROUTE }, connect: true })] }],
    },
    {
      name: HTTP_PROXY_TUNNEL,
      listenerSpecifier: { $case: 'internalListener', internalListener: {} },
      trafficDirection: TrafficDirection.OUTBOUND,
      filterChains: [{ filters: [httpChain(view, { ...shared, statPrefix: `outbound_${HTTP_PROXY_TUNNEL}`, source: { routeName: HTTP_PROXY_TUNNEL } })] }],
    },
  ];
}
