// Capture by the CNI plugin and the node agent, on real nodes: a mesh of its own, whose pods hold no capability, and what becomes of pods while the agent is away.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectClientAddressWithTproxy, expectDnsCapture } from './support/capture-modes.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, httpbinPod, service, TEST_TOOLS_IMAGE } from './support/workloads.ts';

const { cluster, kubectl } = clusterUnderTest();
const first = cluster.nodes[0];
const last = cluster.nodes.at(-1);
const MESH = 'capture-cni-mesh';
const MEMBER = { 'mizzen.test/cni-mesh': 'member' };
const AGENT = 'istio-cni-node-v3-1';
const PLUGIN = 'v3-1-istio-cni';
const SECONDS = 1_000;
let original: string;
let space: TestNamespace;
let strict: TestNamespace;

interface Pod {
  readonly metadata: { readonly annotations: Readonly<Record<string, string>> };
  readonly spec: { readonly initContainers: readonly { readonly name: string }[] };
  readonly status: { readonly podIP: string; readonly phase: string };
}

interface Configuration {
  readonly plugins: readonly { readonly type: string }[];
}

/** The configuration of the node's network, whose file name is the cluster's business. */
async function networkConfiguration(node = first): Promise<string> {
  return (await node?.run(['sh', '-c', 'cat "$(ls /etc/cni/net.d/*.conflist | head -n 1)"'])) ?? '';
}

const chained = async (node = first): Promise<string[]> => (JSON.parse(await networkConfiguration(node)) as Configuration).plugins.map((plugin) => plugin.type);

/** Takes the node agent away from every node, or brings it back. */
async function agentIs(where: 'away' | 'there'): Promise<void> {
  const nodeSelector = where === 'away' ? { 'mizzen.test/nowhere': 'true' } : { 'mizzen.test/nowhere': null };
  // The operator would undo the change; it looks again when it is started.
  await kubectl.run(['--namespace', 'mizzen-operator', 'scale', 'deployment/mizzen-operator', `--replicas=${where === 'away' ? 0 : 1}`]);
  if (where === 'away') await kubectl.run(['--namespace', 'mizzen-operator', 'wait', 'pod', '--all', '--for=delete', '--timeout=90s']);
  await kubectl.run(['--namespace', MESH, 'patch', 'daemonset', AGENT, '--type=merge', '--patch', JSON.stringify({ spec: { template: { spec: { nodeSelector } } } })]);
  if (where === 'away') await kubectl.run(['--namespace', MESH, 'wait', 'pod', '--selector', `k8s-app=${AGENT}`, '--for=delete', '--timeout=90s']);
  else await kubectl.run(['--namespace', MESH, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=90s']);
}

const eventsOf = async (pod: string): Promise<string> => space.kubectl('get', 'events', '--field-selector', `involvedObject.name=${pod}`, '--output=jsonpath={range .items[*]}{.reason}: {.message}{"\\n"}{end}');

beforeAll(async () => {
  original = await networkConfiguration();
  await installMesh(MESH, 'cni', 'v3.1', MEMBER);
  [space, strict] = [await memberNamespace('capture-cni', MEMBER), await memberNamespace('capture-cni-strict', { ...MEMBER, 'pod-security.kubernetes.io/enforce': 'restricted' })];
  await space.apply([httpbinPod('web', { sidecar: true, ...(last ? { nodeName: last.name } : {}) }), service('web', [{ name: 'http', port: 80, targetPort: 8080 }]), clientPod('client', { sidecar: true, ...(first ? { nodeName: first.name } : {}) })]);
  await space.ready();
}, 300 * SECONDS);

// With little reserved: three control planes, one of them twice while it is upgraded, and the pods of the tests are to fit on nodes of two processors.
async function installMesh(namespace: string, name: string, version: string, memberLabels: Readonly<Record<string, string>>): Promise<void> {
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name, namespace },
      spec: { version, profiles: ['default', 'small'], gateways: { enabled: false }, proxy: { networking: { initialization: { type: 'CNI' } } }, security: { dataPlane: { mtls: true } } },
    },
    { apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace }, spec: { memberSelectors: [{ matchLabels: memberLabels }] } },
  ];
  await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
  await kubectl.run(['--namespace', namespace, 'wait', '--for=condition=Ready', `servicemeshcontrolplane/${name}`, '--timeout=180s']);
}

async function memberNamespace(name: string, labels: Readonly<Record<string, string>>): Promise<TestNamespace> {
  const namespace = await TestNamespace.create(name, { labels });
  await kubectl.until(['--namespace', name, 'get', 'configmap', 'istio-ca-root-cert'], 60 * SECONDS, `the mesh's root certificate in ${name}`);
  return namespace;
}

