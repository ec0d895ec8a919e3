// The API server's memory: every object of every resource under one revision counter, as etcd holds them.
// Reads and writes are synchronous, so a read, a check and a write in one turn are one transaction.
import { deepFreeze, objectKey, type KubeObject } from './kube-object.ts';
import type { Journal } from './journal.ts';
import { ResourceTable, type StoreEvent } from './resource-table.ts';

/** What a store is built with. */
export interface StoreOptions {
  /** Events kept per resource for watches that resume; 1000 when absent. */
  readonly historyLimit?: number;
  /** Where changes are written so that they outlive the process. */
  readonly journal?: Journal;
}

/** Objects by resource (`group/plural`), namespace and name. */
export class Store {
  readonly #tables = new Map<string, ResourceTable>();
  readonly #historyLimit: number;
  readonly #journal: Journal | undefined;
  #revision = 1;
  /** Changes up to here happened in an earlier process: their events are gone. */
  #floor = 0;

  constructor(options: StoreOptions = {}) {
    this.#historyLimit = options.historyLimit ?? 1000;
    this.#journal = options.journal;
  }

  /** Fills the store from its journal; to be called once, before anything else. */
  load(): void {
    if (!this.#journal) return;
    const { revision, objects } = this.#journal.load();
    this.#revision = Math.max(this.#revision, revision);
    this.#floor = revision;
    for (const [resource, object] of objects) {
      deepFreeze(object);
      this.#table(resource).objects.set(objectKey(object.metadata.namespace, object.metadata.name), object);
    }
  }

  /** The revision of the last change. */
  get revision(): number {
    return this.#revision;
  }

  /** Resources that hold, or once held, objects. */
  resources(): string[] {
    return [...this.#tables.keys()];
  }

  get(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    return this.#tables.get(resource)?.objects.get(objectKey(namespace, name));
  }

  /** Objects in key order, of one namespace when one is given, as of `revision` when that is given. */
  list(resource: string, namespace?: string, revision?: number): KubeObject[] {
    const table = this.#tables.get(resource);
    if (!table) return [];
    const past = revision !== undefined && revision < this.#revision;
    const objects = past ? table.at(revision) : table.objects;
    const keys = past ? [...objects.keys()].sort() : table.keys();
    const prefix = namespace === undefined ? undefined : `${namespace}/`;
    const found: KubeObject[] = [];
    for (const key of keys) {
      if (prefix !== undefined && !key.startsWith(prefix)) continue;
      const object = objects.get(key);
      if (object) found.push(object);
    }
    return found;
  }

  /** Number of objects of a resource. */
  count(resource: string): number {
    return this.#tables.get(resource)?.objects.size ?? 0;
  }

  /** Writes `object` with the next revision as its resourceVersion, and returns it frozen. */
  put(resource: string, object: KubeObject): KubeObject {
    this.#revision += 1;
    const { namespace, name } = object.metadata;
    const table = this.#table(resource);
    const previous = table.objects.get(objectKey(namespace, name));
    const stored = deepFreeze({ ...object, metadata: { ...object.metadata, resourceVersion: String(this.#revision) } });
    this.#journal?.put(resource, stored);
    table.record({ type: previous ? 'MODIFIED' : 'ADDED', revision: this.#revision, object: stored, previous });
    return stored;
  }

  /** Removes an object; its last state carries the revision of the removal. */
  remove(resource: string, namespace: string | undefined, name: string): KubeObject | undefined {
    const table = this.#tables.get(resource);
    const previous = table?.objects.get(objectKey(namespace, name));
    if (!table || !previous) return undefined;
    this.#revision += 1;
    const last = deepFreeze({ ...previous, metadata: { ...previous.metadata, resourceVersion: String(this.#revision) } });
    this.#journal?.remove(resource, last);
    table.record({ type: 'DELETED', revision: this.#revision, object: last, previous });
    return last;
  }

  /** Events of a resource after `revision`; throws ExpiredError when they are no longer known. */
  since(resource: string, revision: number): readonly StoreEvent[] {
    return this.#table(resource).since(revision);
  }

  /** Calls `listener` at each change of a resource, in order. */
  subscribe(resource: string, listener: (event: StoreEvent) => void): () => void {
    return this.#table(resource).subscribe(listener);
  }

  /** Drops the history of every resource but its last `keep` events, as etcd's compaction does. */
  compact(keep: number): void {
    for (const table of this.#tables.values()) table.compact(keep);
  }

  #table(resource: string): ResourceTable {
    let table = this.#tables.get(resource);
    if (!table) {
      table = new ResourceTable(this.#historyLimit, this.#floor);
      this.#tables.set(resource, table);
    }
    return table;
  }
}

