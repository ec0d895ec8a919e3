// A real Zipkin receives the spans of the mesh: one request for Bookinfo's page is one trace across productpage, reviews and ratings, with both ends of each call.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { provideZipkin } from '../../tools/peers/index.ts';
import { startBackend, type Backend } from './support/backends.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { MESH_NAME, MESH_NAMESPACE } from './support/mesh-installation.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod } from './support/workloads.ts';
import type { Span } from '../../src/cli/story/smoke/span-collector.ts';

const NAME = 'zipkin-test';
const PORT = 39_411;
const SAMPLES = fileURLToPath(new URL('../../samples/bookinfo/', import.meta.url));
let space: TestNamespace;
let zipkin: Backend;

const controlPlane = (patch: object): Promise<string> => clusterUnderTest().kubectl.run(['--namespace', MESH_NAMESPACE, 'patch', `servicemeshcontrolplane/${MESH_NAME}`, '--type=merge', '--patch', JSON.stringify(patch)]);

async function trace(id: string): Promise<readonly Span[]> {
  const answer = await fetch(`${zipkin.url}/api/v2/trace/${id}`);
  return answer.status === 200 ? await answer.json() as Span[] : [];
}

beforeAll(async () => {
  const found = await provideZipkin();
  if (!found.found) throw new Error(found.reason);
  const host = clusterUnderTest().cluster.hostAddress ?? '';
  zipkin = await startBackend(`http://${host}:${PORT}`, '/health', () => ['java', '-Xmx256m', '-jar', found.path, `--armeria.ports[0].ip=${host}`, `--armeria.ports[0].port=${PORT}`, '--armeria.ports[0].protocols[0]=http'], {}, 150);
  space = await TestNamespace.create(NAME, { member: true });
  await controlPlane({ spec: { meshConfig: { extensionProviders: [{ name: 'zipkin-test', zipkin: { service: `zipkin.${NAME}.svc.cluster.local`, port: 9411 } }] } } });
  await space.apply([
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'zipkin' }, spec: { ports: [{ name: 'http', port: 9411, targetPort: PORT }] } },
    { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'zipkin-host', labels: { 'kubernetes.io/service-name': 'zipkin' } }, addressType: 'IPv4', ports: [{ name: 'http', port: PORT, protocol: 'TCP' }], endpoints: [{ addresses: [host], conditions: { ready: true } }] },
    { apiVersion: 'telemetry.istio.io/v1', kind: 'Telemetry', metadata: { name: 'spans' }, spec: { tracing: [{ providers: [{ name: 'zipkin-test' }], randomSamplingPercentage: 100 }] } },
  ]);
  await space.apply(readFileSync(`${SAMPLES}bookinfo.yaml`, 'utf8'));
  await space.apply(readFileSync(`${SAMPLES}networking/destination-rule-all.yaml`, 'utf8'));
  await space.apply(readFileSync(`${SAMPLES}networking/virtual-service-reviews-v3.yaml`, 'utf8'));
  await space.apply([clientPod('client', { sidecar: true })]);
  await space.ready();
}, 400_000);
afterAll(async () => {
  if (space) await controlPlane({ spec: { meshConfig: { extensionProviders: null } } });
  await zipkin?.stop();
  await space?.remove();
}, 60_000);

describe('Zipkin', () => {
  it('has one trace across productpage, reviews and ratings', async () => {
    await vi.waitFor(async () => {
      const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
      const answer = await space.request('client', 'http://productpage:9080/productpage', { container: 'client', headers: { 'x-b3-traceid': id, 'x-b3-spanid': id.slice(16), 'x-b3-sampled': '1' } });
      expect(answer.status).toBe(200);
      // Spans go out in batches.
      let spans: readonly Span[] = [];
      await vi.waitFor(async () => {
        spans = await trace(id);
        expect(servicesOf(spans)).toEqual(expect.arrayContaining([`productpage.${NAME}`, `reviews.${NAME}`, `ratings.${NAME}`, `details.${NAME}`]));
      }, { timeout: 15_000, interval: 500 });
      const [server] = spans.filter((span) => span.kind === 'SERVER' && span.localEndpoint?.serviceName === `ratings.${NAME}`);
      expect(pathTo(spans, server)).toEqual([`productpage.${NAME} SERVER`, `productpage.${NAME} CLIENT`, `reviews.${NAME} SERVER`, `reviews.${NAME} CLIENT`, `ratings.${NAME} SERVER`]);
      expect(server?.tags).toMatchObject({ 'http.status_code': '200', 'http.method': 'GET', 'istio.namespace': NAME, 'istio.canonical_service': 'ratings' });
    }, { timeout: 90_000, interval: 1000 });
  }, 120_000);
});

function servicesOf(spans: readonly Span[]): readonly string[] {
  return [...new Set(spans.map(({ localEndpoint }) => localEndpoint?.serviceName ?? ''))];
}

/** From productpage's side of the request down to a span. */
function pathTo(spans: readonly Span[], last: Span | undefined): readonly string[] {
  const path: string[] = [];
  for (let span = last; span !== undefined; span = spans.find(({ id }) => id === span?.parentId)) path.unshift(`${span.localEndpoint?.serviceName ?? ''} ${span.kind ?? ''}`);
  return path.slice(path.indexOf(`productpage.${NAME} SERVER`));
}
