// Locality load balancing: which setting holds for a service, and what it makes of an assignment: weights by `distribute`, priorities by `failover` and
// `failoverPriority`. Follows Istio's DestinationRule reference (LocalityLoadBalancerSetting) and its order of priorities.
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { LocalityLoadBalancerSetting, TrafficPolicy } from '../../shared/api/networking/destination-rule.ts';
import type { LocalityLbEndpoints } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint_components.ts';
import type { EndpointRecord, ServiceRecord } from '../model/records.ts';
import { HOSTNAME_LABEL, NETWORK_LABEL, placeOf, REGION_LABEL, SUBZONE_LABEL, topologyLabel, ZONE_LABEL, type Place } from '../model/topology.ts';

/** The setting in force. */
export interface LocalityBalancing {
  readonly setting: LocalityLoadBalancerSetting;
  /** Whether priorities are given: only with outlier detection does a proxy leave a locality, or where the service itself asks to stay close. */
  readonly failover: boolean;
}

/** The client for which an assignment is made. */
export interface LocalityClient {
  readonly place: Place;
  readonly labels: Readonly<Record<string, string>>;
}

/** Endpoints of one locality, the records beside the message that was made of them. */
export interface LocalityGroup {
  readonly message: LocalityLbEndpoints;
  readonly records: readonly EndpointRecord[];
}

const SAME_ZONE: LocalityLoadBalancerSetting = { failoverPriority: [NETWORK_LABEL, REGION_LABEL, ZONE_LABEL] };
const SAME_NODE: LocalityLoadBalancerSetting = { failoverPriority: [NETWORK_LABEL, REGION_LABEL, ZONE_LABEL, SUBZONE_LABEL, HOSTNAME_LABEL] };

/** What holds for `service`: the rule's setting, else the service's own wish, else the mesh's. */
export function localityBalancing(policy: Pick<TrafficPolicy, 'loadBalancer' | 'outlierDetection'>, service: Pick<ServiceRecord, 'trafficDistribution'>, meshConfig: MeshConfig): LocalityBalancing | undefined {
  const own = policy.loadBalancer?.localityLbSetting;
  const failover = policy.outlierDetection !== undefined;
  if (own) return own.enabled === false ? undefined : effective(own, failover);
  if (service.trafficDistribution !== 'any') return { setting: service.trafficDistribution === 'same-node' ? SAME_NODE : SAME_ZONE, failover: true };
  return meshConfig.localityLbSetting.enabled === false ? undefined : effective(meshConfig.localityLbSetting, failover);
}

/** Nothing where the setting changes nothing, so that clients everywhere share an assignment. */
function effective(setting: LocalityLoadBalancerSetting, failover: boolean): LocalityBalancing | undefined {
  return failover || setting.distribute?.length ? { setting, failover } : undefined;
}

/** All of `client` that `balancing` looks at: clients of which it is equal get the same assignment. */
export function localityKey(balancing: LocalityBalancing | undefined, client: LocalityClient): string {
  if (!balancing) return '';
  const labels = (balancing.setting.failoverPriority ?? []).map((entry) => wantedLabel(entry, client).value);
  return [String(balancing.failover), client.place.locality, ...labels].join(' ');
}

/** Whether a cluster draws by the weights of its localities. */
export function usesLocalityWeights(balancing: LocalityBalancing | undefined): boolean {
  if (!balancing) return false;
  const { distribute, failover, failoverPriority } = balancing.setting;
  return (distribute?.length ?? 0) > 0 || (balancing.failover && ((failover?.length ?? 0) > 0 || (failoverPriority?.length ?? 0) > 0));
}

/** The localities as `client` is to use them. */
export function balanceLocalities(groups: readonly LocalityGroup[], balancing: LocalityBalancing | undefined, client: LocalityClient): LocalityLbEndpoints[] {
  const plain = groups.map(({ message }) => message);
  if (!balancing) return plain;
  const { distribute, failover, failoverPriority } = balancing.setting;
  if (distribute?.length) return distributeWeights(plain, distribute, client.place.locality);
  if (!balancing.failover) return plain;
  if (!failoverPriority?.length) return byLocality(plain, failover ?? [], client.place.locality);
  const split = groups.flatMap((group) => byLabels(group, failoverPriority, client));
  const ranked = withoutGaps(split);
  return failover?.length ? byLocality(ranked, failover, client.place.locality) : ranked;
}

