// Ingest against a small API server over HTTP: whose objects count, what is kept of them, and what happens when namespaces come and go.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { KubeClient, type KubeRequest } from '../../shared/kube/index.ts';
import { Ingest } from './index.ts';

const ROLLS = '/apis/maistra.io/v1/servicemeshmemberrolls';
const POLICIES = '/apis/security.istio.io/v1/authorizationpolicies';
const SERVICES = '/api/v1/services';

type Stored = Parameters<FakeKubeApiServer['put']>[1];
const named = (metadata: { name: string; namespace?: string; managedFields?: object[]; labels?: object }): Stored['metadata'] => metadata;
const service = (namespace: string, name: string): Stored => ({ metadata: named({ name, namespace, managedFields: [{}] }), spec: { clusterIP: '10.0.0.1', ports: [{ port: 80 }] }, status: { loadBalancer: {} } });
const roll = (...configuredMembers: string[]): Stored => ({ metadata: { name: 'default', namespace: 'istio-system' }, status: { configuredMembers } });

async function setUp(mayListNamespaces: boolean, prepare: (api: FakeKubeApiServer) => void): Promise<{ api: FakeKubeApiServer; ingest: Ingest }> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  const send = client.request.bind(client);
  client.request = async (request: KubeRequest) => (request.path.includes('accessreviews') ? { status: 201, headers: {}, body: JSON.stringify({ status: { allowed: mayListNamespaces } }) } : send(request));
  for (const name of ['istio-system', 'shop', 'other']) api.put('/api/v1/namespaces', { metadata: named({ name, labels: { team: name } }) });
  prepare(api);
  const ingest = new Ingest(client, { ownNamespace: 'istio-system', memberRollName: 'default' });
  const stopping = new AbortController();
  await ingest.start(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await ingest.stop();
    client.close();
    await api.stop();
  });
  return { api, ingest };
}

const keys = (table: { keys(): IterableIterator<string> }): string[] => [...table.keys()].sort();

describe('Ingest', () => {
  test('holds the member namespaces\' objects without what changes for nothing, and nobody else\'s', async () => {
    const { ingest } = await setUp(true, (api) => {
      api.put(ROLLS, roll('shop'));
      api.put(SERVICES, service('shop', 'cart'));
      api.put(SERVICES, service('other', 'secret'));
    });
    const { tables } = ingest;
    expect([ingest.hasSynced(), keys(tables.members), keys(tables.namespaces), keys(tables.services)]).toEqual([true, ['istio-system', 'shop'], ['istio-system', 'shop'], ['shop/cart']]);
    const cart = tables.services.get('shop/cart');
    expect([cart && 'status' in cart, cart?.metadata?.resourceVersion, cart?.spec?.clusterIP]).toEqual([false, undefined, '10.0.0.1']);
    expect(tables.namespaces.get('shop')?.metadata?.labels).toEqual({ team: 'shop' });
  });

  test('knows where nodes are, and not what changes of them every few seconds', async () => {
    const node = (zone: string, heartbeat: string): Stored => ({ metadata: named({ name: 'n1', labels: { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': zone, 'kubernetes.io/os': 'linux' } }), status: { conditions: [{ lastHeartbeatTime: heartbeat }] } });
    const { api, ingest } = await setUp(true, (server) => server.put('/api/v1/nodes', node('a', '1')));
    const before = ingest.tables.nodes.get('n1');
    expect(before).toEqual({ metadata: { name: 'n1', labels: { 'topology.kubernetes.io/region': 'eu', 'topology.kubernetes.io/zone': 'a' } } });
    api.put('/api/v1/nodes', node('a', '2'));
    api.put('/api/v1/nodes', { ...node('a', '2'), metadata: named({ name: 'n2' }) });
    await vi.waitFor(() => expect(keys(ingest.tables.nodes)).toEqual(['n1', 'n2']), { timeout: 4_000 });
    expect(ingest.tables.nodes.get('n1')).toBe(before);
  });

  test('follows the member roll: a namespace\'s objects come and go with it', async () => {
    const { api, ingest } = await setUp(true, (server) => {
      server.put(ROLLS, roll('shop'));
      server.put(SERVICES, service('shop', 'cart'));
      server.put(SERVICES, service('other', 'late'));
    });
    api.put(ROLLS, roll('other'));
    await vi.waitFor(() => expect(keys(ingest.tables.services)).toEqual(['other/late']), { timeout: 4_000 });
    expect(keys(ingest.tables.members)).toEqual(['istio-system', 'other']);
    await vi.waitFor(() => expect(keys(ingest.tables.namespaces)).toEqual(['istio-system', 'other']));
  });

  test('reads namespaces one by one where it may not list them', async () => {
    const { api, ingest } = await setUp(false, (server) => server.put(ROLLS, roll('shop')));
    expect(ingest.tables.namespaces.get('shop')?.metadata?.labels).toEqual({ team: 'shop' });
    expect(api.requests.some(({ method, path }) => method === 'GET' && path === '/api/v1/namespaces')).toBe(false);
  });

  test('keeps the last valid version of an object, with the issues of the present one', async () => {
    const policy = (spec: object): Stored => ({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: 'p', namespace: 'shop' }, spec });
    const { api, ingest } = await setUp(true, (server) => {
      server.put(ROLLS, roll('shop'));
      server.put(POLICIES, policy({ action: 'DENY', rules: [{}] }));
    });
    const key = 'AuthorizationPolicy/shop/p';
    await vi.waitFor(() => expect(ingest.tables.config.get(key)).toBeDefined());
    api.put(POLICIES, policy({ action: 'DENY', selctor: {}, rules: [{}] }));
    await vi.waitFor(() => expect(ingest.tables.issues.get(key)?.map(({ path }) => path)).toEqual(['spec.selctor']), { timeout: 4_000 });
    expect(ingest.tables.config.get(key)?.spec).toEqual({ action: 'DENY', rules: [{}] });
    api.remove(POLICIES, 'p', 'shop');
    await vi.waitFor(() => expect([ingest.tables.config.size, ingest.tables.issues.size]).toEqual([0, 0]), { timeout: 4_000 });
  });
});
