// Goldens of translation: YAML in, xDS out as JSON with packed messages opened. `npm run golden` rewrites them.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { ISTIO_KINDS, type IstioObject } from '../../shared/api/istio-kinds.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { compileCluster } from '../../proxy/config/cluster.ts';
import { compileEndpoints } from '../../proxy/config/endpoints.ts';
import { compileListener } from '../../proxy/config/listener.ts';
import { compileRoute } from '../../proxy/config/route.ts';
import { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type MeshSnapshot, type NamedResource, type ProxyDescription, type SnapshotInput } from '../index.ts';
import { expectGolden } from '../../../test/support/golden.ts';
import { readable } from './testdata/readable.ts';

const folder = new URL('./testdata/', import.meta.url);
const load = (name: string): Record<string, unknown> => parse(readFileSync(new URL(name, folder), 'utf8')) as Record<string, unknown>;

function inputOf(config: readonly unknown[], meshConfig: unknown = {}): SnapshotInput {
  const parsed = parseMeshConfig(meshConfig);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  const objects = config.map((object) => {
    const kind = ISTIO_KINDS.find((row) => row.kind === (object as { kind: string }).kind);
    const value = kind?.schema.parse(object);
    expect(kind?.validate(value as never).filter(({ level }) => level === 'error')).toEqual([]);
    return value as IstioObject;
  });
  return { number: 1, meshConfig: parsed.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...(load('bookinfo.yaml') as unknown as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>), config: objects };
}

