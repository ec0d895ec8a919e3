// The Gateway API with the very programs of the images, each pod a real process: definitions installed after the mesh, a Gateway's workload made,
// its route serving, both shown in their statuses, a workload of the user's own, and everything gone with the Gateway.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { ServiceAccountResource } from '../../src/shared/api/core/cluster.ts';
import { ServiceResource, type Service } from '../../src/shared/api/core/network.ts';
import { DeploymentResource } from '../../src/shared/api/core/workloads.ts';
import { GatewayClassType } from '../../src/shared/api/gateway-api/gateway-class.ts';
import { KubernetesGatewayType } from '../../src/shared/api/gateway-api/gateway.ts';
import { HTTPRouteType } from '../../src/shared/api/gateway-api/http-route.ts';
import { ServiceMeshControlPlaneResource } from '../../src/shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { Condition, KubernetesObject, ResourceType } from '../../src/shared/api/meta/index.ts';
import { KubeClient } from '../../src/shared/kube/index.ts';
import { applyYaml, eventually, expectEventually } from '../support/operator-cluster.ts';

const root = join(import.meta.dirname, '../..');
const MESH = 'istio-system';
let directory: string;
let sandbox: Sandbox;
let admin: KubeClient;

const program = (file: string) => ({ command: [process.execPath, join(root, 'dist', file)] });
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const conditionsOf = (conditions: readonly Condition[] | undefined): Record<string, string> => Object.fromEntries((conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason ?? ''}`]));

interface GatewayObject extends KubernetesObject {
  spec?: unknown;
  status?: { addresses?: { type: string; value: string }[]; conditions?: Condition[]; listeners?: { name: string; attachedRoutes: number; conditions: Condition[] }[]; parents?: { controllerName: string; parentRef: object; conditions: Condition[] }[] };
}

const read = (type: ResourceType, name: string, namespace?: string): Promise<GatewayObject> => admin.get(type as ResourceType<GatewayObject>, name, namespace);

/** A definition of upstream's kind with no more than what the API server needs to store it. */
function definition({ group, version, kind, plural, scope }: ResourceType): string {
  return stringify({
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.${group}`, annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in for a test', 'gateway.networking.k8s.io/bundle-version': 'v1.6.3' } },
    spec: {
      group, scope, names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, subresources: { status: {} }, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } }],
    },
  });
}

const gateway = (name: string, spec: object): string => stringify({ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name, namespace: 'shop' }, spec: { gatewayClassName: 'mizzen', ...spec } });
const listeners = [{ name: 'http', port: 80, protocol: 'HTTP', hostname: '*.example.com', allowedRoutes: { namespaces: { from: 'Same' } } }];
const route = (name: string, parent: string, prefix: string): string => stringify({
  apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name, namespace: 'shop' },
  spec: {
    parentRefs: [{ name: parent }], hostnames: ['httpbin.example.com'],
    rules: [{ matches: [{ path: { type: 'PathPrefix', value: prefix } }], filters: [{ type: 'URLRewrite', urlRewrite: { path: { type: 'ReplacePrefixMatch', replacePrefixMatch: '/' } } }], backendRefs: [{ name: 'httpbin', port: 8000 }] }],
  },
});

/** The status of one request at a node port; 0 when there was no answer. */
function ask(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get({ host: sandbox.nodeAddress, port, path, headers: { host: 'httpbin.example.com' }, timeout: 5_000, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
  });
}

