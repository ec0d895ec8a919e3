// Builds a snapshot from everything that was read, sharing with the previous one every record that did not change.
// Called by the control plane after each debounce, and by offline tools. Pure: the same input in any order gives the same snapshot.
import { deepEqual, type Issue } from '../../shared/lib/index.ts';
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import { buildEndpointSets } from './endpoints.ts';
import type { GatewayApiConfiguration, ModelGateway, ModelVirtualService } from './gateway-api-configuration.ts';
import { resolveHost } from './host-name.ts';
import type { KubernetesEndpointSlice, KubernetesPod, SnapshotInput } from './inputs.ts';
import { serviceKey, type ServiceRecord, type WorkloadRecord } from './records.ts';
import { aliasResolver, resolveAliases } from './service-aliases.ts';
import { createdAt, kubernetesServiceRecord, serviceEntryRecords } from './services.ts';
import type { ConfigRecord, MeshSnapshot, NamespaceRecord } from './snapshot.ts';
import { nodeLocalities } from './topology.ts';
import { prepareVirtualServices } from './virtual-services.ts';
import { workloadsOf } from './workloads.ts';

const NO_GATEWAY_API: GatewayApiConfiguration = { gateways: [], virtualServices: [], backendTls: [], clientCertificates: [], secretGrants: [], grpcBackends: [] };

/** The snapshot of `input`, and what was found wrong while relating its objects to one another. */
export function buildSnapshot(input: SnapshotInput, previous?: MeshSnapshot): { readonly snapshot: MeshSnapshot; readonly issues: Issue[] } {
  const gatewayApi = input.gatewayApi ?? NO_GATEWAY_API;
  const services = shareMap(previous?.services, serviceTable(input));
  const virtual = prepareVirtualServices(recordsOf(input, 'VirtualService'), { domain: input.domain, concrete: aliasResolver(services) });
  const base = {
    number: input.number,
    meshConfig: previous && deepEqual(previous.meshConfig, input.meshConfig) ? previous.meshConfig : input.meshConfig,
    rootNamespace: input.rootNamespace,
    domain: input.domain,
    trustDomain: input.trustDomain,
    services,
    ...placedWorkloads(input, previous),
    namespaces: shareMap(previous?.namespaces, namespaceTable(input)),
    virtualServices: shareList(previous?.virtualServices, oldestFirst<ModelVirtualService>([...virtual.records, ...gatewayApi.virtualServices])),
    destinationRules: shareList(previous?.destinationRules, recordsOf(input, 'DestinationRule').map((record) => ({ ...record, spec: { ...record.spec, host: resolveHost(record.spec.host, record.namespace, input.domain) } }))),
    gateways: shareList(previous?.gateways, oldestFirst<ModelGateway>([...recordsOf(input, 'Gateway'), ...gatewayApi.gateways])),
    serviceEntries: shareList(previous?.serviceEntries, recordsOf(input, 'ServiceEntry')),
    workloadEntries: shareList(previous?.workloadEntries, recordsOf(input, 'WorkloadEntry')),
    sidecars: shareList(previous?.sidecars, recordsOf(input, 'Sidecar')),
    peerAuthentications: shareList(previous?.peerAuthentications, recordsOf(input, 'PeerAuthentication')),
    authorizationPolicies: shareList(previous?.authorizationPolicies, recordsOf(input, 'AuthorizationPolicy')),
    requestAuthentications: shareList(previous?.requestAuthentications, recordsOf(input, 'RequestAuthentication')),
    keySets: shareMap(previous?.keySets, new Map(input.keySets)),
    telemetries: shareList(previous?.telemetries, recordsOf(input, 'Telemetry')),
    ...gatewayApiParts(gatewayApi, previous),
  };
  const endpoints = shareMap(previous?.endpoints, buildEndpointSets(input.endpointSlices, base));
  return { snapshot: { ...base, endpoints }, issues: virtual.issues };
}

/** The next snapshot when only endpoints (and pods) changed: shares everything else. `changedClusters` holds service keys' clusters, for every port. */
export function withEndpoints(
  snapshot: MeshSnapshot,
  endpointSlices: readonly KubernetesEndpointSlice[],
  pods: readonly KubernetesPod[],
  number: number,
): { readonly snapshot: MeshSnapshot; readonly changedClusters: ReadonlySet<string> } {
  const workloads = shareMap(snapshot.workloads, workloadTable(pods, snapshot.nodeLocalities));
  const endpoints = shareMap(snapshot.endpoints, buildEndpointSets(endpointSlices, { ...snapshot, workloads }));
  const next = { ...snapshot, number, workloads, endpoints };
  return { snapshot: next, changedClusters: changedEndpointClusters(snapshot, next) };
}

/** Names of the outbound clusters (without subsets) whose endpoints differ between two snapshots. */
export function changedEndpointClusters(before: MeshSnapshot, after: MeshSnapshot): Set<string> {
  const changed = new Set<string>();
  for (const key of new Set([...before.endpoints.keys(), ...after.endpoints.keys()])) {
    if (before.endpoints.get(key) === after.endpoints.get(key)) continue;
    const service = after.services.get(key) ?? before.services.get(key);
    for (const port of service?.ports ?? []) changed.add(`outbound|${port.number}||${service?.host ?? ''}`);
  }
  return changed;
}

