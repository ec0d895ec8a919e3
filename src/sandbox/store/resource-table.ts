// All objects of one resource, with the recent changes that let a watch resume and a paged list stay consistent.
// Used by the Store only.
import { objectKey, type KubeObject } from './kube-object.ts';

/** One change of one object; `previous` is what it replaced. */
export interface StoreEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

/** The wanted revision has been compacted away: the caller has to list again. */
export class ExpiredError extends Error {
  constructor(wanted: number, oldest: number) {
    super(`too old resource version: ${String(wanted)} (${String(oldest)})`);
    this.name = 'ExpiredError';
  }
}

/** Objects of one resource by key, with a bounded history. */
export class ResourceTable {
  readonly objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<(event: StoreEvent) => void>();
  readonly #historyLimit: number;
  #history: StoreEvent[] = [];
  #sorted: readonly string[] | undefined = undefined;
  /** The newest revision whose event is gone. */
  #compacted: number;

  constructor(historyLimit: number, compacted: number) {
    this.#historyLimit = historyLimit;
    this.#compacted = compacted;
  }

  /** Keys in order, as etcd would list them. */
  keys(): readonly string[] {
    this.#sorted ??= [...this.objects.keys()].sort();
    return this.#sorted;
  }

  /** Writes or removes an object and tells the listeners, in order. */
  record(event: StoreEvent): void {
    const { namespace, name } = event.object.metadata;
    const key = objectKey(namespace, name);
    if (event.type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, event.object);
    if (event.type !== 'MODIFIED') this.#sorted = undefined;
    this.#history.push(event);
    if (this.#history.length > this.#historyLimit * 2) this.compact(this.#historyLimit);
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** Forgets all but the last `keep` events. */
  compact(keep: number): void {
    const dropped = this.#history.length - keep;
    if (dropped <= 0) return;
    this.#compacted = this.#history[dropped - 1]?.revision ?? this.#compacted;
    this.#history = this.#history.slice(dropped);
  }

  /** Events after `revision`; throws ExpiredError when some of them are gone. */
  since(revision: number): readonly StoreEvent[] {
    if (revision < this.#compacted) throw new ExpiredError(revision, this.#compacted);
    let start = this.#history.length;
    while (start > 0 && (this.#history[start - 1] as StoreEvent).revision > revision) start -= 1;
    return this.#history.slice(start);
  }

  /** Objects as they were at `revision`, by undoing what came after. */
  at(revision: number): Map<string, KubeObject> {
    const snapshot = new Map(this.objects);
    for (const event of [...this.since(revision)].reverse()) {
      const key = objectKey(event.object.metadata.namespace, event.object.metadata.name);
      if (event.previous) snapshot.set(key, event.previous);
      else snapshot.delete(key);
    }
    return snapshot;
  }

  /** Calls `listener` at each change until the returned function is called. */
  subscribe(listener: (event: StoreEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
