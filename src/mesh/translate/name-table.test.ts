// The names that a proxy's DNS server is told, and the addresses that hosts without one are given.
import { describe, expect, it } from 'vitest';
import { parseMeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { NameTable } from '../../shared/xds/generated/istio/name_table.ts';
import type { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { affectedTypes, buildSnapshot, compareSnapshots, createTranslator, parseProxyDescription, withEndpoints, type MeshSnapshot, type ProxyDescription, type SnapshotInput } from '../index.ts';

function mesh(over: Partial<SnapshotInput> = {}): MeshSnapshot {
  const meshConfig = parseMeshConfig({});
  if (!meshConfig.ok) throw new Error('mesh config');
  return buildSnapshot({
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', namespaces: [{ metadata: { name: 'shop' } }], pods: [],
    services: [
      { metadata: { name: 'cart', namespace: 'shop' }, spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', 'fd00::1'], ports: [{ name: 'http', port: 80 }] } },
      { metadata: { name: 'db', namespace: 'shop' }, spec: { clusterIP: 'None', ports: [{ name: 'mysql', port: 3306 }] } },
      { metadata: { name: 'alias', namespace: 'shop' }, spec: { type: 'ExternalName', externalName: 'www.example.com', ports: [] } },
    ],
    endpointSlices: [slice(['10.1.0.1', '10.1.0.2'])],
    config: [serviceEntry('api.example.com', 'DNS'), serviceEntry('static.example.com', 'STATIC', ['10.3.0.0/16', '10.3.0.1']), serviceEntry('*.wild.example.com', 'NONE'), serviceEntry('dialled.example.com', 'NONE'), serviceEntry('tcp.example.com', 'DNS', undefined, 'TCP')],
    ...over,
  }).snapshot;
}

function slice(addresses: readonly string[]): SnapshotInput['endpointSlices'][number] {
  return {
    metadata: { name: 'db-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'db' } }, addressType: 'IPv4', ports: [{ name: 'mysql', port: 3306 }],
    endpoints: addresses.map((address, index) => ({ addresses: [address], hostname: `db-${index}`, conditions: { ready: true } })),
  };
}

function serviceEntry(host: string, resolution: string, addresses?: string[], protocol = 'HTTP'): SnapshotInput['config'][number] {
  return { apiVersion: 'networking.istio.io/v1', kind: 'ServiceEntry', metadata: { name: host.replace('*', 'any'), namespace: 'shop' }, spec: { hosts: [host], resolution, ...(addresses ? { addresses } : {}), ports: [{ number: 80, name: 'p', protocol }] } } as never;
}

function proxy(metadata: Record<string, string> = {}): ProxyDescription {
  const parsed = parseProxyDescription({ id: 'sidecar~10.1.0.9~a.shop~shop.svc.cluster.local', metadata: { NAMESPACE: 'shop', INTERCEPTION_MODE: 'REDIRECT', MIZZEN_VERSION: '3.1.0', ...metadata } });
  if (!parsed.ok) throw new Error('proxy');
  return parsed.value;
}

const tableOf = (snapshot: MeshSnapshot, of: ProxyDescription): NonNullable<NameTable['table']> | undefined => (createTranslator().generate(snapshot, of, TYPE_URLS.nameTable, 'wildcard')[0]?.message as NameTable | undefined)?.table;
const CAPTURES = { DNS_CAPTURE: 'true' };

describe('the name table', () => {
  it('is made for proxies that capture DNS alone', () => {
    expect(tableOf(mesh(), proxy())).toBeUndefined();
    expect(tableOf(mesh(), proxy(CAPTURES))).toBeDefined();
  });

  it('holds services by their addresses, headless ones and their pods by those of the endpoints', () => {
    expect(tableOf(mesh(), proxy({ ...CAPTURES, DNS_AUTO_ALLOCATE: 'false' }))).toEqual({
      'cart.shop.svc.cluster.local': { ips: ['10.96.0.1', 'fd00::1'], registry: 'Kubernetes', shortname: 'cart', namespace: 'shop' },
      'db.shop.svc.cluster.local': { ips: ['10.1.0.1', '10.1.0.2'], registry: 'Kubernetes', shortname: 'db', namespace: 'shop' },
      'db-0.db.shop.svc.cluster.local': { ips: ['10.1.0.1'], registry: 'Kubernetes', shortname: 'db-0.db', namespace: 'shop' },
      'db-1.db.shop.svc.cluster.local': { ips: ['10.1.0.2'], registry: 'Kubernetes', shortname: 'db-1.db', namespace: 'shop' },
      'static.example.com': { ips: ['10.3.0.1'], registry: 'External' },
    });
  });

  it('gives hosts without an address one of their own, which listeners and routes know too', () => {
    const snapshot = mesh();
    const table = tableOf(snapshot, proxy(CAPTURES)) ?? {};
    const [http, tcp] = [table['api.example.com']?.ips?.[0] ?? '', table['tcp.example.com']?.ips?.[0] ?? ''];
    for (const address of [http, tcp]) expect(address).toMatch(/^240\.240\.\d{1,3}\.\d{1,3}$/);
    expect(http).not.toBe(tcp);
    expect(Object.keys(table).filter((host) => host.includes('wild') || host.includes('dialled'))).toEqual([]);
    const translator = createTranslator();
    const listeners = translator.generate(snapshot, proxy(CAPTURES), TYPE_URLS.listener, 'wildcard').map(({ message }) => (message as Listener).name);
    expect(listeners).toContain(`${tcp}_80`);
    const [routes] = translator.generate(snapshot, proxy(CAPTURES), TYPE_URLS.route, ['80']);
    const host = (routes?.message as RouteConfiguration).virtualHosts?.find(({ name }) => name === 'api.example.com:80');
    expect(host?.domains).toContain(http);
    expect(translator.generate(snapshot, proxy(), TYPE_URLS.listener, 'wildcard').map(({ name }) => name)).not.toContain(`${tcp}_80`);
  });

  it('keeps the addresses of older hosts when newer ones come, whatever the order of arrival', () => {
    const at = (object: SnapshotInput['config'][number], time: number): SnapshotInput['config'][number] => ({ ...object, metadata: { ...object.metadata, creationTimestamp: new Date(time).toISOString() } }) as never;
    const many = Array.from({ length: 2000 }, (_unused, index) => at(serviceEntry(`host-${index}.example.com`, 'DNS'), index));
    const before = tableOf(mesh({ config: many.slice(0, 1500) }), proxy(CAPTURES)) ?? {};
    const after = tableOf(mesh({ config: many.toReversed() }), proxy(CAPTURES)) ?? {};
    for (const [host, { ips }] of Object.entries(before)) expect(after[host]?.ips).toEqual(ips);
    const addresses = Object.values(after).flatMap(({ ips }) => ips ?? []).filter((address) => address.startsWith('240.'));
    expect(new Set(addresses).size).toBe(2000);
  });

  it('is pushed when the endpoints of a headless service change, and is the same one when others do', () => {
    const snapshot = mesh();
    const { snapshot: next } = withEndpoints(snapshot, [slice(['10.1.0.3'])], [], 2);
    expect(affectedTypes(compareSnapshots(snapshot, next))).toEqual([TYPE_URLS.cluster, TYPE_URLS.endpoint, TYPE_URLS.listener, TYPE_URLS.nameTable]);
    expect(affectedTypes({ endpointsOnly: true, kinds: new Set(['Endpoints']), changedClusters: new Set(), changedWorkloads: new Set() })).toEqual([TYPE_URLS.endpoint]);
    expect(tableOf(next, proxy(CAPTURES))?.['db.shop.svc.cluster.local']?.ips).toEqual(['10.1.0.3']);
    const translator = createTranslator();
    const made = translator.generate(snapshot, proxy(CAPTURES), TYPE_URLS.nameTable, 'wildcard')[0];
    expect(translator.generate({ ...snapshot, number: 3 }, proxy(CAPTURES), TYPE_URLS.nameTable, 'wildcard')[0]).toBe(made);
  });
});