async function nodePortOf(service: string): Promise<number> {
  const { spec } = await admin.get<Service>(ServiceResource, service, 'shop');
  return spec?.ports?.find(({ port }) => port === 80)?.nodePort ?? 0;
}

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'tools/build.ts'), '--if-changed'], { stdio: 'inherit' });
  directory = mkdtempSync(join(tmpdir(), 'mizzen-gateway-api-'));
  sandbox = await startSandbox({
    directory: join(directory, 'sandbox'), containerViewPath: join(root, 'dist/container-view.js'),
    images: {
      'mizzen/mizzen-operator': program('operator.js'), 'mizzen/mizzend': program('mizzend.js'), 'mizzen/mizzen-cni': program('node-agent.js'), 'mizzen/httpbin': program('samples/httpbin-httpbin.js'),
      'mizzen/mizzen-proxy': { ...program('proxy.js'), executables: { 'pilot-agent': program('proxy.js').command } },
    },
  });
  admin = KubeClient.fromDefault({ kubeconfigText: readFileSync(sandbox.kubeconfigPath, 'utf8') });
  for (const file of readdirSync(join(root, 'crds'))) await applyYaml(admin, text(`crds/${file}`));
  await applyYaml(admin, text('deploy/operator.yaml'));
  await applyYaml(admin, `{ apiVersion: v1, kind: Namespace, metadata: { name: ${MESH} } }\n---\n{ apiVersion: v1, kind: Namespace, metadata: { name: shop } }`);
  await expectEventually(() => admin.get(DeploymentResource, 'mizzen-operator', 'mizzen-operator'), { status: { readyReplicas: 1 } }, 30);
  const mesh = { apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: MESH }, spec: { version: 'v3.1', profiles: ['default', 'sandbox'], gateways: { enabled: false } } };
  await eventually(() => admin.create(ServiceMeshControlPlaneResource, mesh as KubernetesObject as never), 30);
  // A mesh for chosen namespaces, whose rights are RoleBindings in them; the conformance run has one for the whole cluster.
  await eventually(() => applyYaml(admin, `{ apiVersion: maistra.io/v1, kind: ServiceMeshMemberRoll, metadata: { name: default, namespace: ${MESH} }, spec: { members: [shop] } }`), 30);
  await expectEventually(async () => conditionsOf((await admin.get(ServiceMeshControlPlaneResource, 'basic', MESH)).status?.conditions as Condition[]), { Ready: 'True ComponentsReady' }, 60);
  await applyYaml(admin, text('samples/httpbin/httpbin.yaml'), 'shop');
}, 120_000);

