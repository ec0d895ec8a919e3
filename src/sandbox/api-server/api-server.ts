// The embedded Kubernetes API server: wires store, schema, admission, auth and the HTTPS front.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { CertificateAuthority, RbacAuthorizer, ServiceAccountTokens, type KeyPairPem, type TokenSubject, type User } from '../auth/index.ts';
import { Journal, Store } from '../store/index.ts';
import { Admission } from './admission.ts';
import { Authenticator } from './authentication.ts';
import { createFirstObjects, startRoleAggregation } from './bootstrap-objects.ts';
import { Converter } from './conversion.ts';
import { CustomResources } from './custom-resources.ts';
import { Deleter } from './deletion.ts';
import { startEventExpiry } from './event-expiry.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { HttpServer } from './http-server.ts';
import { InProcessClient, internalContext } from './in-process-client.ts';
import type { InternalClient, PodStreams } from './internal-client.ts';
import { NamespaceLifecycle } from './namespace-lifecycle.ts';
import { Operations } from './operations.ts';
import { PodStreamHandler } from './pod-streams.ts';
import { Presenter } from './presenter.ts';
import { ProxyHandler } from './proxying.ts';
import { Registry } from './registry.ts';
import { ResourceHandler } from './resource-handler.ts';
import { Reviews } from './reviews.ts';
import { ServiceAllocator } from './service-allocator.ts';
import { ServerMetrics } from './server-metrics.ts';
import { SystemHandler } from './system-handler.ts';
import { TokenRequests } from './token-requests.ts';
import { WebhookCaller } from './webhook-caller.ts';

/** How an API server is set up. */
export interface ApiServerOptions {
  /** Address to listen on. */
  readonly address: string;
  /** Port to listen on; 0 for a free one. */
  readonly port: number;
  /** Addresses for Services, first and last, for example `127.10.128.1` and `127.10.255.254`. */
  readonly serviceNetwork: { readonly first: string; readonly last: string };
  readonly nodePortRange: { readonly first: number; readonly last: number };
  /** ClusterIP of the Service `kubernetes`; the first of the service network when absent. */
  readonly kubernetesAddress?: string;
  /** Further names and addresses of the serving certificate. */
  readonly certificateNames?: readonly string[];
  /** What serves logs, exec, attach and port-forward. */
  readonly podStreams?: PodStreams;
  /** Where state is kept over restarts of the process; nothing is kept when absent. */
  readonly directory?: string;
  /** Whether what the controller manager of a cluster does for every API server is done here too: furnishing and emptying namespaces, collecting dependents, aggregating roles. Yes when absent. */
  readonly controllerManager?: boolean;
  /** How long a token that was found valid is taken for it; 10 seconds when absent, as in a cluster. */
  readonly tokenCacheMilliseconds?: number;
  /** Events kept a resource, for watches that resume. */
  readonly historyLimit?: number;
  /** Told of what went wrong inside the server; nothing of it is lost for clients. */
  readonly onError?: (error: unknown) => void;
}

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const CONTROLLER: User = { name: 'system:kube-controller-manager', groups: ['system:masters', 'system:authenticated'] };

interface Secrets { readonly authority: CertificateAuthority; readonly serving: KeyPairPem; readonly admin: KeyPairPem; readonly tokens: ServiceAccountTokens }

