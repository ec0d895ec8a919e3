// The life of namespaces: gives each its default ServiceAccount and root certificate, empties it when it is deleted, then
// lets it go. Also empties a custom resource whose definition is deleted.
import type { KubeObject, Store } from '../store/index.ts';
import { CRD_FINALIZER, type Deleter } from './deletion.ts';
import { ApiStatusError } from './internal-client.ts';
import type { Operations } from './operations.ts';
import type { Registry } from './registry.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceInfo } from './resource-info.ts';

const CRDS = 'apiextensions.k8s.io/customresourcedefinitions';
const RETRY_MILLISECONDS = 200;

/** What the controller is built from. */
export interface NamespaceLifecycleOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly deleter: Deleter;
  readonly context: () => RequestContext;
  readonly rootCertificate: () => string;
  readonly report: (error: unknown) => void;
  /** Otherwise only the definitions of custom resources are looked after. */
  readonly keepsNamespaces: boolean;
}

/** The namespace controller and the finalizer of CustomResourceDefinitions. */
export class NamespaceLifecycle {
  readonly #options: NamespaceLifecycleOptions;
  readonly #busy = new Set<string>();
  #unsubscribe: (() => void)[] = [];
  #stopped = true;

  constructor(options: NamespaceLifecycleOptions) {
    this.#options = options;
  }

