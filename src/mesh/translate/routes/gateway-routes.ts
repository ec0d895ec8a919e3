// Gateways: which servers a gateway proxy has on each of its ports, and the route configurations behind them.
import { ownUseOfPort } from '../../../shared/api/networking/proxy-ports.ts';
import type { RouteConfiguration } from '../../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { VirtualHost_TlsRequirementType, type Route, type VirtualHost } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { hostCovers, hostsOverlap, isWildcard, narrowerHost } from '../../model/host-name.ts';
import { selects } from '../../model/policy-selection.ts';
import type { ModelServer } from '../../model/gateway-api-configuration.ts';
import type { GatewayRecord, VirtualServiceRecord } from '../../model/snapshot.ts';
import { isVisible } from '../../model/visibility.ts';
import { selectingServices, type ProxyView } from '../proxy-view.ts';
import { httpRoutes } from './http-route.ts';
import { outboundContext } from './outbound-routes.ts';
import { routeMatch } from './route-match.ts';
import { virtualHost, withoutDuplicates } from './virtual-host.ts';

/** One server of a Gateway on the port where the proxy listens. */
export interface GatewayServer {
  readonly gateway: GatewayRecord;
  readonly server: ModelServer;
  /** Port that the gateway's Service leads to: where the proxy listens. */
  readonly listenPort: number;
  readonly bind: string;
  /** Name of the route configuration, for HTTP. */
  readonly routeName: string;
  readonly kind: 'http' | 'https' | 'tcp' | 'tls';
}

const serversOfViews = new WeakMap<ProxyView, readonly GatewayServer[]>();

/** The servers of the Gateways that select the proxy, oldest Gateway first. */
export function gatewayServers(view: ProxyView): readonly GatewayServer[] {
  let servers = serversOfViews.get(view);
  if (!servers) serversOfViews.set(view, (servers = makeServers(view)));
  return servers;
}

/** The servers that select the proxy. One on a port of the proxy's own is left out: it could never be bound. */
function makeServers(view: ProxyView): GatewayServer[] {
  const { snapshot, proxy } = view;
  return snapshot.gateways.filter((gateway) => selects(gateway.spec.selector, proxy.labels) && (!gateway.spec.ownNamespace || gateway.namespace === proxy.namespace)).flatMap((gateway) =>
    (gateway.spec.servers ?? []).map((server): GatewayServer => {
      const kind = serverKind(server);
      const bind = server.bind && server.bind !== '' ? server.bind : '0.0.0.0';
      const listenPort = targetPort(view, server.port.number);
      const suffix = bind === '0.0.0.0' ? '' : `.${bind}`;
      const routeName = kind === 'https' ? `https.${server.port.number}.${server.port.name}.${gateway.name}.${gateway.namespace}` : `http.${listenPort}${suffix}`;
      return { gateway, server, listenPort, bind, routeName, kind };
    })).filter(({ listenPort }) => ownUseOfPort(listenPort) === undefined);
}

/** What a server does with connections: requests over plaintext or terminated TLS, or bytes over either. */
function serverKind(server: ModelServer): GatewayServer['kind'] {
  const protocol = server.port.protocol.toUpperCase();
  if (['HTTP', 'HTTP2', 'GRPC', 'GRPC-WEB'].includes(protocol)) return 'http';
  if (protocol === 'HTTPS') return server.tls?.mode === 'PASSTHROUGH' || server.tls?.mode === 'AUTO_PASSTHROUGH' ? 'tls' : 'https';
  return protocol === 'TLS' ? 'tls' : 'tcp';
}

/** A server's port is the one that clients of the gateway's Service use; the proxy listens on the port behind it. */
function targetPort(view: ProxyView, port: number): number {
  const { snapshot, proxy } = view;
  const workload = proxy.ipAddresses.map((address) => snapshot.workloads.get(address)).find((record) => record !== undefined);
  for (const service of selectingServices(snapshot, proxy.namespace)) {
    if (!selects(service.selector ?? {}, workload?.labels ?? proxy.labels)) continue;
    const target = service.ports.find((candidate) => candidate.number === port)?.targetPort;
    const number = typeof target === 'string' ? workload?.namedPorts[target] : target;
    if (number !== undefined) return number;
  }
  return port;
}

