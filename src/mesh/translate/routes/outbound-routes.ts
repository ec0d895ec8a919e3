// Route configurations of a sidecar's outbound side: one a port (`9080`), one a detected service port (`host:port`),
// and those of the explicit HTTP proxy (`http_proxy`, and the one inside its CONNECT tunnels).
import type { RouteConfiguration } from '../../../shared/xds/generated/envoy/config/route/v3/route.ts';
import type { Route, VirtualHost } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { DYNAMIC_DNS_CLUSTER, HTTP_PROXY_ROUTE, HTTP_PROXY_TUNNEL, outboundClusterName, PASSTHROUGH_CLUSTER } from '../../../shared/xds/index.ts';
import { destinationRuleFor } from '../../model/destination-rules.ts';
import { hostCovers, isWildcard } from '../../model/host-name.ts';
import { isDetected, isHttp } from '../../model/protocol.ts';
import type { ServicePortRecord, ServiceRecord } from '../../model/records.ts';
import { effectivePolicy } from '../clusters/traffic-policy.ts';
import type { ProxyView } from '../proxy-view.ts';
import { virtualServiceFor } from '../virtual-service-index.ts';
import { defaultRoute, httpRoutes, type RouteContext } from './http-route.ts';
import { DISABLED_FILTER } from './route-filters.ts';
import { domainsOf, serviceNames, unknownHost, virtualHost, withoutDuplicates } from './virtual-host.ts';

/** The context in which routes for one port are made. */
export function outboundContext(view: ProxyView, port: number, gateways: readonly string[] = ['mesh']): RouteContext {
  const { snapshot, proxy } = view;
  return {
    audience: { gateways, port, namespace: proxy.namespace, labels: proxy.labels },
    meshConfig: snapshot.meshConfig,
    serviceByHost: (host) => view.servicesByHost.get(host) ?? coveringService(view, host),
    hashOf: (service, servicePort, subset) => effectivePolicy(destinationRuleFor(snapshot, service, proxy), subset, servicePort, snapshot.meshConfig).loadBalancer?.consistentHash,
  };
}

/** A wildcard service that covers a concrete host. */
function coveringService(view: ProxyView, host: string): ServiceRecord | undefined {
  return view.wildcardServices.find((service) => hostCovers(service.host, host));
}

/** Routes to a service port: the VirtualService's, else one to the service itself. A VirtualService without an applicable route answers 404. */
function serviceRoutes(view: ProxyView, service: ServiceRecord, port: number): Route[] {
  const context = outboundContext(view, port);
  const record = virtualServiceFor(view.meshVirtualServices, 'http', service.host);
  return record ? httpRoutes(record, context) : [defaultRoute(service, port, context)];
}

/** The HTTP ports of the services that a proxy sees, by number; `detected` adds those whose protocol is found out. */
export function httpPortsByNumber(view: ProxyView, detected: boolean): Map<number, { readonly service: ServiceRecord; readonly port: ServicePortRecord }[]> {
  const ports = new Map<number, { readonly service: ServiceRecord; readonly port: ServicePortRecord }[]>();
  for (const service of view.services) {
    for (const port of service.ports) {
      if (!isHttp(port.protocol) && !(detected && isDetected(port.protocol))) continue;
      const list = ports.get(port.number);
      if (list) list.push({ service, port });
      else ports.set(port.number, [{ service, port }]);
    }
  }
  return ports;
}

/** What a port of a service answers with. */
interface ServedPort {
  readonly port: number;
  /** Whether its names are also known without the port. */
  readonly bare: boolean;
  readonly routes: readonly Route[];
  /** False where no VirtualService applies. */
  readonly ownRoutes?: boolean;
}

/** The virtual hosts of a service port: the service's, with the names of its aliases, and one for each alias that has a VirtualService of its own. */
function serviceHosts(view: ProxyView, service: ServiceRecord, { port, bare, routes, ownRoutes = true }: ServedPort): VirtualHost[] {
  const domains = (records: readonly ServiceRecord[]): string[] => domainsOf(records.flatMap((record) => serviceNames(record, view.proxy.dnsDomain)), port, bare);
  const aliases = view.aliases.get(service.host) ?? [];
  const routed = aliases.filter((alias) => ownRoutes && virtualServiceFor(view.meshVirtualServices, 'http', alias.host));
  return [virtualHost(`${service.host}:${port}`, domains([service, ...aliases.filter((alias) => !routed.includes(alias))]), routes), ...routed.map((alias) => virtualHost(`${alias.host}:${port}`, domains([alias]), serviceRoutes(view, alias, port)))];
}

