// The writer of the Gateway API's statuses against a small API server over HTTP: what it writes, and when it does not.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { HTTPRouteType } from '../../shared/api/gateway-api/http-route.ts';
import { GatewayClassType } from '../../shared/api/gateway-api/gateway-class.ts';
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { Table } from '../../shared/lib/index.ts';
import { Informer, KubeClient } from '../../shared/kube/index.ts';
import type { GatewayApiStatus } from '../../mesh/gateway-api/index.ts';
import { GatewayApiStatusWriter } from './gateway-api-status.ts';

const ROUTES = '/apis/gateway.networking.k8s.io/v1/httproutes';
const CLASSES = '/apis/gateway.networking.k8s.io/v1/gatewayclasses';
const OURS = 'istio.io/gateway-controller';

interface World { readonly api: FakeKubeApiServer; readonly statuses: Table<string, GatewayApiStatus>; writes(): number }

async function world({ ownsClasses = true } = {}): Promise<World> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  const stored = new Table<string, KubernetesObject>();
  const types = new Table<string, ResourceType>();
  const statuses = new Table<string, GatewayApiStatus>();
  const stopping = new AbortController();
  for (const type of [HTTPRouteType, GatewayClassType] as readonly ResourceType[]) {
    types.set(type.kind, type);
    const informer = new Informer(client, type, {});
    informer.onChange((change) => void stored.set(`${type.kind}/${change.key.includes('/') ? '' : '/'}${change.key}`, change.object));
    await informer.start(stopping.signal);
  }
  const running = new GatewayApiStatusWriter(client, { statuses, stored, types, ownsClasses }).run(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
    client.close();
    await api.stop();
  });
  return { api, statuses, writes: () => api.requests.filter(({ method }) => method === 'PATCH').length };
}

const condition = (status: 'True' | 'False', reason: string) => ({ type: 'Accepted', status, reason, message: reason, observedGeneration: 1 }) as const;
const routeStatus = (generation: number, ...conditions: ReturnType<typeof condition>[]): GatewayApiStatus => ({
  kind: 'HTTPRoute', namespace: 'shop', name: 'cart', generation, status: { parents: conditions.length > 0 ? [{ controllerName: OURS, parentRef: { name: 'front' }, conditions }] : [] },
});
const putRoute = (api: FakeKubeApiServer, status?: object): void => void api.put(ROUTES, { metadata: { name: 'cart', namespace: 'shop', generation: 1 }, spec: {}, ...(status ? { status } : {}) } as Parameters<FakeKubeApiServer['put']>[1]);
const parentsOf = (api: FakeKubeApiServer) => ((api.read(ROUTES, 'cart', 'shop')?.status as { parents?: { controllerName: string; conditions: { reason: string; lastTransitionTime?: string }[] }[] } | undefined)?.parents ?? []);
const shown = (api: FakeKubeApiServer): string[] => parentsOf(api).map(({ controllerName, conditions }) => `${controllerName} ${conditions.map(({ reason }) => reason).join()}`);
const FOREIGN = { controllerName: 'example.com/other', parentRef: { name: 'front' }, conditions: [{ type: 'Accepted', status: 'True', reason: 'Theirs', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] };

describe('GatewayApiStatusWriter', () => {
  test('writes what differs, once, beside what other controllers wrote, and takes its own back', async () => {
    const { api, statuses, writes } = await world();
    putRoute(api, { parents: [FOREIGN] });
    statuses.set('HTTPRoute/shop/cart', routeStatus(1, condition('True', 'Accepted')));
    await vi.waitFor(() => expect(shown(api)).toEqual(['example.com/other Theirs', `${OURS} Accepted`]));
    const time = parentsOf(api)[1]?.conditions[0]?.lastTransitionTime;
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    statuses.set('HTTPRoute/shop/cart', routeStatus(1, { ...condition('True', 'Accepted'), message: 'Another word.' }));
    await vi.waitFor(() => expect(writes()).toBe(2));
    expect(parentsOf(api)[1]?.conditions[0]).toMatchObject({ lastTransitionTime: time });
    await sleep(200);
    expect(writes()).toBe(2);
    statuses.set('HTTPRoute/shop/cart', routeStatus(1));
    await vi.waitFor(() => expect(shown(api)).toEqual(['example.com/other Theirs']));
  });

  test('writes again after a conflict, from the newer object', async () => {
    const { api, statuses } = await world();
    putRoute(api);
    let refused = 0;
    api.intercept = (method) => {
      if (method !== 'PATCH' || refused > 0) return undefined;
      refused += 1;
      putRoute(api, { parents: [FOREIGN] });
      return { status: 409, reason: 'Conflict' };
    };
    statuses.set('HTTPRoute/shop/cart', routeStatus(1, condition('False', 'NoMatchingParent')));
    await vi.waitFor(() => expect(shown(api)).toEqual(['example.com/other Theirs', `${OURS} NoMatchingParent`]));
    expect(refused).toBe(1);
  });

  test('does not speak of a generation that is no more', async () => {
    const { api, statuses, writes } = await world();
    putRoute(api);
    statuses.set('HTTPRoute/shop/cart', routeStatus(2, condition('True', 'Accepted')));
    await sleep(200);
    expect(writes()).toBe(0);
  });

  test('does not fight without end with somebody who undoes what it writes', async () => {
    const { api, statuses, writes } = await world();
    putRoute(api);
    statuses.set('HTTPRoute/shop/cart', routeStatus(1, condition('True', 'Accepted')));
    const undo = setInterval(() => {
      if (parentsOf(api).length > 0) putRoute(api, { parents: [] });
    }, 10);
    onTestFinished(() => clearInterval(undo));
    await vi.waitFor(() => expect(writes()).toBeGreaterThanOrEqual(5), { timeout: 5_000 });
    await sleep(500);
    expect(writes()).toBe(5);
  });

  test('leaves a class that another control plane has answered for, unless it serves the whole cluster', async () => {
    const classStatus: GatewayApiStatus = { kind: 'GatewayClass', namespace: '', name: 'mizzen', generation: 1, status: { conditions: [condition('True', 'Accepted')], supportedFeatures: [{ name: 'Gateway' }] } };
    const answered = { conditions: [{ ...condition('True', 'Accepted'), lastTransitionTime: '2026-01-01T00:00:00Z' }], supportedFeatures: [] };
    const put = (api: FakeKubeApiServer, status: object): void => void api.put(CLASSES, { metadata: { name: 'mizzen', generation: 1 }, status } as unknown as Parameters<FakeKubeApiServer['put']>[1]);
    const features = (api: FakeKubeApiServer): unknown => (api.read(CLASSES, 'mizzen')?.status as { supportedFeatures?: unknown } | undefined)?.supportedFeatures;
    const shared = await world({ ownsClasses: false });
    put(shared.api, answered);
    shared.statuses.set('GatewayClass//mizzen', classStatus);
    const alone = await world();
    put(alone.api, answered);
    alone.statuses.set('GatewayClass//mizzen', classStatus);
    await vi.waitFor(() => expect(features(alone.api)).toEqual([{ name: 'Gateway' }]));
    expect(features(shared.api)).toEqual([]);
    put(shared.api, { conditions: [] });
    await vi.waitFor(() => expect(features(shared.api)).toEqual([{ name: 'Gateway' }]));
  });
});
