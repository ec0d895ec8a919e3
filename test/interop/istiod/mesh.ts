// A mesh under a real istiod: its Kubernetes objects, the pods in their network namespaces, and our proxy in each as the injected container would run it.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchText } from '../proxy-programs.ts';
import type { Reply } from '../applications.ts';
import type { Istiod, KubeObject } from './istiod.ts';
import type { PodNamespace, PodNamespaces } from './pod-namespaces.ts';

const PROXY = join(import.meta.dirname, '../../../dist/proxy.js');
const APPLICATION = join(import.meta.dirname, 'application.ts');
const READY_MILLISECONDS = 60_000;

/** A pod to be made. */
export interface PodSpec {
  readonly app: string;
  readonly version: string;
  /** The last number of its address. */
  readonly last: number;
  /** A captured pod with our proxy, a gateway, or a pod outside the mesh. */
  readonly kind: 'sidecar' | 'router' | 'plain';
  readonly delta?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

/** One request of a client. */
export interface ClientRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer, or why there was none. */
export type ClientReply = (Reply & { readonly failure?: undefined }) | { readonly failure: string; readonly status: 0; readonly headers: Record<string, never>; readonly body: string };

/** The part of the admin interface's report on the control plane that tests read. */
export interface Syncz {
  readonly ads: { readonly connected: boolean; readonly refusals: number };
  readonly warming: { readonly listeners: readonly string[] };
  readonly rejected: readonly unknown[];
  readonly refused: readonly unknown[];
}

/** A program that sends the requests of its first parameter, each on a connection of its own. */
const CLIENT = `
import { request } from 'node:http';
const ask = ({ url, method = 'GET', headers = {} }) => new Promise((resolve) => {
  const sent = request(url, { method, headers, agent: false, timeout: 15000 }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (part) => (body += part)).on('end', () => resolve({ status: response.statusCode, headers: response.headers, body })).on('error', (error) => resolve({ failure: String(error), status: 0, headers: {}, body: '' }));
  });
  sent.on('timeout', () => sent.destroy(new Error('no answer in time'))).on('error', (error) => resolve({ failure: String(error), status: 0, headers: {}, body: '' }));
  sent.end();
});
const replies = [];
for (const question of JSON.parse(process.argv[1])) replies.push(await ask(question));
process.stdout.write(JSON.stringify(replies));
`;

const created = { creationTimestamp: '2026-01-01T00:00:00Z' };

/** A running pod. */
export class MeshPod {
  readonly spec: PodSpec;
  readonly network: PodNamespace;
  readonly logPath: string;

  constructor(spec: PodSpec, network: PodNamespace, logPath: string) {
    this.spec = spec;
    this.network = network;
    this.logPath = logPath;
  }

  get name(): string {
    return `${this.spec.app}-${this.spec.version}-1`;
  }

  /** Sends requests one after another from the application. */
  async ask(...requests: readonly ClientRequest[]): Promise<readonly ClientReply[]> {
    return JSON.parse(await this.network.script(CLIENT, JSON.stringify(requests))) as ClientReply[];
  }

  /** Sends one request. */
  async askOne(request: ClientRequest): Promise<ClientReply> {
    const [reply] = await this.ask(request);
    if (!reply) throw new Error('no reply');
    return reply;
  }

  /** A page of the proxy's admin interface. */
  async admin(path: string): Promise<string> {
    return (await this.askOne({ url: `http://127.0.0.1:15000${path}` })).body;
  }

  async syncz(): Promise<Syncz> {
    return JSON.parse((await this.askOne({ url: 'http://127.0.0.1:15020/debug/syncz' })).body) as Syncz;
  }

