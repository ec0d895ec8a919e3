// A stock Envoy as the sidecar of a pod, run by our agent and driven by mizzend, among pods with our own proxy: mutual TLS in all four directions,
// captured by the same rules, with identities that access rules see on both sides, and configuration that changes while it runs.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ENVOY_PROXY_IMAGE, provideEnvoyProxyImage } from './support/peer-images.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, httpbinPod, service, TEST_TOOLS_IMAGE } from './support/workloads.ts';

const ENVOY = { 'sidecar.istio.io/proxyImage': ENVOY_PROXY_IMAGE };
const NAME = 'envoy-sidecar';
const KINDS = ['envoy', 'own'] as const;
type Kind = (typeof KINDS)[number];
const PAIRS = KINDS.flatMap((from) => KINDS.map((to) => ({ from, to })));

let space: TestNamespace;
let outside: TestNamespace;

const annotations = (kind: Kind): { annotations?: Record<string, string> } => (kind === 'envoy' ? { annotations: ENVOY } : {});

/** A pod that greets whoever connects to port 7000 before it hears anything. */
function greeter(kind: Kind): object {
  const name = `greeter-${kind}`;
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name, 'sidecar.istio.io/inject': 'true' }, ...annotations(kind) },
    spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'greeter', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', securityContext: { runAsUser: 1000 }, command: ['sh', '-c', `while :; do echo hello from ${kind} | nc -l -N 7000 >/dev/null; done`] }] },
  };
}

const allowing = (to: Kind): object => ({
  apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata: { name: `callers-of-${to}` },
  spec: { selector: { matchLabels: { app: `web-${to}` } }, rules: [{ from: [{ source: { principals: KINDS.map((kind) => `cluster.local/ns/${NAME}/sa/client-${kind}`) } }] }] },
});

beforeAll(async () => {
  await provideEnvoyProxyImage();
  [space, outside] = [await TestNamespace.create(NAME, { member: true }), await TestNamespace.create(`${NAME}-outside`)];
  await outside.apply([clientPod('plain')]);
  await space.apply([
    { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
    ...['web-own', 'web-envoy', 'client-own', 'client-envoy', 'stranger'].map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })),
    ...KINDS.flatMap((kind) => [
      httpbinPod(`web-${kind}`, { sidecar: true, serviceAccountName: `web-${kind}`, ...annotations(kind) }), service(`web-${kind}`, [{ name: 'http', port: 80, targetPort: 8080 }, { name: 'http2-none', port: 81, targetPort: 8080 }]),
      clientPod(`client-${kind}`, { sidecar: true, serviceAccountName: `client-${kind}`, ...annotations(kind) }),
      greeter(kind), service(`greeter-${kind}`, [{ name: 'tcp', port: 7000 }]), allowing(kind),
    ]),
    clientPod('stranger-own', { sidecar: true, serviceAccountName: 'stranger' }), clientPod('stranger-envoy', { sidecar: true, serviceAccountName: 'stranger', annotations: ENVOY }),
  ]);
  await Promise.all([space.ready(), outside.ready()]);
});
afterAll(async () => {
  await Promise.all([space?.remove(), outside?.remove()]);
});

describe('a stock Envoy as a sidecar', () => {
  it('is what runs there', async () => {
    const text = await space.execText('client-envoy', ['pilot-agent', 'request', 'GET', 'server_info'], { container: 'istio-proxy' });
    expect(JSON.parse(text)).toMatchObject({ state: 'LIVE', version: expect.stringContaining('/1.40.0/'), node: { id: expect.stringMatching(new RegExp(`^sidecar~.*~client-envoy\\.${NAME}~`)) } });
  });

  it.each(PAIRS)('calls over mutual TLS: $from to $to', async ({ from, to }) => {
    const answer = await vi.waitFor(async () => {
      const reply = await space.request(`client-${from}`, `http://web-${to}/headers`, { container: 'client' });
      expect(reply.status).toBe(200);
      return reply;
    }, { timeout: 30_000, interval: 500 });
    // The server's proxy writes both identities for the application.
    expect(answer.body).toContain(`URI=spiffe://cluster.local/ns/${NAME}/sa/client-${from}`);
    expect(answer.body).toContain(`By=spiffe://cluster.local/ns/${NAME}/sa/web-${to}`);
  });

  it.each(PAIRS)('access rules know the caller: a stranger from $from to $to', async ({ from, to }) => {
    expect(await space.request(`stranger-${from}`, `http://web-${to}/get`, { container: 'client' })).toMatchObject({ status: 403, body: 'RBAC: access denied' });
  });

  it.each(PAIRS)('TCP in which the server speaks first: $from to $to', async ({ from, to }) => {
    await vi.waitFor(async () => expect((await space.exec(`client-${from}`, ['sh', '-c', `nc -w 5 greeter-${to} 7000 </dev/null`], { container: 'client' })).stdout).toBe(`hello from ${to}\n`), { timeout: 20_000, interval: 500 });
  });

  it.each(KINDS)('plain text from outside is refused by %s', async (kind) => {
    const { status: { podIP } } = await space.get<{ status: { podIP: string } }>('pod', `web-${kind}`);
    expect(await outside.request('plain', `http://${podIP}:8080/get`)).toMatchObject({ status: 0 });
  });

  it('follows routes and clusters that change while it runs', async () => {
    await space.apply([
      { apiVersion: 'networking.istio.io/v1', kind: 'DestinationRule', metadata: { name: 'web' }, spec: { host: 'web-own', trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } }, outlierDetection: { consecutive5xxErrors: 5 } } } },
      { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'web' }, spec: { hosts: ['web-own'], http: [{ match: [{ uri: { prefix: '/moved' } }], rewrite: { uri: '/anything' }, headers: { request: { set: { 'x-route': 'changed' } } }, route: [{ destination: { host: 'web-own' } }] }, { route: [{ destination: { host: 'web-own' } }] }] } },
    ]);
    await vi.waitFor(async () => expect((await space.request('client-envoy', 'http://web-own/moved', { container: 'client' })).body).toMatch(/"X-Route": ?"changed"/i), { timeout: 30_000, interval: 500 });
    const warming = await space.execText('client-envoy', ['pilot-agent', 'request', 'GET', 'stats?filter=warming_clusters'], { container: 'istio-proxy' });
    expect(warming.trim()).toBe('cluster_manager.warming_clusters: 0');
  });

  it('gives its metrics where Prometheus looks for them, and ends with its pod', async () => {
    const { status: { podIP } } = await space.get<{ status: { podIP: string } }>('pod', 'client-envoy');
    const metrics = await (await fetch(`http://${podIP}:15020/stats/prometheus`)).text();
    expect(metrics).toMatch(new RegExp(`envoy_cluster_upstream_rq_total\\{envoy_cluster_name="outbound\\|80\\|\\|web-own\\.${NAME}\\.svc\\.cluster\\.local"\\} [1-9]`));
    expect(metrics).toMatch(/istio_agent_cert_expiry_seconds\{resource_name="default"\} [1-9]/);
    await space.kubectl('delete', 'pod', 'stranger-envoy', '--wait', '--timeout=40s');
  });
});
