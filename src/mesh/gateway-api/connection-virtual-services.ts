// TLS and TCP of listeners: a VirtualService with one route for each server name, or the one that takes all connections. Of several routes the oldest has the host.
import type { TCPRoute, TLSRoute } from '../../shared/api/gateway-api/l4-routes.ts';
import type { RouteDestination } from '../../shared/api/networking/virtual-service.ts';
import type { ConfigRecord } from '../model/config-record.ts';
import type { ModelVirtualService } from '../model/gateway-api-configuration.ts';
import type { AnyRoute } from './attachments.ts';
import { backendsOf } from './backends.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundGateway } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';
import { belongsElsewhere, bySpecificity, neighbours } from './listener-hosts.ts';
import { gatewayRecordName, listenerVirtualService } from './listener-records.ts';

/** The VirtualServices of a listener for connections with the `routes` that attach to it, oldest first. */
export function connectionVirtualServices(context: BindingContext, gateway: BoundGateway, listener: BoundListener, routes: ReadonlyMap<AnyRoute, readonly string[]>): ConfigRecord<ModelVirtualService>[] {
  const name = gatewayRecordName(gateway, listener);
  if (listener.mode === 'tcp') {
    const route = [...routes.keys()].find((candidate): candidate is TCPRoute => candidate.kind === 'TCPRoute');
    return route ? [listenerVirtualService(gateway, name, 'tcp', { hosts: ['*'], tcp: [{ route: targetsOf(context, route) }] })] : [];
  }
  const byHost = new Map<string, TLSRoute>();
  for (const [route, hosts] of routes) {
    if (route.kind === 'TLSRoute') for (const host of hosts) if (!byHost.has(host)) byHost.set(host, route);
  }
  const others = neighbours(gateway, listener);
  const served = [...byHost].filter(([host]) => !belongsElsewhere(others, listener, host)).sort(([left], [right]) => bySpecificity(left, right));
  if (served.length === 0) return [];
  return [listenerVirtualService(gateway, name, 'tls', { hosts: served.map(([host]) => host), tls: served.map(([host, route]) => ({ match: [{ sniHosts: [host] }], route: targetsOf(context, route) })) })];
}

/** The weighted backends of a route's first rule; those that can not be used keep their share without a host, and connections to them end. */
function targetsOf(context: BindingContext, route: TLSRoute | TCPRoute): RouteDestination[] {
  const backends = backendsOf(context, route, 'gateway');
  const weighted = (route.spec.rules?.[0]?.backendRefs ?? []).filter(({ weight }) => weight !== 0).map((reference) => ({ destination: backends.destination(reference) ?? { host: '' }, weight: reference.weight ?? 1 }));
  return weighted.length > 0 ? weighted : [{ destination: { host: '' }, weight: 1 }];
}
