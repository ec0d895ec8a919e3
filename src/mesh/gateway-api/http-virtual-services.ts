// HTTP of listeners: a VirtualService for each listener and host, with the rules of all routes that have the host, in order.
import type { GRPCRoute, HTTPRoute } from '../../shared/api/gateway-api/http-route.ts';
import type { ConfigRecord } from '../model/config-record.ts';
import type { ModelVirtualService } from '../model/gateway-api-configuration.ts';
import { hostCovers } from '../model/host-name.ts';
import type { AnyRoute } from './attachments.ts';
import { backendsOf } from './backends.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundGateway } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';
import { belongsElsewhere, bySpecificity, neighbours } from './listener-hosts.ts';
import { gatewayRecordName, listenerVirtualService } from './listener-records.ts';
import { byPrecedence, type RankedRoute } from './ranked-route.ts';
import { routesOf } from './route-rules.ts';

/** The VirtualServices of an HTTP listener with the `routes` that attach to it. */
export function httpVirtualServices(context: BindingContext, gateway: BoundGateway, listener: BoundListener, routes: ReadonlyMap<AnyRoute, readonly string[]>): ConfigRecord<ModelVirtualService>[] {
  const byHost = new Map<string, RankedRoute[]>();
  const place = { listenerPort: listener.listener.port };
  for (const [route, hosts] of routes) {
    if (!isHttpRoute(route)) continue;
    const ranked = routesOf(route, backendsOf(context, route, 'gateway'), place);
    for (const host of hosts) byHost.set(host, [...(byHost.get(host) ?? []), ...ranked]);
  }
  // Without routes of its own the listener's host still belongs to it, and to no less specific listener.
  if (!byHost.has(listener.hostname)) byHost.set(listener.hostname, []);
  const others = neighbours(gateway, listener);
  return [...byHost.keys()].filter((host) => !belongsElsewhere(others, listener, host)).sort()
    .map((host) => listenerVirtualService(gateway, gatewayRecordName(gateway, listener), host, { hosts: [host], http: ordered(byHost, host).map(({ route }) => route) }));
}

function isHttpRoute(route: AnyRoute): route is HTTPRoute | GRPCRoute {
  return route.kind === 'HTTPRoute' || route.kind === 'GRPCRoute';
}

/** The routes of a host, then those of every less specific host that covers it: a rule with a narrower hostname goes first, and where none matches the wider ones are tried. */
function ordered(byHost: ReadonlyMap<string, readonly RankedRoute[]>, host: string): RankedRoute[] {
  return [...byHost].filter(([pattern]) => hostCovers(pattern, host)).sort(([left], [right]) => bySpecificity(left, right)).flatMap(([, routes]) => [...routes].sort(byPrecedence));
}
