// What is kept between pushes: never different from what would be made afresh, and shared where nothing that matters differs.
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { ISTIO_KINDS, type IstioObject } from '../../shared/api/istio-kinds.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { buildSnapshot, createTranslator, generate, parseProxyDescription, type MeshSnapshot, type NamedResource, type ProxyDescription, type SnapshotInput } from '../index.ts';

const load = (name: string): Record<string, unknown> => parse(readFileSync(new URL(`./testdata/${name}`, import.meta.url), 'utf8')) as Record<string, unknown>;
const world = load('bookinfo.yaml') as unknown as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>;
const extra = [
  { kind: 'Telemetry', metadata: { name: 'log', namespace: 'bookinfo' }, spec: { accessLogging: [{ disabled: true }] } },
  { kind: 'Sidecar', metadata: { name: 'default', namespace: 'bookinfo' }, spec: { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } } },
  { kind: 'Sidecar', metadata: { name: 'narrow', namespace: 'bookinfo' }, spec: { workloadSelector: { labels: { version: 'v2' } }, egress: [{ hosts: ['./*'] }] } },
  { kind: 'VirtualService', metadata: { name: 'tcp', namespace: 'bookinfo' }, spec: { hosts: ['ratings'], tcp: [{ route: [{ destination: { host: 'reviews', port: { number: 9080 } } }] }] } },
  { kind: 'PeerAuthentication', metadata: { name: 'workload', namespace: 'bookinfo' }, spec: { selector: { matchLabels: { app: 'reviews' } }, mtls: { mode: 'DISABLE' } } },
  { kind: 'RequestAuthentication', metadata: { name: 'edge', namespace: 'istio-system' }, spec: { selector: { matchLabels: { istio: 'ingressgateway' } }, jwtRules: [{ issuer: 'i', jwksUri: 'https://keys' }] } },
  { kind: 'RequestAuthentication', metadata: { name: 'own', namespace: 'bookinfo' }, spec: { jwtRules: [{ issuer: 'i', jwksUri: 'https://keys' }] } },
];
const KEY_SETS = [[], ['a'], ['b']].map((kids) => new Map(kids.map((kid) => ['uri https://keys', JSON.stringify({ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB', kid }] })])));
const objects = [...(load('traffic.yaml')['config'] as object[]), ...extra].map((object): IstioObject => {
  const kind = ISTIO_KINDS.find((row) => row.kind === (object as { kind: string }).kind);
  if (!kind) throw new Error('unknown kind');
  return kind.schema.parse({ apiVersion: `${kind.group}/${kind.version}`, ...object }) as IstioObject;
});
const meshes = [{}, { accessLogFile: '/dev/stdout' }, { outboundTrafficPolicy: { mode: 'REGISTRY_ONLY' } }].map((data) => {
  const parsed = parseMeshConfig(data);
  if (!parsed.ok) throw new Error('mesh');
  return parsed.value;
});

function proxyOf(type: 'sidecar' | 'router', name: string, ip: string, mode: string, version: string, extraMetadata: object = {}): ProxyDescription {
  const namespace = type === 'router' ? 'istio-system' : 'bookinfo';
  const parsed = parseProxyDescription({ id: `${type}~${ip}~${name}.${namespace}~${namespace}.svc.cluster.local`, metadata: { NAMESPACE: namespace, LABELS: type === 'router' ? { istio: 'ingressgateway' } : { app: 'reviews', version }, INTERCEPTION_MODE: mode, MIZZEN_VERSION: '3.0.0', ...extraMetadata } });
  if (!parsed.ok) throw new Error('proxy');
  return parsed.value;
}

const captured = proxyOf('sidecar', 'a', '127.10.1.2', 'REDIRECT', 'v1');
const replica = proxyOf('sidecar', 'b', '127.10.1.22', 'REDIRECT', 'v1');
const gateway = proxyOf('router', 'g', '127.10.1.5', '', '');
const proxies = [captured, replica, proxyOf('sidecar', 'c', '127.10.1.3', 'REDIRECT', 'v2', { DNS_CAPTURE: 'true', INSTANCE_IPS: '127.10.1.3,fd00::3' }), proxyOf('sidecar', 'd', '127.10.1.2', 'NONE', 'v1', { HTTP_PROXY_PORT: '15007', BIND_INBOUND: 'true' }), gateway, proxyOf('router', 'h', '127.10.1.55', '', '')];
const ROUTES = ['80', '9080', 'http_proxy', 'http_proxy_tunnel', 'http.8080', 'http.80', 'https.443.https.bookinfo-gateway.bookinfo'];

function snapshotOf(config: readonly IstioObject[], number = 1, previous?: MeshSnapshot, mesh = 0, hidden = -1, keys = 0): MeshSnapshot {
  const services = world.services.filter((_service, index) => index !== hidden);
  const pods = world.pods.map((pod) => pod);
  return buildSnapshot({ number, meshConfig: meshes[mesh] ?? meshes[0] as never, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...world, services, pods, config, keySets: KEY_SETS[keys] }, previous).snapshot;
}

const namesOf = (typeUrl: string): 'wildcard' | string[] => (typeUrl === TYPE_URLS.route ? ROUTES : 'wildcard');
const versions = (list: readonly NamedResource[]): string[] => list.map(({ name, version }) => `${name}=${version}`);

describe('the translator\'s cache', () => {
  it('never gives anything but what would be made afresh', () => {
    // One change at a time: anything else of the inputs stays the same, so an input that is missing from a key shows.
    const step = fc.oneof({ weight: 8, arbitrary: fc.record({ toggle: fc.constantFrom(...objects) }) }, { weight: 1, arbitrary: fc.record({ mesh: fc.nat(meshes.length - 1) }) }, { weight: 1, arbitrary: fc.record({ keys: fc.nat(KEY_SETS.length - 1) }) }, { weight: 1, arbitrary: fc.record({ hidden: fc.integer({ min: -1, max: world.services.length - 1 }) }) });
    fc.assert(fc.property(fc.array(step, { minLength: 8, maxLength: 24, size: 'max' }), (steps) => {
      const translator = createTranslator();
      let previous: MeshSnapshot | undefined;
      const state = { config: [...objects], mesh: 0, hidden: -1, keys: 0 };
      steps.forEach((change, index) => {
        if ('toggle' in change) state.config = state.config.includes(change.toggle) ? state.config.filter((object) => object !== change.toggle) : [...state.config, change.toggle];
        else Object.assign(state, change);
        const snapshot = snapshotOf(state.config, index + 1, previous, state.mesh, state.hidden, state.keys);
        previous = snapshot;
        for (const proxy of proxies) for (const typeUrl of [TYPE_URLS.cluster, TYPE_URLS.listener, TYPE_URLS.route, TYPE_URLS.endpoint, TYPE_URLS.nameTable]) {
          expect(versions(translator.generate(snapshot, proxy, typeUrl, namesOf(typeUrl)))).toEqual(versions(generate(snapshot, proxy, typeUrl, namesOf(typeUrl))));
        }
      });
    }), { numRuns: 15 });
  }, 60_000);

  const byName = (list: readonly NamedResource[]): Map<string, NamedResource> => new Map(list.map((resource) => [resource.name, resource]));

  it('shares outbound listeners among replicas, and keeps them when only policies change', () => {
    const translator = createTranslator();
    const before = snapshotOf(objects);
    const after = snapshotOf(objects.filter(({ kind }) => kind !== 'AuthorizationPolicy'), 2, before);
    const first = byName(translator.generate(before, captured, TYPE_URLS.listener, 'wildcard'));
    const others = byName(translator.generate(before, replica, TYPE_URLS.listener, 'wildcard'));
    const later = byName(translator.generate(after, captured, TYPE_URLS.listener, 'wildcard'));
    expect(first.size).toBeGreaterThan(3);
    for (const [name, resource] of first) {
      if (name === 'virtualInbound') expect(later.get(name)?.version).not.toBe(resource.version);
      else expect([others.get(name) === resource, later.get(name) === resource]).toEqual([true, true]);
    }
  });

  it('shares a gateway\'s listeners and routes among its replicas', () => {
    const translator = createTranslator();
    const snapshot = snapshotOf(objects);
    const other = { ...gateway, id: 'g2.istio-system' };
    for (const typeUrl of [TYPE_URLS.listener, TYPE_URLS.route]) {
      const first = translator.generate(snapshot, gateway, typeUrl, namesOf(typeUrl));
      expect(first.length).toBeGreaterThan(0);
      translator.generate(snapshot, other, typeUrl, namesOf(typeUrl)).forEach((resource, index) => expect(resource).toBe(first[index]));
    }
  });
});
