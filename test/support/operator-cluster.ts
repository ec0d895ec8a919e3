// A cluster for the operator's tests: an API server (the sandbox's in ring 1, a real one in ring 2), the operator with its own service
// account and role, and in place of controllers and nodes something that reports workloads ready, unless their image is one that can never be had.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createOperator, type OperatorOptions } from '../../src/operator/index.ts';
import { HttpServer } from '../../src/shared/http/index.ts';
import { DaemonSetResource, DeploymentResource, type DaemonSet, type Deployment } from '../../src/shared/api/core/workloads.ts';
import { SecretResource } from '../../src/shared/api/core/cluster.ts';
import type { KubernetesObject } from '../../src/shared/api/meta/index.ts';
import { Informer, type KubeClient } from '../../src/shared/kube/index.ts';
import { CertificateAuthority } from '../../src/shared/pki/index.ts';
import { startComponents, stopComponents, type Component } from '../../src/shared/process/index.ts';
import { recordingClient } from './recording-client.ts';
import { removeNamespaces, startTestApiServer, type TestApiServer } from './test-api-server.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A running cluster with the operator. */
export interface OperatorCluster {
  readonly admin: KubeClient;
  readonly server: TestApiServer;
  /** What the API server has refused the operator so far. */
  refusals(): readonly string[];
  /** Answers the validating webhook; false lets no object in. */
  readonly webhook: { allows: boolean };
  apply(...objects: KubernetesObject[]): Promise<void>;
  applyRaw(yaml: string): Promise<void>;
  restartOperator(): Promise<void>;
  stop(): Promise<void>;
}

interface Parts { components: readonly Component[]; signal: AbortController; refusals: readonly string[] }

/** Starts everything on addresses of `127.<second>.x.y`. */
export async function startOperatorCluster(second: number, over: Partial<OperatorOptions> = {}): Promise<OperatorCluster> {
  const server = await startTestApiServer(second);
  const { admin, webhookAddress } = server;
  const namespaces = new Set<string>();
  const applyOne = (object: KubernetesObject): Promise<void> => {
    if (object.kind === 'Namespace') namespaces.add(object.metadata?.name ?? '');
    return applyObject(admin, object);
  };
  const applyRaw = (text: string): Promise<void> => applyYaml(admin, text);
  for (const file of readdirSync(join(root, 'crds'))) await applyRaw(readFileSync(join(root, 'crds', file), 'utf8'));
  await applyRaw(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'));
  const kubeconfigText = await server.accountKubeconfig('mizzen-operator', 'mizzen-operator');
  const webhook = { allows: true };
  const nodes = new FakeNodes(admin, server.real ? webhookAddress : `127.${second}.1.1`, webhook);
  await nodes.start();

  const options: OperatorOptions = {
    namespace: 'mizzen-operator', podName: 'operator-1', version: '3.1.0', templatesDirectory: join(root, 'templates'), crdsDirectory: join(root, 'crds'),
    webhookPort: 11999, probePort: 0, metricsPort: 0, bindAddress: webhookAddress, leaderElect: true, leaseSeconds: 15, renewSeconds: 10, retrySeconds: 0.2,
    manageWebhooks: true, manageCrds: true, memberReconcilers: 4, waveDeadlineSeconds: undefined, logLevel: 'info', ...over,
  };
  async function startOperator(): Promise<Parts> {
    const signal = new AbortController();
    const { client, refusals } = recordingClient(kubeconfigText);
    const components = createOperator(client, options, () => { throw new Error('the lead was lost'); }, { kubeconfigText });
    await startComponents(components, signal.signal);
    return { components, signal, refusals };
  }
  let operator = await startOperator();
  await nodes.serveAt('mizzen-operator', 'mizzen-operator', webhookAddress, [{ name: 'https-webhooks', port: 11999 }]);
  return {
    admin, server, webhook, applyRaw,
    refusals: () => operator.refusals,
    apply: async (...objects) => { for (const object of objects) await applyOne(object); },
    restartOperator: async () => {
      operator.signal.abort();
      await stopComponents(operator.components);
      operator = await startOperator();
    },
    stop: async () => {
      operator.signal.abort();
      await stopComponents(operator.components);
      await nodes.stop();
      if (server.real) await removeInstallation(server, ['mizzen-operator', ...namespaces]);
      await server.stop();
    },
  };
}

/** Takes a whole installation off a real API server, for the next suite: webhooks first, which nobody answers any more. */
async function removeInstallation(server: TestApiServer, namespaces: readonly string[]): Promise<void> {
  const { admin } = server;
  const removeAll = async (path: string, owns: (name: string) => boolean): Promise<void> => {
    const { items } = JSON.parse((await admin.request({ method: 'GET', path })).body) as { items: { metadata: { name: string } }[] };
    for (const { metadata } of items) if (owns(metadata.name)) await admin.requestAny({ method: 'DELETE', path: `${path}/${metadata.name}` });
  };
  for (const plural of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) await removeAll(`/apis/admissionregistration.k8s.io/v1/${plural}`, () => true);
  await removeNamespaces(server, namespaces);
  const isOurs = (name: string): boolean => /istio|mizzen|maistra/.test(name);
  for (const plural of ['clusterrolebindings', 'clusterroles']) await removeAll(`/apis/rbac.authorization.k8s.io/v1/${plural}`, isOurs);
  const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  await removeAll(definitions, isOurs);
  await eventually(async () => expect((JSON.parse((await admin.request({ method: 'GET', path: definitions })).body) as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name).filter(isOurs)).toEqual([]), 60);
}

/** Polls until `check` no longer throws. */
export async function eventually<T>(check: () => Promise<T>, seconds = 15): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(50);
  }
}

