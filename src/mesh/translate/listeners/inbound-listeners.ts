// Inbound listeners of a sidecar: `virtualInbound` under capture, or one `<pod IP>_<port>` a port where the proxy itself
// binds the pod's address (interception mode NONE with BIND_INBOUND).
import { TrafficDirection } from '../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Listener } from '../../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { FilterChain } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import { BLACK_HOLE_CLUSTER, INBOUND_PASSTHROUGH_CLUSTER, listenerName, VIRTUAL_INBOUND } from '../../../shared/xds/index.ts';
import type { MutualTlsMode } from '../../model/policy-selection.ts';
import { isDetected } from '../../model/protocol.ts';
import type { InboundPort, ProxyView } from '../proxy-view.ts';
import { wildcardAddress, wildcardOf } from '../address-families.ts';
import { socketAddress } from '../xds-values.ts';
import { HTTP_INSPECTOR, ORIGINAL_DESTINATION, ORIGINAL_SOURCE, tcpChain, TLS_INSPECTOR } from './chains.ts';
import { detectionTimeout, exceptOn } from './detection.ts';
import { inboundChains } from './inbound-chains.ts';

/** The inbound listeners of a sidecar. */
export function inboundListeners(view: ProxyView): Listener[] {
  if (view.captured) return [virtualInbound(view)];
  return view.proxy.metadata.bindInbound ? view.inboundPorts.map((port) => boundListener(view, port)) : [];
}

function modeOf(view: ProxyView, port: number): MutualTlsMode {
  return view.mutualTls.ports.get(port) ?? view.mutualTls.mode;
}

function portChains(view: ProxyView, { service, port, targetPort }: InboundPort, bind: string, matchPort: boolean): FilterChain[] {
  return inboundChains(view, {
    name: listenerName(bind, targetPort),
    statPrefix: `inbound_${listenerName(bind, targetPort)}`,
    protocol: port.protocol,
    mode: modeOf(view, targetPort),
    ...(matchPort ? { matchPort: targetPort } : {}),
    targetPort,
    servicePort: port.number,
    host: service.host,
  });
}

/** A listener on the pod's own address; the application listens on loopback at the same port. */
function boundListener(view: ProxyView, port: InboundPort): Listener {
  const address = view.proxy.ipAddresses[0] ?? '127.0.0.1';
  const detect = isDetected(port.port.protocol);
  return {
    name: listenerName(address, port.targetPort),
    address: socketAddress(address, port.targetPort),
    trafficDirection: TrafficDirection.INBOUND,
    listenerFilters: [...(modeOf(view, port.targetPort) === 'DISABLE' && !detect ? [] : [TLS_INSPECTOR]), ...(detect ? [HTTP_INSPECTOR] : [])],
    ...detectionTimeout(view),
    filterChains: portChains(view, port, address, false),
  };
}

function virtualInbound(view: ProxyView): Listener {
  const bind = wildcardOf(view.families);
  const transparent = view.proxy.metadata.interceptionMode === 'TPROXY';
  const port = view.snapshot.meshConfig.proxyInboundListenPort;
  const mode = view.mutualTls.mode;
  const catchAll = inboundChains(view, {
    name: 'virtualInbound-catchall-http', statPrefix: 'InboundPassthroughCluster', protocol: 'auto', mode, targetPort: 0, servicePort: 0, host: '', cluster: INBOUND_PASSTHROUGH_CLUSTER,
  }).map((chain): FilterChain => ({ ...chain, name: isHttpChain(chain) ? 'virtualInbound-catchall-http' : VIRTUAL_INBOUND }));
  const named = new Set(view.inboundPorts.map(({ targetPort }) => targetPort));
  const perPort = [...view.mutualTls.ports].filter(([number]) => !named.has(number)).flatMap(([number, portMode]) =>
    inboundChains(view, { name: listenerName(bind, number), statPrefix: 'InboundPassthroughCluster', protocol: 'auto', mode: portMode, matchPort: number, targetPort: number, servicePort: number, host: '', cluster: INBOUND_PASSTHROUGH_CLUSTER }));
  return {
    name: VIRTUAL_INBOUND,
    ...wildcardAddress(view.families, port),
    trafficDirection: TrafficDirection.INBOUND,
    listenerFilters: [ORIGINAL_DESTINATION, ...(transparent ? [ORIGINAL_SOURCE] : []), exceptOn(TLS_INSPECTOR, uninspected(view, 'tls')), exceptOn(HTTP_INSPECTOR, uninspected(view, 'http'))],
    ...detectionTimeout(view),
    ...(transparent ? { transparent } : {}),
    filterChains: [
      { name: 'virtualInbound-blackhole', filterChainMatch: { destinationPort: port }, filters: tcpChain(view, { direction: 'inbound', statPrefix: BLACK_HOLE_CLUSTER, rbac: [], target: BLACK_HOLE_CLUSTER }) },
      ...view.inboundPorts.flatMap((inbound) => portChains(view, inbound, bind, true)),
      ...perPort,
      ...catchAll,
    ],
  };
}

/** Ports whose chain is known without first bytes: of declared protocol, and for TLS without mutual TLS. */
function uninspected(view: ProxyView, inspector: 'tls' | 'http'): number[] {
  return view.inboundPorts.filter(({ port, targetPort }) => !isDetected(port.protocol) && (inspector === 'http' || modeOf(view, targetPort) === 'DISABLE')).map(({ targetPort }) => targetPort);
}

function isHttpChain(chain: FilterChain): boolean {
  return chain.filters?.at(-1)?.name === 'envoy.filters.network.http_connection_manager';
}

