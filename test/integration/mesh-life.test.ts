// The life of a cluster-wide mesh with the very programs of the images, each pod a real process: installed, joined by label, drained, rolled back, upgraded, deleted.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { listOwned } from '../../src/operator/apply/index.ts';
import { startSandbox, type Sandbox } from '../../src/sandbox/index.ts';
import { ConfigMapResource, NamespaceResource } from '../../src/shared/api/core/cluster.ts';
import { ServiceResource } from '../../src/shared/api/core/network.ts';
import { DeploymentResource, PodResource, type Pod } from '../../src/shared/api/core/workloads.ts';
import { ServiceMeshMemberRollResource } from '../../src/shared/api/maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../src/shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { KubernetesObject } from '../../src/shared/api/meta/index.ts';
import { AuthorizationPolicyType } from '../../src/shared/api/security/authorization-policy.ts';
import { RequestAuthenticationType } from '../../src/shared/api/security/request-authentication.ts';
import { getCondition, KubeClient } from '../../src/shared/kube/index.ts';
import { applyYaml, eventually, expectEventually } from '../support/operator-cluster.ts';
import { tokenIssuer } from '../support/token-issuer.ts';

const root = join(import.meta.dirname, '../..');
const MESH = 'istio-system';
let directory: string;
let sandbox: Sandbox;
let admin: KubeClient;
let loadPort = 0;

const program = (file: string) => ({ command: [process.execPath, join(root, 'dist', file)] });
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const mesh = (): Promise<ServiceMeshControlPlane> => admin.get(ServiceMeshControlPlaneResource, 'basic', MESH);
const conditions = async (): Promise<Record<string, string>> => Object.fromEntries(((await mesh()).status?.conditions ?? []).map(({ type, status, reason }) => [type, `${status} ${reason ?? ''}`]));
const edit = (spec: object): Promise<unknown> => admin.patch(ServiceMeshControlPlaneResource, 'basic', MESH, { spec });
const pods = (namespace: string, labelSelector: string): Promise<Pod[]> => admin.listAll(PodResource, { namespace, labelSelector });
const uids = async (labelSelector: string): Promise<(string | undefined)[]> => (await pods(MESH, labelSelector)).map(({ metadata }) => metadata?.uid).sort();

/** The status of one request through the ingress gateway; 0 when there was no answer. */
function ask(path = '/get', own: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve) => {
    const request = http.get({ host: sandbox.nodeAddress, port: loadPort, path, headers: { host: 'httpbin.example.com', ...own }, timeout: 5_000, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
  });
}

/** Sends requests steadily while `work` runs, and on until there were `least` of them, however slow the machine is; gives what was answered, by status. */
async function underLoad(work: () => Promise<unknown>, least = 1): Promise<Record<string, number>> {
  const statuses: Record<string, number> = {};
  let going = true;
  let sent = 0;
  const sender = async (): Promise<void> => {
    while (going || sent < least) {
      sent += 1;
      const status = await ask();
      statuses[status] = (statuses[status] ?? 0) + 1;
      await sleep(10);
    }
  };
  const senders = [sender(), sender()];
  try {
    await work();
  } finally {
    going = false;
  }
  await Promise.all(senders);
  return statuses;
}

beforeAll(async () => {
  execFileSync(process.execPath, [join(root, 'tools/build.ts'), '--if-changed'], { stdio: 'inherit' });
  directory = mkdtempSync(join(tmpdir(), 'mizzen-life-'));
  writeFileSync(join(directory, 'broken.mjs'), "console.error('this build does not start'); process.exit(7);\n");
  sandbox = await startSandbox({
    directory: join(directory, 'sandbox'), containerViewPath: join(root, 'dist/container-view.js'),
    images: {
      'mizzen/mizzen-operator': program('operator.js'), 'mizzen/mizzend': program('mizzend.js'), 'mizzen/mizzen-cni': program('node-agent.js'), 'mizzen/httpbin': program('samples/httpbin-httpbin.js'),
      'mizzen/mizzen-proxy': { ...program('proxy.js'), executables: { 'pilot-agent': program('proxy.js').command } }, 'mizzen/broken': { command: [process.execPath, join(directory, 'broken.mjs')] },
    },
  });
  admin = KubeClient.fromDefault({ kubeconfigText: readFileSync(sandbox.kubeconfigPath, 'utf8') });
  for (const file of readdirSync(join(root, 'crds'))) await applyYaml(admin, text(`crds/${file}`));
  await applyYaml(admin, text('deploy/operator.yaml'));
  await applyYaml(admin, `{ apiVersion: v1, kind: Namespace, metadata: { name: ${MESH} } }\n---\n{ apiVersion: v1, kind: Namespace, metadata: { name: shop, labels: { istio-injection: enabled } } }\n---\n{ apiVersion: v1, kind: Namespace, metadata: { name: apart } }`);
  await expectEventually(() => admin.get(DeploymentResource, 'mizzen-operator', 'mizzen-operator'), { status: { readyReplicas: 1 } }, 20);
}, 40_000);

