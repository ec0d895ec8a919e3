// What one proxy sees of a snapshot: the services exported to it (narrowed by its Sidecar), those it serves itself, and the
// policies on it. Made once a generate call; the lists are kept by snapshot, so that proxies of a namespace share them.
import { hostCovers, isWildcard } from '../model/host-name.ts';
import { mutualTlsFor, selects, type WorkloadMutualTls } from '../model/policy-selection.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import type { ServicePortRecord, ServiceRecord } from '../model/records.ts';
import type { MeshSnapshot, SidecarRecord, VirtualServiceRecord } from '../model/snapshot.ts';
import { MESH_GATEWAY } from '../model/virtual-services.ts';
import { isVisible } from '../model/visibility.ts';
import { familiesOf, type AddressFamilies } from './address-families.ts';
import type { LocalityClient } from './locality-balancing.ts';
import { withAutoAddresses } from './auto-addresses.ts';

/** A port that the proxy's own workload serves. */
export interface InboundPort {
  readonly service: ServiceRecord;
  readonly port: ServicePortRecord;
  /** The workload's port number. */
  readonly targetPort: number;
}

/** What one proxy sees. */
export interface ProxyView {
  readonly snapshot: MeshSnapshot;
  readonly proxy: ProxyDescription;
  /** Visible services, one a host, sorted by host. */
  readonly services: readonly ServiceRecord[];
  readonly servicesByHost: ReadonlyMap<string, ServiceRecord>;
  /** Those of `services` whose host is a wildcard. */
  readonly wildcardServices: readonly ServiceRecord[];
  /** Those of `services` that stand for another one, by the host of that one. */
  readonly aliases: ReadonlyMap<string, readonly ServiceRecord[]>;
  readonly sidecar: SidecarRecord | undefined;
  readonly inboundPorts: readonly InboundPort[];
  readonly mutualTls: WorkloadMutualTls;
  /** VirtualServices exported to the proxy that apply to sidecars. */
  readonly meshVirtualServices: readonly VirtualServiceRecord[];
  /** Whether traffic reaches the proxy by capture; false in interception mode NONE and for gateways. */
  readonly captured: boolean;
  readonly families: AddressFamilies;
  readonly allowAny: boolean;
  /** Where it runs, and its labels, for the choice of near endpoints. */
  readonly localityClient: LocalityClient;
}

type ServiceList = readonly ServiceRecord[];
const visibleServices = new WeakMap<object, Map<string, ServiceList>>();
const visibleVirtualServices = new WeakMap<object, Map<string, readonly VirtualServiceRecord[]>>();

/** The view of `proxy` on `snapshot`. */
export function viewOf(snapshot: MeshSnapshot, proxy: ProxyDescription): ProxyView {
  const sidecar = proxy.type === 'sidecar' ? sidecarFor(snapshot, proxy) : undefined;
  const visible = servicesFor(snapshot, proxy.namespace);
  const addressed = proxy.metadata.dnsAutoAllocate ? withAutoAddresses(visible, snapshot.services) : visible;
  const services = sidecar ? narrow(addressed, sidecar, proxy.namespace) : addressed;
  const mode = sidecar?.spec.outboundTrafficPolicy?.mode ?? snapshot.meshConfig.outboundTrafficPolicy.mode;
  return {
    snapshot,
    proxy,
    services,
    ...hostIndexOf(services),
    sidecar,
    inboundPorts: proxy.type === 'sidecar' ? inboundPortsOf(snapshot, proxy) : [],
    mutualTls: mutualTlsFor(snapshot, proxy),
    meshVirtualServices: virtualServicesFor(snapshot, proxy.namespace),
    captured: proxy.type === 'sidecar' && proxy.metadata.interceptionMode !== 'NONE',
    families: familiesOf(proxy),
    allowAny: mode !== 'REGISTRY_ONLY',
    localityClient: localityClientOf(snapshot, proxy),
  };
}

/** What the proxy says of itself comes before what its pod's node says. */
function localityClientOf(snapshot: MeshSnapshot, { locality, ipAddresses, labels, metadata: { network, clusterId, nodeName } }: ProxyDescription): LocalityClient {
  const workload = ipAddresses.map((address) => snapshot.workloads.get(address)).find((record) => record !== undefined);
  return { labels, place: { locality: locality || (workload?.locality ?? ''), network, clusterId, nodeName: nodeName || (workload?.nodeName ?? '') } };
}

type HostIndex = Pick<ProxyView, 'servicesByHost' | 'wildcardServices' | 'aliases'>;
const hostIndexes = new WeakMap<ServiceList, HostIndex>();

function hostIndexOf(services: ServiceList): HostIndex {
  let index = hostIndexes.get(services);
  if (!index) {
    const aliases = new Map<string, ServiceRecord[]>();
    for (const service of services) if (service.aliasOf !== undefined) aliases.set(service.aliasOf, [...(aliases.get(service.aliasOf) ?? []), service]);
    hostIndexes.set(services, (index = { servicesByHost: new Map(services.map((service) => [service.host, service])), wildcardServices: services.filter(({ host }) => isWildcard(host)), aliases }));
  }
  return index;
}

const ownServices = new WeakMap<object, Map<string, ServiceRecord[]>>();