afterAll(async () => {
  admin?.close();
  await sandbox?.stop();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

describe('the Gateway API', () => {
  it('is served once its definitions are there, which may be later than the mesh', async () => {
    for (const type of [GatewayClassType, KubernetesGatewayType, HTTPRouteType]) await applyYaml(admin, definition(type));
    await expectEventually(async () => conditionsOf((await read(GatewayClassType, 'mizzen')).status?.conditions), { Accepted: 'True Accepted', SupportedVersion: 'True SupportedVersion' }, 30);
    expect((await read(GatewayClassType, 'istio')).spec).toMatchObject({ controllerName: 'istio.io/gateway-controller' });
  }, 60_000);

  it('gets a Gateway its workload, and its routes their traffic', async () => {
    await applyYaml(admin, gateway('front', { listeners, infrastructure: { labels: { team: 'edge' }, annotations: { 'example.com/note': 'ours' } } }));
    await applyYaml(admin, route('httpbin', 'front', '/bin'));
    await expectEventually(async () => conditionsOf((await read(KubernetesGatewayType, 'front', 'shop')).status?.conditions), { Accepted: 'True Accepted', Programmed: 'True Programmed' }, 40);
    const { status, metadata } = await read(KubernetesGatewayType, 'front', 'shop');
    expect(status).toMatchObject({ addresses: [{ type: 'IPAddress', value: sandbox.nodeAddress }], listeners: [{ name: 'http', attachedRoutes: 1 }] });
    for (const type of [ServiceAccountResource, ServiceResource, DeploymentResource] as readonly ResourceType[]) {
      const object = await admin.get(type, 'front-mizzen', 'shop');
      expect(object.metadata).toMatchObject({
        labels: { team: 'edge', 'gateway.networking.k8s.io/gateway-name': 'front', 'gateway.istio.io/managed': 'istio.io-gateway-controller' }, annotations: { 'example.com/note': 'ours' },
        ownerReferences: [{ kind: 'Gateway', name: 'front', uid: metadata?.uid }],
      });
    }
    const parents = (await read(HTTPRouteType, 'httpbin', 'shop')).status?.parents;
    expect(parents?.map(({ controllerName, conditions }) => [controllerName, conditionsOf(conditions)])).toEqual([['istio.io/gateway-controller', expect.objectContaining({ Accepted: 'True Accepted', ResolvedRefs: 'True ResolvedRefs' })]]);
    const port = await nodePortOf('front-mizzen');
    await eventually(async () => expect([await ask(port, '/bin/get'), await ask(port, '/get')]).toEqual([200, 404]), 20);
  }, 90_000);

  it('writes nothing while nothing changes', async () => {
    const versions = async () => Promise.all([read(GatewayClassType, 'mizzen'), read(KubernetesGatewayType, 'front', 'shop'), read(HTTPRouteType, 'httpbin', 'shop'), admin.get(DeploymentResource, 'front-mizzen', 'shop') as Promise<KubernetesObject>]).then((objects) => objects.map(({ metadata }) => metadata?.resourceVersion));
    const before = await versions();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await versions()).toEqual(before);
  }, 30_000);

  it('repairs a workload, follows a changed listener, and keeps what other controllers wrote', async () => {
    await admin.delete(ServiceResource, 'front-mizzen', 'shop');
    await eventually(async () => expect(await nodePortOf('front-mizzen')).toBeGreaterThan(0), 20);
    const foreign = { controllerName: 'example.com/other', parentRef: { name: 'elsewhere' }, conditions: [] };
    const { status } = await read(HTTPRouteType, 'httpbin', 'shop');
    await admin.patch(HTTPRouteType, 'httpbin', 'shop', { status: { parents: [foreign, ...(status?.parents ?? [])] } }, { subresource: 'status' });
    await admin.patch(HTTPRouteType, 'httpbin', 'shop', { spec: { parentRefs: [{ name: 'front', sectionName: 'none' }] } });
    await eventually(async () => {
      const parents = (await read(HTTPRouteType, 'httpbin', 'shop')).status?.parents ?? [];
      expect(parents.map(({ controllerName, conditions }) => [controllerName, conditionsOf(conditions)['Accepted']])).toEqual([['example.com/other', undefined], ['istio.io/gateway-controller', 'False NoMatchingParent']]);
    }, 20);
    const port = await nodePortOf('front-mizzen');
    await eventually(async () => expect(await ask(port, '/bin/get')).toBe(404), 20);
    await admin.patch(HTTPRouteType, 'httpbin', 'shop', { spec: { parentRefs: [{ name: 'front' }] } });
    await eventually(async () => expect(await ask(port, '/bin/get')).toBe(200), 20);
  }, 90_000);

  it('uses the workload behind the Service that a Gateway names, and makes none then', async () => {
    await applyYaml(admin, gateway('second', { listeners, addresses: [{ type: 'Hostname', value: 'front-mizzen.shop.svc.cluster.local' }] }));
    await expectEventually(async () => conditionsOf((await read(KubernetesGatewayType, 'second', 'shop')).status?.conditions), { Accepted: 'True Accepted', Programmed: 'True Programmed' }, 20);
    expect(await admin.find(DeploymentResource, 'second-mizzen', 'shop')).toBeUndefined();
    await applyYaml(admin, route('second', 'second', '/second'));
    const port = await nodePortOf('front-mizzen');
    await eventually(async () => expect(await ask(port, '/second/get')).toBe(200), 20);
  }, 60_000);

  it('takes the workload away with the Gateway', async () => {
    await admin.delete(KubernetesGatewayType, 'front', 'shop');
    await eventually(async () => {
      for (const type of [ServiceAccountResource, ServiceResource, DeploymentResource] as readonly ResourceType[]) expect(await admin.find(type, 'front-mizzen', 'shop'), type.kind).toBeUndefined();
    }, 30);
    await eventually(async () => expect((await read(HTTPRouteType, 'httpbin', 'shop')).status?.parents?.map(({ controllerName }) => controllerName)).toEqual(['example.com/other']), 20);
  }, 60_000);
});
