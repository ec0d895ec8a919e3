// Routes with the parents that took them or not.
import { byAge } from './ages.ts';
import { bindParents, type AnyRoute, type BoundParent } from './attachments.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundGateway } from './bound-gateway.ts';
import type { BoundListener } from './bound-listener.ts';

/** A route and its parents of ours. */
export interface BoundRoute {
  readonly route: AnyRoute;
  readonly parents: readonly BoundParent[];
}

/** All routes, oldest first. */
export function bindRoutes(context: BindingContext, gateways: readonly BoundGateway[]): readonly BoundRoute[] {
  const { httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes } = context.resources;
  const all: AnyRoute[] = [...httpRoutes, ...grpcRoutes, ...tlsRoutes, ...tcpRoutes];
  return all.sort(byAge).map((route) => ({ route, parents: bindParents(context, gateways, route) }));
}

/** The routes that a listener takes, oldest first, each once with all hosts that it has there. */
export function routesByListener(routes: readonly BoundRoute[]): ReadonlyMap<BoundListener, ReadonlyMap<AnyRoute, readonly string[]>> {
  const found = new Map<BoundListener, Map<AnyRoute, readonly string[]>>();
  for (const { route, parents } of routes) {
    for (const { listener, hosts } of parents.flatMap(({ attachments }) => attachments)) {
      const own = found.get(listener) ?? new Map<AnyRoute, readonly string[]>();
      found.set(listener, own.set(route, [...new Set([...(own.get(route) ?? []), ...hosts])]));
    }
  }
  return found;
}
