// Where workloads are: regions and zones of nodes, and the topology labels that locality settings compare. Called while endpoints and workloads are made,
// and by the translation of locality load balancing.
import type { KubernetesNode } from './inputs.ts';
import type { EndpointRecord } from './records.ts';

/** Label of a node's region. */
export const REGION_LABEL = 'topology.kubernetes.io/region';
/** Label of a node's zone. */
export const ZONE_LABEL = 'topology.kubernetes.io/zone';
/** Label of a node's part of a zone, which Kubernetes has no name for. */
export const SUBZONE_LABEL = 'topology.istio.io/subzone';
/** Label of a workload's network. */
export const NETWORK_LABEL = 'topology.istio.io/network';
/** Label of a workload's cluster. */
export const CLUSTER_LABEL = 'topology.istio.io/cluster';
/** Label of the node that a workload runs on. */
export const HOSTNAME_LABEL = 'kubernetes.io/hostname';

/** Where something runs. */
export interface Place {
  /** `region/zone/subzone`, possibly empty. */
  readonly locality: string;
  readonly network: string;
  readonly clusterId: string;
  readonly nodeName: string;
}

/** `region/zone/subzone` of each node that tells it, by node name. */
export function nodeLocalities(nodes: readonly KubernetesNode[]): Map<string, string> {
  const localities = new Map<string, string>();
  for (const { metadata } of nodes) {
    const labels = metadata?.labels ?? {};
    // The names in front of `topology.kubernetes.io` are still on old clusters.
    const region = labels[REGION_LABEL] ?? labels['failure-domain.beta.kubernetes.io/region'] ?? '';
    const zone = labels[ZONE_LABEL] ?? labels['failure-domain.beta.kubernetes.io/zone'] ?? '';
    const locality = localityText(region, zone, labels[SUBZONE_LABEL] ?? '');
    if (locality !== '' && metadata?.name) localities.set(metadata.name, locality);
  }
  return localities;
}

/** `region/zone/subzone` without the empty parts at its end. */
export function localityText(region: string, zone: string, subzone: string): string {
  return [region, zone, subzone].join('/').replace(/\/+$/, '');
}

/** The place of an endpoint in the cluster `clusterId`. */
export function placeOf({ locality, network, nodeName }: EndpointRecord, clusterId: string): Place {
  return { locality, network, nodeName, clusterId };
}

/** The value of a label as locality settings see it: topology labels tell the place, all others what the workload has. */
export function topologyLabel(name: string, labels: Readonly<Record<string, string>>, place: Place): string | undefined {
  const [region, zone, subzone] = place.locality.split('/');
  switch (name) {
    case REGION_LABEL: return region || undefined;
    case ZONE_LABEL: return zone || undefined;
    case SUBZONE_LABEL: return subzone || undefined;
    case NETWORK_LABEL: return place.network || labels[name];
    case CLUSTER_LABEL: return place.clusterId || undefined;
    case HOSTNAME_LABEL: return place.nodeName || undefined;
    default: return labels[name];
  }
}
