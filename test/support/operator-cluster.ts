// A cluster for the operator's tests: the sandbox's API server, the operator with its own service account and role, and in place of
// controllers and nodes something that reports workloads ready, unless their image is one that can never be had.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { createOperator, type OperatorOptions } from '../../src/operator/index.ts';
import { ApiServer } from '../../src/sandbox/api-server/index.ts';
import { HttpServer } from '../../src/shared/http/index.ts';
import { DaemonSetResource, DeploymentResource, type DaemonSet, type Deployment } from '../../src/shared/api/core/workloads.ts';
import { SecretResource } from '../../src/shared/api/core/cluster.ts';
import type { KubernetesObject } from '../../src/shared/api/meta/index.ts';
import { Informer, KubeClient } from '../../src/shared/kube/index.ts';
import { CertificateAuthority } from '../../src/shared/pki/index.ts';
import { startComponents, stopComponents, type Component } from '../../src/shared/process/index.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** A running cluster with the operator. */
export interface OperatorCluster {
  readonly admin: KubeClient;
  /** Answers the validating webhook; false lets no object in. */
  readonly webhook: { allows: boolean };
  apply(...objects: KubernetesObject[]): Promise<void>;
  applyRaw(yaml: string): Promise<void>;
  restartOperator(): Promise<void>;
  stop(): Promise<void>;
}

interface Parts { components: readonly Component[]; signal: AbortController }

/** Starts everything on addresses of `127.<second>.x.y`. */
export async function startOperatorCluster(second: number, over: Partial<OperatorOptions> = {}): Promise<OperatorCluster> {
  const address = `127.${second}.0.1`;
  const server = new ApiServer({ address, port: 0, serviceNetwork: { first: `127.${second}.128.1`, last: `127.${second}.255.254` }, nodePortRange: { first: 30_000, last: 32_767 } });
  await server.start();
  const admin = KubeClient.fromDefault({ kubeconfigText: server.adminKubeconfig() });
  const applyOne = (object: KubernetesObject): Promise<void> => applyObject(admin, object);
  const applyRaw = (text: string): Promise<void> => applyYaml(admin, text);
  for (const file of readdirSync(join(root, 'crds'))) await applyRaw(readFileSync(join(root, 'crds', file), 'utf8'));
  await applyRaw(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'));
  const account = await admin.get({ group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', scope: 'Namespaced' }, 'mizzen-operator', 'mizzen-operator');
  const { token } = server.issueServiceAccountToken({ namespace: 'mizzen-operator', serviceAccount: { name: 'mizzen-operator', uid: account.metadata?.uid ?? '' } });
  const kubeconfigText = server.tokenKubeconfig(token);
  const webhook = { allows: true };
  const nodes = new FakeNodes(admin, `127.${second}.1.1`, webhook);
  await nodes.start();

  const options: OperatorOptions = {
    namespace: 'mizzen-operator', podName: 'operator-1', version: '3.1.0', templatesDirectory: join(root, 'templates'), crdsDirectory: join(root, 'crds'),
    webhookPort: 11999, probePort: 0, metricsPort: 0, bindAddress: `127.${second}.1.2`, leaderElect: true, leaseSeconds: 15, renewSeconds: 10, retrySeconds: 0.2,
    manageWebhooks: true, manageCrds: true, memberReconcilers: 4, waveDeadlineSeconds: undefined, logLevel: 'info', ...over,
  };
  async function startOperator(): Promise<Parts> {
    const signal = new AbortController();
    const client = KubeClient.fromDefault({ kubeconfigText });
    const components = createOperator(client, options, () => { throw new Error('the lead was lost'); }, { kubeconfigText });
    await startComponents(components, signal.signal);
    return { components, signal };
  }
  let operator = await startOperator();
  await nodes.serveAt('mizzen-operator', 'mizzen-operator', `127.${second}.1.2`, [{ name: 'https-webhooks', port: 11999 }]);
  return {
    admin, webhook, applyRaw,
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
      admin.close();
      await server.close();
    },
  };
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
