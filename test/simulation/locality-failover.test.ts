// Near endpoints first, from the objects that users write to the requests that arrive: nodes, pods, a service and its rule in; answers of the places out.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { buildSnapshot, createTranslator, parseProxyDescription, type SnapshotInput } from '../../src/mesh/index.ts';
import { compileCluster } from '../../src/proxy/config/cluster.ts';
import { compileEndpoints } from '../../src/proxy/config/endpoints.ts';
import type { DataPlane } from '../../src/proxy/listener/index.ts';
import { connectionManager, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../src/proxy/listener/testdata/config-builder.ts';
import { Harness } from '../../src/proxy/listener/testdata/harness.ts';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { DestinationRule } from '../../src/shared/api/networking/destination-rule.ts';
import { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../../src/shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';

const PLACES = { here: ['eu', 'a'], near: ['eu', 'b'], far: ['us', 'a'], farther: ['asia', 'a'] } as const;
const NAMES = Object.keys(PLACES) as (keyof typeof PLACES)[];
const CLUSTER = 'outbound|80||web.shop.svc.cluster.local';

let harness: Harness;
let servers: Server[];
let port = 0;
const broken = new Set<string>();

beforeEach(async () => {
  harness = new Harness('127.81.9.1');
  servers = [];
  broken.clear();
  port = 0;
  for (const [index, name] of NAMES.entries()) {
    const server = createServer((_request, response) => response.writeHead(broken.has(name) ? 503 : 200).end(name));
    await new Promise<void>((resolve) => server.listen(port, `127.81.9.${index + 11}`, resolve));
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
});
afterEach(async () => {
  await harness.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

async function meshWith(trafficPolicy: object | undefined, trafficDistribution?: string): Promise<DataPlane> {
  const meshConfig = parseMeshConfig({});
  const proxy = parseProxyDescription({ id: 'sidecar~10.9.9.9~client.shop~shop.svc.cluster.local', metadata: { NAMESPACE: 'shop', NODE_NAME: 'node-here', LABELS: { app: 'client' }, MIZZEN_VERSION: '3' } });
  if (!meshConfig.ok || !proxy.ok) throw new Error('inputs');
  const input: SnapshotInput = {
    number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', namespaces: [],
    nodes: NAMES.map((name) => ({ metadata: { name: `node-${name}`, labels: { 'topology.kubernetes.io/region': PLACES[name][0], 'topology.kubernetes.io/zone': PLACES[name][1] } } })),
    services: [{ metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80 }], ...(trafficDistribution ? { trafficDistribution } : {}) } }],
    endpointSlices: [{ metadata: { name: 'web', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } }, ports: [{ name: 'http', port }], endpoints: NAMES.map((name, index) => ({ addresses: [`127.81.9.${index + 11}`], nodeName: `node-${name}` })) }],
    pods: [{ metadata: { name: 'client', namespace: 'shop', labels: { app: 'client' } }, spec: { nodeName: 'node-here' }, status: { podIP: '10.9.9.9', phase: 'Running' } }],
    config: trafficPolicy ? [DestinationRule.parse({ apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'web', namespace: 'shop' }, spec: { host: 'web', trafficPolicy } })] : [],
  };
  const { snapshot } = buildSnapshot(input);
  const bytes = (typeUrl: string): Uint8Array => createTranslator().generate(snapshot, proxy.value, typeUrl, [CLUSTER])[0]?.encode() ?? new Uint8Array();
  const cluster = compileCluster(Cluster.decode(bytes(TYPE_URLS.cluster)));
  const endpoints = compileEndpoints(ClusterLoadAssignment.decode(bytes(TYPE_URLS.endpoint)));
  if (!cluster.ok || !endpoints.ok) throw new Error(JSON.stringify([cluster, endpoints]));
  return harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [cluster.value], endpoints: { [cluster.value.endpointsName]: endpoints.value }, routes: [routeConfig([virtualHost([route(routeAction(CLUSTER))])])],
  }));
}

/** Who answers, out of so many requests. */
async function answers(plane: DataPlane, requests: number): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (let turn = 0; turn < requests; turn += 1) {
    const { status, body } = await harness.ask(harness.portOf(plane, 'in'));
    const key = status === 200 ? body : String(status);
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

const OUTLIERS = { outlierDetection: { consecutive5xxErrors: 1, interval: '50ms', baseEjectionTime: '60s', maxEjectionPercent: 100 } };

it('stays in the zone while it answers, and goes on to the next place each time one fails', async () => {
  const plane = await meshWith({ ...OUTLIERS, loadBalancer: { localityLbSetting: { failover: [{ from: 'eu', to: 'asia' }] } } });
  expect(await answers(plane, 8)).toEqual({ here: 8 });
  broken.add('here');
  expect(await answers(plane, 8)).toEqual({ 503: 1, near: 7 });
  broken.add('near');
  expect(await answers(plane, 8)).toEqual({ 503: 1, farther: 7 });
  broken.add('farther');
  expect(await answers(plane, 8)).toEqual({ 503: 1, far: 7 });
});

it('comes back when the ejection is over', async () => {
  const plane = await meshWith({ outlierDetection: { ...OUTLIERS.outlierDetection, baseEjectionTime: '200ms' } });
  broken.add('here');
  expect(await answers(plane, 4)).toEqual({ 503: 1, near: 3 });
  broken.clear();
  await vi.waitFor(async () => expect(await answers(plane, 2)).toEqual({ here: 2 }), { timeout: 5000 });
});

it('distributes by the shares of the rule', async () => {
  const plane = await meshWith({ loadBalancer: { simple: 'ROUND_ROBIN', localityLbSetting: { distribute: [{ from: 'eu/*', to: { 'eu/a/*': 60, 'eu/b/*': 30, 'us/*': 10 } }] } } });
  const found = await answers(plane, 100);
  expect(Object.keys(found).sort()).toEqual(['far', 'here', 'near']);
  for (const [name, share] of [['here', 60], ['near', 30], ['far', 10]] as const) expect(Math.abs((found[name] ?? 0) - share)).toBeLessThanOrEqual(1);
});

it('keeps to the zone of a service that asks for it, and without any wish asks everybody', async () => {
  expect(await answers(await meshWith(undefined, 'PreferSameZone'), 6)).toEqual({ here: 6 });
  expect(Object.keys(await answers(await meshWith({ loadBalancer: { simple: 'ROUND_ROBIN' } }), 4)).sort()).toEqual(['far', 'farther', 'here', 'near']);
});
