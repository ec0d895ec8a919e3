// The API server that a suite runs against: the sandbox's own in ring 1, a real kube-apiserver when MIZZEN_TEST_KUBECONFIG names
// the kubeconfig of its administrator (ring 2, `npm run test:apiserver`). Suites written on this run on both, word for word.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parse, stringify } from 'yaml';
import { ApiServer } from '../../src/sandbox/api-server/index.ts';
import { KubeClient } from '../../src/shared/kube/index.ts';

/** A Kubernetes API server for a suite. */
export interface TestApiServer {
  /** Whether it is Kubernetes' own. */
  readonly real: boolean;
  readonly admin: KubeClient;
  readonly adminKubeconfig: string;
  /** An address on which the suite may listen for webhooks, and which an endpoint may have on this server. */
  readonly webhookAddress: string;
  /** A kubeconfig with a fresh token of a ServiceAccount. */
  accountKubeconfig(namespace: string, name: string): Promise<string>;
  stop(): Promise<void>;
}

/** Starts the sandbox's server on `127.<second>.0.1`, or connects to the real one. */
export async function startTestApiServer(second: number): Promise<TestApiServer> {
  const path = process.env['MIZZEN_TEST_KUBECONFIG'];
  return path === undefined || path === '' ? startSandboxServer(second) : connectRealServer(readFileSync(path, 'utf8'));
}

async function startSandboxServer(second: number): Promise<TestApiServer> {
  const server = new ApiServer({ address: `127.${second}.0.1`, port: 0, serviceNetwork: { first: `127.${second}.128.1`, last: `127.${second}.255.254` }, nodePortRange: { first: 30_000, last: 32_767 } });
  await server.start();
  return describeServer(server.adminKubeconfig(), false, `127.${second}.1.2`, () => server.close());
}

function connectRealServer(kubeconfig: string): Promise<TestApiServer> {
  // Endpoints on loopback are refused by Kubernetes.
  const own = Object.values(networkInterfaces()).flat().find((address) => address?.family === 'IPv4' && !address.internal);
  if (!own) throw new Error('webhooks of a real API server need an address of this machine that is not loopback, and there is none');
  return Promise.resolve(describeServer(kubeconfig, true, own.address, () => Promise.resolve()));
}

function describeServer(adminKubeconfig: string, real: boolean, webhookAddress: string, close: () => Promise<void>): TestApiServer {
  const admin = KubeClient.fromDefault({ kubeconfigText: adminKubeconfig });
  return {
    real, admin, adminKubeconfig, webhookAddress,
    accountKubeconfig: async (namespace, name) => {
      const { body } = await admin.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } } });
      const { status } = JSON.parse(body) as { status: { token: string } };
      const config = parse(adminKubeconfig) as { users: { user: object }[] };
      for (const entry of config.users) entry.user = { token: status.token };
      return stringify(config);
    },
    stop: async () => {
      admin.close();
      await close();
    },
  };
}

/** Removes namespaces with all that is in them, and waits until they are gone. A real server alone has no controller that does it. */
export async function removeNamespaces(server: TestApiServer, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = `/api/v1/namespaces/${name}`;
    const { status } = await server.admin.requestAny({ method: 'DELETE', path });
    if (status === 404) continue;
    if (server.real) await emptyNamespace(server.admin, name);
    for (let left = 200; left > 0 && (await server.admin.requestAny({ method: 'GET', path })).status !== 404; left -= 1) await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
}

interface Discovered { readonly name: string; readonly namespaced: boolean; readonly verbs: readonly string[] }

async function emptyNamespace(admin: KubeClient, name: string): Promise<void> {
  const done = new Set<string>();
  const groups = JSON.parse((await admin.request({ method: 'GET', path: '/apis' })).body) as { groups: { versions: { groupVersion: string }[] }[] };
  for (const prefix of ['/api/v1', ...groups.groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => `/apis/${groupVersion}`))]) {
    const { resources } = JSON.parse((await admin.request({ method: 'GET', path: prefix })).body) as { resources: Discovered[] };
    for (const resource of resources) {
      // Not every kind is there in every version of its group.
      const kind = `${prefix.split('/')[2] ?? ''} ${resource.name}`;
      if (!resource.namespaced || !resource.verbs.includes('deletecollection') || done.has(kind)) continue;
      done.add(kind);
      const path = `${prefix}/namespaces/${name}/${resource.name}`;
      await admin.requestAny({ method: 'DELETE', path, body: { kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', gracePeriodSeconds: 0 } });
      const { items = [] } = JSON.parse((await admin.requestAny({ method: 'GET', path })).body) as { items?: { metadata: { name: string } }[] };
      for (const item of items) await admin.requestAny({ method: 'PATCH', path: `${path}/${item.metadata.name}`, contentType: 'application/merge-patch+json', body: { metadata: { finalizers: null } } });
    }
  }
  const namespace = JSON.parse((await admin.request({ method: 'GET', path: `/api/v1/namespaces/${name}` })).body) as object;
  await admin.requestAny({ method: 'PUT', path: `/api/v1/namespaces/${name}/finalize`, body: { ...namespace, spec: { finalizers: [] } } });
}
