// Each process of the cluster can be restarted, and is when it dies; what runs on the cluster goes on meanwhile.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ControlPlaneComponent, NodeComponent } from '../../tools/cluster/index.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { httpbinPod, service } from './support/workloads.ts';

const { cluster, kubectl } = clusterUnderTest();
const first = cluster.nodes[0];
let space: TestNamespace;

/** Numbers, in the first node, of the processes of a component. */
async function processesOf(component: string): Promise<string[]> {
  return (await first?.run(['pgrep', '--exact', component.slice(0, 15)]) ?? '').split('\n').filter(Boolean);
}

async function answers(): Promise<number> {
  const address = (await space.get<{ status: { podIP: string } }>('pod', 'web')).status.podIP;
  return (await fetch(`http://${address}:8080/status/200`, { signal: AbortSignal.timeout(5_000) })).status;
}

beforeAll(async () => {
  space = await TestNamespace.create('cluster-restarts');
  await space.apply([httpbinPod('web'), service('web', [{ name: 'http', port: 80, targetPort: 8080 }])]);
  await space.ready();
});
afterAll(() => space?.remove());

it.each<ControlPlaneComponent | NodeComponent>(['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'containerd', 'kube-apiserver', 'etcd'])('%s is restarted, and pods run on', async (component) => {
  const before = await processesOf(component);
  expect(before).toHaveLength(1);
  await cluster.restart(component);
  expect(await processesOf(component)).not.toEqual(before);
  expect(await answers()).toBe(200);
  const { status } = await space.get<{ status: { containerStatuses: { restartCount: number }[] } }>('pod', 'web');
  expect(status.containerStatuses[0]?.restartCount).toBe(0);
  // The cluster still does its work: a new pod comes up.
  await space.apply(httpbinPod('later'));
  await space.ready();
  await space.kubectl('delete', 'pod', 'later');
});

it('a component that dies is started again', async () => {
  const [before = ''] = await processesOf('kube-scheduler');
  await first?.run(['kill', '-KILL', before]);
  await expect.poll(() => processesOf('kube-scheduler').catch(() => []), { timeout: 20_000 }).toEqual([expect.not.stringMatching(`^${before}$`)]);
  await kubectl.run(['get', '--raw', '/readyz']);
});
