// A mesh of its own with the sample applications, and requests through its ingress gateway: the ground of the tests that change or break things under load.
// It stands beside the ring's mesh, as a second tenant's would.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterUnderTest } from './cluster-under-test.ts';
import { SteadyLoad, type LoadReport } from './steady-load.ts';

const SAMPLES = fileURLToPath(new URL('../../../samples', import.meta.url));
const READY_SECONDS = 240;

/** Where the parts of the mesh are. */
export interface LoadedMesh {
  /** Namespace of the control plane, which has the same name. */
  readonly namespace: string;
  /** Namespaces of the applications. */
  readonly bookinfo: string;
  readonly httpbin: string;
}

/** The names of a mesh called `name`. */
export function loadedMesh(name: string): LoadedMesh {
  return { namespace: name, bookinfo: `${name}-bookinfo`, httpbin: `${name}-httpbin` };
}

/** Installs the mesh at a version, with the applications; resolves when all of it is ready. */
export async function installLoadedMesh(mesh: LoadedMesh, version: string): Promise<void> {
  const { kubectl } = clusterUnderTest();
  await removeLoadedMesh(mesh);
  const namespaces = [mesh.namespace, mesh.bookinfo, mesh.httpbin].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  const objects = [...namespaces,
    { apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: mesh.namespace, namespace: mesh.namespace }, spec: { version, profiles: ['default', 'small'] } },
    { apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: mesh.namespace }, spec: { members: [mesh.bookinfo, mesh.httpbin] } }];
  await kubectl.run(['apply', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) });
  await kubectl.run(['--namespace', mesh.namespace, 'wait', `servicemeshcontrolplane/${mesh.namespace}`, '--for=condition=Ready', `--timeout=${READY_SECONDS}s`], { timeoutMilliseconds: READY_SECONDS * 1000 });
  await kubectl.run(['--namespace', mesh.namespace, 'wait', 'servicemeshmemberroll/default', '--for=condition=Ready', `--timeout=${READY_SECONDS}s`], { timeoutMilliseconds: READY_SECONDS * 1000 });
  const files: readonly (readonly [string, readonly string[]])[] = [
    [mesh.bookinfo, ['bookinfo/bookinfo.yaml', 'bookinfo/networking/destination-rule-all.yaml', 'bookinfo/networking/bookinfo-gateway.yaml']],
    [mesh.httpbin, ['httpbin/httpbin.yaml', 'httpbin/httpbin-gateway.yaml']],
  ];
  for (const [namespace, names] of files) await kubectl.run(['--namespace', namespace, 'apply', ...names.flatMap((name) => ['-f', join(SAMPLES, name)])]);
  await rolledOut(mesh.bookinfo);
  await rolledOut(mesh.httpbin);
}

/** Removes the mesh and its applications. */
export async function removeLoadedMesh(mesh: LoadedMesh): Promise<void> {
  const { kubectl } = clusterUnderTest();
  await kubectl.attempt(['--namespace', mesh.namespace, 'delete', 'servicemeshmemberroll,servicemeshcontrolplane', '--all', '--ignore-not-found', '--timeout=120s'], { timeoutMilliseconds: 150_000 });
  await kubectl.run(['delete', 'namespace', mesh.namespace, mesh.bookinfo, mesh.httpbin, '--ignore-not-found', '--wait', '--timeout=180s'], { timeoutMilliseconds: 200_000 });
}

/** Waits until every Deployment of a namespace is rolled out. */
export async function rolledOut(namespace: string): Promise<void> {
  const { kubectl } = clusterUnderTest();
  const names = (await kubectl.run(['--namespace', namespace, 'get', 'deployment', '--output=name'])).split('\n').filter(Boolean);
  for (const name of names) await kubectl.run(['--namespace', namespace, 'rollout', 'status', name, `--timeout=${READY_SECONDS}s`], { timeoutMilliseconds: READY_SECONDS * 1000 });
}

/** Starts pods anew, with the sidecars of the control plane's present version, as a user does after an upgrade. */
export async function restartWorkloads(namespace: string): Promise<void> {
  await clusterUnderTest().kubectl.run(['--namespace', namespace, 'rollout', 'restart', 'deployment']);
  await rolledOut(namespace);
}

/** Begins a stream of requests to both applications; resolves when a second of it has passed without a failure. */
export async function startLoad(mesh: LoadedMesh, requestsPerSecond: number): Promise<SteadyLoad> {
  const { cluster, kubectl } = clusterUnderTest();
  const service = JSON.parse(await kubectl.run(['--namespace', mesh.namespace, 'get', 'service', 'istio-ingressgateway', '--output=json'])) as { spec: { ports: { port: number; nodePort: number }[] } };
  const port = service.spec.ports.find((each) => each.port === 80)?.nodePort;
  const address = cluster.nodes[0]?.address;
  if (port === undefined || address === undefined) throw new Error('the ingress gateway has no node port');
  const options = {
    address, port, requestsPerSecond, connections: 32,
    targets: [
      { name: 'httpbin', path: '/get', host: 'httpbin.example.com', weight: 9 },
      { name: 'product page', path: '/productpage', weight: 1, judge: (_status: number, body: string) => /class="error">[^<]*/.exec(body)?.[0] },
    ],
  };
  // New routes reach the gateway within moments; what fails before is none of the tests' business.
  for (let attempt = 0; attempt < 30; attempt += 1) {
    const probe = new SteadyLoad({ ...options, requestsPerSecond: 40 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    if ((await probe.stop()).failed === 0) return new SteadyLoad(options);
  }
  throw new Error('the applications do not answer through the ingress gateway');
}

/** Says in one line what a stream saw, for the test's output. */
export function describeLoad(what: string, report: LoadReport): string {
  return `${what}: ${report.requests} requests in ${report.seconds} s, ${report.failed} failed, slowest ${report.slowestMilliseconds} ms`;
}
