// Mesh mutual TLS between real Envoys and our own data plane, as client and as server: requests arrive, over HTTP/1.1 and HTTP/2, the server's side knows the
// client's identity and its access rules hold, and nobody gets in without a certificate.
import { createServer, type Http2Server } from 'node:http2';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, echoServer, type Closable, type Echo } from './applications.ts';
import { InteropControlPlane } from './control-plane.ts';
import { envoyPath } from './envoy-path.ts';
import { startProxy, type RunningProxy } from './proxy-programs.ts';
import { meshPod, registryOf, type MeshPod, type MeshService } from './small-mesh.ts';

const PORT = 28_110;
const HTTP2_PORT = 28_111;
const KINDS = ['envoy', 'own'] as const;
type Kind = (typeof KINDS)[number];
const PAIRS = KINDS.flatMap((from) => KINDS.map((to) => ({ from, to })));

const RULES = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: no-secrets }
spec: { action: DENY, rules: [{ from: [{ source: { principals: ["cluster.local/ns/shop/sa/client-*"] } }], to: [{ operation: { paths: ["/secret*"] } }] }, { from: [{ source: { notPrincipals: ["*"] } }] }] }
`;

const PODS: Readonly<Record<string, MeshPod>> = {
  'client-envoy': meshPod('client-envoy', 'v1', 51), 'client-own': meshPod('client-own', 'v1', 52), 'web-envoy': meshPod('web-envoy', 'v1', 53), 'web-own': meshPod('web-own', 'v1', 54),
};
const SERVICES: readonly MeshService[] = KINDS.map((kind, index): MeshService => ({ app: `web-${kind}`, namespace: 'shop', last: 53 + index, ports: [{ name: 'http', port: PORT }, { name: 'http2', port: HTTP2_PORT }] }));

let directory: string;
let plane: InteropControlPlane;
let application: Closable;
let http2: Http2Server;
const proxies = new Map<string, RunningProxy>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'interop-'));
  plane = await InteropControlPlane.start(directory, 3);
  plane.publish(registryOf(SERVICES, Object.values(PODS)), [RULES]);
  application = await echoServer('web', '127.0.0.1', PORT);
  http2 = createServer((request, response) => response.end(JSON.stringify({ name: 'http2', method: request.method, url: request.url, headers: request.headers, body: '' })));
  await new Promise<void>((resolve) => http2.listen(HTTP2_PORT, '127.0.0.1', resolve));
  const envoy = await envoyPath();
  const started = await Promise.allSettled(Object.entries(PODS).map(async ([name, pod]) => proxies.set(name, await startProxy({ plane, pod, ...(name.endsWith('envoy') ? { envoy } : {}) }))));
  for (const result of started) if (result.status === 'rejected') throw result.reason;
  expect(await plane.settled(4)).toEqual([]);
});
afterAll(async () => {
  await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  await application?.close();
  http2?.close();
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const call = (from: Kind, to: Kind, port: number, path: string): ReturnType<typeof ask> => ask('127.0.0.1', proxies.get(`client-${from}`)?.outboundPort ?? 0, { path: `http://web-${to}:${port}${path}`, headers: { host: `web-${to}:${port}` } });

describe('mesh TLS', () => {
  test.each(PAIRS.flatMap((pair) => [{ ...pair, port: PORT, name: 'HTTP/1.1' }, { ...pair, port: HTTP2_PORT, name: 'HTTP/2' }]))('$name from $from to $to, with both identities', async ({ from, to, port }) => {
    const reply = await call(from, to, port, '/open');
    expect(reply.status).toBe(200);
    const certificate = (JSON.parse(reply.body) as Echo).headers['x-forwarded-client-cert'];
    expect(certificate).toContain(`By=spiffe://cluster.local/ns/shop/sa/web-${to}`);
    expect(certificate).toContain(`URI=spiffe://cluster.local/ns/shop/sa/client-${from}`);
  });

  test.each(PAIRS)('access rules by the identity of $from hold at $to', async ({ from, to }) => {
    expect(await call(from, to, PORT, '/secret')).toMatchObject({ status: 403, body: 'RBAC: access denied' });
  });

  test('our own client counts requests under the identities of both ends', async () => {
    await call('own', 'envoy', PORT, '/open');
    const { body } = (await proxies.get('client-own')?.agent(15090, '/stats/prometheus')) ?? { body: '' };
    const series = body.split('\n').filter((line) => line.startsWith('istio_requests_total{') && line.includes('destination_service_name="web-envoy"') && line.includes('response_code="200"'));
    expect(series).toHaveLength(1);
    expect(series[0]).toContain('source_principal="spiffe://cluster.local/ns/shop/sa/client-own"');
    expect(series[0]).toContain('destination_principal="spiffe://cluster.local/ns/shop/sa/web-envoy"');
  });

  test.each(KINDS)('plain text is refused by %s', async (kind) => {
    await expect(ask(PODS[`web-${kind}`]?.ip ?? '', PORT, { path: '/open' })).rejects.toThrow();
  });
});
