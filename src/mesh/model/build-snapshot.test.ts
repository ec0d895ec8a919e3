import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { buildSnapshot, changedEndpointClusters, withEndpoints } from './build-snapshot.ts';
import type { ConfigObject, KubernetesEndpointSlice, KubernetesPod, SnapshotInput } from './inputs.ts';
import { mutualTlsFor } from './policy-selection.ts';
import { compareSnapshots } from './snapshot-change.ts';

const read = (name: string): Record<string, unknown[]> => parse(readFileSync(new URL(`../translate/testdata/${name}`, import.meta.url), 'utf8')) as Record<string, unknown[]>;

function input(config = read('traffic.yaml')['config'] ?? []): SnapshotInput {
  return { number: 1, meshConfig: MeshConfig.parse({}), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...(read('bookinfo.yaml') as unknown as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>), config: config as ConfigObject[] };
}

const shuffled = <T>(list: readonly T[]): fc.Arbitrary<T[]> => fc.shuffledSubarray([...list], { minLength: list.length });

describe('buildSnapshot', () => {
  it('gives the same snapshot whatever the order of its inputs', () => {
    const given = input();
    const expected = buildSnapshot(given).snapshot;
    fc.assert(fc.property(shuffled(given.services), shuffled(given.pods), shuffled(given.endpointSlices), shuffled(given.config), (services, pods, endpointSlices, config) => {
      const { snapshot } = buildSnapshot({ ...given, services, pods, endpointSlices, config });
      expect([...snapshot.services]).toEqual([...expected.services]);
      expect([...snapshot.workloads]).toEqual([...expected.workloads]);
      expect(snapshot).toEqual(expected);
    }), { numRuns: 50 });
  });

  it('shares every unchanged record with the snapshot before, read anew or not', () => {
    const before = buildSnapshot(input()).snapshot;
    const after = buildSnapshot({ ...input(), number: 2 }, before).snapshot;
    for (const field of ['services', 'endpoints', 'workloads', 'virtualServices', 'destinationRules', 'gateways', 'meshConfig'] as const) expect(after[field]).toBe(before[field]);
    expect(compareSnapshots(before, after)).toEqual({ endpointsOnly: true, kinds: new Set(), changedClusters: new Set(), changedWorkloads: new Set() });
  });

  it('leaves a missing delegate out and says so', () => {
    const root = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'root', namespace: 'bookinfo' }, spec: { hosts: ['reviews'], http: [{ match: [{ uri: { prefix: '/a' } }], delegate: { name: 'gone' } }, { route: [{ destination: { host: 'reviews' } }] }] } };
    const { snapshot, issues } = buildSnapshot(input([root]));
    expect(issues.map(({ code, object }) => [code, object?.name])).toEqual([['MESH_DELEGATE_MISSING', 'root']]);
    expect(snapshot.virtualServices[0]?.spec.http).toHaveLength(1);
  });

  it('merges a delegate into its root: paths inside the root, destinations by the delegate\'s namespace', () => {
    const root = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'root', namespace: 'a' }, spec: { hosts: ['x.example'], http: [{ match: [{ uri: { prefix: '/a' }, headers: { h: { exact: '1' } } }], delegate: { name: 'd', namespace: 'b' } }] } };
    const delegate = { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'd', namespace: 'b' }, spec: { http: [{ match: [{ uri: { prefix: '/a/b' } }, { uri: { prefix: '/c' } }], route: [{ destination: { host: 'svc' } }] }] } };
    const { snapshot } = buildSnapshot(input([root, delegate]));
    expect(snapshot.virtualServices).toHaveLength(1);
    expect(snapshot.virtualServices[0]?.spec.http).toEqual([{ match: [{ uri: { prefix: '/a/b' }, headers: { h: { exact: '1' } } }], route: [{ destination: { host: 'svc.b.svc.cluster.local' } }] }]);
  });

  it('names the workload by the Deployment and its identity by the service account', () => {
    const { snapshot } = buildSnapshot(input());
    const set = snapshot.endpoints.get('bookinfo/reviews.bookinfo.svc.cluster.local');
    expect(set?.endpoints.map(({ workloadName, tlsMode }) => [workloadName, tlsMode])).toEqual([['reviews-v1', 'istio'], ['reviews-v2', 'istio']]);
    expect(set?.identities).toEqual(['spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews']);
  });

  it('takes an ExternalName for an alias where the registry has what it names, through other aliases, and for a service of its own elsewhere', () => {
    const alias = (name: string, externalName: string) => ({ metadata: { name, namespace: 'shop' }, spec: { type: 'ExternalName', externalName, ports: [{ port: 80, name: 'http' }] } });
    const given = input();
    const { snapshot } = buildSnapshot({
      ...given,
      services: [...given.services, alias('one', 'Reviews.bookinfo.svc.cluster.local.'), alias('two', 'one.shop.svc.cluster.local'), alias('abroad', 'www.example.com'), alias('further', 'abroad.shop.svc.cluster.local'), alias('ring', 'rang.shop.svc.cluster.local'), alias('rang', 'ring.shop.svc.cluster.local')],
      config: [{ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'v', namespace: 'shop' }, spec: { hosts: ['entry.example'], http: [{ route: [{ destination: { host: 'two' } }] }] } } as ConfigObject],
    });
    const seen = (name: string) => {
      const { aliasOf, ports, external, resolution } = snapshot.services.get(`shop/${name}.shop.svc.cluster.local`) ?? {};
      return { aliasOf, ports: ports?.length, external, resolution };
    };
    const reviews = { aliasOf: 'reviews.bookinfo.svc.cluster.local', ports: 0, external: false };
    expect(seen('one')).toMatchObject(reviews);
    expect(seen('two')).toMatchObject(reviews);
    expect(seen('abroad')).toEqual({ aliasOf: undefined, ports: 1, external: true, resolution: 'dns' });
    expect(seen('further')).toMatchObject({ aliasOf: 'abroad.shop.svc.cluster.local', ports: 0 });
    expect([seen('ring').aliasOf, seen('rang').aliasOf]).toEqual([undefined, undefined]);
    expect(snapshot.virtualServices[0]?.spec.http?.[0]?.route?.[0]?.destination.host).toBe('reviews.bookinfo.svc.cluster.local');
  });
});

