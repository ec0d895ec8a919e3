// A real Prometheus finds the mesh's pods by the annotations that injection writes, scrapes them, and is asked what a dashboard asks: who called whom,
// how often, with which answer, under which security. The distribution's Prometheus is built without Kubernetes discovery, so the test lists the pods
// for it, over HTTP, in that discovery's terms (one target a container port, labels __meta_kubernetes_*); the relabelling is the usual one.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { providePrometheus } from '../../tools/peers/index.ts';
import { startBackend, type Backend } from './support/backends.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, httpbinPod, service } from './support/workloads.ts';

const NAME = 'prometheus-test';
const PORT = 39_090;
let space: TestNamespace;
let prometheus: Backend;
let discovery: Server;

interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
    readonly spec: { readonly containers: readonly ContainerPorts[]; readonly initContainers?: readonly (ContainerPorts & { readonly restartPolicy?: string })[] };
    readonly status: { readonly podIP?: string };
  }[];
}

interface ContainerPorts { readonly ports?: readonly { readonly containerPort: number }[] }

/** Pods as Kubernetes discovery gives them: a target for each port that a container declares, or one without a port. */
async function discovered(): Promise<readonly { readonly targets: readonly string[]; readonly labels: Readonly<Record<string, string>> }[]> {
  const { items } = await space.get<PodList>('pods');
  return items.filter(({ status }) => status.podIP !== undefined).flatMap(({ metadata, spec, status }) => {
    const annotations = Object.entries(metadata.annotations ?? {}).map(([name, value]) => [`__meta_kubernetes_pod_annotation_${name.replace(/[^A-Za-z0-9]/g, '_')}`, value]);
    const labels = { __meta_kubernetes_pod_name: metadata.name, __meta_kubernetes_pod_ip: status.podIP ?? '', ...Object.fromEntries(annotations) as Record<string, string> };
    const ports = spec.containers.flatMap((container) => container.ports ?? []);
    return (ports.length === 0 ? [status.podIP ?? ''] : ports.map(({ containerPort }) => `${status.podIP ?? ''}:${containerPort}`)).map((target) => ({ targets: [target], labels }));
  });
}

/** The usual configuration for pods with annotations. */
const configuration = (discovery: string): string => `
global: { scrape_interval: 2s, scrape_timeout: 2s }
scrape_configs:
  - job_name: pods
    http_sd_configs: [{ url: ${JSON.stringify(discovery)}, refresh_interval: 2s }]
    relabel_configs:
      - { source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: "true" }
      - { source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path], action: replace, target_label: __metrics_path__, regex: "(.+)" }
      - { source_labels: [__meta_kubernetes_pod_ip, __meta_kubernetes_pod_annotation_prometheus_io_port], action: replace, target_label: __address__, regex: "([^;]+);([0-9]+)", replacement: "$1:$2" }
      - { source_labels: [__meta_kubernetes_pod_name], target_label: pod }
`;

async function query(text: string): Promise<readonly Sample[]> {
  const answer = await (await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(text)}`)).json() as { status: string; data: { result: Sample[] } };
  expect(answer.status).toBe('success');
  return answer.data.result;
}

beforeAll(async () => {
  const found = await providePrometheus();
  if (!found.found) throw new Error(found.reason);
  space = await TestNamespace.create(NAME, { member: true });
  await space.apply([
    { apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default' }, spec: { mtls: { mode: 'STRICT' } } },
    ...['web', 'client'].map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })),
    httpbinPod('web', { sidecar: true, serviceAccountName: 'web', labels: { version: 'v1' } }), service('web', [{ name: 'http', port: 80, targetPort: 8080 }]),
    clientPod('client', { sidecar: true, serviceAccountName: 'client', labels: { version: 'v7' } }),
  ]);
  await space.ready();
  discovery = createServer((_request, response) => {
    discovered().then((targets) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(targets)), () => response.writeHead(500).end());
  });
  await new Promise<void>((resolve) => discovery.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(discovery.address() as AddressInfo).port}/`;
  prometheus = await startBackend(`http://127.0.0.1:${PORT}`, '/-/ready', (folder) => [found.path, '--config.file', `${folder}/prometheus.yml`, '--storage.tsdb.path', `${folder}/data`, '--web.listen-address', `127.0.0.1:${PORT}`], { 'prometheus.yml': configuration(url) });
});
afterAll(async () => {
  await prometheus?.stop();
  discovery?.close();
  await space?.remove();
});

describe('Prometheus', () => {
  it('finds both pods by their annotations and scrapes them', async () => {
    await vi.waitFor(async () => expect((await query('up')).map(({ metric, value }) => `${metric['pod'] ?? ''} ${value[1]}`).sort()).toEqual(['client 1', 'web 1']), { timeout: 60_000, interval: 1000 });
  });

  it('counts requests on both sides, with who called whom and under which security', async () => {
    for (let turn = 0; turn < 7; turn += 1) await space.request('client', 'http://web/get', { container: 'client' });
    for (let turn = 0; turn < 3; turn += 1) await space.request('client', 'http://web/status/418', { container: 'client' });
    const labels = {
      source_workload: 'client', source_workload_namespace: NAME, source_app: 'client', source_version: 'v7', source_principal: `spiffe://cluster.local/ns/${NAME}/sa/client`, source_canonical_service: 'client',
      destination_workload: 'web', destination_workload_namespace: NAME, destination_app: 'web', destination_version: 'v1', destination_principal: `spiffe://cluster.local/ns/${NAME}/sa/web`, destination_canonical_service: 'web',
      destination_service: `web.${NAME}.svc.cluster.local`, destination_service_name: 'web', destination_service_namespace: NAME, request_protocol: 'http', response_flags: '-',
    };
    await vi.waitFor(async () => {
      const samples = await query(`istio_requests_total{destination_service_name="web"}`);
      const byKey = new Map(samples.map(({ metric, value }) => [`${metric['reporter'] ?? ''} ${metric['response_code'] ?? ''}`, { metric, count: Number(value[1]) }]));
      for (const reporter of ['source', 'destination']) {
        const [good, teapot] = [byKey.get(`${reporter} 200`), byKey.get(`${reporter} 418`)];
        expect([reporter, good?.count, teapot?.count]).toEqual([reporter, 7, 3]);
        expect(good?.metric).toMatchObject({ reporter, ...labels, connection_security_policy: reporter === 'destination' ? 'mutual_tls' : 'unknown' });
      }
    }, { timeout: 40_000, interval: 1000 });
  });

  it('answers the queries of dashboards', async () => {
    await vi.waitFor(async () => {
      // A rate is of what happens between two scrapes: requests that all came before the first have none.
      await space.request('client', 'http://web/get', { container: 'client' });
      const [quantile] = await query(`histogram_quantile(0.95, sum(rate(istio_request_duration_milliseconds_bucket{reporter="destination",destination_workload="web"}[1m])) by (le))`);
      expect(Number(quantile?.value[1])).toBeGreaterThan(0);
      const [share] = await query(`sum(istio_requests_total{reporter="source",destination_workload="web",response_code!~"5.*"}) / sum(istio_requests_total{reporter="source",destination_workload="web"})`);
      expect(Number(share?.value[1])).toBe(1);
    }, { timeout: 40_000, interval: 1000 });
  });
});
