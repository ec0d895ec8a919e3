// Capture by the init container, on real nodes: what is captured, what is left alone, in which modes, and that pods which end do end.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { expectClientAddressWithTproxy, expectDnsCapture } from './support/capture-modes.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, httpbinPod, service, TEST_TOOLS_IMAGE } from './support/workloads.ts';

const { cluster } = clusterUnderTest();
const first = cluster.nodes[0]?.name ?? '';
const last = cluster.nodes.at(-1)?.name ?? '';
let space: TestNamespace;
let outside: TestNamespace;

interface Pod {
  readonly spec: { readonly initContainers: readonly { readonly name: string; readonly restartPolicy?: string; readonly securityContext: Record<string, unknown> }[] };
  readonly status: { readonly podIP: string; readonly podIPs: readonly { readonly ip: string }[] };
}

const podAddress = async (name: string): Promise<string> => (await space.get<Pod>('pod', name)).status.podIP;

/** A pod that answers on ports with the number of the port, besides its sidecar. */
function answeringPod(name: string, ports: readonly number[], annotations: Record<string, string>): object {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name, 'sidecar.istio.io/inject': 'true' }, annotations },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: ports.map((port) => ({
        name: `port-${port}`, image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', securityContext: { runAsUser: 1000 }, command: ['sh', '-c', `while :; do printf 'HTTP/1.1 200 OK\\r\\ncontent-length: 4\\r\\nconnection: close\\r\\n\\r\\n%4d' ${port} | nc -l -N ${port} >/dev/null; done`],
      })),
    },
  };
}

beforeAll(async () => {
  [space, outside] = [await TestNamespace.create('capture-init', { member: true }), await TestNamespace.create('capture-outside')];
  await outside.apply([clientPod('plain-client'), httpbinPod('plain'), service('plain', [{ name: 'http', port: 80, targetPort: 8080 }])]);
  await space.apply([
    httpbinPod('web', { sidecar: true, nodeName: last }), service('web', [{ name: 'http', port: 80, targetPort: 8080 }]), clientPod('client', { sidecar: true, nodeName: first }),
    answeringPod('ports', [7001, 7002], { 'traffic.sidecar.istio.io/excludeInboundPorts': '7002' }),
    { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
  ]);
  await Promise.all([space.ready(), outside.ready()]);
});
afterAll(async () => {
  await Promise.all([space.remove(), outside.remove()]);
});

describe('capture by the init container', () => {
  it('is set up by the one container that holds a capability', async () => {
    const [init, proxy] = (await space.get<Pod>('pod', 'client')).spec.initContainers;
    expect(init).toMatchObject({ name: 'istio-init', securityContext: { capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] }, readOnlyRootFilesystem: true } });
    expect(proxy).toMatchObject({ name: 'istio-proxy', restartPolicy: 'Always', securityContext: { capabilities: { drop: ['ALL'] }, runAsUser: 1337 } });
    expect(await space.logs('client', 'istio-init')).toMatch(/IPv4: rules applied \((nft|legacy)\)/);
  });

  it('takes both ends of a request, across nodes', async () => {
    const answer = await space.request('client', 'http://web/headers', { container: 'client' });
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('spiffe://cluster.local/ns/capture-init/sa/default') });
    // Plain text from outside meets the proxy, which wants TLS.
    expect(await outside.request('plain-client', `http://${await podAddress('web')}:8080/get`)).toMatchObject({ status: 0 });
  });

  it('takes IPv6 as well where pods have it', async ({ skip }) => {
    const address = (await space.get<Pod>('pod', 'web')).status.podIPs.map(({ ip }) => ip).find((ip) => ip.includes(':'));
    if (address === undefined) return skip('the cluster has IPv4 alone');
    expect(await space.logs('web', 'istio-init')).toContain('IPv6: rules applied');
    expect(await outside.request('plain-client', `http://[${address}]:8080/get`)).toMatchObject({ status: 0 });
    await space.apply(service('web6', [{ name: 'http', port: 80, targetPort: 8080 }], { selector: { app: 'web' }, ipFamilies: ['IPv6'], ipFamilyPolicy: 'SingleStack' }));
    await vi.waitFor(async () => expect(await space.request('client', 'http://web6/headers', { container: 'client' })).toMatchObject({ status: 200, body: expect.stringContaining('spiffe://cluster.local/ns/capture-init/sa/default') }), { timeout: 20_000, interval: 1_000 });
  });

  it('leaves excluded inbound ports alone, and only those', async () => {
    const address = await podAddress('ports');
    await vi.waitFor(async () => expect(await outside.request('plain-client', `http://${address}:7002/`)).toMatchObject({ status: 200, body: '7002' }), { timeout: 20_000, interval: 500 });
    expect(await outside.request('plain-client', `http://${address}:7001/`)).toMatchObject({ status: 0 });
  });

  it('leaves excluded outbound ports and ranges alone', async () => {
    const plain = await outside.get<{ spec: { clusterIP: string } }>('service', 'plain');
    const target = `http://${plain.spec.clusterIP}/headers`;
    await space.apply([
      clientPod('by-port', { sidecar: true, annotations: { 'traffic.sidecar.istio.io/excludeOutboundPorts': '80' } }),
      clientPod('by-range', { sidecar: true, annotations: { 'traffic.sidecar.istio.io/excludeOutboundIPRanges': `${plain.spec.clusterIP}/32` } }),
    ]);
    await space.ready();
    // The proxy leaves its mark on what it forwards.
    expect((await space.request('client', target, { container: 'client' })).body).toContain('X-Request-Id');
    for (const pod of ['by-port', 'by-range']) {
      const answer = await space.request(pod, target, { container: 'client' });
      expect(answer, pod).toMatchObject({ status: 200 });
      expect(answer.body, pod).not.toContain('X-Request-Id');
    }
  });

  it('lets a job end, and its pod with it', async () => {
    await space.apply({
      apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'errand' },
      spec: {
        backoffLimit: 0,
        template: {
          metadata: { labels: { 'sidecar.istio.io/inject': 'true' } },
          spec: { restartPolicy: 'Never', containers: [{ name: 'errand', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', securityContext: { runAsUser: 1000 }, command: ['curl', '--fail', '--silent', '--max-time', '20', 'http://web/get'] }] },
        },
      },
    });
    await space.kubectl('wait', '--for=condition=Complete', 'job/errand', '--timeout=60s');
    const pods = await space.get<{ items: { status: { phase: string } }[] }>('pods', '--selector=job-name=errand');
    expect(pods.items.map((pod) => pod.status.phase)).toEqual(['Succeeded']);
  });

  it('keeps the client\'s address with TPROXY', async () => {
    await expectClientAddressWithTproxy(space, last);
  });

  it('answers look-ups of the mesh\'s own names when asked to', async () => {
    await expectDnsCapture(space, 'http://plain.capture-outside/get');
  });
});
