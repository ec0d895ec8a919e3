// The Gateway API's kinds against a small API server over HTTP: found when they come, in the version that is served, and given up when they go.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { KubeClient, KubeError, type KubeRequest } from '../../shared/kube/index.ts';
import { GatewayApiIngest } from './gateway-api-tables.ts';

const GROUP = '/apis/gateway.networking.k8s.io';
type Served = Record<string, { kind: string; name: string }[]>;
const GATEWAYS = { kind: 'Gateway', name: 'gateways' };
const GRANTS = { kind: 'ReferenceGrant', name: 'referencegrants' };
const CLASSES = { kind: 'GatewayClass', name: 'gatewayclasses' };

async function world(first: Served): Promise<{ api: FakeKubeApiServer; ingest: GatewayApiIngest; serve(served: Served): void }> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  let served = first;
  const send = client.request.bind(client);
  const notFound = (): never => { throw new KubeError('GET', 404, 'NotFound', 'not found'); };
  client.request = async (request: KubeRequest) => {
    const answer = (body: object) => ({ status: 200, headers: {}, body: JSON.stringify(body) });
    if (request.path === GROUP) return Object.keys(served).length > 0 ? answer({ versions: Object.keys(served).map((version) => ({ version })) }) : notFound();
    const version = request.path.startsWith(`${GROUP}/`) ? request.path.slice(GROUP.length + 1) : undefined;
    if (version !== undefined && !version.includes('/')) return served[version] ? answer({ resources: served[version] }) : notFound();
    return send(request);
  };
  const ingest = new GatewayApiIngest(client, 50);
  const stopping = new AbortController();
  await ingest.start(new Set(['shop']), stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await ingest.stop();
    client.close();
    await api.stop();
  });
  return {
    api, ingest,
    serve: (next) => {
      served = next;
    },
  };
}

type Stored = Parameters<FakeKubeApiServer['put']>[1];
const gateway = (over: object = {}): Stored => ({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'front', namespace: 'shop', generation: 1 }, spec: { gatewayClassName: 'mizzen', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }] }, ...over }) as unknown as Stored;
const shown = ({ tables }: GatewayApiIngest): Record<string, string> => Object.fromEntries([...tables.types.entries()].map(([kind, { version }]) => [kind, version]));

describe('GatewayApiIngest', () => {
  test('finds nothing where nothing is installed, and each kind when it comes, until it goes', async () => {
    const { api, ingest, serve } = await world({});
    expect([shown(ingest), [...ingest.tables.objects.keys()]]).toEqual([{}, []]);
    api.put(`${GROUP}/v1/gateways`, gateway());
    serve({ v1: [GATEWAYS] });
    await vi.waitFor(() => expect([...ingest.tables.objects.keys()]).toEqual(['Gateway/shop/front']), { timeout: 4_000 });
    await vi.waitFor(() => expect(shown(ingest)).toEqual({ Gateway: 'v1' }));
    serve({});
    await vi.waitFor(() => expect([shown(ingest), [...ingest.tables.objects.keys()], [...ingest.tables.stored.keys()]]).toEqual([{}, [], []]), { timeout: 4_000 });
  });

  test('reads each kind at the best version that both know, and passes by versions that it does not know', async () => {
    const { api, ingest } = await world({ v9: [GATEWAYS, CLASSES, GRANTS], v1: [GATEWAYS, { kind: 'Gateway', name: 'gateways/status' }], v1beta1: [GATEWAYS, GRANTS] });
    expect(shown(ingest)).toEqual({ Gateway: 'v1', ReferenceGrant: 'v1beta1' });
    api.put(`${GROUP}/v1beta1/referencegrants`, { apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'ReferenceGrant', metadata: { name: 'any', namespace: 'shop' }, spec: { from: [], to: [] } } as unknown as Stored);
    await vi.waitFor(() => expect(ingest.tables.objects.has('ReferenceGrant/shop/any')).toBe(true), { timeout: 4_000 });
  });

  test('a status alone changes what is stored and not what is meant; what cannot be read leaves the last version in force', async () => {
    const { api, ingest } = await world({ v1: [GATEWAYS] });
    api.put(`${GROUP}/v1/gateways`, gateway());
    await vi.waitFor(() => expect(ingest.tables.objects.size).toBe(1), { timeout: 4_000 });
    const before = ingest.tables.objects.get('Gateway/shop/front');
    api.put(`${GROUP}/v1/gateways`, gateway({ status: { conditions: [] } }));
    await vi.waitFor(() => expect(ingest.tables.stored.get('Gateway/shop/front')).toHaveProperty('status'), { timeout: 4_000 });
    expect(ingest.tables.objects.get('Gateway/shop/front')).toBe(before);
    api.put(`${GROUP}/v1/gateways`, gateway({ spec: { gatewayClassName: 7 } }));
    await vi.waitFor(() => expect(ingest.tables.stored.get('Gateway/shop/front')).toMatchObject({ spec: { gatewayClassName: 7 } }), { timeout: 4_000 });
    expect(ingest.tables.objects.get('Gateway/shop/front')).toBe(before);
  });
});
