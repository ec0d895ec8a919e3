// Locality load balancing from outside: a mesh of three zones in two regions, and what each client's assignments and clusters say.
import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { DestinationRule } from '../../shared/api/networking/destination-rule.ts';
import type { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { affectedTypes, buildSnapshot, compareSnapshots, createTranslator, generate, parseProxyDescription, type MeshSnapshot, type ProxyDescription, type SnapshotInput } from '../index.ts';
import { localityMatches } from './locality-balancing.ts';

const NODES = { n1: ['eu', 'eu-a', 'r1'], n2: ['eu', 'eu-a', 'r2'], n3: ['eu', 'eu-b', ''], n4: ['us', 'us-a', ''], n5: ['asia', 'asia-a', ''] } as const;
const CLUSTER = 'outbound|80||web.shop.svc.cluster.local';

interface World { readonly policy?: object; readonly mesh?: object; readonly distribution?: string; readonly subset?: Record<string, string>; readonly previous?: MeshSnapshot; readonly moved?: boolean }

function world({ policy, mesh = {}, distribution, subset, previous, moved }: World): MeshSnapshot {
  const meshConfig = parseMeshConfig(mesh);
  if (!meshConfig.ok) throw new Error('mesh');
  const names = Object.keys(NODES);
  const input: SnapshotInput = {
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local',
    services: [{ metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.0.0.1', selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }], ...(distribution ? { trafficDistribution: distribution } : {}) } }],
    endpointSlices: [{ metadata: { name: 'web', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: names.map((nodeName, index) => ({ addresses: [`10.1.0.${index + 1}`], nodeName, zone: 'unused' })) }],
    // The client's pod is on n1; the last endpoint is no pod, so that its node alone tells where it is.
    pods: [...names.slice(0, 4).map((nodeName, index) => ({ metadata: { name: `web-${index}`, namespace: 'shop', labels: { app: 'web', version: index % 2 === 0 ? 'v1' : 'v2' } }, spec: { nodeName }, status: { podIP: `10.1.0.${index + 1}`, phase: 'Running' } })),
      { metadata: { name: 'client', namespace: 'shop', labels: { app: 'client', version: 'v2' } }, spec: { nodeName: 'n1' }, status: { podIP: '10.1.0.99', phase: 'Running' } }],
    nodes: Object.entries(NODES).map(([name, [region, zone, subzone]]) => ({ metadata: { name, labels: { 'topology.kubernetes.io/region': moved && name === 'n4' ? 'eu' : region, 'topology.kubernetes.io/zone': zone, 'topology.istio.io/subzone': subzone } } })),
    namespaces: [],
    config: policy ? [DestinationRule.parse({ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'web', namespace: 'shop' }, spec: { host: 'web', trafficPolicy: policy, ...(subset ? { subsets: [{ name: 's', labels: subset }] } : {}) } })] : [],
  };
  return buildSnapshot(input, previous).snapshot;
}

function client(ip = '10.1.0.99', labels: Record<string, string> = { app: 'client', version: 'v2' }, locality = {}): ProxyDescription {
  const parsed = parseProxyDescription({ id: `sidecar~${ip}~client.shop~shop.svc.cluster.local`, locality, metadata: { NAMESPACE: 'shop', LABELS: labels, MIZZEN_VERSION: '3' } });
  if (!parsed.ok) throw new Error('proxy');
  return parsed.value;
}

/** Last byte of each endpoint's address by priority; `!` marks a locality's weight where it is not the number of its endpoints. */
function seen(snapshot: MeshSnapshot, proxy = client(), name = CLUSTER): Record<number, string> {
  const [resource] = generate(snapshot, proxy, TYPE_URLS.endpoint, [name]);
  const result: Record<number, string> = {};
  for (const { priority = 0, lbEndpoints = [], loadBalancingWeight } of (resource?.message as ClusterLoadAssignment).endpoints ?? []) {
    const addresses = lbEndpoints.map((endpoint) => endpoint.hostIdentifier?.$case === 'endpoint' && endpoint.hostIdentifier.endpoint.address?.address?.$case === 'socketAddress' ? endpoint.hostIdentifier.endpoint.address.address.socketAddress.address?.slice(7) ?? '' : '');
    if (addresses.length === 0) continue;
    result[priority] = [...(result[priority] ?? '').split(' ').filter((part) => part !== ''), `${addresses.join('+')}${loadBalancingWeight === addresses.length ? '' : `!${loadBalancingWeight}`}`].sort().join(' ');
  }
  return result;
}

function clusterOf(snapshot: MeshSnapshot): Cluster {
  return generate(snapshot, client(), TYPE_URLS.cluster, [CLUSTER])[0]?.message as Cluster;
}

const weighted = (snapshot: MeshSnapshot): boolean => clusterOf(snapshot).commonLbConfig?.localityConfigSpecifier?.$case === 'localityWeightedLbConfig';
const OUTLIERS = { outlierDetection: { consecutive5xxErrors: 3 } };

describe('locality load balancing', () => {
  it('does nothing without outlier detection, whatever the failover says', () => {
    const failover = { failover: [{ from: 'eu', to: 'us' }] };
    for (const snapshot of [world({}), world({ policy: {} }), world({ policy: { loadBalancer: { localityLbSetting: failover } } }), world({ mesh: { localityLbSetting: failover } })]) {
      expect([seen(snapshot), weighted(snapshot)]).toEqual([{ 0: '1 2 3 4 5' }, false]);
    }
  });

  it('with outlier detection goes by subzone, zone, region, and then anywhere', () => {
    const snapshot = world({ policy: OUTLIERS });
    expect(seen(snapshot)).toEqual({ 0: '1', 1: '2', 2: '3', 3: '4 5' });
    expect(weighted(snapshot)).toBe(false);
    // The same from the node's own words, and for clients elsewhere.
    expect(seen(snapshot, client('10.1.0.88', {}, { region: 'us', zone: 'us-a' }))).toEqual({ 0: '4', 1: '1 2 3 5' });
    expect(seen(snapshot, client('10.1.0.88', {}, { region: 'eu', zone: 'eu-c' }))).toEqual({ 0: '1 2 3', 1: '4 5' });
  });

  it('fails over to the region that the rule or the mesh names, before all others', () => {
    const failover = { failover: [{ from: 'eu', to: 'asia' }, { from: 'us', to: 'asia' }] };
    const byRule = world({ policy: { ...OUTLIERS, loadBalancer: { localityLbSetting: failover } } });
    expect(seen(byRule)).toEqual({ 0: '1', 1: '2', 2: '3', 3: '5', 4: '4' });
    expect(weighted(byRule)).toBe(true);
    expect(seen(world({ policy: OUTLIERS, mesh: { localityLbSetting: failover } }))).toEqual({ 0: '1', 1: '2', 2: '3', 3: '5', 4: '4' });
  });

  it('is switched off by the rule or by the mesh', () => {
    expect(seen(world({ policy: { ...OUTLIERS, loadBalancer: { localityLbSetting: { enabled: false } } } }))).toEqual({ 0: '1 2 3 4 5' });
    expect(seen(world({ policy: OUTLIERS, mesh: { localityLbSetting: { enabled: false } } }))).toEqual({ 0: '1 2 3 4 5' });
    expect(seen(world({ policy: { ...OUTLIERS, loadBalancer: { localityLbSetting: {} } }, mesh: { localityLbSetting: { enabled: false } } }))).toEqual({ 0: '1', 1: '2', 2: '3', 3: '4 5' });
  });

  it('ranks by labels in their order, those of the workload and those of its place', () => {
    const by = (failoverPriority: string[]): Record<number, string> => seen(world({ policy: { ...OUTLIERS, loadBalancer: { localityLbSetting: { failoverPriority } } } }));
    // The client is v2 on n1. Nobody carries the network label, so all have it in common.
    expect(by(['topology.istio.io/network', 'topology.kubernetes.io/region', 'version'])).toEqual({ 0: '2', 1: '1 3', 2: '4 5' });
    expect(by(['version', 'topology.kubernetes.io/zone'])).toEqual({ 0: '2', 1: '4', 2: '1 3 5' });
    expect(by(['version=v1'])).toEqual({ 0: '1 3', 1: '2 4 5' });
    expect(by(['kubernetes.io/hostname'])).toEqual({ 0: '1', 1: '2 3 4 5' });
  });

  it('adds failover between regions to a ranking by labels', () => {
    expect(seen(world({ policy: { ...OUTLIERS, loadBalancer: { localityLbSetting: { failoverPriority: ['topology.kubernetes.io/region'], failover: [{ from: 'eu', to: 'asia' }] } } } }))).toEqual({ 0: '1', 1: '2', 2: '3', 3: '5', 4: '4' });
  });

  it('distributes by weight, with or without outlier detection, and leaves out what is not named', () => {
    const distribute = [{ from: 'us/*', to: { us: 100 } }, { from: 'eu/eu-a/*', to: { 'eu/eu-a/*': 70, 'eu/eu-b/*': 20, asia: 10 } }];
    const snapshot = world({ policy: { loadBalancer: { localityLbSetting: { distribute } } } });
    expect(seen(snapshot)).toEqual({ 0: '1!35 2!35 3!20 5!10' });
    expect(weighted(snapshot)).toBe(true);
    expect(seen(snapshot, client('10.1.0.88', {}, { region: 'asia' }))).toEqual({ 0: '1 2 3 4 5' });
    expect(seen(world({ policy: { loadBalancer: { localityLbSetting: { distribute: [{ from: '*', to: { '*': 40, 'eu/eu-a': 60 } }] } } } }))).toEqual({ 0: '1!30 2!30 3!14 4!14 5!14' });
  });

  it('keeps services close that ask for it, also without outlier detection, unless a rule says otherwise', () => {
    for (const distribution of ['PreferClose', 'PreferSameZone']) expect(seen(world({ distribution }))).toEqual({ 0: '1 2', 1: '3', 2: '4 5' });
    expect(seen(world({ distribution: 'PreferSameNode' }))).toEqual({ 0: '1', 1: '2', 2: '3', 3: '4 5' });
    expect(weighted(world({ distribution: 'PreferClose' }))).toBe(true);
    expect(seen(world({ distribution: 'PreferClose', policy: { loadBalancer: { localityLbSetting: { enabled: false } } } }))).toEqual({ 0: '1 2 3 4 5' });
  });

  it('lets a subset name a zone', () => {
    expect(seen(world({ policy: {}, subset: { 'topology.kubernetes.io/zone': 'eu-a' } }), client(), 'outbound|80|s|web.shop.svc.cluster.local')).toEqual({ 0: '1 2' });
  });

  it('follows a node that changes its place, with an endpoint push', () => {
    const before = world({ policy: OUTLIERS });
    const after = world({ policy: OUTLIERS, previous: before, moved: true });
    expect(affectedTypes(compareSnapshots(before, after))).toContain(TYPE_URLS.endpoint);
    expect(seen(after)).toEqual({ 0: '1', 1: '2', 2: '3 4', 3: '5' });
  });

  it('is kept for clients of one place and made anew for others', () => {
    const translator = createTranslator();
    const snapshot = world({ policy: OUTLIERS });
    const made = (proxy: ProxyDescription) => translator.generate(snapshot, proxy, TYPE_URLS.endpoint, [CLUSTER])[0];
    const first = made(client());
    expect(made(client('10.1.0.1', { app: 'other' }))).toBe(first);
    expect(made(client('10.1.0.4'))).not.toBe(first);
    expect(made(client('10.1.0.4'))?.version).toBe(generate(snapshot, client('10.1.0.4'), TYPE_URLS.endpoint, [CLUSTER])[0]?.version);
  });
});

describe('localityMatches', () => {
  it.each([['eu/a/b', '*', true], ['eu/a/b', 'eu', true], ['eu/a/b', 'eu/*', true], ['eu/a/b', 'eu/a/*', true], ['eu/a/b', 'eu/a/b', true], ['eu/a/b', 'eu/b', false], ['eu', 'eu/a', false], ['eu/a/b', 'us', false], ['eu/a', 'eu/a/c', false]])('%s by %s is %s', (locality, pattern, expected) => {
    expect(localityMatches(locality, pattern)).toBe(expected);
  });
});
