// A real istiod for the interop tests: its stock program beside the sandbox's API server, which holds our definitions of Istio's kinds and what the tests put there.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, parseAllDocuments } from 'yaml';
import { ApiServer } from '../../../src/sandbox/api-server/index.ts';
import { KubeClient } from '../../../src/shared/kube/index.ts';
import { fetchText } from '../proxy-programs.ts';

const DEFINITIONS = join(import.meta.dirname, '../../../crds');
const ROOT = 'istio-system';
const READY_MILLISECONDS = 60_000;
/** Longer than istiod gathers changes before it sends them. */
const QUIET_MILLISECONDS = 250;
/** Where istiod looks for what the pods call it by. */
const LABEL = 'istiod';

/** An object as the API server takes it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [field: string]: unknown };
  readonly status?: unknown;
  readonly [field: string]: unknown;
}

/** Resource names of the kinds that the tests make; the rest are made by rule. */
const PLURALS: Readonly<Record<string, string>> = { VirtualService: 'virtualservices', ServiceEntry: 'serviceentries', WorkloadEntry: 'workloadentries', Gateway: 'gateways', AuthorizationPolicy: 'authorizationpolicies', Telemetry: 'telemetries' };

/** A kind that istiod knows and our mesh does not have: the only one for which istiod uses the discovery of extensions (ECDS). */
const WASM_PLUGIN = {
  apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: 'wasmplugins.extensions.istio.io' },
  spec: {
    group: 'extensions.istio.io', scope: 'Namespaced', names: { kind: 'WasmPlugin', plural: 'wasmplugins', singular: 'wasmplugin', listKind: 'WasmPluginList' },
    versions: [{ name: 'v1alpha1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } } } }],
  },
};

/** Path of an object's collection. */
function collectionOf({ apiVersion, kind, metadata: { namespace } }: KubeObject): string {
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  return `${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}${namespace === undefined ? '' : `/namespaces/${namespace}`}/${plural}`;
}

/** An istiod with its API server, from `start` to `stop`. */
export class Istiod {
  readonly folder: string;
  readonly #address: string;
  readonly #binary: string;
  readonly #server: ApiServer;
  readonly #admin: KubeClient;
  readonly #log: string;
  #process: ChildProcess | undefined;

  /** Starts both; istiod listens on `address`, the API server on `127.<second>.0.1`. */
  static async start(options: { readonly binary: string; readonly folder: string; readonly address: string; readonly second: number }): Promise<Istiod> {
    const { second } = options;
    const server = new ApiServer({ address: `127.${second}.0.1`, port: 0, serviceNetwork: { first: '10.94.0.1', last: '10.94.0.254' }, nodePortRange: { first: 30_000, last: 32_767 } });
    await server.start();
    const istiod = new Istiod(server, options);
    try {
      await istiod.#furnish();
      istiod.#launch();
      await istiod.#untilReady();
      return istiod;
    } catch (error) {
      await istiod.stop();
      throw error;
    }
  }

  private constructor(server: ApiServer, { folder, address, binary }: { readonly binary: string; readonly folder: string; readonly address: string }) {
    this.#server = server;
    this.#binary = binary;
    this.folder = folder;
    this.#address = address;
    this.#log = join(folder, 'istiod.log');
    this.#admin = KubeClient.fromDefault({ kubeconfigText: server.adminKubeconfig() });
  }

  log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Puts objects there as they are written; one that is there takes the new content. */
  async apply(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) {
      const collection = collectionOf(object);
      const query = { fieldManager: 'interop', force: 'true' };
      await this.#admin.request({ method: 'PATCH', path: `${collection}/${object.metadata.name}`, query, contentType: 'application/apply-patch+yaml', body: object });
      if (object.status !== undefined) await this.#admin.request({ method: 'PATCH', path: `${collection}/${object.metadata.name}/status`, contentType: 'application/merge-patch+json', body: { status: object.status } });
    }
  }

  /** The same from YAML; objects without a namespace go into `namespace`. */
  async applyYaml(text: string, namespace: string): Promise<readonly KubeObject[]> {
    const objects = parseAllDocuments(text).map((document) => document.toJSON() as KubeObject).map((object) => ({ ...object, metadata: { namespace, ...object.metadata } }));
    await this.apply(...objects);
    return objects;
  }

  /** Takes objects away. */
  async remove(...objects: readonly KubeObject[]): Promise<void> {
    for (const object of objects) await this.#admin.request({ method: 'DELETE', path: `${collectionOf(object)}/${object.metadata.name}` });
  }

  /** A token of a ServiceAccount for istiod's CA, in a file. */
  async token(namespace: string, serviceAccount: string): Promise<string> {
    await this.apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccount, namespace } });
    const { body } = await this.#admin.request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`, body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['istio-ca'], expirationSeconds: 3600 } } });
    const path = join(this.folder, `token-${namespace}-${serviceAccount}`);
    writeFileSync(path, (JSON.parse(body) as { status: { token: string } }).status.token, { mode: 0o644 });
    return path;
  }

  /** The roots that istiod publishes in a namespace, in a file. */
  async rootFile(namespace: string): Promise<string> {
    const end = Date.now() + READY_MILLISECONDS;
    for (;;) {
      const { status, body } = await this.#admin.requestAny({ method: 'GET', path: `/api/v1/namespaces/${namespace}/configmaps/istio-ca-root-cert` });
      const path = join(this.folder, 'root-cert.pem');
      if (status === 200) writeFileSync(path, (JSON.parse(body) as { data: Record<string, string> }).data['root-cert.pem'] ?? '');
      if (status === 200) return path;
      if (Date.now() > end) throw new Error(`istiod has not published its roots in ${namespace}:\n${this.log().slice(-3000)}`);
      await sleep(100);
    }
  }

  /** Waits until istiod has nothing to send for a while after a change. */
  async settled(): Promise<void> {
    const end = Date.now() + READY_MILLISECONDS;
    for (let before = '', quietSince = Date.now(); Date.now() - quietSince < QUIET_MILLISECONDS; await sleep(30)) {
      const now = (await this.#counters(/^pilot_(xds_pushes|inbound_updates|debounce|k8s_cfg_events)/)).join('\n');
      if (now !== before) quietSince = Date.now();
      before = now;
      if (Date.now() > end) throw new Error('istiod does not come to rest');
    }
  }

  /** What istiod counts of answers by which proxies refused what it sent. */
  async rejections(): Promise<readonly string[]> {
    return (await this.#counters(/^pilot_(total_xds_rejects|xds_.*_reject)/)).filter((line) => !line.endsWith(' 0'));
  }

  async #counters(pattern: RegExp): Promise<readonly string[]> {
    return (await fetchText(`http://${this.#address}:15014/metrics`)).body.split('\n').filter((line) => pattern.test(line));
  }

  /** Ends istiod as a crash would; the API server goes on. */
  async halt(): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Starts it again. */
  async resume(): Promise<void> {
    this.#launch();
    await this.#untilReady();
  }

  async stop(): Promise<void> {
    await this.halt();
    this.#admin.close();
    await this.#server.close();
  }

  async #furnish(): Promise<void> {
    const definitions = readdirSync(DEFINITIONS).filter((file) => file.includes('.istio.io.')).map((file) => parse(readFileSync(join(DEFINITIONS, file), 'utf8')) as KubeObject);
    for (const definition of [...definitions, WASM_PLUGIN]) await this.#admin.request({ method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body: definition });
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: ROOT } }, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  }

  #launch(): void {
    mkdirSync(this.folder, { recursive: true });
    const kubeconfig = join(this.folder, 'kubeconfig');
    writeFileSync(kubeconfig, this.#server.adminKubeconfig(), { mode: 0o600 });
    const mesh = join(this.folder, 'mesh.yaml');
    writeFileSync(mesh, 'accessLogFile: /dev/stdout\ndefaultProviders: { metrics: [prometheus] }\n');
    const log = openSync(this.#log, 'a');
    const at = (port: number): string => `${this.#address}:${port}`;
    this.#process = spawn(this.#binary, [
      'discovery', '--kubeconfig', kubeconfig, '--meshConfig', mesh, '--httpAddr', at(8080), '--httpsAddr', at(15017), '--grpcAddr', at(15010), '--secureGRPCAddr', at(15012), '--monitoringAddr', at(15014), '--ctrlz_port', '0', '--domain', 'cluster.local',
      ...(process.env['INTEROP_LOG'] ? ['--log_output_level', 'ads:debug'] : []),
    ], { cwd: this.folder, env: { PATH: process.env['PATH'], HOME: this.folder, POD_NAMESPACE: ROOT, POD_NAME: `${LABEL}-1`, CLUSTER_ID: 'Kubernetes', REVISION: 'default', ISTIOD_CUSTOM_HOST: 'istiod.istio-system.svc', PILOT_DEBOUNCE_AFTER: '20ms', INJECT_ENABLED: 'false' }, stdio: ['ignore', log, log] });
    closeSync(log);
  }

  async #untilReady(): Promise<void> {
    const end = Date.now() + READY_MILLISECONDS;
    for (let last = ''; ; await sleep(50)) {
      if (this.#process?.exitCode !== null) throw new Error(`istiod ended:\n${this.log().slice(-4000)}`);
      try {
        const { status, body } = await fetchText(`http://${this.#address}:8080/ready`);
        if (status === 200) return;
        last = body;
      } catch (error) {
        last = String(error);
      }
      if (Date.now() > end) throw new Error(`istiod was not ready in time: ${last}\n${this.log().slice(-4000)}`);
    }
  }
}
