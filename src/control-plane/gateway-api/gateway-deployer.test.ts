// Workloads of Gateways from outside: binder and deployer against a small API server over HTTP.
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import { ServiceResource, type Service } from '../../shared/api/core/network.ts';
import type { GatewayApiObject } from '../../shared/api/gateway-api/kinds.ts';
import type { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { ResourceType } from '../../shared/api/meta/index.ts';
import { KubeClient } from '../../shared/kube/index.ts';
import { Table } from '../../shared/lib/index.ts';
import { followSecrets, NamespacedTable, type IngestTables } from '../ingest/index.ts';
import { GatewayBinder } from './gateway-binder.ts';
import { GatewayDeployer } from './gateway-deployer.ts';

const DEPLOYMENTS = '/apis/apps/v1/deployments';
const SERVICES = '/api/v1/services';
const ACCOUNTS = '/api/v1/serviceaccounts';
const CONFIG_MAPS = '/api/v1/configmaps';

interface World {
  readonly api: FakeKubeApiServer;
  readonly binder: GatewayBinder;
  /** Writes the Gateway `front` with this besides its listener. */
  put(rest: object): void;
  /** Which of Deployment, Service and ServiceAccount there are. */
  made(): boolean[];
  acceptance(): string | undefined;
}

const PARAMETERS = { infrastructure: { parametersRef: { group: '', kind: 'ConfigMap', name: 'shape' } } };
const shape = (deployment: string) => ({ metadata: { name: 'shape', namespace: 'shop' }, data: { deployment } });

async function world(prepare: (api: FakeKubeApiServer) => void): Promise<World> {
  const api = await new FakeKubeApiServer().start();
  prepare(api);
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  const stopping = new AbortController();
  const services = new NamespacedTable<Service>(client, ServiceResource);
  await services.follow(new Set(['shop']), stopping.signal);
  const objects = new Table<string, GatewayApiObject>();
  const types = new Table<string, ResourceType>();
  const members = new Table<string, true>();
  members.set('shop', true);
  types.set('Gateway', { group: 'gateway.networking.k8s.io', version: 'v1', kind: 'Gateway', plural: 'gateways', scope: 'Namespaced' });
  objects.set('GatewayClass//istio', { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'GatewayClass', metadata: { name: 'istio' }, spec: { controllerName: 'istio.io/gateway-controller' } });
  const empty = (): Table<string, never> => new Table<string, never>();
  const tables: IngestTables = {
    members, namespaces: empty(), nodes: empty(), services: services.table, endpointSlices: empty(), pods: empty(), config: empty(), issues: empty(),
    gatewayApi: { types, objects, stored: empty(), bundleVersion: () => undefined },
  };
  const put: World['put'] = (rest) => {
    objects.set('Gateway/shop/front', {
      apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'front', namespace: 'shop', uid: 'u1' },
      spec: { gatewayClassName: 'istio', listeners: [{ name: 'http', port: 80, protocol: 'HTTP' }], ...rest },
    } as GatewayApiObject);
  };
  put(PARAMETERS);
  const secrets = followSecrets(client);
  const binder = new GatewayBinder(client, tables, { domain: 'cluster.local', meshConfig: new Table<'current', MeshConfig>(), refusals: () => new Map(), secrets });
  await binder.start(stopping.signal);
  const running = new GatewayDeployer(client, {
    deployments: binder.deployments, liveDeployments: binder.liveDeployments, judged: binder.judged, services: services.table, parameters: (namespace, name) => binder.parameters(namespace, name),
  }).run(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
    await binder.stop();
    await secrets.stop();
    await services.stop();
    client.close();
    await api.stop();
  });
  return {
    api, binder, put,
    made: () => [DEPLOYMENTS, SERVICES, ACCOUNTS].map((collection) => api.read(collection, 'front-istio', 'shop') !== undefined),
    acceptance: () => {
      const found = binder.statuses.get('Gateway/shop/front');
      return found?.kind === 'Gateway' ? found.status.conditions[0]?.reason : undefined;
    },
  };
}

const soon = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5_000, interval: 20 });
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300));

describe('GatewayDeployer', () => {
  test('rolls an edit of the parameters out, and keeps the workload of a Gateway that is refused, until it is taken up again and wants none', async () => {
    const { api, binder, put, made, acceptance } = await world((server) => server.put(CONFIG_MAPS, shape('spec: { replicas: 2 }')));
    const replicas = (): unknown => (api.read(DEPLOYMENTS, 'front-istio', 'shop')?.spec as { replicas?: number } | undefined)?.replicas;
    await soon(() => expect([made(), replicas()]).toEqual([[true, true, true], 2]));
    await soon(() => expect(binder.liveDeployments.has('shop/front-istio')).toBe(true));
    api.put(CONFIG_MAPS, shape('spec: { replicas: 4 }'));
    await soon(() => expect(replicas()).toBe(4));

    api.put(CONFIG_MAPS, shape('spec: { replicas: 5, template: { spec: { hostNetwork: true } } }'));
    await soon(() => expect([acceptance(), binder.judged.get('shop/front'), binder.deployments.size]).toEqual(['InvalidParameters', 'untouched', 0]));
    await settle();
    expect([made(), replicas()]).toEqual([[true, true, true], 4]);

    api.put(CONFIG_MAPS, shape('spec: { replicas: 4 }'));
    await soon(() => expect(acceptance()).toBe('Accepted'));
    api.remove(CONFIG_MAPS, 'shape', 'shop');
    await soon(() => expect([acceptance(), binder.judged.get('shop/front')]).toEqual(['InvalidParameters', 'untouched']));
    await settle();
    expect([made(), replicas()]).toEqual([[true, true, true], 4]);

    put({ addresses: [{ type: 'Hostname', value: 'own' }] });
    await soon(() => expect(made()).toEqual([false, false, false]));
    expect(binder.judged.get('shop/front')).toBe('decided');
  });

  test('waits for parameters that cannot be read yet, serves the Gateway meanwhile, and tells absence when it is known', async () => {
    let readable = false;
    const { binder, made, acceptance } = await world((api) => {
      api.intercept = (method, path) => (!readable && method === 'GET' && path.endsWith('/configmaps') ? { status: 503, message: 'not now' } : undefined);
    });
    expect([acceptance(), binder.configuration.get('current')?.gateways.length, binder.judged.get('shop/front')]).toEqual(['Accepted', 1, 'decided']);
    await settle();
    expect(made()).toEqual([false, false, false]);
    readable = true;
    await vi.waitFor(() => expect([acceptance(), binder.judged.get('shop/front')]).toEqual(['InvalidParameters', 'untouched']), { timeout: 15_000, interval: 50 });
    expect(made()).toEqual([false, false, false]);
  }, 30_000);
});
