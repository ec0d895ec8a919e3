// The endpoints of each service: from EndpointSlices and pods, from inline and selected entries of ServiceEntries.
import type { WorkloadEntrySpec } from '../../shared/api/networking/workload-entry.ts';
import type { KubernetesEndpointSlice } from './inputs.ts';
import { mutualTlsFor, selects } from './policy-selection.ts';
import { serviceKey, spiffeIdentity, type EndpointRecord, type EndpointSet, type ServiceRecord, type WorkloadRecord } from './records.ts';
import type { MeshSnapshot, WorkloadEntryRecord } from './snapshot.ts';
import { localityText } from './topology.ts';

/** What endpoint sets are made of besides the slices. */
export type EndpointContext = Pick<MeshSnapshot, 'services' | 'workloads' | 'nodeLocalities' | 'workloadEntries' | 'serviceEntries' | 'peerAuthentications' | 'rootNamespace' | 'trustDomain'>;

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** The endpoint set of every service that has any. */
export function buildEndpointSets(slices: readonly KubernetesEndpointSlice[], context: EndpointContext): Map<string, EndpointSet> {
  const slicesByService = groupSlices(slices);
  const tlsOf = tlsModes(context);
  const inline = inlineEndpoints(context);
  const sets = new Map<string, EndpointSet>();
  for (const service of context.services.values()) {
    const endpoints = service.registry === 'Kubernetes'
      ? [...fromSlices(service, slicesByService.get(`${service.namespace}/${service.name}`) ?? [], context, tlsOf), ...fromSelectedEntries(service, context)]
      : fromServiceEntry(service, inline.get(serviceKey(service)) ?? [], context, tlsOf);
    if (endpoints.length === 0) continue;
    endpoints.sort((left, right) => compareText(left.address, right.address) || compareText(JSON.stringify(left.ports), JSON.stringify(right.ports)));
    sets.set(serviceKey(service), { serviceKey: serviceKey(service), endpoints, identities: identitiesOf(endpoints, context.trustDomain) });
  }
  return sets;
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function groupSlices(slices: readonly KubernetesEndpointSlice[]): Map<string, KubernetesEndpointSlice[]> {
  const groups = new Map<string, KubernetesEndpointSlice[]>();
  for (const slice of slices) {
    const { namespace = '', labels = {} } = slice.metadata ?? {};
    const key = `${namespace}/${labels[SERVICE_NAME_LABEL] ?? ''}`;
    const group = groups.get(key);
    if (group) group.push(slice);
    else groups.set(key, [slice]);
  }
  return groups;
}

type TlsOf = (workload: WorkloadRecord) => Pick<EndpointRecord, 'tlsMode' | 'plaintextPorts'>;

/** TLS modes by workload, worked out once a workload. */
function tlsModes(context: EndpointContext): TlsOf {
  const known = new Map<WorkloadRecord, Pick<EndpointRecord, 'tlsMode' | 'plaintextPorts'>>();
  return (workload) => {
    const present = known.get(workload);
    if (present) return present;
    const { mode, ports } = mutualTlsFor(context, workload);
    const result = {
      tlsMode: mode === 'DISABLE' ? 'disabled' as const : workload.tlsMode,
      plaintextPorts: [...ports].filter(([, portMode]) => portMode === 'DISABLE').map(([port]) => port).sort((left, right) => left - right),
    };
    known.set(workload, result);
    return result;
  };
}

function fromSlices(service: ServiceRecord, slices: readonly KubernetesEndpointSlice[], context: EndpointContext, tlsOf: TlsOf): EndpointRecord[] {
  const found = new Map<string, EndpointRecord>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    const ports = slicePorts(service, slice);
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue;
      for (const address of endpoint.addresses ?? []) {
        // A slice a port is legal: the endpoint then has the ports of all of them.
        const ports0 = found.get(address)?.ports ?? {};
        found.set(address, { ...sliceEndpoint(service, address, { ...ports0, ...ports }, placeOfSlice(endpoint, context), context, tlsOf), ...(endpoint.hostname ? { hostname: endpoint.hostname } : {}) });
      }
    }
  }
  return [...found.values()];
}

/** Slice ports carry the service port's name; that is the joint between the two. */
function slicePorts(service: ServiceRecord, slice: KubernetesEndpointSlice): Record<number, number> {
  const ports: Record<number, number> = {};
  for (const { name = '', number } of service.ports) {
    const target = (slice.ports ?? []).find((port) => (port.name ?? '') === name)?.port;
    if (target !== undefined) ports[number] = target;
  }
  return ports;
}

type SlicePlace = Pick<EndpointRecord, 'locality' | 'nodeName'>;

