// What an administrator does to a mesh, and what happens to it, while requests run: an upgrade with sidecars and all, and the restart of each part. No request may fail.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { describeLoad, installLoadedMesh, loadedMesh, removeLoadedMesh, restartWorkloads, rolledOut, startLoad } from './support/loaded-mesh.ts';

const mesh = loadedMesh('load');
const NAMESPACES = [mesh.namespace, mesh.bookinfo, mesh.httpbin];
const UPGRADE_REQUESTS = 50_000;

/** Runs `work` under load, then goes on for `settleMilliseconds`; fails when a request did. */
async function withoutFailure(what: string, requestsPerSecond: number, work: () => Promise<void>, { settleMilliseconds = 8_000, atLeast = 500 } = {}): Promise<void> {
  const load = await startLoad(mesh, requestsPerSecond);
  let report;
  try {
    await work();
    await pause(settleMilliseconds);
    while (load.sent < atLeast) await pause(500);
  } finally {
    report = await load.stop();
    process.stdout.write(`    ${describeLoad(what, report)}\n`);
  }
  expect(report.failures).toEqual([]);
  expect(report.failed).toBe(0);
  expect(report.requests).toBeGreaterThanOrEqual(atLeast);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Restarts the kubelets. For a moment after its start a kubelet may call its pods not ready, until it has probed them again; who follows Kubernetes has no upstream then, and rightly so.
 * What is to be shown is that the mesh itself does not mind, so services list their pods whether ready or not meanwhile.
 */
async function restartKubelets(): Promise<void> {
  await podsAreGone();
  await listPodsOfServices('whether ready or not');
  await pause(2_000);
  try {
    await clusterUnderTest().cluster.restart('kubelet');
    await pause(15_000);
    for (const namespace of NAMESPACES) await rolledOut(namespace);
  } finally {
    await listPodsOfServices('when ready');
  }
}

/** Resolves when no pod is on its way out: a Service that lists pods that are not ready lists those too. */
async function podsAreGone(): Promise<void> {
  const { kubectl } = clusterUnderTest();
  for (const namespace of NAMESPACES) {
    await expect.poll(async () => (JSON.parse(await kubectl.run(['--namespace', namespace, 'get', 'pods', '--output=json'])) as { items: { metadata: { deletionTimestamp?: string } }[] }).items.filter(({ metadata }) => metadata.deletionTimestamp !== undefined).length, { timeout: 120_000, interval: 1_000 }).toBe(0);
  }
}

async function listPodsOfServices(when: 'whether ready or not' | 'when ready'): Promise<void> {
  const { kubectl } = clusterUnderTest();
  const patch = JSON.stringify({ spec: { publishNotReadyAddresses: when === 'whether ready or not' } });
  for (const namespace of NAMESPACES) {
    const names = (await kubectl.run(['--namespace', namespace, 'get', 'services', '--output=name'])).split('\n').filter(Boolean);
    for (const name of names) await kubectl.run(['--namespace', namespace, 'patch', name, '--type=merge', '--patch', patch]);
  }
}

/** Images of the containers called istio-proxy in a namespace. */
async function proxyImages(namespace: string): Promise<string[]> {
  const { kubectl } = clusterUnderTest();
  const list = JSON.parse(await kubectl.run(['--namespace', namespace, 'get', 'pods', '--output=json'])) as { items: { metadata: { deletionTimestamp?: string }; spec: { containers: { name: string; image: string }[]; initContainers?: { name: string; image: string }[] } }[] };
  return list.items.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .flatMap(({ spec }) => [...spec.containers, ...(spec.initContainers ?? [])]).filter(({ name }) => name === 'istio-proxy').map(({ image }) => image);
}

describe('a mesh under load', () => {
  beforeAll(() => installLoadedMesh(mesh, 'v3.0'), 420_000);
  afterAll(() => removeLoadedMesh(mesh), 300_000);

  it('is upgraded from v3.0 to v3.1, control plane, gateways and sidecars, without a failed request', async () => {
    const { kubectl } = clusterUnderTest();
    expect((await proxyImages(mesh.httpbin)).every((image) => image.endsWith(':v3.0.0'))).toBe(true);
    await withoutFailure('upgrade', 500, async () => {
      await kubectl.run(['--namespace', mesh.namespace, 'patch', 'servicemeshcontrolplane', mesh.namespace, '--type=merge', '--patch={"spec":{"version":"v3.1"}}']);
      await kubectl.run(['--namespace', mesh.namespace, 'wait', `servicemeshcontrolplane/${mesh.namespace}`, '--for=jsonpath={.status.chartVersion}=v3.1.0', '--timeout=240s'], { timeoutMilliseconds: 250_000 });
      await kubectl.run(['--namespace', mesh.namespace, 'wait', `servicemeshcontrolplane/${mesh.namespace}`, '--for=condition=Ready', '--timeout=240s'], { timeoutMilliseconds: 250_000 });
      await rolledOut(mesh.namespace);
      await restartWorkloads(mesh.httpbin);
      await restartWorkloads(mesh.bookinfo);
    }, { atLeast: UPGRADE_REQUESTS });
    for (const namespace of [mesh.namespace, mesh.httpbin, mesh.bookinfo]) {
      const images = await proxyImages(namespace);
      expect(images.length).toBeGreaterThan(0);
      expect(images.filter((image) => !image.endsWith(':v3.1.0'))).toEqual([]);
    }
  }, 900_000);

  it('does not notice the restart of the node agent', async () => {
    const { kubectl } = clusterUnderTest();
    await withoutFailure('node agent', 150, async () => {
      await kubectl.run(['--namespace', mesh.namespace, 'rollout', 'restart', 'daemonset']);
      const names = (await kubectl.run(['--namespace', mesh.namespace, 'get', 'daemonset', '--output=name'])).split('\n').filter(Boolean);
      expect(names).not.toEqual([]);
      for (const name of names) await kubectl.run(['--namespace', mesh.namespace, 'rollout', 'status', name, '--timeout=120s'], { timeoutMilliseconds: 130_000 });
    });
  }, 240_000);

  it('does not notice that the control plane is killed', async () => {
    const { kubectl } = clusterUnderTest();
    await withoutFailure('control plane', 150, async () => {
      await kubectl.run(['--namespace', mesh.namespace, 'delete', 'pod', '--selector=app=istiod', '--grace-period=0', '--force']);
      await rolledOut(mesh.namespace);
    });
  }, 300_000);

  it('does not notice a new roll-out of its ingress gateway', async () => {
    const { kubectl } = clusterUnderTest();
    await withoutFailure('ingress gateway', 150, async () => {
      await kubectl.run(['--namespace', mesh.namespace, 'rollout', 'restart', 'deployment/istio-ingressgateway']);
      await rolledOut(mesh.namespace);
    }, { settleMilliseconds: 15_000 });
  }, 300_000);

  it.each(['kube-apiserver', 'kubelet', 'containerd', 'kube-proxy'] as const)('does not notice the restart of %s', async (component) => {
    await withoutFailure(component, 150, component === 'kubelet' ? restartKubelets : () => clusterUnderTest().cluster.restart(component), { settleMilliseconds: 12_000 });
    // What was restarted works again, and the mesh takes new pods.
    await restartWorkloads(mesh.httpbin);
  }, 300_000);
});
