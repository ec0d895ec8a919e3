// Headless services under capture: a listener for each pod's address, mutual TLS where all of the pods take it, names of single pods.
import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription, type NamedResource } from '../index.ts';

interface PodFacts { readonly name: string; readonly ip: string; readonly mesh: boolean }

function resources(pods: readonly PodFacts[], typeUrl: string, names: 'wildcard' | string[] = 'wildcard', mode = 'REDIRECT', config: object[] = []): readonly NamedResource[] {
  const meshConfig = parseMeshConfig({});
  if (!meshConfig.ok) throw new Error('mesh config');
  const { snapshot } = buildSnapshot({
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', namespaces: [{ metadata: { name: 'a' } }], config: config as never,
    services: [
      { metadata: { name: 'db', namespace: 'a' }, spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'tcp', port: 5432 }, { name: 'http', port: 8080 }] } },
      { metadata: { name: 'other', namespace: 'a' }, spec: { clusterIP: 'None', selector: { app: 'other' }, ports: [{ name: 'tcp', port: 5432 }] } },
    ],
    pods: pods.map(({ name, ip, mesh }) => ({ metadata: { name, namespace: 'a', labels: { app: 'db', ...(mesh ? { 'security.istio.io/tlsMode': 'istio' } : {}) } }, spec: { serviceAccountName: 'db' }, status: { phase: 'Running', podIP: ip } })),
    endpointSlices: [{
      metadata: { name: 'db-1', namespace: 'a', labels: { 'kubernetes.io/service-name': 'db' } }, addressType: 'IPv4', ports: [{ name: 'tcp', port: 5432 }, { name: 'http', port: 8080 }],
      endpoints: pods.map(({ name, ip }) => ({ addresses: [ip], hostname: name, conditions: { ready: true } })),
    }],
  });
  const proxy = parseProxyDescription({ id: 'sidecar~10.1.0.9~c.a~a.svc.cluster.local', metadata: { INTERCEPTION_MODE: mode, MIZZEN_VERSION: '3' } });
  if (!proxy.ok) throw new Error('proxy');
  return createTranslator().generate(snapshot, proxy.value, typeUrl, names);
}

const IN_MESH = [{ name: 'db-0', ip: '10.1.0.1', mesh: true }, { name: 'db-1', ip: '10.1.0.2', mesh: true }];
const clusterOf = (...parameters: Parameters<typeof resources> extends [infer P, ...unknown[]] ? [P, string?, object[]?] : never): Cluster =>
  resources(parameters[0], TYPE_URLS.cluster, 'wildcard', parameters[1], parameters[2]).find(({ name }) => name === 'outbound|5432||db.a.svc.cluster.local')?.message as Cluster;

describe('a headless service', () => {
  it('has a listener for each of its pods, none that another of the same port could take', () => {
    const names = resources(IN_MESH, TYPE_URLS.listener).map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['10.1.0.1_5432', '10.1.0.2_5432', '0.0.0.0_8080']));
    expect(names).not.toContain('0.0.0.0_5432');
  });

  it('is called by mutual TLS when all of its pods take it, and in plain text when one does not', () => {
    const meshed = clusterOf(IN_MESH);
    expect([meshed.clusterDiscoveryType, meshed.transportSocket?.name, meshed.transportSocketMatches ?? []]).toEqual([{ $case: 'type', type: 4 }, 'envoy.transport_sockets.tls', []]);
    for (const pods of [[...IN_MESH, { name: 'db-2', ip: '10.1.0.3', mesh: false }], []]) expect(clusterOf(pods).transportSocket).toBeUndefined();
    const apart = { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'p', namespace: 'a' }, spec: { selector: { matchLabels: { app: 'db' } }, portLevelMtls: { 5432: { mode: 'DISABLE' } } } };
    expect(clusterOf(IN_MESH, 'REDIRECT', [apart]).transportSocket).toBeUndefined();
  });

  it('has its endpoints chosen among where nobody knows the dialled address', () => {
    const explicit = clusterOf(IN_MESH, 'NONE');
    expect([explicit.clusterDiscoveryType, explicit.transportSocketMatches?.length]).toEqual([{ $case: 'type', type: 3 }, 2]);
  });

  it('is asked for by the names of its pods too', () => {
    const [routes] = resources(IN_MESH, TYPE_URLS.route, ['8080']);
    const host = (routes?.message as RouteConfiguration).virtualHosts?.find(({ name }) => name === 'db.a.svc.cluster.local:8080');
    expect(host?.domains).toEqual(expect.arrayContaining(['db.a.svc.cluster.local:8080', '*.db.a.svc.cluster.local:8080', '*.db:8080', '*.db.a:8080']));
  });
});