/** Expects that within the time `read` gives something that matches. */
export async function expectEventually<T>(read: () => Promise<T>, matcher: object, seconds = 15): Promise<T> {
  return eventually(async () => {
    const value = await read();
    expect(value).toMatchObject(matcher);
    return value;
  }, seconds);
}

/** Applies every object of a YAML text; those that name no namespace go into `namespace`. */
export async function applyYaml(client: KubeClient, text: string, namespace = 'default'): Promise<void> {
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as KubernetesObject | null;
    if (object !== null) await applyObject(client, CLUSTER.has(object.kind ?? '') ? object : { ...object, metadata: { namespace, ...object.metadata } });
  }
}

async function applyObject(client: KubeClient, object: KubernetesObject): Promise<void> {
  await client.request({ method: 'PATCH', path: pathOf(object as never), query: { fieldManager: 'test', force: true }, body: object, contentType: 'application/apply-patch+yaml' });
}

const PLURALS: Record<string, string> = { NetworkPolicy: 'networkpolicies' };
const CLUSTER = new Set(['Namespace', 'ClusterRole', 'ClusterRoleBinding', 'CustomResourceDefinition', 'MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']);

function pathOf(object: KubernetesObject & { kind: string; apiVersion: string }): string {
  const plural = PLURALS[object.kind] ?? `${object.kind.toLowerCase()}s`;
  const base = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  return `${base}${CLUSTER.has(object.kind) ? '' : `/namespaces/${object.metadata?.namespace ?? 'default'}`}/${plural}/${object.metadata?.name ?? ''}`;
}

/** In place of controllers and nodes. */
class FakeNodes {
  readonly #client: KubeClient;
  readonly #address: string;
  readonly #webhook: { allows: boolean };
  readonly #signal = new AbortController();
  readonly #deployments: Informer<Deployment>;
  readonly #daemonSets: Informer<DaemonSet>;
  #validator: HttpServer | undefined;
  #pending: Promise<void> = Promise.resolve();

  constructor(client: KubeClient, address: string, webhook: { allows: boolean }) {
    this.#client = client;
    this.#address = address;
    this.#webhook = webhook;
    this.#deployments = new Informer(client, DeploymentResource);
    this.#daemonSets = new Informer(client, DaemonSetResource);
  }

  async start(): Promise<void> {
    this.#deployments.onChange(({ type, object }) => { if (type !== 'deleted') this.#queue(() => this.#deployment(object)); });
    this.#daemonSets.onChange(({ type, object }) => { if (type !== 'deleted') this.#queue(() => this.#daemonSet(object)); });
    await this.#deployments.start(this.#signal.signal);
    await this.#daemonSets.start(this.#signal.signal);
  }

  async stop(): Promise<void> {
    this.#signal.abort();
    await this.#deployments.stop();
    await this.#daemonSets.stop();
    await this.#pending;
    await this.#validator?.stop();
  }

