// The translator: a snapshot and a proxy in, xDS resources out, each made once for everybody who sees the same inputs.
// Called by the ADS server for every push and request, and by offline tools.
import { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { NameTable } from '../../shared/xds/generated/istio/name_table.ts';
import { HTTP_PROXY_ROUTE, HTTP_PROXY_TUNNEL, outboundClusterName, parseClusterName, TYPE_URLS } from '../../shared/xds/index.ts';
import { destinationRuleFor } from '../model/destination-rules.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import { serviceKey, type ServicePortRecord, type ServiceRecord } from '../model/records.ts';
import type { MeshSnapshot } from '../model/snapshot.ts';
import { outboundCluster, subsetLabels } from './clusters/outbound-cluster.ts';
import { backendPort } from './clusters/backend-port.ts';
import { effectivePolicy } from './clusters/traffic-policy.ts';
import { backendTlsFor } from './clusters/backend-tls.ts';
import { blackHoleCluster, collectorCluster, dynamicDnsCluster, httpProxyTunnelCluster, inboundCluster, passthroughCluster } from './clusters/special-clusters.ts';
import { loadAssignment } from './endpoints.ts';
import { headlessEndpoints, takesMutualTls } from './headless.ts';
import { gatewayListeners } from './listeners/gateway-listeners.ts';
import { inboundListeners } from './listeners/inbound-listeners.ts';
import { outboundListeners } from './listeners/outbound-listeners.ts';
import { localityBalancing, localityKey } from './locality-balancing.ts';
import { nameTable } from './name-table.ts';
import type { NamedResource } from './named-resource.ts';
import { viewOf, type ProxyView } from './proxy-view.ts';
import { namedResource, ResourceCache } from './resource-cache.ts';
import { gatewayListenerInputs, gatewayRouteInputs, outboundListenerInputs, outboundRouteInputs } from './resource-inputs.ts';
import { gatewayRouteConfiguration, gatewayServers, serversOfRoute } from './routes/gateway-routes.ts';
import { detectedRouteConfiguration, httpProxyRouteConfiguration, portRouteConfiguration } from './routes/outbound-routes.ts';
import { unregisteredCollector, ZIPKIN_CLUSTER } from './telemetry.ts';
import type { Translator } from './translator-api.ts';

/** A translator with a cache of its own; resources that were not used for long fall out of it. */
export function createTranslator(options: { readonly maximumEntries?: number } = {}): Translator {
  const cache = new ResourceCache(options.maximumEntries);
  return {
    generate: (snapshot, proxy, typeUrl, names) => generateWith(cache, snapshot, proxy, typeUrl, names),
    statistics: {
      get entries() { return cache.entries; },
      get hits() { return cache.hits; },
      get misses() { return cache.misses; },
    },
  };
}

/** The resources of one type for one proxy, without keeping anything: for offline use. */
export function generate(snapshot: MeshSnapshot, proxy: ProxyDescription, typeUrl: string, names: 'wildcard' | readonly string[]): readonly NamedResource[] {
  return generateWith(new ResourceCache(), snapshot, proxy, typeUrl, names);
}

function generateWith(cache: ResourceCache, snapshot: MeshSnapshot, proxy: ProxyDescription, typeUrl: string, names: 'wildcard' | readonly string[]): readonly NamedResource[] {
  const view = viewOf(snapshot, proxy);
  switch (typeUrl) {
    case TYPE_URLS.cluster: return chosen(clusters(cache, view), names);
    case TYPE_URLS.listener: return chosen(listeners(cache, view), names);
    case TYPE_URLS.endpoint: return (names === 'wildcard' ? endpointNames(cache, view) : names).flatMap((name) => assignment(cache, view, name));
    case TYPE_URLS.nameTable: return nameTables(cache, view);
    case TYPE_URLS.route: return names === 'wildcard' ? [] : names.flatMap((name) => route(cache, view, name));
    // Secrets hold keys, which a snapshot never does: the server of the proxies adds them.
    default: return [];
  }
}

function chosen(resources: readonly NamedResource[], names: 'wildcard' | readonly string[]): readonly NamedResource[] {
  if (names === 'wildcard') return resources;
  const wanted = new Set(names);
  return resources.filter(({ name }) => wanted.has(name));
}

function clusters(cache: ResourceCache, view: ProxyView): NamedResource[] {
  const { snapshot, captured, families } = view;
  const { meshConfig } = snapshot;
  const make = (name: string, inputs: readonly unknown[], build: () => Cluster): NamedResource => cache.resource(TYPE_URLS.cluster, name, Cluster, inputs, build);
  const special = (cluster: Cluster): NamedResource => make(cluster.name ?? '', [meshConfig, families], () => cluster);
  const resources = view.services.flatMap((service) => service.ports.filter(({ protocol }) => protocol !== 'unsupported').flatMap((port) => serviceClusters(cache, view, service, port)));
  resources.push(special(blackHoleCluster(meshConfig)));
  const collector = unregisteredCollector(snapshot);
  if (collector) resources.push(special(collectorCluster(ZIPKIN_CLUSTER, collector, meshConfig, families)));
  if (view.proxy.type === 'router') return resources;
  const explicitProxy = (view.proxy.metadata.httpProxyPort ?? meshConfig.proxyHttpPort) > 0;
  if (captured) resources.push(special(passthroughCluster(meshConfig, 'outbound', families)), special(passthroughCluster(meshConfig, 'inbound', families)));
  if (explicitProxy) resources.push(special(httpProxyTunnelCluster(meshConfig)), ...(view.allowAny ? [special(dynamicDnsCluster(meshConfig))] : []));
  for (const port of view.inboundPorts) {
    const built = inboundCluster(port, captured, meshConfig, families);
    resources.push(make(built.name ?? '', [port.service, port.port, captured, meshConfig, families], () => built));
  }
  return resources;
}

/** The clusters of a service port: the whole service and each subset. */
function serviceClusters(cache: ResourceCache, view: ProxyView, service: ServiceRecord, declared: ServicePortRecord): NamedResource[] {
  const { snapshot, proxy, captured, families } = view;
  const { meshConfig } = snapshot;
  const client = view.localityClient;
  const rule = destinationRuleFor(snapshot, service, proxy);
  const set = snapshot.endpoints.get(serviceKey(service));
  const identities = set?.identities ?? [];
  const dnsEndpoints = service.resolution === 'dns' || service.resolution === 'dns-round-robin' ? dnsEndpointsOf(view, service) : undefined;
  const ownProxy = proxy.isMizzen;
  const port = backendPort(view, service, declared);
  const backendTls = backendTlsFor(view, service, port);
  const dialledMutualTls = service.headless && captured && takesMutualTls(set?.endpoints ?? [], declared.number);
  return ['', ...(rule?.spec.subsets ?? []).map(({ name }) => name)].map((subset) => {
    const inputs = [service, port.number, port.protocol, rule, identities.join(), dnsEndpoints, meshConfig, captured, ownProxy, families, backendTls?.record, backendTls?.certificate, dialledMutualTls, dnsEndpoints ? localityKey(localityBalancing(effectivePolicy(rule, subset, port.number, meshConfig), service, meshConfig), client) : ''];
    return cache.resource(TYPE_URLS.cluster, outboundClusterName(service.host, port.number, subset), Cluster, inputs, () => outboundCluster({ service, port, subset, rule, identities, dnsEndpoints, meshConfig, captured, ownProxy, families, backendTls, dialledMutualTls, client }));
  });
}

const ownNames = new WeakMap<ServiceRecord, { readonly serviceKey: string; readonly endpoints: []; readonly identities: [] } | NonNullable<ReturnType<MeshSnapshot['endpoints']['get']>>>();

/** Endpoints of a service that DNS resolves: those given, else its own host. */
function dnsEndpointsOf(view: ProxyView, service: ServiceRecord): NonNullable<ReturnType<MeshSnapshot['endpoints']['get']>> {
  const given = view.snapshot.endpoints.get(serviceKey(service));
  if (given) return given;
  const known = ownNames.get(service);
  if (known) return known;
  const ports = Object.fromEntries(service.ports.map((port) => [port.number, typeof port.targetPort === 'number' ? port.targetPort : port.number]));
  const made = {
    serviceKey: serviceKey(service),
    identities: [],
    endpoints: service.host.startsWith('*') ? [] : [{
      address: service.host, ports, labels: {}, serviceAccount: '', namespace: service.namespace, workloadName: service.name, podName: '', locality: '', network: '', nodeName: '', weight: 1, health: 'healthy' as const, tlsMode: 'disabled' as const, plaintextPorts: [],
    }],
  };
  ownNames.set(service, made);
  return made;
}

function endpointNames(cache: ResourceCache, view: ProxyView): string[] {
  return clusters(cache, view).map(({ message }) => message as Cluster).filter((cluster) => cluster.edsClusterConfig !== undefined).map((cluster) => cluster.name ?? '');
}

/** The assignment of a cluster; an unknown name gets an empty one, so that a cluster about to go does not wait for it. */
function assignment(cache: ResourceCache, view: ProxyView, name: string): NamedResource[] {
  const parsed = parseClusterName(name);
  if (parsed?.direction !== 'outbound') return [];
  const { snapshot, proxy } = view;
  const service = view.servicesByHost.get(parsed.host);
  const set = service && snapshot.endpoints.get(serviceKey(service));
  const rule = service && destinationRuleFor(snapshot, service, proxy);
  const known = parsed.subset === '' || (rule?.spec.subsets?.some((subset) => subset.name === parsed.subset) ?? false);
  const { clusterId } = proxy.metadata;
  const client = view.localityClient;
  const balancing = service && localityBalancing(effectivePolicy(rule, parsed.subset, parsed.port, snapshot.meshConfig), service, snapshot.meshConfig);
  const inputs = [set, parsed.subset === '' ? undefined : rule, known, clusterId, view.families, balancing?.setting, localityKey(balancing, client)];
  return [cache.resource(TYPE_URLS.endpoint, name, ClusterLoadAssignment, inputs, () =>
    loadAssignment({ clusterName: name, set: known ? set : undefined, port: parsed.port, labels: subsetLabels(rule, parsed.subset), clusterId, families: view.families, balancing, client }))];
}

/** One table, for proxies that answer DNS. */
function nameTables(cache: ResourceCache, view: ProxyView): readonly NamedResource[] {
  if (!view.proxy.metadata.dnsCapture) return [];
  return cache.list(TYPE_URLS.nameTable, 'name-table', [view.services, ...headlessEndpoints(view)], () => [namedResource(TYPE_URLS.nameTable, 'name-table', NameTable, nameTable(view))]);
}

/** Outbound and gateway listeners are shared by the replicas of a workload; the inbound ones are each proxy's own, and few. */
function listeners(cache: ResourceCache, view: ProxyView): readonly NamedResource[] {
  const named = (made: readonly Listener[]): readonly NamedResource[] => made.map((listener) => namedResource(TYPE_URLS.listener, listener.name ?? '', Listener, listener));
  if (view.proxy.type === 'router') return cache.list(TYPE_URLS.listener, 'gateway', gatewayListenerInputs(view), () => named(gatewayListeners(view, gatewayServers(view))));
  return [...cache.list(TYPE_URLS.listener, 'outbound', outboundListenerInputs(view), () => named(outboundListeners(view))), ...named(inboundListeners(view))];
}

function route(cache: ResourceCache, view: ProxyView, name: string): NamedResource[] {
  if (view.proxy.type === 'router') {
    const servers = serversOfRoute(view, name);
    return servers.length > 0 ? [cache.resource(TYPE_URLS.route, name, RouteConfiguration, gatewayRouteInputs(view), () => gatewayRouteConfiguration(view, name, servers))] : [];
  }
  if (!isOutboundRoute(view, name)) return [];
  return [cache.resource(TYPE_URLS.route, name, RouteConfiguration, outboundRouteInputs(view), () => outboundRoute(view, name) ?? { name, virtualHosts: [] })];
}

function isOutboundRoute(view: ProxyView, name: string): boolean {
  if (name === HTTP_PROXY_ROUTE || name === HTTP_PROXY_TUNNEL || /^\d+$/.test(name)) return true;
  return view.servicesByHost.has(name.slice(0, name.lastIndexOf(':')));
}

function outboundRoute(view: ProxyView, name: string): RouteConfiguration | undefined {
  if (name === HTTP_PROXY_ROUTE || name === HTTP_PROXY_TUNNEL) return httpProxyRouteConfiguration(view, name === HTTP_PROXY_TUNNEL);
  if (/^\d+$/.test(name)) return portRouteConfiguration(view, Number(name));
  const colon = name.lastIndexOf(':');
  return detectedRouteConfiguration(view, name.slice(0, colon), Number(name.slice(colon + 1)));
}
