// A second cluster beside the ring's, with both address families and kube-proxy's nftables mode: every way to a server works over IPv6 and over IPv4.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Kubectl, startCluster, stopCluster, type RealCluster } from '../../tools/cluster/index.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { RING_IMAGES, ringImages } from './support/ring-images.ts';
import { clientPod, httpbinPod, service } from './support/workloads.ts';

const NAME = `${clusterUnderTest().cluster.name}-dual`;
/** Each node's kube-proxy writes its rules a moment after the pods are ready. */
const RULES_MILLISECONDS = 30_000;
let cluster: RealCluster;
let kubectl: Kubectl;

beforeAll(async () => {
  await stopCluster(NAME);
  const images = ringImages('httpbin', 'test-tools').map(({ archive }) => join(RING_IMAGES, archive));
  cluster = await startCluster({ name: NAME, nodes: 2, ipFamily: 'dual', proxyMode: 'nftables', images, endsWithStarter: true });
  kubectl = new Kubectl(cluster.kubectl, cluster.kubeconfig);
  await kubectl.until(['get', 'serviceaccount', 'default'], 30_000, 'the default service account');
  const items = [
    clientPod('client', { nodeName: 'node1' }), httpbinPod('near', { nodeName: 'node1' }), httpbinPod('far', { nodeName: 'node2' }),
    ...['near', 'far'].map((name) => service(name, [{ name: 'http', port: 80, targetPort: 8080 }], { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' })),
  ];
  await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  await kubectl.run(['wait', 'pod', '--all', '--for=condition=Ready', '--timeout=120s']);
}, 400_000);
afterAll(() => stopCluster(NAME), 60_000);

/** An address as it stands in a URL. */
function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** The addresses of a pod. */
async function podAddresses(name: string): Promise<string[]> {
  return (JSON.parse(await kubectl.run(['get', 'pod', name, '--output=jsonpath={.status.podIPs}'])) as { ip: string }[]).map(({ ip }) => ip);
}

it.each(['near', 'far'])('a pod reaches a server that is %s by name, over both families and with its own address', async (server) => {
  const own = await podAddresses('client');
  for (const family of ['-4', '-6']) {
    const answer = await kubectl.until(['exec', 'client', '--', 'curl', '-sS', '--max-time', '5', family, `http://${server}/ip`], RULES_MILLISECONDS, `the way to ${server} with ${family}`);
    const origin = (JSON.parse(answer) as { origin: string }).origin.replace('::ffff:', '');
    expect(origin).toBe(own.find((address) => address.includes(':') === (family === '-6')));
  }
});

it.each(['near', 'far'])('this machine reaches a server that is %s by pod, by service and by node port, over both families', async (server) => {
  const pods = (await podAddresses(server)).map((address) => `${inUrl(address)}:8080`);
  const services = (JSON.parse(await kubectl.run(['get', 'service', server, '--output=jsonpath={.spec.clusterIPs}'])) as string[]).map(inUrl);
  const port = await kubectl.run(['get', 'service', server, '--output=jsonpath={.spec.ports[0].nodePort}']);
  const nodes = JSON.parse(await kubectl.run(['get', 'nodes', '--output=json'])) as { items: { status: { addresses: { type: string; address: string }[] } }[] };
  const addresses = nodes.items.flatMap(({ status }) => status.addresses.filter(({ type }) => type === 'InternalIP').map(({ address }) => `${inUrl(address)}:${port}`));
  expect(pods).toHaveLength(2);
  expect(services).toHaveLength(2);
  expect(addresses).toHaveLength(4);
  for (const place of [...pods, ...services, ...addresses]) await vi.waitFor(async () => expect((await fetch(`http://${place}/status/200`, { signal: AbortSignal.timeout(10_000) })).status, place).toBe(200), { timeout: RULES_MILLISECONDS, interval: 200 });
});

it('the services are nftables\' work', async () => {
  expect(await cluster.nodes[0]?.run(['nft', 'list', 'tables'])).toMatch(/table ip kube-proxy[\s\S]*table ip6 kube-proxy/);
});