/** The route configuration `<port>`. */
export function portRouteConfiguration(view: ProxyView, port: number): RouteConfiguration | undefined {
  const entries = httpPortsByNumber(view, false).get(port);
  if (!entries) return undefined;
  const hosts = entries.flatMap(({ service }) => serviceHosts(view, service, { port, bare: true, routes: serviceRoutes(view, service, port) }));
  if (port === 80) hosts.push(...serviceLessHosts(view, port, true));
  return configuration(String(port), [...hosts, unknownHost(view.allowAny ? PASSTHROUGH_CLUSTER : undefined)]);
}

/** The route configuration `<host>:<port>` of a port whose protocol is detected: whatever host is asked for, the service is meant. */
export function detectedRouteConfiguration(view: ProxyView, host: string, port: number): RouteConfiguration | undefined {
  const service = view.servicesByHost.get(host);
  if (!service?.ports.some((candidate) => candidate.number === port)) return undefined;
  return configuration(`${host}:${port}`, [virtualHost(`${host}:${port}`, ['*'], serviceRoutes(view, service, port))]);
}

function configuration(name: string, virtualHosts: readonly VirtualHost[]): RouteConfiguration {
  return { name, virtualHosts: withoutDuplicates(virtualHosts), validateClusters: false, maxDirectResponseBodySizeBytes: 1048576 };
}

/** Whether a service is among the hosts that `host`, exact or wildcard, covers. */
function hasService(view: ProxyView, host: string): boolean {
  return isWildcard(host) ? view.services.some((service) => hostCovers(host, service.host)) : view.servicesByHost.has(host);
}

/** Virtual hosts of VirtualServices for hosts that no service has. */
function serviceLessHosts(view: ProxyView, port: number, bare: boolean): VirtualHost[] {
  const context = outboundContext(view, port);
  return view.meshVirtualServices.filter((record) => record.spec.http?.length).flatMap((record) =>
    (record.spec.hosts ?? []).filter((host) => host !== '*' && !hasService(view, host))
      .map((host) => virtualHost(`${host}:${port}`, domainsOf([host], port, bare), httpRoutes(record, context))));
}

/**
 * The route configuration of the explicit HTTP proxy. Absolute-form requests name host and port, so every service port has its
 * own virtual host. CONNECT to an HTTP port leads into a tunnel whose inside is served by a listener of its own (`inner`, the
 * same routes without CONNECT); CONNECT to any other port is carried to the service as it is.
 */
export function httpProxyRouteConfiguration(view: ProxyView, inner: boolean): RouteConfiguration {
  const hosts: VirtualHost[] = [];
  for (const service of view.services) {
    for (const port of service.ports) {
      if (port.protocol === 'unsupported') continue;
      const http = isHttp(port.protocol) || isDetected(port.protocol);
      if (inner && !http) continue;
      const routes = [...(inner ? [] : [connectRoute(service, port, http)]), ...(http ? serviceRoutes(view, service, port.number) : [])];
      hosts.push(...serviceHosts(view, service, { port: port.number, bare: port.number === 80, routes, ownRoutes: http }));
    }
  }
  hosts.push(...serviceLessHosts(view, 80, true).map((host) => (inner ? host : { ...host, routes: [tunnelRoute(HTTP_PROXY_TUNNEL, true), ...(host.routes ?? [])] })));
  return configuration(inner ? HTTP_PROXY_TUNNEL : HTTP_PROXY_ROUTE, [...hosts, proxyUnknownHost(view, inner)]);
}

function connectRoute(service: ServiceRecord, port: ServicePortRecord, http: boolean): Route {
  return http ? tunnelRoute(HTTP_PROXY_TUNNEL, true) : tunnelRoute(outboundClusterName(service.host, port.number), false);
}

/** A route for CONNECT: the proxy answers 200 and carries the bytes. What goes into the inner listener is reported there and not twice. */
function tunnelRoute(cluster: string, internal: boolean): Route {
  return {
    name: 'connect',
    match: { pathSpecifier: { $case: 'connectMatcher', connectMatcher: {} } },
    action: {
      $case: 'route',
      route: { clusterSpecifier: { $case: 'cluster', cluster }, timeout: { seconds: 0, nanos: 0 }, upgradeConfigs: [{ upgradeType: 'CONNECT', enabled: true, connectConfig: {} }] },
    },
    ...(internal ? { typedPerFilterConfig: { 'istio.stats': DISABLED_FILTER } } : {}),
  };
}

/** Unknown hosts: there is no dialled address to pass on to, so names are resolved as requests come, or refused. */
function proxyUnknownHost(view: ProxyView, inner: boolean): VirtualHost {
  const host = unknownHost(view.allowAny ? DYNAMIC_DNS_CLUSTER : undefined);
  if (inner || !view.allowAny) return host;
  return { ...host, routes: [tunnelRoute(DYNAMIC_DNS_CLUSTER, false), ...(host.routes ?? [])] };
}
