// Objects of one kind from a changing set of namespaces: one informer a namespace, one table over all of them.
// Our rights are RoleBindings in the member namespaces, so a cluster-wide watch is not ours to make.
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';
import { Informer, type KubeClient } from '../../shared/kube/index.ts';

/** How the objects are read. */
export interface NamespacedTableOptions<T> {
  /** What to keep of an object. */
  readonly transform?: (object: T) => T;
  /** Which objects; all when absent. */
  readonly labelSelector?: string;
  /** How long the first read of a namespace may take before the mesh goes on without it. */
  readonly syncTimeoutMilliseconds?: number;
}

const DEFAULT_SYNC_TIMEOUT_MILLISECONDS = 15_000;

/** A table by `namespace/name` over the informers of several namespaces. */
export class NamespacedTable<T extends KubernetesObject> {
  readonly type: ResourceType<T>;
  readonly #client: KubeClient;
  readonly #options: NamespacedTableOptions<T>;
  readonly #table = new Table<string, T>();
  readonly #informers = new Map<string, Informer<T>>();
  readonly #log = createLogger('ingest');

  constructor(client: KubeClient, type: ResourceType<T>, options: NamespacedTableOptions<T> = {}) {
    this.#client = client;
    this.type = type;
    this.#options = options;
  }

  /** The objects of all namespaces. */
  get table(): ReadonlyTable<string, T> {
    return this.#table;
  }

  /** Follows exactly `namespaces` from now on; resolves when those new to it have been read, or could not be in time. */
  async follow(namespaces: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const leaving = [...this.#informers.keys()].filter((namespace) => !namespaces.has(namespace));
    await Promise.all(leaving.map((namespace) => this.#leave(namespace)));
    const joining = [...namespaces].filter((namespace) => !this.#informers.has(namespace));
    await Promise.all(joining.map((namespace) => this.#join(namespace, signal)));
  }

  /** Stops all informers; the content stays. */
  async stop(): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer.stop()));
  }

  async #join(namespace: string, signal: AbortSignal): Promise<void> {
    const { transform, labelSelector, syncTimeoutMilliseconds = DEFAULT_SYNC_TIMEOUT_MILLISECONDS } = this.#options;
    const informer = new Informer(this.#client, this.type, { namespace, optional: true, ...(labelSelector ? { labelSelector } : {}), ...(transform ? { transform } : {}) });
    this.#informers.set(namespace, informer);
    informer.onChange((change) => {
      if (this.#informers.get(namespace) !== informer) return;
      if (change.type === 'deleted') this.#table.delete(change.key);
      else this.#table.set(change.key, change.object);
    });
    const synced = informer.start(signal);
    await Promise.race([synced, timeout(syncTimeoutMilliseconds)]);
    if (!informer.hasSynced() && !signal.aborted) {
      this.#log.warn({ namespace, resource: this.type.plural, group: this.type.group }, 'this kind cannot be read here yet and counts as empty; check that the mizzend service account may list and watch it');
    }
  }

  async #leave(namespace: string): Promise<void> {
    const informer = this.#informers.get(namespace);
    this.#informers.delete(namespace);
    for (const [key, object] of [...this.#table.entries()]) if (object.metadata?.namespace === namespace) this.#table.delete(key);
    await informer?.stop();
  }
}

function timeout(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref());
}