function serviceTable(input: SnapshotInput): Map<string, ServiceRecord> {
  const records = [
    ...input.services.map((service) => kubernetesServiceRecord(service, input)),
    ...input.config.flatMap((object) => (object.kind === 'ServiceEntry' ? serviceEntryRecords(object, input) : [])),
  ];
  records.sort((left, right) => left.createdAt - right.createdAt || compareText(left.namespace, right.namespace) || compareText(left.name, right.name) || compareText(left.host, right.host));
  const table = new Map<string, ServiceRecord>();
  for (const record of records) {
    const key = serviceKey(record);
    const present = table.get(key);
    // A Kubernetes Service wins over a ServiceEntry that claims its name; of two ServiceEntries the older one.
    if (!present || (present.registry === 'External' && record.registry === 'Kubernetes')) table.set(key, record);
  }
  resolveAliases(table);
  return table;
}

/** Pods, with the places of the nodes that they run on. */
function placedWorkloads(input: SnapshotInput, previous: MeshSnapshot | undefined): Pick<MeshSnapshot, 'workloads' | 'nodeLocalities'> {
  const localities = shareMap(previous?.nodeLocalities, nodeLocalities(input.nodes ?? []));
  return { nodeLocalities: localities, workloads: shareMap(previous?.workloads, workloadTable(input.pods, localities)) };
}

function workloadTable(pods: readonly KubernetesPod[], localities: ReadonlyMap<string, string>): Map<string, WorkloadRecord> {
  const sorted = pods.flatMap((pod) => workloadsOf(pod, localities))
    .sort((left, right) => compareText(left.address, right.address) || compareText(left.namespace, right.namespace) || compareText(left.podName, right.podName));
  return new Map(sorted.map((workload) => [workload.address, workload]));
}

function namespaceTable(input: SnapshotInput): Map<string, NamespaceRecord> {
  const records = input.namespaces.map(({ metadata }): NamespaceRecord => ({ name: metadata?.name ?? '', labels: metadata?.labels ?? {} }));
  records.sort((left, right) => compareText(left.name, right.name));
  return new Map(records.map((record) => [record.name, record]));
}

type ObjectOfKind<K extends IstioObject['kind']> = Extract<IstioObject, { kind: K }>;

/** The records of one kind, oldest first, then by namespace and name. */
function recordsOf<K extends IstioObject['kind']>(input: SnapshotInput, kind: K): ConfigRecord<ObjectOfKind<K>['spec']>[] {
  const records = input.config
    .filter((object): object is ObjectOfKind<K> => object.kind === kind)
    .map((object) => {
      const { name = '', namespace = '', labels = {}, annotations = {} } = object.metadata;
      return { name, namespace, labels, annotations, createdAt: createdAt(object.metadata), spec: object.spec as ObjectOfKind<K>['spec'], source: `${kind}/${namespace}/${name}` };
    });
  return oldestFirst(records);
}

function oldestFirst<T>(records: ConfigRecord<T>[]): ConfigRecord<T>[] {
  return records.sort((left, right) => left.createdAt - right.createdAt || compareText(left.namespace, right.namespace) || compareText(left.name, right.name));
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** `next` with every unchanged record taken from `previous`; `previous` itself when nothing changed. */
function shareMap<V>(previous: ReadonlyMap<string, V> | undefined, next: Map<string, V>): ReadonlyMap<string, V> {
  if (!previous) return next;
  let same = previous.size === next.size;
  for (const [key, value] of next) {
    const before = previous.get(key);
    if (before !== undefined && deepEqual(before, value)) next.set(key, before);
    else same = false;
  }
  return same ? previous : next;
}

/** What the Gateway API adds beside Gateways and VirtualServices. */
function gatewayApiParts(configuration: GatewayApiConfiguration, previous: MeshSnapshot | undefined): Pick<MeshSnapshot, 'backendTls' | 'gatewayClientCertificates' | 'gatewaySecretGrants' | 'grpcBackends'> {
  return {
    backendTls: shareValue(previous?.backendTls, configuration.backendTls),
    gatewayClientCertificates: shareValue(previous?.gatewayClientCertificates, configuration.clientCertificates),
    gatewaySecretGrants: shareValue(previous?.gatewaySecretGrants, configuration.secretGrants),
    grpcBackends: shareValue(previous?.grpcBackends, configuration.grpcBackends),
  };
}

function shareValue<T>(previous: T | undefined, next: T): T {
  return previous !== undefined && deepEqual(previous, next) ? previous : next;
}

function shareList<T>(previous: readonly ConfigRecord<T>[] | undefined, next: ConfigRecord<T>[]): readonly ConfigRecord<T>[] {
  if (!previous) return next;
  const before = new Map(previous.map((record) => [record.source, record]));
  const shared = next.map((record) => {
    const known = before.get(record.source);
    return known !== undefined && deepEqual(known, record) ? known : record;
  });
  return shared.length === previous.length && shared.every((record, index) => record === previous[index]) ? previous : shared;
}