describe('withEndpoints', () => {
  it('changes the endpoints alone and names the clusters', () => {
    const given = input();
    const before = buildSnapshot(given).snapshot;
    const slices = given.endpointSlices.map((slice): KubernetesEndpointSlice => (slice.metadata?.name === 'reviews-1' ? { ...slice, endpoints: slice.endpoints?.slice(1) } : slice));
    const { snapshot, changedClusters } = withEndpoints(before, slices, given.pods, 2);
    expect(snapshot.services).toBe(before.services);
    expect([...changedClusters]).toEqual(['outbound|9080||reviews.bookinfo.svc.cluster.local']);
    expect(compareSnapshots(before, snapshot).endpointsOnly).toBe(true);
    expect(changedEndpointClusters(snapshot, snapshot).size).toBe(0);
  });

  it('is no endpoint-only change when a new service account appears: clusters check the names', () => {
    const given = input();
    const before = buildSnapshot(given).snapshot;
    const pods = given.pods.map((pod): KubernetesPod => (pod.metadata?.name === 'reviews-v2-def-1' ? { ...pod, spec: { ...pod.spec, serviceAccountName: 'other' } } : pod));
    expect(compareSnapshots(before, withEndpoints(before, given.endpointSlices, pods, 2).snapshot).endpointsOnly).toBe(false);
  });
});

describe('mutualTlsFor', () => {
  const policy = (namespace: string, mode: string, extra: object = {}): ConfigObject => ({ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: `${namespace}-${mode}`, namespace }, spec: { mtls: { mode }, ...extra } }) as ConfigObject;
  const app = { namespace: 'bookinfo', labels: { app: 'reviews' } };
  it.each([
    ['nothing', [], 'PERMISSIVE'],
    ['the mesh', [policy('istio-system', 'STRICT')], 'STRICT'],
    ['the namespace over the mesh', [policy('istio-system', 'STRICT'), policy('bookinfo', 'DISABLE')], 'DISABLE'],
    ['UNSET inherits', [policy('istio-system', 'STRICT'), policy('bookinfo', 'UNSET')], 'STRICT'],
    ['the workload over all', [policy('istio-system', 'DISABLE'), policy('bookinfo', 'STRICT', { selector: { matchLabels: { app: 'reviews' } } })], 'STRICT'],
    ['another workload', [policy('bookinfo', 'STRICT', { selector: { matchLabels: { app: 'ratings' } } })], 'PERMISSIVE'],
  ])('follows %s', (_name, config, expected) => {
    expect(mutualTlsFor(buildSnapshot(input(config)).snapshot, app).mode).toBe(expected);
  });

  it('takes a port\'s own mode, UNSET meaning the workload\'s', () => {
    const config = [policy('bookinfo', 'STRICT', { selector: { matchLabels: { app: 'reviews' } }, portLevelMtls: { 9080: { mode: 'DISABLE' }, 9081: { mode: 'UNSET' } } })];
    expect([...mutualTlsFor(buildSnapshot(input(config)).snapshot, app).ports]).toEqual([[9080, 'DISABLE'], [9081, 'STRICT']]);
  });
});
