// Endpoint assignments: the addresses of a cluster, by locality, with what the client must know of each.
import type { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import type { LbEndpoint } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint_components.ts';
import { HealthStatus } from '../../shared/xds/generated/envoy/config/core/v3/health_check.ts';
import type { EndpointRecord, EndpointSet } from '../model/records.ts';
import { placeOf, topologyLabel } from '../model/topology.ts';
import type { AddressFamilies } from './address-families.ts';
import { balanceLocalities, type LocalityBalancing, type LocalityClient, type LocalityGroup } from './locality-balancing.ts';
import { socketAddress } from './xds-values.ts';

/** Everything that an assignment is made of. */
export interface AssignmentKey {
  readonly clusterName: string;
  readonly set: EndpointSet | undefined;
  readonly port: number;
  /** Labels of the cluster's subset; empty for all. */
  readonly labels: Readonly<Record<string, string>>;
  readonly clusterId: string;
  /** Families of the client's pod: endpoints of others are out of its reach. */
  readonly families: AddressFamilies;
  readonly balancing: LocalityBalancing | undefined;
  readonly client: LocalityClient;
}

/** The assignment; without endpoints it is empty, so that its cluster need not wait. */
export function loadAssignment(key: AssignmentKey): ClusterLoadAssignment {
  const groups = localityGroups((key.set?.endpoints ?? []).filter(({ address }) => isReachable(address, key.families)), key);
  return { clusterName: key.clusterName, endpoints: balanceLocalities(groups, key.balancing, key.client) };
}

/** Whether a pod with `families` can dial the address. */
export function isReachable(address: string, families: AddressFamilies): boolean {
  return families === 'dual' || address.includes(':') === (families === 'ipv6');
}

/** The endpoints that serve `port` and have `labels`, grouped by locality. */
export function localityGroups(endpoints: readonly EndpointRecord[], key: { readonly port: number; readonly labels: Readonly<Record<string, string>>; readonly clusterId?: string }): LocalityGroup[] {
  const groups = new Map<string, { records: EndpointRecord[]; lbEndpoints: LbEndpoint[] }>();
  for (const endpoint of endpoints) {
    const port = endpoint.ports[key.port];
    const clusterId = key.clusterId ?? 'Kubernetes';
    if (port === undefined || !isSelected(endpoint, key.labels, clusterId)) continue;
    let group = groups.get(endpoint.locality);
    if (!group) groups.set(endpoint.locality, (group = { records: [], lbEndpoints: [] }));
    group.records.push(endpoint);
    group.lbEndpoints.push(lbEndpoint(endpoint, port, clusterId));
  }
  return [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([locality, { records, lbEndpoints }]) => ({
    records,
    message: { locality: localityOf(locality), lbEndpoints, loadBalancingWeight: lbEndpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 1), 0) },
  }));
}

/** A subset may also name where its endpoints run. */
function isSelected(endpoint: EndpointRecord, labels: Readonly<Record<string, string>>, clusterId: string): boolean {
  const place = placeOf(endpoint, clusterId);
  return Object.entries(labels).every(([name, value]) => (endpoint.labels[name] ?? topologyLabel(name, endpoint.labels, place)) === value);
}

function localityOf(text: string): { region?: string; zone?: string; subZone?: string } {
  const [region = '', zone = '', subZone = ''] = text.split('/');
  return { ...(region ? { region } : {}), ...(zone ? { zone } : {}), ...(subZone ? { subZone } : {}) };
}

const HEALTH = { healthy: HealthStatus.HEALTHY, unhealthy: HealthStatus.UNHEALTHY, draining: HealthStatus.DRAINING } as const;

function lbEndpoint(endpoint: EndpointRecord, port: number, clusterId: string): LbEndpoint {
  const mutualTls = endpoint.tlsMode === 'istio' && !endpoint.plaintextPorts.includes(port);
  return {
    hostIdentifier: { $case: 'endpoint', endpoint: { address: socketAddress(endpoint.address, port) } },
    healthStatus: HEALTH[endpoint.health],
    loadBalancingWeight: endpoint.weight,
    metadata: {
      filterMetadata: {
        istio: { workload: workloadText(endpoint, clusterId) },
        ...(mutualTls ? { 'envoy.transport_socket_match': { tlsMode: 'istio' } } : {}),
      },
    },
  };
}

/** `name;namespace;canonical name;canonical revision;cluster`, which telemetry reads. */
function workloadText(endpoint: EndpointRecord, clusterId: string): string {
  const { labels } = endpoint;
  const canonicalName = labels['service.istio.io/canonical-name'] ?? labels['app.kubernetes.io/name'] ?? labels['app'] ?? endpoint.workloadName;
  const revision = labels['service.istio.io/canonical-revision'] ?? labels['app.kubernetes.io/version'] ?? labels['version'] ?? 'latest';
  return [endpoint.workloadName, endpoint.namespace, canonicalName, revision, clusterId].join(';');
}
