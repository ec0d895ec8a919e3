// What becomes of requests under a binding: its configuration goes through the snapshot, translation, and the proxy's own compilers and route
// matcher, and the answer is the cluster or reply that the proxy would choose. No sockets.
import { compileListener } from '../../src/proxy/config/listener.ts';
import { compileRoute } from '../../src/proxy/config/route.ts';
import { compileFilterChainMatch } from '../../src/proxy/listener/filter-chain-match.ts';
import { RouteTable, type SelectedRoute } from '../../src/proxy/route/route-table.ts';
import { RequestHeaders } from '../../src/proxy/stream/header-map.ts';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../src/shared/xds/generated/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type MeshSnapshot, type ProxyDescription } from '../../src/mesh/index.ts';
import { bindGatewayApi, type GatewayApiResources } from '../../src/mesh/gateway-api/index.ts';

/** A request and the connection it comes on. */
export interface TestRequest {
  readonly port: number;
  readonly host?: string;
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Server name of the TLS connection; absent for plaintext. */
  readonly sni?: string;
}

/** The snapshot of resources. */
export function snapshotOf(resources: GatewayApiResources): MeshSnapshot {
  const meshConfig = parseMeshConfig({});
  if (!meshConfig.ok) throw new Error(JSON.stringify(meshConfig.error));
  return buildSnapshot({
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', services: resources.services, endpointSlices: [], pods: [], namespaces: resources.namespaces,
    config: [], gatewayApi: bindGatewayApi(resources).configuration,
  }).snapshot;
}

/** A proxy of the Gateway `name`. */
export function gatewayProxy(name: string, namespace = 'default'): ProxyDescription {
  return proxyOf('router', `${name}-istio-1`, namespace, { 'gateway.networking.k8s.io/gateway-name': name });
}

/** A sidecar in `namespace`. */
export function sidecarProxy(namespace: string): ProxyDescription {
  return proxyOf('sidecar', 'client-1', namespace, { app: 'client' });
}

function proxyOf(type: string, pod: string, namespace: string, labels: Readonly<Record<string, string>>): ProxyDescription {
  const parsed = parseProxyDescription({ id: `${type}~10.0.0.9~${pod}.${namespace}~${namespace}.svc.cluster.local`, metadata: { NAMESPACE: namespace, LABELS: labels, MIZZEN_VERSION: '3.0.0' } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

/** Where a gateway's proxy sends a request: a cluster, `status N`, `tcp CLUSTER`, or `refused` for a connection that no chain takes. */
export function routed(snapshot: MeshSnapshot, proxy: ProxyDescription, request: TestRequest): string {
  const selected = selectedRoute(snapshot, proxy, request);
  return typeof selected === 'string' ? selected : describe(selected, request);
}

/** The route that a request meets, or what happens to its connection before. */
export function selectedRoute(snapshot: MeshSnapshot, proxy: ProxyDescription, request: TestRequest): SelectedRoute | string {
  const translator = createTranslator();
  const [resource] = translator.generate(snapshot, proxy, TYPE_URLS.listener, [`0.0.0.0_${request.port}`]);
  if (!resource) return 'refused';
  const listener = unwrap(compileListener(Listener.decode(resource.encode())));
  const tls = request.sni !== undefined;
  const chain = compileFilterChainMatch(listener)({
    destinationAddress: '10.0.0.9', destinationPort: request.port, sourceAddress: '10.0.0.1', sourcePort: 40000, serverName: request.sni ?? '', transportProtocol: tls ? 'tls' : 'raw_buffer', applicationProtocols: tls ? ['h2'] : ['http/1.1'],
  });
  const last = chain?.filters.at(-1);
  if (!chain || !last) return 'refused';
  if (last.kind === 'tcp_proxy') return `${chain.tls ? 'terminated ' : ''}tcp ${last.clusters.map(({ name, weight }) => (last.clusters.length > 1 ? `${name}@${weight}` : name)).join(' ')}`;
  if (last.kind !== 'http_connection_manager' || last.routes.kind !== 'rds') return 'refused';
  return matchRoute(snapshot, proxy, last.routes.name, request);
}

/** The route of a request in a route configuration. */
export function matchRoute(snapshot: MeshSnapshot, proxy: ProxyDescription, routeName: string, { host = 'example.com', path = '/', method = 'GET', headers = {}, sni }: TestRequest): SelectedRoute | string {
  const [resource] = createTranslator().generate(snapshot, proxy, TYPE_URLS.route, [routeName]);
  if (!resource) return 'refused';
  const made = new RequestHeaders(Object.entries(headers).flat());
  Object.assign(made, { authority: host, path, method, scheme: sni === undefined ? 'http' : 'https' });
  return new RouteTable(unwrap(compileRoute(RouteConfiguration.decode(resource.encode())))).match(made, () => 0) ?? 'status 404';
}

function describe({ route, cluster }: SelectedRoute, { host = 'example.com', path = '/', sni }: TestRequest): string {
  const { action } = route.config;
  if (action.kind === 'direct_response') return `status ${action.status}`;
  if (action.kind === 'redirect') {
    const headers = new RequestHeaders([]);
    Object.assign(headers, { authority: host, path, scheme: sni === undefined ? 'http' : 'https' });
    return `${action.status} ${route.location?.(headers) ?? ''}`;
  }
  const name = cluster?.config.name ?? '';
  const rewritten = route.rewrite?.(path) ?? path;
  return [name, ...(rewritten === path ? [] : [rewritten]), ...(name === 'MissingBackend' ? [`status ${action.clusterNotFoundStatus}`] : [])].join(' ');
}

function unwrap<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
