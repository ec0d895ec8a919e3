// A keyed table with one writer and many readers: the joint between components. Setting an equal value is a no-op,
// and readers are told which keys changed, coalesced to one notice per turn.
import { deepEqual } from './deep-equal.ts';

/** What readers see of a table. */
export interface ReadonlyTable<K, V> {
  readonly size: number;
  get(key: K): V | undefined;
  has(key: K): boolean;
  entries(): IterableIterator<[K, V]>;
  values(): IterableIterator<V>;
  keys(): IterableIterator<K>;
  /** Calls `listener` with the keys changed since its last call, one call per turn at most; returns the way to stop it. */
  subscribe(listener: (changedKeys: ReadonlySet<K>) => void): () => void;
}

/** A table its one owner writes. */
export class Table<K, V> implements ReadonlyTable<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #listeners = new Set<(changedKeys: ReadonlySet<K>) => void>();
  #changed = new Set<K>();

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  entries(): IterableIterator<[K, V]> {
    return this.#entries.entries();
  }

  values(): IterableIterator<V> {
    return this.#entries.values();
  }

  keys(): IterableIterator<K> {
    return this.#entries.keys();
  }

  /** Writes `value` at `key`; returns whether that changed the table. */
  set(key: K, value: V): boolean {
    if (this.#entries.has(key) && deepEqual(this.#entries.get(key), value)) return false;
    this.#entries.set(key, value);
    this.#note(key);
    return true;
  }

  /** Removes `key`; returns whether it was there. */
  delete(key: K): boolean {
    if (!this.#entries.delete(key)) return false;
    this.#note(key);
    return true;
  }

  subscribe(listener: (changedKeys: ReadonlySet<K>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #note(key: K): void {
    const first = this.#changed.size === 0;
    this.#changed.add(key);
    if (!first) return;
    void Promise.resolve().then(() => {
      const changed = this.#changed;
      this.#changed = new Set();
      for (const listener of this.#listeners) listener(changed);
    });
  }
}
