// The bare cluster keeps what Kubernetes promises: whatever fails in the other files of the ring is then the mesh's.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, httpbinPod, service, TEST_TOOLS_IMAGE } from './support/workloads.ts';

const { cluster, kubectl } = clusterUnderTest();
const [first] = cluster.nodes;
const last = cluster.nodes.at(-1);
const hostAddress = cluster.hostAddress ?? '';
let space: TestNamespace;

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP: string; readonly initContainerStatuses?: readonly { readonly name: string; readonly started: boolean; readonly state: { readonly running?: object } }[] };
}

interface Service {
  readonly spec: { readonly clusterIP: string; readonly ports: readonly { readonly nodePort: number }[] };
}

/** The address that httpbin saw a request come from. */
function origin(body: string): string {
  return (JSON.parse(body) as { origin: string }).origin.replace('::ffff:', '');
}

const TOKEN_VOLUME = { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token', audience: 'a-peer', expirationSeconds: 3600 } }] } };

/** A pod as an injected one is built: a native sidecar that takes over what an init container redirects to it. */
const SIDECAR_POD = {
  apiVersion: 'v1', kind: 'Pod', metadata: { name: 'captured', labels: { app: 'captured' } },
  spec: {
    terminationGracePeriodSeconds: 1,
    initContainers: [
      {
        name: 'redirect', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'] } },
        command: ['sh', '-ec', 'iptables -t nat -A OUTPUT -p tcp --dport 7777 -m owner ! --uid-owner 1337 -j REDIRECT --to-ports 15001; iptables -t nat -A PREROUTING -p tcp --dport 7777 -j REDIRECT --to-ports 15001; iptables -t nat -S'],
      },
      {
        name: 'proxy', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', restartPolicy: 'Always', securityContext: { runAsUser: 1337, runAsGroup: 1337 },
        command: ['sh', '-c', 'while :; do echo from the sidecar | nc -l -N 15001; done'], startupProbe: { exec: { command: ['true'] }, periodSeconds: 1 },
      },
    ],
    containers: [{ name: 'client', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'], securityContext: { runAsUser: 1000 } }],
  },
};

beforeAll(async () => {
  space = await TestNamespace.create('cluster-proof');
  await space.apply([
    httpbinPod('web', { labels: { app: 'web' }, ...(last === undefined ? {} : { nodeName: last.name }) }),
    clientPod('client', first === undefined ? {} : { nodeName: first.name }),
    service('web', [{ name: 'http', port: 80, targetPort: 8080 }], { type: 'NodePort' }),
    { ...service('web-headless', [{ name: 'http', port: 8080 }], { clusterIP: 'None', selector: { app: 'web' } }) },
    {
      apiVersion: 'v1', kind: 'Pod', metadata: { name: 'token' },
      spec: {
        terminationGracePeriodSeconds: 1, volumes: [TOKEN_VOLUME],
        containers: [{ name: 'client', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'], volumeMounts: [{ name: 'token', mountPath: '/var/run/peer' }] }],
      },
    },
    SIDECAR_POD,
    {
      apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: { name: 'agent' },
      spec: {
        selector: { matchLabels: { app: 'agent' } },
        template: {
          metadata: { labels: { app: 'agent' } },
          spec: {
            hostNetwork: true, terminationGracePeriodSeconds: 1,
            containers: [{
              name: 'agent', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', securityContext: { privileged: true },
              command: ['sh', '-c', 'mkdir /tmp/www && hostname > /tmp/www/index.html && ls /host/cni-binaries > /tmp/www/binaries && ls /host/cni-configuration > /tmp/www/configuration && exec busybox httpd -f -p 18099 -h /tmp/www'],
              volumeMounts: [{ name: 'binaries', mountPath: '/host/cni-binaries' }, { name: 'configuration', mountPath: '/host/cni-configuration' }],
            }],
            volumes: [{ name: 'binaries', hostPath: { path: '/opt/cni/bin' } }, { name: 'configuration', hostPath: { path: '/etc/cni/net.d' } }],
          },
        },
      },
    },
  ]);
  await space.ready();
});
afterAll(() => space?.remove());

describe('services and pods of the cluster', () => {
  it('resolve by full and by short name', async () => {
    for (const host of ['web.cluster-proof.svc.cluster.local', 'web.cluster-proof', 'web']) expect((await space.request('client', `http://${host}/status/200`)).status).toBe(200);
  });

  it('are reached from the other node with the caller\'s own address', async () => {
    const { status } = await space.get<Pod>('pod', 'client');
    for (const url of ['http://web/ip', 'http://web-headless:8080/ip', `http://${(await space.get<Pod>('pod', 'web')).status.podIP}:8080/ip`]) {
      expect(origin((await space.request('client', url)).body)).toBe(status.podIP);
    }
  });

  it('are reached from this machine by pod address, ClusterIP, and the node port of every node', async () => {
    const { spec } = await space.get<Service>('service', 'web');
    const { status } = await space.get<Pod>('pod', 'web');
    const urls = [`http://${status.podIP}:8080/ip`, `http://${spec.clusterIP}/ip`, ...cluster.nodes.map((node) => `http://${node.address}:${spec.ports[0]?.nodePort ?? 0}/ip`)];
    for (const url of urls) expect((await fetch(url, { signal: AbortSignal.timeout(5_000) })).status, url).toBe(200);
  });

  it('reach a server of this machine', async () => {
    const server = createServer((request, response) => response.end(request.socket.remoteAddress)).listen(0, hostAddress);
    await once(server, 'listening');
    const answer = await space.request('client', `http://${hostAddress}:${(server.address() as AddressInfo).port}/`);
    server.close();
    expect(answer.body).toBe((await space.get<Pod>('pod', 'client')).status.podIP);
  });

  it('reach themselves through their service', async () => {
    await space.apply(service('captured', [{ name: 'tcp', port: 9999 }]));
    const listening = space.exec('captured', ['sh', '-c', 'echo myself | timeout 20 nc -l -N 9999']);
    await expect.poll(async () => (await space.exec('captured', ['timeout', '3', 'nc', '-d', 'captured', '9999'])).stdout, { timeout: 20_000 }).toBe('myself\n');
    await listening;
  });
});

describe('a captured pod', () => {
  it('sends what leaves it to its native sidecar, which started before', async () => {
    const { status } = await space.get<Pod>('pod', 'captured');
    expect(status.initContainerStatuses?.find(({ name }) => name === 'proxy')).toMatchObject({ started: true, state: { running: expect.anything() } });
    expect(await space.logs('captured', 'redirect')).toMatch(/OUTPUT.*! --uid-owner 1337.*--to-ports 15001/);
    expect(await space.execText('captured', ['timeout', '5', 'nc', '-d', '192.0.2.1', '7777'], { container: 'client' })).toBe('from the sidecar\n');
  });

  it('sends what comes to it to its sidecar', async () => {
    const { status } = await space.get<Pod>('pod', 'captured');
    expect(await space.execText('client', ['timeout', '5', 'nc', '-d', status.podIP, '7777'])).toBe('from the sidecar\n');
  });
});

describe('kubectl', () => {
  it('reads logs, and runs commands with input', async () => {
    expect(await space.logs('web')).toContain('8080');
    expect(await space.execText('client', ['cat'], { input: 'some input' })).toBe('some input');
  });

  it('copies files into a pod', async () => {
    await space.kubectl('cp', 'package.json', 'client:/tmp/copied.json');
    expect(await space.execText('client', ['head', '-c', '1', '/tmp/copied.json'])).toBe('{');
  });

  it('forwards a port', async () => {
    const [program = '', ...args] = kubectl.commandLine(['--namespace', space.name, 'port-forward', 'service/web', ':80']);
    const forward = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let line = '';
      forward.stdout.on('data', (chunk: Buffer) => (line += chunk.toString()));
      const port = await vi.waitUntil(() => /127\.0\.0\.1:(\d+)/.exec(line)?.[1], { timeout: 10_000 });
      expect((await fetch(`http://127.0.0.1:${port}/status/200`)).status).toBe(200);
    } finally {
      forward.kill();
    }
  });
});

describe('service account tokens', () => {
  const review = async (token: string, audiences: readonly string[]) => {
    const input = JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences } });
    return (JSON.parse(await kubectl.run(['create', '--filename=-', '--output=json'], { input })) as { status: { authenticated?: boolean; user?: { username?: string } } }).status;
  };

  it('hold for the audience that they were projected for, and for no other', async () => {
    const token = await space.execText('token', ['cat', '/var/run/peer/token']);
    expect(await review(token, ['a-peer'])).toMatchObject({ authenticated: true, user: { username: 'system:serviceaccount:cluster-proof:default' } });
    expect((await review(token, ['another'])).authenticated).not.toBe(true);
  });

  it('let a pod call the API server, whose certificate it checks', async () => {
    const folder = '/var/run/secrets/kubernetes.io/serviceaccount';
    const script = `curl -sS --max-time 5 --cacert ${folder}/ca.crt -H "authorization: Bearer $(cat ${folder}/token)" https://kubernetes.default.svc/version`;
    expect(JSON.parse(await space.execText('token', ['sh', '-c', script]))).toMatchObject({ gitVersion: expect.stringMatching(/^v1\./) });
  });
});

describe('a privileged DaemonSet on the host\'s network', () => {
  it('runs on every node and sees the folders that CNI plugins are installed into', async () => {
    for (const node of cluster.nodes) {
      const read = async (path: string) => (await fetch(`http://${node.address}:18099/${path}`, { signal: AbortSignal.timeout(5_000) })).text();
      expect(await read('index.html')).toBe(`${node.name}\n`);
      expect(await read('binaries')).toMatch(/^bridge$/m);
      expect(await read('configuration')).toBe('10-pods.conflist\n');
    }
  });
});