/** The first entry whose `from` fits gives each matched locality its share, divided among several by their endpoints; localities that no pattern names lose their endpoints. */
function distributeWeights(localities: readonly LocalityLbEndpoints[], distribute: NonNullable<LocalityLoadBalancerSetting['distribute']>, from: string): LocalityLbEndpoints[] {
  const rule = distribute.find((entry) => localityMatches(from, entry.from ?? ''));
  if (!rule) return [...localities];
  const shares = new Map<LocalityLbEndpoints, number>();
  // The most specific pattern first, so that a wildcard takes what is left: the order of a map means nothing.
  const patterns = Object.entries(rule.to ?? {}).sort(([left], [right]) => Number(left.includes('*')) - Number(right.includes('*')) || right.length - left.length || (left < right ? -1 : 1));
  for (const [pattern, share] of patterns) {
    const matched = localities.filter((locality) => !shares.has(locality) && localityMatches(textOf(locality), pattern));
    const total = matched.reduce((sum, { loadBalancingWeight = 1 }) => sum + loadBalancingWeight, 0);
    for (const locality of matched) shares.set(locality, Math.ceil(((locality.loadBalancingWeight ?? 1) * share) / total));
  }
  return localities.map((locality) => {
    const share = shares.get(locality) ?? 0;
    if (share > 0) return { ...locality, loadBalancingWeight: share };
    // A share of zero, as none at all, means that nothing goes there.
    return { ...locality, lbEndpoints: [] };
  });
}

function byLocality(localities: readonly LocalityLbEndpoints[], failover: NonNullable<LocalityLoadBalancerSetting['failover']>, from: string): LocalityLbEndpoints[] {
  const [region = ''] = from.split('/');
  const target = failover.find((entry) => entry.from === region);
  return withoutGaps(localities.map((locality) => ({ ...locality, priority: (locality.priority ?? 0) * 5 + distance(from, textOf(locality), target?.to) })));
}

/** 0 for the same subzone, 1 the same zone, 2 the same region, 3 elsewhere; with a region to fail over to, 4 for all others. */
function distance(from: string, to: string, failoverRegion: string | undefined): number {
  const [region = '', zone = '', subzone = ''] = from.split('/');
  const [otherRegion = '', otherZone = '', otherSubzone = ''] = to.split('/');
  if (region !== otherRegion) return failoverRegion === undefined || otherRegion === failoverRegion ? 3 : 4;
  if (zone !== otherZone) return 2;
  return subzone === otherSubzone ? 0 : 1;
}

/** Splits a locality by how many of the labels, from the first on, an endpoint has in common with the client. */
function byLabels({ message, records }: LocalityGroup, labels: readonly string[], client: LocalityClient): LocalityLbEndpoints[] {
  const parts = new Map<number, NonNullable<LocalityLbEndpoints['lbEndpoints']>>();
  const wanted = labels.map((entry) => wantedLabel(entry, client));
  records.forEach((record, index) => {
    const endpoint = message.lbEndpoints?.[index];
    if (!endpoint) return;
    const place = placeOf(record, client.place.clusterId);
    const differing = wanted.findIndex(({ name, value }) => (topologyLabel(name, record.labels, place) ?? '') !== value);
    const priority = differing < 0 ? 0 : labels.length - differing;
    const part = parts.get(priority);
    if (part) part.push(endpoint);
    else parts.set(priority, [endpoint]);
  });
  return [...parts].sort(([left], [right]) => left - right).map(([priority, lbEndpoints]) => ({
    ...message, priority, lbEndpoints, loadBalancingWeight: lbEndpoints.reduce((sum, { loadBalancingWeight = 1 }) => sum + loadBalancingWeight, 0),
  }));
}

/** `name` compares with the client's own label, `name=value` with the value. */
function wantedLabel(entry: string, client: LocalityClient): { readonly name: string; readonly value: string } {
  const [name = '', ...rest] = entry.split('=');
  return { name, value: rest.length === 1 ? rest[0] ?? '' : topologyLabel(name, client.labels, client.place) ?? '' };
}

/** Priorities must follow one another from 0. */
function withoutGaps(localities: readonly LocalityLbEndpoints[]): LocalityLbEndpoints[] {
  const used = [...new Set(localities.map(({ priority = 0 }) => priority))].sort((left, right) => left - right);
  return localities.map((locality) => ({ ...locality, priority: used.indexOf(locality.priority ?? 0) }));
}

function textOf({ locality }: LocalityLbEndpoints): string {
  return [locality?.region ?? '', locality?.zone ?? '', locality?.subZone ?? ''].join('/');
}

/** Whether a locality fits `region/zone/subzone`, in which `*` and what is left out stand for anything. */
export function localityMatches(locality: string, pattern: string): boolean {
  const parts = locality.split('/');
  for (const [index, part] of pattern.split('/').entries()) {
    if (part === '*' || (part === '' && index > 0)) return true;
    if (part !== (parts[index] ?? '')) return false;
  }
  return true;
}
