// Routes bound to Services: what clients in the mesh do with requests to them. Routes of the service's own namespace (producer) are
// for all clients, others (consumer) for clients of their own namespace only, where they replace the producer's, port by port.
import type { GRPCRoute, HTTPRoute } from '../../shared/api/gateway-api/http-route.ts';
import type { KubernetesService } from '../model/inputs.ts';
import type { ConfigRecord } from '../model/config-record.ts';
import type { ModelHttpRoute, ModelVirtualService } from '../model/gateway-api-configuration.ts';
import { createdAt } from '../model/services.ts';
import { backendsOf } from './backends.ts';
import type { BindingContext } from './binding-context.ts';
import type { BoundRoute } from './bound-route.ts';
import { byPrecedence, type RankedRoute } from './ranked-route.ts';
import { routesOf } from './route-rules.ts';

type PortRoutes = Map<number, RankedRoute[]>;

interface BoundService {
  readonly service: KubernetesService;
  /** Routes by namespace of the routes, then by port. */
  readonly byNamespace: Map<string, PortRoutes>;
}

/** The VirtualServices of all routes that are bound to Services. */
export function meshVirtualServices(context: BindingContext, routes: readonly BoundRoute[]): ConfigRecord<ModelVirtualService>[] {
  const services = new Map<string, BoundService>();
  for (const { route, parents } of routes) {
    if (route.kind !== 'HTTPRoute' && route.kind !== 'GRPCRoute') continue;
    for (const { service } of parents) if (service) addRoute(context, services, route, service);
  }
  return [...services.values()].flatMap((bound) => serviceRecords(context, bound));
}

function addRoute(context: BindingContext, services: Map<string, BoundService>, route: HTTPRoute | GRPCRoute, parent: { readonly service: KubernetesService; readonly ports: readonly number[] }): void {
  const { namespace = '', name = '' } = parent.service.metadata ?? {};
  const key = `${namespace}/${name}`;
  const bound = services.get(key) ?? { service: parent.service, byNamespace: new Map<string, PortRoutes>() };
  services.set(key, bound);
  const own = route.metadata.namespace ?? '';
  const byPort = bound.byNamespace.get(own) ?? new Map<number, RankedRoute[]>();
  bound.byNamespace.set(own, byPort);
  const ranked = routesOf(route, backendsOf(context, route, 'mesh'), { listenerPort: undefined });
  for (const port of parent.ports) {
    const present = byPort.get(port) ?? [];
    if (!present.some(({ owner }) => owner === route)) byPort.set(port, [...present, ...ranked]);
  }
}

function serviceRecords(context: BindingContext, { service, byNamespace }: BoundService): ConfigRecord<ModelVirtualService>[] {
  const { namespace = '', name = '' } = service.metadata ?? {};
  const host = `${name}.${namespace}.svc.${context.resources.domain}`;
  const producer = byNamespace.get(namespace);
  return [...byNamespace].map(([from, own]): ConfigRecord<ModelVirtualService> => {
    const consumer = from !== namespace;
    const http = (service.spec?.ports ?? []).flatMap(({ port }) => portRoutes(host, port, own.get(port) ?? producer?.get(port)));
    return {
      name: `${name}.${namespace}~service`,
      namespace: from,
      labels: {},
      annotations: {},
      createdAt: createdAt(service.metadata),
      spec: { hosts: [host], gateways: ['mesh'], exportTo: [consumer ? '.' : '*'], gatewayApi: consumer ? 'consumer' : 'producer', http },
      source: `Service/${namespace}/${name}`,
    };
  });
}

/** The routes of one port; a port that no route is for goes to the service as ever. */
function portRoutes(host: string, port: number, routes: readonly RankedRoute[] | undefined): ModelHttpRoute[] {
  if (!routes) return [{ match: [{ port }], route: [{ destination: { host, port: { number: port } } }] }];
  return [...routes].sort(byPrecedence).map(({ route }) => ({ ...route, match: (route.match ?? [{}]).map((match) => ({ ...match, port })) }));
}