/** The node's own labels tell more than the slice, which knows the zone alone. */
function placeOfSlice({ nodeName = '', zone = '' }: { readonly nodeName?: string | undefined; readonly zone?: string | undefined }, { nodeLocalities }: EndpointContext): SlicePlace {
  return { nodeName, locality: nodeLocalities.get(nodeName) ?? localityText('', zone, '') };
}

function sliceEndpoint(service: ServiceRecord, address: string, ports: Record<number, number>, place: SlicePlace, context: EndpointContext, tlsOf: TlsOf): EndpointRecord {
  const workload = context.workloads.get(address);
  const shared = { address, ports, network: '', weight: 1, health: 'healthy' as const };
  if (!workload) {
    return { ...shared, labels: {}, serviceAccount: '', namespace: service.namespace, workloadName: '', podName: '', ...place, tlsMode: 'disabled', plaintextPorts: [] };
  }
  return { ...shared, ...workloadFields(workload), locality: workload.locality || place.locality, nodeName: workload.nodeName || place.nodeName, ...tlsOf(workload) };
}

function workloadFields(workload: WorkloadRecord): Pick<EndpointRecord, 'labels' | 'serviceAccount' | 'namespace' | 'workloadName' | 'podName'> {
  const { labels, serviceAccount, namespace, workloadName, podName } = workload;
  return { labels, serviceAccount, namespace, workloadName, podName };
}

/** WorkloadEntries that a Kubernetes Service's selector picks. */
function fromSelectedEntries(service: ServiceRecord, context: EndpointContext): EndpointRecord[] {
  if (!service.selector || Object.keys(service.selector).length === 0) return [];
  return selectedEntries(service, context).map((entry) => entryEndpoint(service, entry.spec, entry.name));
}

function selectedEntries(service: ServiceRecord, context: EndpointContext): WorkloadEntryRecord[] {
  return context.workloadEntries.filter((entry) => entry.namespace === service.namespace && entry.spec.address && selects(service.selector, { ...entry.labels, ...entry.spec.labels }));
}

/** Inline endpoints of ServiceEntries by service key. */
function inlineEndpoints(context: EndpointContext): Map<string, readonly WorkloadEntrySpec[]> {
  const inline = new Map<string, readonly WorkloadEntrySpec[]>();
  for (const { namespace, spec } of context.serviceEntries) {
    for (const host of spec.hosts) {
      const key = serviceKey({ namespace, host: host.toLowerCase() });
      if (spec.endpoints?.length && !inline.has(key)) inline.set(key, spec.endpoints);
    }
  }
  return inline;
}

function fromServiceEntry(service: ServiceRecord, inline: readonly WorkloadEntrySpec[], context: EndpointContext, tlsOf: TlsOf): EndpointRecord[] {
  const endpoints = inline.map((spec) => entryEndpoint(service, spec, ''));
  if (!service.selector || Object.keys(service.selector).length === 0) return endpoints;
  endpoints.push(...selectedEntries(service, context).map((entry) => entryEndpoint(service, entry.spec, entry.name)));
  const seen = new Set<string>();
  for (const workload of context.workloads.values()) {
    // A pod of two families stands there twice.
    if (seen.has(workload.podName)) continue;
    if (workload.namespace !== service.namespace || !selects(service.selector, workload.labels)) continue;
    const ports: Record<number, number> = {};
    for (const port of service.ports) ports[port.number] = typeof port.targetPort === 'number' ? port.targetPort : port.number;
    seen.add(workload.podName);
    endpoints.push({ address: workload.address, ports, network: '', weight: 1, health: 'healthy', ...workloadFields(workload), locality: workload.locality, nodeName: workload.nodeName, ...tlsOf(workload) });
  }
  return endpoints;
}

function entryEndpoint(service: ServiceRecord, spec: WorkloadEntrySpec, name: string): EndpointRecord {
  const ports: Record<number, number> = {};
  for (const port of service.ports) ports[port.number] = spec.ports?.[port.name] ?? (typeof port.targetPort === 'number' ? port.targetPort : port.number);
  return {
    address: spec.address ?? '',
    ports,
    labels: spec.labels ?? {},
    serviceAccount: spec.serviceAccount ?? '',
    namespace: service.namespace,
    workloadName: name || service.name,
    podName: '',
    locality: spec.locality ?? '',
    network: spec.network ?? '',
    nodeName: '',
    weight: spec.weight && spec.weight > 0 ? spec.weight : 1,
    health: 'healthy',
    tlsMode: spec.labels?.['security.istio.io/tlsMode'] === 'istio' ? 'istio' : 'disabled',
    plaintextPorts: [],
  };
}

function identitiesOf(endpoints: readonly EndpointRecord[], trustDomain: string): string[] {
  const identities = new Set<string>();
  for (const { namespace, serviceAccount } of endpoints) if (serviceAccount) identities.add(spiffeIdentity(trustDomain, namespace, serviceAccount));
  return [...identities].sort();
}