function proxyOf(type: 'sidecar' | 'router', mode: string, metadata: Record<string, unknown> = {}): ProxyDescription {
  const pod = type === 'router' ? { ip: '127.10.1.5', id: 'gateway-1.istio-system', namespace: 'istio-system', labels: { istio: 'ingressgateway' } } : { ip: '127.10.1.2', id: 'reviews-v1-abc-1.bookinfo', namespace: 'bookinfo', labels: { app: 'reviews', version: 'v1' } };
  const parsed = parseProxyDescription({ id: `${type}~${pod.ip}~${pod.id}~${pod.namespace}.svc.cluster.local`, metadata: { NAMESPACE: pod.namespace, LABELS: pod.labels, INTERCEPTION_MODE: mode, MIZZEN_VERSION: '3.0.0', ...metadata } });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

const EXPLICIT = { HTTP_PROXY_PORT: '15007', BIND_INBOUND: 'true' };
const TRACED = { enableTracing: true, accessLogFile: '/dev/stdout', defaultConfig: { tracing: { zipkin: { address: 'zipkin.istio-system:9411' }, sampling: 100 } } };
const traffic = (): readonly unknown[] => load('traffic.yaml')['config'] as unknown[];

const CASES = [
  { name: 'explicit-plain', config: () => [], proxy: proxyOf('sidecar', 'NONE', EXPLICIT), routes: ['http_proxy', 'http_proxy_tunnel'] },
  { name: 'explicit-traffic', config: traffic, proxy: proxyOf('sidecar', 'NONE', EXPLICIT), routes: ['http_proxy_tunnel', '9080'], mesh: TRACED },
  { name: 'captured-traffic', config: traffic, proxy: proxyOf('sidecar', 'REDIRECT'), routes: ['80', '9080'] },
  { name: 'captured-envoy', config: () => [], proxy: proxyOf('sidecar', 'REDIRECT', { MIZZEN_VERSION: '' }), routes: ['9080'] },
  { name: 'gateway-traffic', config: traffic, proxy: proxyOf('router', ''), routes: ['http.8080', 'https.443.https.bookinfo-gateway.bookinfo'], mesh: TRACED },
];

function everything(snapshot: MeshSnapshot, proxy: ProxyDescription, routes: readonly string[]): Record<string, readonly NamedResource[]> {
  const translator = createTranslator();
  return {
    clusters: translator.generate(snapshot, proxy, TYPE_URLS.cluster, 'wildcard'),
    endpoints: translator.generate(snapshot, proxy, TYPE_URLS.endpoint, 'wildcard'),
    listeners: translator.generate(snapshot, proxy, TYPE_URLS.listener, 'wildcard'),
    routes: translator.generate(snapshot, proxy, TYPE_URLS.route, routes),
  };
}

describe('translation', () => {
  for (const { name, config, proxy, routes, mesh } of CASES) {
    it(`gives the golden resources of ${name}`, () => {
      const { snapshot } = buildSnapshot(inputOf(config(), mesh));
      const resources = Object.fromEntries(Object.entries(everything(snapshot, proxy, routes)).map(([type, list]) => [type, list.map(readable)]));
      const text = `${JSON.stringify(resources, null, 1)}\n`;
      expectGolden(fileURLToPath(new URL(`${name}.json`, folder)), text);
    });

    it(`is taken by our proxy without a refusal: ${name}`, () => {
      const { snapshot } = buildSnapshot(inputOf(config(), mesh));
      const made = everything(snapshot, proxy, routes);
      const refusals = [
        ...(made['clusters'] ?? []).map((resource) => compileCluster(Cluster.decode(resource.encode()))),
        ...(made['endpoints'] ?? []).map((resource) => compileEndpoints(ClusterLoadAssignment.decode(resource.encode()))),
        ...(made['routes'] ?? []).map((resource) => compileRoute(RouteConfiguration.decode(resource.encode()))),
        ...(proxy.isMizzen ? (made['listeners'] ?? []).map((resource) => compileListener(Listener.decode(resource.encode()))) : []),
      ].flatMap((result) => (result.ok ? [] : result.error));
      expect(refusals).toEqual([]);
      expect(made['listeners']?.length).toBeGreaterThan(0);
    });
  }

  it('gives stock Envoy none of the filters that it lacks', () => {
    const { snapshot } = buildSnapshot(inputOf([]));
    const text = JSON.stringify(everything(snapshot, proxyOf('sidecar', 'REDIRECT', { MIZZEN_VERSION: '' }), ['9080'])['listeners']?.map(readable));
    expect(text).not.toMatch(/istio\.(alpn|stats|metadata_exchange)/);
  });

  it('makes a resource once for every proxy that sees the same inputs', () => {
    const { snapshot } = buildSnapshot(inputOf(traffic()));
    const translator = createTranslator();
    const proxy = proxyOf('sidecar', 'NONE', EXPLICIT);
    const first = translator.generate(snapshot, proxy, TYPE_URLS.cluster, ['outbound|9080||ratings.bookinfo.svc.cluster.local']);
    const again = translator.generate(snapshot, { ...proxy, id: 'other.bookinfo', ipAddresses: ['127.10.1.9'] }, TYPE_URLS.cluster, ['outbound|9080||ratings.bookinfo.svc.cluster.local']);
    expect(again[0]).toBe(first[0]);
  });

  it('keeps the resources of services that did not change over snapshots, and changes those that did', () => {
    const before = buildSnapshot(inputOf(traffic())).snapshot;
    const changed = traffic().map((object) => ((object as { metadata: { name: string }; kind: string }).kind === 'DestinationRule' && (object as { metadata: { name: string } }).metadata.name === 'ratings' ? { ...(object as object), spec: { host: 'ratings' } } : object));
    const after = buildSnapshot({ ...inputOf(changed), number: 2 }, before).snapshot;
    const translator = createTranslator();
    const proxy = proxyOf('sidecar', 'NONE', EXPLICIT);
    const byName = (snapshot: MeshSnapshot): Map<string, NamedResource> => new Map(translator.generate(snapshot, proxy, TYPE_URLS.cluster, 'wildcard').map((resource) => [resource.name, resource]));
    const [old, fresh] = [byName(before), byName(after)];
    expect(fresh.get('outbound|9080||reviews.bookinfo.svc.cluster.local')).toBe(old.get('outbound|9080||reviews.bookinfo.svc.cluster.local'));
    expect(fresh.get('outbound|9080||ratings.bookinfo.svc.cluster.local')?.version).not.toBe(old.get('outbound|9080||ratings.bookinfo.svc.cluster.local')?.version);
  });

  it('answers an unknown endpoint assignment with an empty one', () => {
    const { snapshot } = buildSnapshot(inputOf([]));
    const [empty] = createTranslator().generate(snapshot, proxyOf('sidecar', 'NONE'), TYPE_URLS.endpoint, ['outbound|1||gone.example']);
    expect(empty?.message).toEqual({ clusterName: 'outbound|1||gone.example', endpoints: [] });
  });
});
