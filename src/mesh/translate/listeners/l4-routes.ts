// TCP and TLS routes of VirtualServices: which clusters a connection goes to.
import type { RouteDestination } from '../../../shared/api/networking/virtual-service.ts';
import { outboundClusterName } from '../../../shared/xds/index.ts';
import { hostCovers } from '../../model/host-name.ts';
import { isTls } from '../../model/protocol.ts';
import type { ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import type { VirtualServiceRecord } from '../../model/snapshot.ts';
import type { ProxyView } from '../proxy-view.ts';
import { MISSING_BACKEND_CLUSTER } from '../routes/http-route.ts';
import { matchApplies, type RouteAudience } from '../routes/route-match.ts';
import { virtualServiceFor } from '../virtual-service-index.ts';
import type { TcpTarget } from './chains.ts';

/** The clusters of weighted destinations; a destination without a port means the service's only port, else the one asked for. */
export function weightedTarget(view: ProxyView, routes: readonly RouteDestination[], port: number): TcpTarget {
  const targets = routes.filter(({ weight }) => routes.length === 1 || (weight ?? 0) > 0).map(({ destination, weight }) => {
    const ports = view.servicesByHost.get(destination.host)?.ports;
    const number = destination.port?.number ?? (ports?.length === 1 ? ports[0]?.number : undefined) ?? port;
    return { name: destination.host === '' ? MISSING_BACKEND_CLUSTER : outboundClusterName(destination.host, number, destination.subset ?? ''), weight: weight ?? 100 };
  });
  const [only] = targets;
  return targets.length === 1 && only ? only.name : targets;
}

function audienceOf(view: ProxyView, port: number, gateways: readonly string[]): RouteAudience {
  return { gateways, port, namespace: view.proxy.namespace, labels: view.proxy.labels };
}

/** Where TCP to a service port goes. */
export function tcpTarget(view: ProxyView, service: ServiceRecord, port: ServicePortRecord): TcpTarget {
  const record = virtualServiceFor(view.meshVirtualServices, 'tcp', service.host);
  const audience = audienceOf(view, port.number, ['mesh']);
  const route = record?.spec.tcp?.find(({ match }) => !match?.length || match.some((condition) => matchApplies(condition, audience)));
  return route?.route?.length ? weightedTarget(view, route.route, port.number) : outboundClusterName(service.host, port.number);
}

/** Where TLS to a service port goes by server name: the VirtualService's `tls` routes, else the service's own name. */
export function tlsTargets(view: ProxyView, service: ServiceRecord, port: ServicePortRecord): { readonly serverNames: string[]; readonly target: TcpTarget }[] {
  if (!isTls(port.protocol)) return [];
  const record = virtualServiceFor(view.meshVirtualServices, 'tls', service.host);
  return record ? tlsRouteTargets(view, record, port.number, ['mesh']) : [{ serverNames: [service.host], target: outboundClusterName(service.host, port.number) }];
}

/** The `tls` routes of a VirtualService for an audience; `within` keeps only server names that it covers. */
export function tlsRouteTargets(view: ProxyView, record: VirtualServiceRecord, port: number, gateways: readonly string[], within?: readonly string[]): { readonly serverNames: string[]; readonly target: TcpTarget }[] {
  const audience = audienceOf(view, port, gateways);
  return (record.spec.tls ?? []).flatMap(({ match, route }) => match.filter((condition) => matchApplies(condition, audience) && route?.length).flatMap((condition) => {
    const serverNames = condition.sniHosts.filter((name) => !within || within.some((pattern) => hostCovers(pattern, name)));
    return serverNames.length > 0 ? [{ serverNames, target: weightedTarget(view, route ?? [], port) }] : [];
  }));
}