  start(): void {
    this.#stopped = false;
    const { store } = this.#options;
    const changed = (event: { type: string; object: KubeObject }): void => { if (event.type !== 'DELETED') this.#look(event.object); };
    const withdrawn = (event: { type: string; object: KubeObject }): void => {
      // What every namespace has is made again when somebody deletes it.
      const namespace = store.get('/namespaces', undefined, event.object.metadata.namespace ?? '');
      if (event.type === 'DELETED' && namespace) this.#look(namespace);
    };
    this.#unsubscribe = [store.subscribe(CRDS, (event) => { if (event.type !== 'DELETED' && event.object.metadata.deletionTimestamp !== undefined) this.#run(`crd ${event.object.metadata.name}`, () => this.#emptyResource(event.object.metadata.name)); })];
    if (this.#options.keepsNamespaces) this.#unsubscribe.push(
      store.subscribe('/namespaces', changed),
      store.subscribe('/serviceaccounts', (event) => { if (event.object.metadata.name === 'default') withdrawn(event); }),
      store.subscribe('/configmaps', (event) => { if (event.object.metadata.name === 'kube-root-ca.crt') withdrawn(event); }),
    );
    if (this.#options.keepsNamespaces) for (const namespace of store.list('/namespaces')) this.#look(namespace);
    for (const crd of store.list(CRDS)) if (crd.metadata.deletionTimestamp !== undefined) this.#run(`crd ${crd.metadata.name}`, () => this.#emptyResource(crd.metadata.name));
  }

  stop(): void {
    this.#stopped = true;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }

  #look(namespace: KubeObject): void {
    const { name } = namespace.metadata;
    if (namespace.metadata.deletionTimestamp === undefined) this.#furnish(name).catch(this.#options.report);
    else this.#run(`namespace ${name}`, () => this.#emptyNamespace(name));
  }

  /** One run a key at a time; runs that are not done are repeated until they are. */
  #run(key: string, step: () => Promise<boolean>): void {
    if (this.#busy.has(key)) return;
    this.#busy.add(key);
    const again = (): void => {
      if (this.#stopped) {
        this.#busy.delete(key);
        return;
      }
      step().catch((error: unknown) => {
        this.#options.report(error);
        return false;
      }).then((done) => {
        if (done) this.#busy.delete(key);
        else setTimeout(again, RETRY_MILLISECONDS).unref();
      }).catch(this.#options.report);
    };
    setImmediate(again);
  }

  async #furnish(namespace: string): Promise<void> {
    const { store, rootCertificate } = this.#options;
    if (!store.get('/serviceaccounts', namespace, 'default')) await this.#create('', 'serviceaccounts', namespace, { metadata: { name: 'default' } });
    const data = { 'ca.crt': rootCertificate() };
    if (!store.get('/configmaps', namespace, 'kube-root-ca.crt')) await this.#create('', 'configmaps', namespace, { metadata: { name: 'kube-root-ca.crt', annotations: { 'kubernetes.io/description': 'Holds the certificate authority that signs the certificate of this cluster\'s API server.' } }, data });
  }

  async #create(group: string, plural: string, namespace: string, body: object): Promise<void> {
    const info = this.#options.registry.find(group, plural);
    const version = info?.versions[0];
    if (!info || !version) return;
    try {
      await this.#options.operations.create(this.#options.context(), { info, version, namespace }, body);
    } catch (error) {
      // Somebody else made it, or the namespace has ended meanwhile.
      if (!(error instanceof ApiStatusError) || ![403, 404, 409].includes(error.code)) throw error;
    }
  }

  async #emptyNamespace(name: string): Promise<boolean> {
    const { store, registry, operations } = this.#options;
    const namespace = store.get('/namespaces', undefined, name);
    if (namespace?.metadata.deletionTimestamp === undefined) return true;
    let left = 0;
    for (const info of [...registry.all()]) {
      if (!info.namespaced || info.virtual) continue;
      left += await this.#deleteAll(info, store.list(info.storeKey, name));
    }
    if (left > 0) return false;
    const info = registry.find('', 'namespaces') as ResourceInfo;
    const version = info.versions[0] as ResourceInfo['versions'][number];
    await operations.update(this.#options.context(), { info, version, namespace: undefined, name }, 'finalize', (live) => ({ ...live, spec: { ...live.spec, finalizers: [] } })).catch(ignoreGone);
    const after = store.get('/namespaces', undefined, name);
    // Other finalizers may be left: the removal of the last one is an update, which ends it.
    return after === undefined || (after.spec?.finalizers ?? []).length === 0;
  }

  async #emptyResource(name: string): Promise<boolean> {
    const { store, registry, operations } = this.#options;
    const crd = store.get(CRDS, undefined, name);
    if (crd?.metadata.deletionTimestamp === undefined || !(crd.metadata.finalizers ?? []).includes(CRD_FINALIZER)) return true;
    const served = registry.find(crd.spec.group, crd.spec.names.plural);
    if (served && (await this.#deleteAll(served, store.list(served.storeKey))) > 0) return false;
    const info = registry.find('apiextensions.k8s.io', 'customresourcedefinitions') as ResourceInfo;
    const version = info.versions[0] as ResourceInfo['versions'][number];
    await operations.update(this.#options.context(), { info, version, namespace: undefined, name }, '', (live) => ({ ...live, metadata: { ...live.metadata, finalizers: (live.metadata.finalizers ?? []).filter((finalizer) => finalizer !== CRD_FINALIZER) } })).catch(ignoreGone);
    return true;
  }

  /** Deletes objects; returns how many are still there. */
  async #deleteAll(info: ResourceInfo, objects: readonly KubeObject[]): Promise<number> {
    const version = info.versions.find((candidate) => candidate.name === info.storageVersion) ?? info.versions[0];
    if (!version) return 0;
    let left = 0;
    for (const { metadata } of objects) {
      if (metadata.deletionTimestamp === undefined) await this.#options.deleter.delete(this.#options.context(), { info, version, namespace: metadata.namespace, name: metadata.name }, { propagationPolicy: 'Background' }).catch(ignoreGone);
      if (this.#options.store.get(info.storeKey, metadata.namespace, metadata.name)) left += 1;
    }
    return left;
  }
}

function ignoreGone(error: unknown): undefined {
  if (error instanceof ApiStatusError && (error.code === 404 || error.code === 409)) return undefined;
  throw error;
}