afterAll(async () => {
  await Promise.all([space?.remove(), strict?.remove()]);
  await kubectl.run(['delete', 'namespace', MESH, '--ignore-not-found', '--wait', '--timeout=120s']);
}, 240 * SECONDS);

describe('capture by the CNI plugin', () => {
  it('is ready when the plugin is chained on every node', async () => {
    for (const node of cluster.nodes) {
      expect((await chained(node)).at(-1)).toBe(PLUGIN);
      // The node has no Node.js: the plugin brings what it runs with.
      expect(JSON.parse(await node.run(['env', '-i', 'CNI_COMMAND=VERSION', `/opt/cni/bin/${PLUGIN}`]))).toMatchObject({ supportedVersions: expect.arrayContaining(['1.0.0']) });
    }
  });

  it('takes both ends of a request, across nodes, of pods without any privilege', async () => {
    const pod = await space.get<Pod>('pod', 'client');
    expect(pod.spec.initContainers.map((container) => container.name)).toEqual(['istio-validation', 'istio-proxy']);
    expect(JSON.stringify(pod.spec)).not.toMatch(/NET_ADMIN|NET_RAW/);
    expect(await space.request('client', 'http://web/headers', { container: 'client' })).toMatchObject({ status: 200, body: expect.stringContaining('spiffe://cluster.local/ns/capture-cni/sa/default') });
  });

  it('leaves excluded outbound ports alone', async () => {
    await space.apply([httpbinPod('plain', { sidecar: false }), service('plain', [{ name: 'http', port: 8000, targetPort: 8080 }]), clientPod('by-port', { sidecar: true, annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '8000' } })]);
    await space.ready();
    expect((await space.request('client', 'http://plain:8000/headers', { container: 'client' })).body).toContain('X-Request-Id');
    const answer = await space.request('by-port', 'http://plain:8000/headers', { container: 'client' });
    expect(answer.status).toBe(200);
    expect(answer.body).not.toContain('X-Request-Id');
  });

  it('keeps the client\'s address with TPROXY', async () => {
    await expectClientAddressWithTproxy(space, last?.name ?? '');
  });

  it('answers look-ups of the mesh\'s own names when asked to', async () => {
    await expectDnsCapture(space, 'http://plain:8000/get');
  });

  it('serves namespaces that enforce restricted pod security', async () => {
    const restricted = { runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, seccompProfile: { type: 'RuntimeDefault' } };
    await strict.apply({
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'client', labels: { app: 'client', 'sidecar.istio.io/inject': 'true' } },
      spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'client', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'], securityContext: restricted }] },
    });
    await strict.ready();
    expect(await strict.request('client', 'http://web.capture-cni/headers', { container: 'client' })).toMatchObject({ status: 200, body: expect.stringContaining('ns/capture-cni-strict/sa/default') });
  });

  it('loses no request and no pod while the agent is replaced', async () => {
    const load = space.exec('client', ['sh', '-c', 'failed=0; for i in $(seq 1 300); do curl --silent --fail --max-time 5 --output /dev/null http://web/get || failed=$((failed+1)); done; echo $failed'], { container: 'client', timeoutMilliseconds: 120 * SECONDS });
    await kubectl.run(['--namespace', MESH, 'rollout', 'restart', `daemonset/${AGENT}`]);
    for (let index = 0; index < 4; index += 1) await space.apply(clientPod(`during-${index}`, { sidecar: true }));
    await kubectl.run(['--namespace', MESH, 'rollout', 'status', `daemonset/${AGENT}`, '--timeout=90s']);
    await space.ready();
    expect((await load).stdout.trim()).toBe('0');
    for (let index = 0; index < 4; index += 1) expect(await eventsOf(`during-${index}`)).not.toContain('FailedCreatePodSandBox');
  });

  it('outlives the container runtime and the kubelet', async () => {
    await cluster.restart('containerd');
    await cluster.restart('kubelet');
    await space.apply(clientPod('after-restart', { sidecar: true }));
    await space.ready('app=after-restart');
    expect(await space.request('after-restart', 'http://web/get', { container: 'client' })).toMatchObject({ status: 200 });
  });

  it('puts the plugin back when the cluster\'s network writes its configuration anew', async () => {
    const file = (await first?.run(['sh', '-c', 'ls /etc/cni/net.d/*.conflist | head -n 1']))?.trim() ?? '';
    await first?.run(['tee', file], { input: original });
    await vi.waitFor(async () => expect((await chained()).at(-1)).toBe(PLUGIN), { timeout: 20 * SECONDS, interval: 500 });
  });

  it('holds pods of the mesh back while the agent is away, others not, and repairs those that came before the plugin', { timeout: 400 * SECONDS }, async () => {
    await agentIs('away');
    try {
      expect((await chained()).at(-1)).toBe(PLUGIN);
      await space.apply([clientPod('held', { sidecar: true, ...(first ? { nodeName: first.name } : {}) }), clientPod('free', { sidecar: false, ...(first ? { nodeName: first.name } : {}) })]);
      await space.ready('app=free');
      await vi.waitFor(async () => expect(await eventsOf('held')).toContain('no node agent of the mesh answers'), { timeout: 60 * SECONDS, interval: 1_000 });
      expect((await space.get<Pod>('pod', 'held')).status.phase).toBe('Pending');
      // A fresh node: the plugin is not in the configuration yet.
      const file = (await first?.run(['sh', '-c', 'ls /etc/cni/net.d/*.conflist | head -n 1']))?.trim() ?? '';
      await first?.run(['tee', file], { input: original });
      await vi.waitFor(async () => {
        await space.kubectl('delete', 'pod', 'early', '--ignore-not-found', '--wait');
        await space.apply(clientPod('early', { sidecar: true, ...(first ? { nodeName: first.name } : {}) }));
        await space.kubectl('wait', 'pod/early', '--for=jsonpath={.status.initContainerStatuses[0].lastState.terminated.exitCode}=126', '--timeout=20s');
      }, { timeout: 90 * SECONDS });
      expect(await space.logs('early', 'istio-validation')).toContain('this pod\'s traffic is not captured');
    } finally {
      await agentIs('there');
    }
    await space.ready();
    expect(await eventsOf('early')).toContain('CaptureRepaired');
    for (const pod of ['held', 'early']) expect(await space.request(pod, 'http://web/get', { container: 'client' }), pod).toMatchObject({ status: 200 });
  });

  it('shares the nodes with a mesh of another version, and follows its upgrade', { timeout: 400 * SECONDS }, async () => {
    const [mesh, member] = ['capture-cni-old-mesh', { 'mizzen.test/cni-old-mesh': 'member' }];
    await installMesh(mesh, 'old', 'v3.0', member);
    let old: TestNamespace | undefined;
    try {
      for (const node of cluster.nodes) expect(await chained(node)).toEqual(expect.arrayContaining(['v3-0-istio-cni', PLUGIN]));
      old = await memberNamespace('capture-cni-old', member);
      await old.apply([httpbinPod('web', { sidecar: true }), service('web', [{ name: 'http', port: 80, targetPort: 8080 }]), clientPod('before', { sidecar: true })]);
      await old.ready();
      expect((await old.get<Pod>('pod', 'before')).metadata.annotations).toMatchObject({ 'maistra.io/cni-plugin': 'v3-0-istio-cni' });
      expect(await old.request('before', 'http://web/headers', { container: 'client' })).toMatchObject({ status: 200, body: expect.stringContaining('ns/capture-cni-old/sa/default') });
      await kubectl.run(['--namespace', mesh, 'patch', 'servicemeshcontrolplane', 'old', '--type=merge', '--patch', '{"spec":{"version":"v3.1"}}']);
      await kubectl.run(['--namespace', mesh, 'wait', '--for=jsonpath={.status.chartVersion}=v3.1.0', 'servicemeshcontrolplane/old', '--timeout=180s']);
      await kubectl.run(['--namespace', mesh, 'wait', '--for=condition=Ready', 'servicemeshcontrolplane/old', '--timeout=180s']);
      await vi.waitFor(async () => expect((await Promise.all(cluster.nodes.map(chained))).flat()).not.toContain('v3-0-istio-cni'), { timeout: 60 * SECONDS, interval: 1_000 });
      await old.apply(clientPod('after', { sidecar: true }));
      await old.ready();
      for (const pod of ['before', 'after']) expect(await old.request(pod, 'http://web/get', { container: 'client' }), pod).toMatchObject({ status: 200 });
    } finally {
      await old?.remove();
      await kubectl.run(['delete', 'namespace', mesh, '--wait', '--timeout=120s']);
    }
    // The plugin is the other mesh's as well.
    for (const node of cluster.nodes) expect((await chained(node)).at(-1)).toBe(PLUGIN);
    expect(await space.request('client', 'http://web/get', { container: 'client' })).toMatchObject({ status: 200 });
  });

  it('takes the plugin away with the control plane, and leaves the node as it was', { timeout: 240 * SECONDS }, async () => {
    await Promise.all([space.remove(), strict.remove()]);
    await kubectl.run(['--namespace', MESH, 'delete', 'servicemeshcontrolplane', 'cni', '--wait', '--timeout=120s']);
    await vi.waitFor(async () => expect(JSON.parse(await networkConfiguration())).toEqual(JSON.parse(original)), { timeout: 60 * SECONDS, interval: 1_000 });
    for (const node of cluster.nodes) expect(await node.run(['sh', '-c', 'ls /opt/cni/bin'])).not.toMatch(/mizzen|istio/);
  });
});
