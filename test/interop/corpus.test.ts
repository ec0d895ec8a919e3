// A real Envoy takes whatever mizzend makes of users' objects: for each case of the corpus a gateway and two sidecars (captured and with the
// explicit HTTP proxy) get the whole configuration, refuse nothing, and have nothing left that waits. Our own proxy beside them likewise.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InteropControlPlane } from './control-plane.ts';
import { envoyPath } from './envoy-path.ts';
import { startProxy, type RunningProxy } from './proxy-programs.ts';
import { meshPod, registryOf, type MeshService } from './small-mesh.ts';

const folder = new URL('./corpus/', import.meta.url);
const CASES = readdirSync(folder).sort().flatMap((file) => readFileSync(new URL(file, folder), 'utf8').split(/^# === /m).slice(1).map((text) => {
  const end = text.indexOf('\n');
  return { name: `${file.replace('.yaml', '')}: ${text.slice(0, end)}`, yaml: text.slice(end + 1) };
}));

const PUBLIC = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: public }
spec: { selector: { istio: ingressgateway }, servers: [{ port: { number: 8888, name: http, protocol: HTTP }, hosts: ["*"] }] }`;

const GATEWAY = { istio: 'ingressgateway', 'gateway.networking.k8s.io/gateway-name': 'edge' };
const PODS = {
  captured: meshPod('caller', 'v1', 10), explicit: meshPod('caller', 'v2', 11), own: meshPod('caller', 'v3', 12),
  gateway: meshPod('gateway', 'v1', 13, { namespace: 'istio-system', labels: GATEWAY }),
  echo1: meshPod('echo', 'v1', 14), echo2: meshPod('echo', 'v2', 15), plain: meshPod('plain', 'v1', 16, { meshed: false }),
};
const PORTS = [{ name: 'http', port: 8000 }, { name: '', port: 9000 }, { name: 'tcp-raw', port: 9100 }, { name: 'grpc', port: 9200 }, { name: 'tls', port: 9300 }, { name: 'db', port: 3306, appProtocol: 'mysql' }];
const SERVICES: readonly MeshService[] = [
  { app: 'echo', namespace: 'shop', last: 1, ports: PORTS }, { app: 'caller', namespace: 'shop', last: 2, ports: PORTS.slice(0, 4) }, { app: 'plain', namespace: 'shop', last: 3, ports: PORTS.slice(0, 3) },
  { app: 'headless', namespace: 'shop', last: 4, headless: true, selector: { app: 'echo' }, ports: [{ name: 'http', port: 8500, targetPort: 8000 }, { name: 'tcp', port: 9101 }] },
  // The gateway listens on all addresses of the machine, so on ports that nothing else has.
  { app: 'istio-ingressgateway', namespace: 'istio-system', last: 5, selector: GATEWAY, ports: [80, 443, 8888, 9001, 9002, 9003, 9443].map((port) => ({ name: `p${port}`, port, targetPort: 20_000 + port })) },
];
const AUTHORIZERS = [
  { name: 'authorizer-grpc', envoyExtAuthzGrpc: { service: 'shop/plain.shop.svc.cluster.local', port: 8000, timeout: '1s', failOpen: true, clearRouteCache: true, includeRequestBodyInCheck: { maxRequestBytes: 100, allowPartialMessage: true, packAsBytes: true } } },
  {
    name: 'authorizer-http',
    envoyExtAuthzHttp: {
      service: 'plain.shop.svc.cluster.local', port: 8000, pathPrefix: '/check', statusOnError: '503', includeRequestHeadersInCheck: ['x-*', 'cookie'], includeAdditionalHeadersInCheck: { 'x-mesh': 'shop' },
      headersToUpstreamOnAllow: ['*-user'], headersToDownstreamOnDeny: ['set-cookie'], headersToDownstreamOnAllow: ['x-seen'],
    },
  },
];
const MESH = { enableTracing: true, accessLogFile: '/dev/null', proxyListenPort: 25_001, proxyInboundListenPort: 25_006, extensionProviders: [...AUTHORIZERS, { name: 'spans', zipkin: { service: 'plain.shop.svc.cluster.local', port: 8000 } }], defaultConfig: { tracing: { sampling: 10, zipkin: { address: '127.93.9.8:9411' } } } };

let directory: string;
let plane: InteropControlPlane;
const proxies: RunningProxy[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'interop-'));
  plane = await InteropControlPlane.start(directory, 1);
  plane.publish(registryOf(SERVICES, Object.values(PODS)), [PUBLIC], MESH);
  const envoy = await envoyPath();
  const start = async (options: Parameters<typeof startProxy>[0]): Promise<void> => void proxies.push(await startProxy(options));
  const started = await Promise.allSettled([
    start({ plane, pod: PODS.captured, envoy, interception: 'REDIRECT' }), start({ plane, pod: PODS.explicit, envoy }), start({ plane, pod: PODS.gateway, envoy, role: 'router', delta: false }), start({ plane, pod: PODS.own }),
  ]);
  for (const result of started) if (result.status === 'rejected') throw result.reason;
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Clusters and listeners that wait for something that does not come. */
async function waiting({ admin }: RunningProxy): Promise<Record<string, number>> {
  const text = await admin('/stats?filter=(warming_clusters|total_listeners_warming)$');
  return Object.fromEntries(text.trim().split('\n').map((line) => line.split(': ')).map(([name = '', value]) => [name, Number(value)]));
}

describe('Envoy takes', () => {
  for (const { name, yaml } of CASES) {
    test(name, async () => {
      plane.publish(registryOf(SERVICES, Object.values(PODS)), [PUBLIC, yaml], MESH);
      expect(await plane.settled(proxies.length)).toEqual([]);
      for (const proxy of proxies.filter(({ kind }) => kind === 'envoy')) {
        await expect.poll(() => waiting(proxy), { timeout: 6000 }).toEqual({ 'cluster_manager.warming_clusters': 0, 'listener_manager.total_listeners_warming': 0 });
      }
    });
  }
});