/** The services of a namespace that select pods, in the snapshot's order. */
export function selectingServices(snapshot: MeshSnapshot, namespace: string): ServiceList {
  let byNamespace = ownServices.get(snapshot.services);
  if (!byNamespace) {
    ownServices.set(snapshot.services, (byNamespace = new Map()));
    for (const service of snapshot.services.values()) {
      if (!service.selector || Object.keys(service.selector).length === 0) continue;
      const list = byNamespace.get(service.namespace);
      if (list) list.push(service);
      else byNamespace.set(service.namespace, [service]);
    }
  }
  return byNamespace.get(namespace) ?? [];
}

function servicesFor(snapshot: MeshSnapshot, namespace: string): ServiceList {
  const known = kept(visibleServices, snapshot.services);
  const present = known.get(namespace);
  if (present) return present;
  const byHost = new Map<string, ServiceRecord>();
  for (const service of snapshot.services.values()) {
    if (!isVisible(service.exportTo, service.namespace, namespace)) continue;
    const other = byHost.get(service.host);
    // The proxy's own namespace wins a host that several define; else Kubernetes, else the oldest, which comes first.
    if (!other || (service.namespace === namespace && other.namespace !== namespace) || (service.registry === 'Kubernetes' && other.registry === 'External' && other.namespace !== namespace)) byHost.set(service.host, service);
  }
  const list = [...byHost.values()].sort((left, right) => (left.host < right.host ? -1 : 1));
  known.set(namespace, list);
  return list;
}

function kept<V>(map: WeakMap<object, Map<string, V>>, key: object): Map<string, V> {
  let known = map.get(key);
  if (!known) map.set(key, (known = new Map()));
  return known;
}

function virtualServicesFor(snapshot: MeshSnapshot, namespace: string): readonly VirtualServiceRecord[] {
  const known = kept(visibleVirtualServices, snapshot.virtualServices);
  const present = known.get(namespace);
  if (present) return present;
  const visible = snapshot.virtualServices.filter((record) => record.spec.gateways?.includes(MESH_GATEWAY) && isVisible(record.spec.exportTo?.length ? record.spec.exportTo : snapshot.meshConfig.defaultVirtualServiceExportTo, record.namespace, namespace));
  // What a client's own namespace says of a service through the Gateway API comes before what the service's says.
  const list = visible.some(isConsumer) ? [...visible.filter(isConsumer), ...visible.filter((record) => !isConsumer(record))] : visible;
  known.set(namespace, list);
  return list;
}

function isConsumer({ spec }: VirtualServiceRecord): boolean {
  return spec.gatewayApi === 'consumer';
}

/** The Sidecar in force: by selector, then the namespace's, then the root namespace's. */
function sidecarFor(snapshot: MeshSnapshot, proxy: ProxyDescription): SidecarRecord | undefined {
  const own = snapshot.sidecars.filter((record) => record.namespace === proxy.namespace);
  const hasLabels = (record: SidecarRecord): boolean => Object.keys(record.spec.workloadSelector?.labels ?? {}).length > 0;
  return own.find((record) => hasLabels(record) && selects(record.spec.workloadSelector?.labels, proxy.labels))
    ?? own.find((record) => !hasLabels(record))
    ?? snapshot.sidecars.find((record) => record.namespace === snapshot.rootNamespace && !hasLabels(record));
}

const narrowed = new WeakMap<object, Map<string, { readonly from: ServiceList; readonly list: ServiceList }>>();

/** The services that the egress hosts `namespace/host` of a Sidecar name. */
function narrow(services: ServiceList, sidecar: SidecarRecord, namespace: string): ServiceList {
  const hosts = (sidecar.spec.egress ?? []).flatMap((egress) => egress.hosts);
  if (hosts.length === 0) return services;
  const known = kept(narrowed, sidecar);
  const present = known.get(namespace);
  if (present?.from === services) return present.list;
  const patterns = hosts.map((entry) => {
    const slash = entry.indexOf('/');
    const scope = slash < 0 ? '*' : entry.slice(0, slash);
    return { scope: scope === '.' ? namespace : scope, host: slash < 0 ? entry : entry.slice(slash + 1) };
  });
  const list = services.filter((service) => patterns.some(({ scope, host }) => scope !== '~' && (scope === '*' || scope === service.namespace) && hostCovers(host, service.host)));
  known.set(namespace, { from: services, list });
  return list;
}

/** Ports of the services whose selector picks the proxy's workload, ready or not; of several on one port the oldest service's. */
function inboundPortsOf(snapshot: MeshSnapshot, proxy: ProxyDescription): InboundPort[] {
  const workload = proxy.ipAddresses.map((address) => snapshot.workloads.get(address)).find((record) => record !== undefined);
  const byTarget = new Map<number, InboundPort>();
  for (const service of selectingServices(snapshot, proxy.namespace)) {
    if (!selects(service.selector, workload?.labels ?? proxy.labels)) continue;
    for (const port of service.ports) {
      const targetPort = typeof port.targetPort === 'number' ? port.targetPort : workload?.namedPorts[port.targetPort];
      if (targetPort === undefined || port.protocol === 'unsupported' || byTarget.has(targetPort)) continue;
      byTarget.set(targetPort, { service, port, targetPort });
    }
  }
  return [...byTarget.values()].sort((left, right) => left.targetPort - right.targetPort);
}