afterAll(async () => {
  admin?.close();
  await sandbox?.stop();
  rmSync(directory, { recursive: true, force: true });
}, 30_000);

describe('a cluster-wide mesh', () => {
  it('is installed, and namespaces join it by their label', async () => {
    const object = { apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: MESH }, spec: { version: 'v3.0', mode: 'ClusterWide', profiles: ['default', 'sandbox'], techPreview: { meshConfig: { defaultConfig: { terminationDrainDuration: '2s' } } } } };
    await eventually(() => admin.create(ServiceMeshControlPlaneResource, object as KubernetesObject as never));
    await expectEventually(conditions, { Installed: 'True InstallSuccessful', Ready: 'True ComponentsReady' }, 30);
    await expectEventually(() => admin.get(ServiceMeshMemberRollResource, 'default', MESH), { status: { configuredMembers: ['shop'] } });
    await eventually(() => admin.get(ConfigMapResource, 'istio-ca-root-cert', 'shop'));
    expect((await admin.get(NamespaceResource, 'apart')).metadata?.labels).not.toHaveProperty('maistra.io/member-of');
    expect((await conditions())['SpecSupported']).toBeUndefined();
  }, 40_000);

  it('serves its members, and a pod that is deleted under traffic fails no request', async () => {
    await applyYaml(admin, text('samples/httpbin/httpbin.yaml'), 'shop');
    await applyYaml(admin, text('samples/httpbin/httpbin-gateway.yaml'), 'shop');
    const { spec } = await admin.get(ServiceResource, 'istio-ingressgateway', MESH);
    loadPort = (spec?.ports as { port: number; nodePort?: number }[]).find(({ port }) => port === 80)?.nodePort ?? 0;
    await eventually(async () => expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual([200, 200, 200, 200]), 20);
    // Requests succeed with the first of v1's two pods already; were that the one deleted, nobody would be left to serve.
    await expectEventually(() => admin.get(DeploymentResource, 'httpbin-v1', 'shop'), { status: { readyReplicas: 2 } }, 20);
    const before = await pods('shop', 'app=httpbin');
    const gone = before[0]?.metadata?.name ?? '';
    const statuses = await underLoad(async () => {
      await admin.delete(PodResource, gone, 'shop');
      await eventually(async () => expect(await admin.find(PodResource, gone, 'shop')).toBeUndefined(), 20);
    }, 51);
    expect(Object.keys(statuses)).toEqual(['200']);
    expect(statuses['200']).toBeGreaterThan(50);
    const events = await admin.listAll({ group: '', version: 'v1', kind: 'Event', plural: 'events', scope: 'Namespaced' }, { namespace: 'shop' });
    expect(events.map((event) => (event as { reason?: string }).reason)).not.toContain('FailedPreStopHook');
  }, 120_000);

  it('checks tokens by the keys that their issuer publishes', async () => {
    const key = tokenIssuer('ES256');
    const server = http.createServer((request, response) => response.end(request.url === '/keys' ? key.jwks : JSON.stringify({ jwks_uri: `${issuer}/keys` })));
    await new Promise<void>((resolve) => server.listen(0, '127.94.2.1', resolve));
    onTestFinished(() => void server.close());
    const issuer = `http://127.94.2.1:${(server.address() as AddressInfo).port}`;
    const rules = { selector: { matchLabels: { app: 'httpbin' } } };
    const authentication = { ...rules, jwtRules: [{ issuer }] };
    const policy = { ...rules, action: 'DENY', rules: [{ from: [{ source: { notRequestPrincipals: [`${issuer}/*`] } }], to: [{ operation: { paths: ['/headers'] } }] }] };
    for (const [type, spec] of [[RequestAuthenticationType, authentication], [AuthorizationPolicyType, policy]] as const) {
      await admin.create<KubernetesObject>(type, { apiVersion: `${type.group}/${type.version}`, kind: type.kind, metadata: { name: 'tokens', namespace: 'shop' }, spec } as KubernetesObject);
    }
    const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
    const claims = { iss: issuer, sub: 'me' };
    await eventually(async () => expect(await Promise.all([ask('/headers'), ask('/get'), ask('/headers', bearer(key.token(claims))), ask('/get', bearer(tokenIssuer('ES256').token(claims)))])).toEqual([403, 200, 200, 401]), 20);
    for (const type of [RequestAuthenticationType, AuthorizationPolicyType]) await admin.delete(type, 'tokens', 'shop');
    await eventually(async () => expect(await Promise.all([ask('/headers'), ask('/get', bearer('bad'))])).toEqual([200, 200]), 20);
  }, 60_000);

  it('lets nobody drain or end a proxy by a GET', async () => {
    const [gateway] = await pods(MESH, 'istio=ingressgateway');
    const [target] = await pods('shop', 'app=httpbin');
    const base = `http://${target?.status?.podIP ?? ''}:15020`;
    const script = `for (const path of ['drain', 'quitquitquit']) console.log(path, (await fetch('${base}/' + path)).status);`;
    const streams = await sandbox.streams.exec(MESH, gateway?.metadata?.name ?? '', { command: [process.execPath, '--input-type=module', '-e', script], stdin: false, tty: false });
    expect(Buffer.concat(await streams.stdout.toArray()).toString().trim().split('\n')).toEqual(['drain 405', 'quitquitquit 405']);
  }, 40_000);

  it('goes back when its new control plane does not come up, and the old one never stopped', async () => {
    const running = await uids('app=istiod');
    const statuses = await underLoad(async () => {
      await edit({ version: 'v3.1', techPreview: { upgrade: { waveDeadlineSeconds: 3 } }, runtime: { components: { pilot: { container: { imageName: 'mizzen/broken:v3.1.0' } } } } });
      await expectEventually(conditions, { Reconciled: 'False UpdateRolledBack', Ready: 'True ComponentsReady' }, 20);
    });
    expect(getCondition((await mesh()).status?.conditions, 'Reconciled')?.message).toMatch(/^The update to v3\.1 .* was rolled back to v3\.0 .* within 3 seconds: component istio-discovery .*: (CrashLoopBackOff|Error).*/);
    expect(Object.keys(statuses)).toEqual(['200']);
    await eventually(async () => expect(await uids('app=istiod')).toEqual(running));
  }, 40_000);

  it('is upgraded by an edit, pod by pod', async () => {
    const statuses = await underLoad(async () => {
      await edit({ version: 'v3.1', runtime: null, techPreview: { upgrade: null } });
      await expectEventually(conditions, { Reconciled: 'True UpdateSuccessful', Ready: 'True ComponentsReady' }, 30);
    });
    expect(Object.keys(statuses)).toEqual(['200']);
    for (const selector of ['app=istiod', 'istio=ingressgateway']) {
      await eventually(async () => expect((await pods(MESH, selector)).map((pod) => pod.spec?.containers[0]?.image)).toEqual([expect.stringMatching(/:v3\.1\.0$/)]));
    }
  }, 50_000);

  it('leaves nothing behind when it is deleted', async () => {
    await admin.delete(ServiceMeshControlPlaneResource, 'basic', MESH);
    await eventually(async () => expect(await admin.find(ServiceMeshControlPlaneResource, 'basic', MESH)).toBeUndefined(), 20);
    await eventually(async () => {
      expect((await listOwned(admin, `maistra.io/owner=${MESH}`)).map(({ object }) => `${object.kind ?? ''} ${object.metadata?.name ?? ''}`)).toEqual([]);
      expect(await pods(MESH, '')).toEqual([]);
      for (const name of [MESH, 'shop']) {
        expect((await admin.get(NamespaceResource, name)).metadata?.labels).not.toHaveProperty('maistra.io/member-of');
        expect(await admin.find(ConfigMapResource, 'istio-ca-root-cert', name)).toBeUndefined();
      }
      expect(await admin.find(ServiceMeshMemberRollResource, 'default', MESH)).toBeUndefined();
    }, 20);
  }, 50_000);
});
