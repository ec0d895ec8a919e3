// Routes with the parents that took them or not.
import { hostsOverlap } from '../model/host-name.ts';
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

/** Hosts of a listener that routes of a kind have. */
type TakenHosts = Map<BoundListener, { readonly kind: AnyRoute['kind']; readonly hosts: readonly string[] }[]>;

/** All routes, oldest first. Of HTTPRoutes and GRPCRoutes with a host in common on one listener those of the older route's kind have it. */
export function bindRoutes(context: BindingContext, gateways: readonly BoundGateway[]): readonly BoundRoute[] {
  const { httpRoutes, grpcRoutes, tlsRoutes, tcpRoutes } = context.resources;
  const all: AnyRoute[] = [...httpRoutes, ...grpcRoutes, ...tlsRoutes, ...tcpRoutes];
  const taken: TakenHosts = new Map();
  return all.sort(byAge).map((route) => {
    const parents = bindParents(context, gateways, route).map((parent) => withoutOtherKind(parent, route, taken));
    for (const { listener, hosts } of parents.flatMap(({ attachments }) => attachments)) taken.set(listener, [...(taken.get(listener) ?? []), { kind: route.kind, hosts }]);
    return { route, parents };
  });
}

function withoutOtherKind(parent: BoundParent, { kind }: AnyRoute, taken: TakenHosts): BoundParent {
  const attachments = parent.attachments.filter(({ listener, hosts }) => !(taken.get(listener) ?? []).some((other) => other.kind !== kind && other.hosts.some((theirs) => hosts.some((own) => hostsOverlap(theirs, own)))));
  if (parent.attachments.length === 0 || attachments.length > 0) return { ...parent, attachments };
  const fault = { reason: 'NotAllowedByListeners', message: `An older ${kind === 'GRPCRoute' ? 'HTTPRoute' : 'GRPCRoute'} has the same hostname on the listener. Use another hostname for one of them.` };
  return { ...parent, attachments, fault };
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