  #queue(task: () => Promise<void>): void {
    this.#pending = this.#pending.then(task).catch((error: unknown) => { if (!this.#signal.signal.aborted) process.stderr.write(`fake node: ${String(error)}\n`); });
  }

  async #deployment(object: Deployment): Promise<void> {
    const { name = '', namespace = '', generation = 1 } = object.metadata ?? {};
    const replicas = object.spec?.replicas ?? 1;
    const image = object.spec?.template?.spec?.containers[0]?.image ?? '';
    if (image.endsWith('-unavailable')) {
      await this.#status(DeploymentResource.plural, name, namespace, { observedGeneration: generation, replicas: replicas + 1, updatedReplicas: 1, readyReplicas: replicas, availableReplicas: replicas });
      await this.#waitingPod(name, namespace, object.spec?.template?.metadata?.labels ?? {}, image);
      return;
    }
    if (object.metadata?.labels?.['istio'] === 'pilot') await this.#serveValidation(name, namespace);
    await this.#status(DeploymentResource.plural, name, namespace, { observedGeneration: generation, replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas });
  }

  async #daemonSet(object: DaemonSet): Promise<void> {
    const { name = '', namespace = '', generation = 1 } = object.metadata ?? {};
    await this.#status(DaemonSetResource.plural, name, namespace, { observedGeneration: generation, desiredNumberScheduled: 1, currentNumberScheduled: 1, numberMisscheduled: 0, updatedNumberScheduled: 1, numberReady: 1, numberAvailable: 1 });
  }

  async #status(plural: string, name: string, namespace: string, status: object): Promise<void> {
    await this.#client.requestAny({ method: 'PATCH', path: `/apis/apps/v1/namespaces/${namespace}/${plural}/${name}/status`, body: { status }, contentType: 'application/merge-patch+json' });
  }

  async #waitingPod(name: string, namespace: string, labels: Record<string, string>, image: string): Promise<void> {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: `${name}-new`, namespace, labels }, spec: { containers: [{ name: 'discovery', image }] } };
    // A real API server lets no pod in without its service account, and without the controller manager nobody makes that.
    await this.#client.requestAny({ method: 'POST', path: `/api/v1/namespaces/${namespace}/serviceaccounts`, body: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } } });
    await this.#client.requestAny({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body: pod });
    const status = { phase: 'Pending', containerStatuses: [{ name: 'discovery', image, imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'ImagePullBackOff', message: `there is no image ${image}` } } }] };
    await this.#client.requestAny({ method: 'PATCH', path: `/api/v1/namespaces/${namespace}/pods/${name}-new/status`, body: { status }, contentType: 'application/merge-patch+json' });
  }

  /** The control plane's validating webhook, certified by the mesh's own authority. */
  async #serveValidation(service: string, namespace: string): Promise<void> {
    const { data = {} } = await this.#client.get(SecretResource, 'istio-ca-secret', namespace);
    const text = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString();
    const authority = await CertificateAuthority.load(text('ca-cert.pem'), text('ca-key.pem'));
    const identity = await authority.issueWithNewKey({ dnsNames: [`${service}.${namespace}.svc`], lifetimeMilliseconds: 3_600_000 });
    if (this.#validator) this.#validator.setIdentity(identity);
    else {
      this.#validator = new HttpServer({
        name: 'fake-validation', host: this.#address, port: 15017, identity,
        routes: [{ path: '/validate', handler: (request) => ({ body: { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid: (request.json() as { request: { uid: string } }).request.uid, allowed: this.#webhook.allows } } }) }],
      });
      await this.#validator.start();
    }
    await this.serveAt(namespace, service, this.#address, [{ name: 'https-webhook', port: 15017 }]);
  }

  /** Endpoints of a Service. */
  async serveAt(namespace: string, service: string, address: string, ports: readonly { name: string; port: number }[]): Promise<void> {
    await this.#client.requestAny({
      method: 'POST', path: `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`,
      body: {
        apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: `${service}-test`, namespace, labels: { 'kubernetes.io/service-name': service } }, addressType: 'IPv4',
        endpoints: [{ addresses: [address], conditions: { ready: true } }], ports: ports.map((port) => ({ ...port, protocol: 'TCP' })),
      },
    });
  }
}
