// Objects of one kind that has no namespaces, in the form of a NamespacedTable.
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { Table, type ReadonlyTable } from '../../shared/lib/index.ts';
import { Informer, type KubeClient } from '../../shared/kube/index.ts';

const SYNC_TIMEOUT_MILLISECONDS = 15_000;

/** A table by name over one informer. */
export class ClusterTable<T extends KubernetesObject> {
  readonly #informer: Informer<T>;
  readonly #table = new Table<string, T>();
  readonly #syncTimeoutMilliseconds: number;

  constructor(client: KubeClient, type: ResourceType<T>, options: { readonly transform?: (object: T) => T; readonly syncTimeoutMilliseconds?: number } = {}) {
    const { transform, syncTimeoutMilliseconds = SYNC_TIMEOUT_MILLISECONDS } = options;
    this.#syncTimeoutMilliseconds = syncTimeoutMilliseconds;
    this.#informer = new Informer(client, type, { optional: true, ...(transform ? { transform } : {}) });
    this.#informer.onChange((change) => {
      if (change.type === 'deleted') this.#table.delete(change.key);
      else this.#table.set(change.key, change.object);
    });
  }

  /** The objects. */
  get table(): ReadonlyTable<string, T> {
    return this.#table;
  }

  /** Starts, the first time; members mean nothing here. Resolves when everything has been read, or could not be in time. */
  async follow(_members: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    await Promise.race([this.#informer.start(signal), new Promise<void>((resolve) => setTimeout(resolve, this.#syncTimeoutMilliseconds).unref())]);
  }

  /** Stops; the content stays. */
  async stop(): Promise<void> {
    await this.#informer.stop();
  }
}