  /** Metrics of the proxy. */
  async metrics(): Promise<string> {
    return (await fetchText(`http://${this.network.address}:15090/stats/prometheus`)).body;
  }
}

/** The object of a pod for the API server, as a kubelet reports it. */
export function podObject(spec: PodSpec, namespace: string, address: string): KubeObject {
  const { app, version, kind, labels = {} } = spec;
  return {
    apiVersion: 'v1', kind: 'Pod',
    metadata: { name: `${app}-${version}-1`, namespace, labels: { app, version, ...labels, ...(kind === 'plain' ? {} : { 'security.istio.io/tlsMode': 'istio' }) }, ...created },
    spec: { serviceAccountName: app, nodeName: 'node-1', containers: [{ name: 'app', image: 'app' }, ...(kind === 'plain' ? [] : [{ name: 'istio-proxy', image: 'proxy' }])] },
    status: { phase: 'Running', podIP: address, podIPs: [{ ip: address }], hostIP: '10.93.7.1', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** A service over all pods of `app`, with its slice. */
export function serviceObjects(app: string, namespace: string, clusterIP: string, ports: readonly { readonly name: string; readonly port: number; readonly targetPort?: number }[], pods: readonly MeshPod[]): readonly KubeObject[] {
  return [
    { apiVersion: 'v1', kind: 'Service', metadata: { name: app, namespace }, spec: { clusterIP, selector: { app }, ports: ports.map(({ name, port, targetPort = port }) => ({ name, port, targetPort })) } },
    {
      apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: `${app}-1`, namespace, labels: { 'kubernetes.io/service-name': app } }, addressType: 'IPv4',
      ports: ports.map(({ name, port, targetPort = port }) => ({ name, port: targetPort, protocol: 'TCP' })),
      endpoints: pods.filter(({ spec }) => spec.app === app).map(({ network, name }) => ({ addresses: [network.address], conditions: { ready: true }, targetRef: { kind: 'Pod', namespace, name } })),
    },
  ];
}

/** Makes pods with their applications and proxies, and waits until all are ready. */
export class IstiodMesh {
  readonly #istiod: Istiod;
  readonly #networks: PodNamespaces;
  readonly #namespace: string;

  constructor(istiod: Istiod, networks: PodNamespaces, namespace: string) {
    this.#istiod = istiod;
    this.#networks = networks;
    this.#namespace = namespace;
  }

  /** A pod in its namespace and in the API server, with its application and without its proxy. */
  async add(spec: PodSpec): Promise<MeshPod> {
    const name = `${spec.app}-${spec.version}`;
    const network = await this.#networks.add(name, spec.last, spec.kind === 'sidecar');
    const pod = new MeshPod(spec, network, join(this.#istiod.folder, `${name}.log`));
    await this.#istiod.token(this.#namespace, spec.app);
    await this.#istiod.apply(podObject(spec, this.#namespace, network.address));
    if (spec.kind !== 'router') network.start('application', [process.execPath, APPLICATION, name, '8080', '9000'], {}, `${pod.logPath}.app`);
    return pod;
  }

  /** Starts a pod's proxy and waits until it is ready. */
  async startProxy(pod: MeshPod): Promise<void> {
    const { spec, network, name } = pod;
    const labels = { app: spec.app, version: spec.version, ...spec.labels, 'security.istio.io/tlsMode': 'istio' };
    const environment: Record<string, string> = {
      POD_NAME: name, POD_NAMESPACE: this.#namespace, INSTANCE_IP: network.address, SERVICE_ACCOUNT: spec.app, TRUST_DOMAIN: 'cluster.local', ISTIO_META_CLUSTER_ID: 'Kubernetes', ISTIO_META_WORKLOAD_NAME: name.replace(/-1$/, ''),
      ISTIO_METAJSON_LABELS: JSON.stringify(labels), ISTIO_META_INTERCEPTION_MODE: 'REDIRECT', ISTIO_META_MESH_ID: 'cluster.local', ISTIO_META_DNS_CAPTURE: String(spec.kind === 'sidecar'), ISTIO_DELTA_XDS: String(spec.delta ?? true),
      PROXY_CONFIG: JSON.stringify({ discoveryAddress: 'istiod.istio-system.svc:15012', terminationDrainDuration: '1s', concurrency: 1 }),
      PROXY_TOKEN_FILE: await this.#istiod.token(this.#namespace, spec.app), XDS_ROOT_CA: await this.#istiod.rootFile(this.#namespace),
    };
    const command = [process.execPath, PROXY, 'proxy', spec.kind, '--domain', `${this.#namespace}.svc.cluster.local`, '--proxyLogLevel', process.env['INTEROP_LOG'] ?? 'warning'];
    const child = network.start('proxy', command, environment, pod.logPath);
    const end = Date.now() + READY_MILLISECONDS;
    for (let last = ''; ; await sleep(50)) {
      if (child.exitCode !== null) throw new Error(`The proxy of ${name} ended with status ${child.exitCode}; see ${pod.logPath}`);
      try {
        const { status, body } = await fetchText(`http://${network.address}:15021/healthz/ready`);
        if (status === 200) return;
        last = body;
      } catch (error) {
        last = String(error);
      }
      if (Date.now() > end) throw new Error(`The proxy of ${name} was not ready in time: ${last}; see ${pod.logPath}`);
    }
  }
}