/** Hosts `namespace/name` of a server as scope and name. */
function serverHosts(server: ModelServer, gatewayNamespace: string): { readonly scope: string; readonly host: string }[] {
  return server.hosts.map((entry) => {
    const slash = entry.indexOf('/');
    const scope = slash < 0 ? '*' : entry.slice(0, slash);
    return { scope: scope === '.' ? gatewayNamespace : scope, host: (slash < 0 ? entry : entry.slice(slash + 1)).toLowerCase() };
  });
}

/** VirtualServices bound to a server, each with the hosts that both have. */
export function boundVirtualServices(view: ProxyView, { gateway, server }: GatewayServer): { readonly record: VirtualServiceRecord; readonly hosts: readonly string[] }[] {
  const name = `${gateway.namespace}/${gateway.name}`;
  const hosts = serverHosts(server, gateway.namespace);
  return view.snapshot.virtualServices.flatMap((record) => {
    if (!record.spec.gateways?.includes(name)) return [];
    const exportTo = record.spec.exportTo?.length ? record.spec.exportTo : view.snapshot.meshConfig.defaultVirtualServiceExportTo;
    if (!isVisible(exportTo, record.namespace, gateway.namespace) && !isVisible(exportTo, record.namespace, view.proxy.namespace)) return [];
    const common = (record.spec.hosts ?? []).flatMap((host) => hosts.filter((pattern) => (pattern.scope === '*' || pattern.scope === record.namespace) && hostsOverlap(pattern.host, host)).map((pattern) => narrowerHost(pattern.host, host)));
    return common.length > 0 ? [{ record, hosts: [...new Set(common)] }] : [];
  });
}

/** The HTTP servers that share the route configuration `name`. */
export function serversOfRoute(view: ProxyView, name: string): readonly GatewayServer[] {
  return gatewayServers(view).filter((server) => server.routeName === name && (server.kind === 'http' || server.kind === 'https'));
}

/** The route configuration `name`, merged from every server that has it. */
export function gatewayRouteConfiguration(view: ProxyView, name: string, own: readonly GatewayServer[]): RouteConfiguration {
  const hosts = new Map<string, { routes: Route[]; redirect: boolean }>();
  for (const server of own) addServer(view, server, hosts);
  const port = own[0]?.server.port.number ?? 0;
  const virtualHosts = [...hosts].sort(([left], [right]) => (left < right ? -1 : 1)).map(([host, { routes, redirect }]): VirtualHost => ({
    ...virtualHost(`${host}:${port}`, hostDomains(host), routes),
    ...(redirect ? { requireTls: VirtualHost_TlsRequirementType.ALL } : {}),
  }));
  for (const host of new Set(own.flatMap(({ server }) => server.misdirected ?? []))) if (!hosts.has(host)) virtualHosts.push(misdirectedHost(host, port));
  if (virtualHosts.length === 0) virtualHosts.push(virtualHost(`blackhole:${port}`, ['*'], []));
  return { name, virtualHosts: withoutDuplicates(virtualHosts), validateClusters: false, ignorePortInHostMatching: true, maxDirectResponseBodySizeBytes: 1048576 };
}

function hostDomains(host: string): string[] {
  return isWildcard(host) ? [host] : [host, `${host}:*`];
}

/** A host of another listener: the client may have used the connection for it because the certificate allows it, and is told to make another (RFC 9110 section 15.5.20). */
function misdirectedHost(host: string, port: number): VirtualHost {
  return virtualHost(`misdirected ${host}:${port}`, hostDomains(host), [{ name: 'misdirected', match: routeMatch(undefined), action: { $case: 'directResponse', directResponse: { status: 421 } } }]);
}

function addServer(view: ProxyView, server: GatewayServer, hosts: Map<string, { routes: Route[]; redirect: boolean }>): void {
  const redirect = server.kind === 'http' && server.server.tls?.httpsRedirect === true;
  const context = outboundContext(view, server.server.port.number, [`${server.gateway.namespace}/${server.gateway.name}`]);
  for (const { record, hosts: common } of boundVirtualServices(view, server)) {
    if (!record.spec.http?.length && record.spec.gatewayApi === undefined) continue;
    const routes = httpRoutes(record, context);
    for (const host of common) {
      const present = hosts.get(host);
      // Routes of several VirtualServices on one host follow one another, oldest object first.
      if (present) present.routes.push(...routes.filter((route) => !present.routes.includes(route)));
      else hosts.set(host, { routes: [...routes], redirect });
    }
  }
  if (!redirect) return;
  for (const { host } of serverHosts(server.server, server.gateway.namespace)) if (![...hosts.keys()].some((known) => hostCovers(known, host))) hosts.set(host, { routes: [], redirect });
}
