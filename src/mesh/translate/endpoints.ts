// Endpoint assignments: the addresses of a cluster, by locality, with what the client must know of each.
import type { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import type { LbEndpoint, LocalityLbEndpoints } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint_components.ts';
import { HealthStatus } from '../../shared/xds/generated/envoy/config/core/v3/health_check.ts';
import { selects } from '../model/policy-selection.ts';
import type { EndpointRecord, EndpointSet } from '../model/records.ts';
import type { AddressFamilies } from './address-families.ts';
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
}

/** The assignment; without endpoints it is empty, so that its cluster need not wait. */
export function loadAssignment(key: AssignmentKey): ClusterLoadAssignment {
  return { clusterName: key.clusterName, endpoints: localityEndpoints((key.set?.endpoints ?? []).filter(({ address }) => isReachable(address, key.families)), key) };
}

/** Whether a pod with `families` can dial the address. */
export function isReachable(address: string, families: AddressFamilies): boolean {
  return families === 'dual' || address.includes(':') === (families === 'ipv6');
}

/** The endpoints that serve `port` and have `labels`, grouped by locality. */
export function localityEndpoints(endpoints: readonly EndpointRecord[], key: { readonly port: number; readonly labels: Readonly<Record<string, string>>; readonly clusterId?: string }): LocalityLbEndpoints[] {
  const groups = new Map<string, LbEndpoint[]>();
  for (const endpoint of endpoints) {
    const port = endpoint.ports[key.port];
    if (port === undefined || !selects(key.labels, endpoint.labels)) continue;
    const group = groups.get(endpoint.locality);
    const made = lbEndpoint(endpoint, port, key.clusterId ?? 'Kubernetes');
    if (group) group.push(made);
    else groups.set(endpoint.locality, [made]);
  }
  return [...groups].sort(([left], [right]) => (left < right ? -1 : 1)).map(([locality, lbEndpoints]) => ({
    locality: localityOf(locality),
    lbEndpoints,
    loadBalancingWeight: lbEndpoints.reduce((sum, endpoint) => sum + (endpoint.loadBalancingWeight ?? 1), 0),
  }));
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