/** A Kubernetes API server in this process. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #store: Store;
  readonly #journal: Journal | undefined;
  #parts: Parts | undefined = undefined;
  #stopEventExpiry: (() => void) | undefined;
  #port: number;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    this.#port = options.port;
    this.#journal = options.directory === undefined ? undefined : new Journal(options.directory);
    this.#store = new Store({ ...(options.historyLimit === undefined ? {} : { historyLimit: options.historyLimit }), ...(this.#journal ? { journal: this.#journal } : {}) });
  }

  /** Starts to serve; after `stop()` it goes on with the same objects, address and certificates. */
  async start(): Promise<void> {
    const parts = (this.#parts ??= await this.#build());
    this.#port = await parts.http.start(this.#port);
    if (parts.running) return;
    parts.running = true;
    const { address, kubernetesAddress, serviceNetwork } = this.#options;
    parts.namespaces.start();
    this.#stopEventExpiry = startEventExpiry(parts.store);
    if (this.#options.controllerManager !== false) {
      parts.collector.start();
      startRoleAggregation(this.#store);
    }
    await createFirstObjects(this.client, kubernetesAddress ?? serviceNetwork.first, { address, port: this.#port });
  }

  /** Stops serving HTTP: watches end and connections close. Objects stay, and the in-process clients go on working. */
  async stop(): Promise<void> {
    if (!this.#parts) return;
    this.#parts.presenter.stopWatches();
    await this.#parts.http.stop();
  }

  /** Stops everything, for good. */
  async close(): Promise<void> {
    await this.stop();
    this.#parts?.namespaces.stop();
    this.#parts?.collector.stop();
    this.#stopEventExpiry?.();
    this.#parts?.caller.close();
    this.#journal?.close();
  }

  /** The base URL, for example `https://127.10.0.1:6443`. */
  get url(): string {
    return `https://${this.#options.address}:${String(this.#port)}`;
  }

  /** The in-process client of the controllers. */
  get client(): InternalClient {
    return this.internalClient(CONTROLLER.name);
  }

  /** An in-process client that acts in a user's name; it may do everything. */
  internalClient(userName: string): InternalClient {
    const { store, registry, operations, deleter } = this.#built();
    return new InProcessClient({ store, registry, operations, deleter }, { name: userName, groups: CONTROLLER.groups });
  }

  /** A kubeconfig (YAML) of the cluster's administrator. */
  adminKubeconfig(): string {
    const { secrets } = this.#built();
    return this.#kubeconfig({ 'client-certificate-data': encode(secrets.admin.certificate), 'client-key-data': encode(secrets.admin.key) });
  }

  /** A kubeconfig (YAML) that authenticates with `token`. */
  tokenKubeconfig(token: string): string {
    return this.#kubeconfig({ token });
  }

  /** The certificate of the authority that signs the serving certificate. */
  get certificateAuthorityPem(): string {
    return this.#built().secrets.authority.certificatePem;
  }

  /** A client certificate for a user in some groups. */
  async issueClientCertificate(user: string, groups: readonly string[]): Promise<KeyPairPem> {
    return this.#built().secrets.authority.issue({ commonName: user, organizations: groups, usage: 'client' });
  }

  /** A token for a ServiceAccount, as TokenRequest gives it. */
  issueServiceAccountToken(subject: TokenSubject, audiences: readonly string[] = [], seconds = 3600): { token: string; expires: Date } {
    return this.#built().secrets.tokens.issue(subject, audiences, seconds);
  }

  /** Forgets old events, as etcd's compaction does: watches from before have to list again. */
  compact(): void {
    this.#store.compact(0);
  }

  #built(): Parts {
    if (!this.#parts) throw new Error('the API server has not been started yet');
    return this.#parts;
  }

  #kubeconfig(user: object): string {
    const name = 'mizzen-sandbox';
    return stringify({
      apiVersion: 'v1', kind: 'Config', 'current-context': name,
      clusters: [{ name, cluster: { server: this.url, 'certificate-authority-data': encode(this.certificateAuthorityPem) } }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
    });
  }

  async #build(): Promise<Parts> {
    const store = this.#store;
    store.load();
    const secrets = await this.#openSecrets();
    const report = this.#options.onError ?? (() => undefined);
    const registry = new Registry();
    const custom = new CustomResources(store, registry);
    const rbac = new RbacAuthorizer(store);
    const caller = new WebhookCaller(store);
    const converter = new Converter(caller);
    const admission = new Admission(store, caller, converter, rbac);
    const allocator = new ServiceAllocator(store, this.#options);
    const operations = new Operations({ store, admission, converter, writeHooks: { '/services': (service, dryRun) => { allocator.complete(service, dryRun); } } });
    const deleter = new Deleter(store, admission);
    const authenticator = new Authenticator(store, secrets.tokens, rbac, this.#options.tokenCacheMilliseconds ?? 10_000);
    const reviews = new Reviews({ rbac, authenticator });
    const tokenRequests = new TokenRequests(store, secrets.tokens);
    const presenter = new Presenter(store, converter);
    const podStreams = new PodStreamHandler(store, this.#options.podStreams);
    const resources = new ResourceHandler({ store, registry, operations, deleter, converter, reviews, tokenRequests, presenter, podStreams });
    const metrics = new ServerMetrics();
    const system = new SystemHandler(registry, secrets.tokens, () => this.url, metrics);
    const http = new HttpServer({ address: this.#options.address, port: this.#port, serving: secrets.serving, authorityPem: secrets.authority.certificatePem, authenticator, rbac, resources, system, podStreams, proxies: new ProxyHandler(store), registry, metrics, report });
    const context = (): ReturnType<typeof internalContext> => internalContext(CONTROLLER);
    const collector = new GarbageCollector({ store, registry, operations, deleter, context, report });
    const namespaces = new NamespaceLifecycle({ store, registry, operations, deleter, context, rootCertificate: () => secrets.authority.certificatePem, report, keepsNamespaces: this.#options.controllerManager !== false });
    return { store, secrets, registry, custom, caller, operations, deleter, presenter, http, collector, namespaces, running: false };
  }

  /** Keys are kept with the objects, so that tokens and kubeconfigs outlive the process too. */
  async #openSecrets(): Promise<Secrets> {
    const { directory, address, certificateNames = [], kubernetesAddress, serviceNetwork } = this.#options;
    const path = directory === undefined ? undefined : join(directory, 'keys.json');
    const saved = path !== undefined && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { authority: KeyPairPem; tokenKey: string; admin: KeyPairPem }) : undefined;
    const authority = await CertificateAuthority.open(saved?.authority);
    const isAddress = (name: string): boolean => /^[\d.]+$|:/.test(name);
    const names = [...certificateNames, address, kubernetesAddress ?? serviceNetwork.first, '127.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
    const serving = await authority.issue({ commonName: 'kube-apiserver', usage: 'server', dnsNames: names.filter((name) => !isAddress(name)), addresses: [...new Set(names.filter(isAddress))] });
    const admin = saved?.admin ?? (await authority.issue({ commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' }));
    const tokens = new ServiceAccountTokens(ISSUER, saved?.tokenKey);
    if (path !== undefined && !saved) {
      mkdirSync(directory ?? '', { recursive: true, mode: 0o700 });
      writeFileSync(path, JSON.stringify({ authority: await authority.export(), tokenKey: tokens.exportKey(), admin }), { mode: 0o600 });
    }
    return { authority, serving, admin, tokens };
  }
}

interface Parts {
  readonly store: Store;
  readonly secrets: Secrets;
  readonly registry: Registry;
  readonly custom: CustomResources;
  readonly caller: WebhookCaller;
  readonly operations: Operations;
  readonly deleter: Deleter;
  readonly presenter: Presenter;
  readonly http: HttpServer;
  readonly collector: GarbageCollector;
  readonly namespaces: NamespaceLifecycle;
  running: boolean;
}

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
