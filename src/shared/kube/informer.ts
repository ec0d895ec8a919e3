// A local copy of one kind of object, kept current by list and watch. Survives what happens to a watch: ends, errors, expired
// resourceVersions, silent connections and restarts of the API server. Everything that reads the cluster continuously stands on it.
import { setTimeout as sleep } from 'node:timers/promises';
import { objectKey, type KubernetesObject, type ResourceType } from '../api/meta/index.ts';
import { Backoff, describeError, type ReadonlyTable, Table } from '../lib/index.ts';
import { createLogger, type Logger } from '../observability/index.ts';
import type { KubeClient } from './kube-client.ts';
import { KubeError } from './kube-error.ts';
import { watch, type WatchEvent } from './watch.ts';

/** Which objects an informer holds, and how it behaves. */
export interface InformerOptions<T> {
  /** One namespace; all when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** A kind that the server does not serve (its CRD is not there) counts as a kind with no objects; looked for again every few seconds. */
  readonly optional?: boolean;
  /** Keeps metadata.managedFields, which are dropped otherwise to save memory. */
  readonly keepManagedFields?: boolean;
  /** What to keep of an object; the key is taken before. */
  readonly transform?: (object: T) => T;
  /** Longest time of one watch; a random part of it is used, from half to all. */
  readonly watchSeconds?: number;
  readonly backoff?: { readonly initialMilliseconds: number; readonly maximumMilliseconds: number };
}

/** One change of an informer's content. */
export type ObjectChange<T> =
  | { readonly type: 'added'; readonly key: string; readonly object: T }
  | { readonly type: 'updated'; readonly key: string; readonly object: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly key: string; readonly object: T };

const DEFAULT_WATCH_SECONDS = 480;
const ABSENT_KIND_RETRY_MILLISECONDS = 3_000;

/** Objects by `namespace/name` (or `name`), as the server last told. */
export class Informer<T extends KubernetesObject> implements ReadonlyTable<string, T> {
  readonly name: string;
  readonly type: ResourceType<T>;
  readonly #client: KubeClient;
  readonly #options: InformerOptions<T>;
  readonly #table = new Table<string, T>();
  readonly #handlers = new Set<(change: ObjectChange<T>) => void>();
  readonly #log: Logger;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #resourceVersion = '';
  #synced = false;
  #whenSynced: (() => void)[] = [];

  constructor(client: KubeClient, type: ResourceType<T>, options: InformerOptions<T> = {}) {
    this.name = `informer ${type.plural}${type.group ? `.${type.group}` : ''}`;
    this.type = type;
    this.#client = client;
    this.#options = options;
    this.#log = createLogger('informer');
    this.#backoff = new Backoff(options.backoff ?? { initialMilliseconds: 200, maximumMilliseconds: 15_000 });
  }

  /** Starts to follow the server; resolves when the first whole list is here. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#running) return this.waitForSync(signal);
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    if (signal.aborted) this.#stop.abort();
    this.#running = this.#run();
    await this.waitForSync(signal);
  }

  /** Stops following; the content stays as it is. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Whether a whole list has been read since the start. */
  hasSynced(): boolean {
    return this.#synced;
  }

  /** Resolves when the first whole list has been read, or when `signal` or the informer's stop ends the wait. */
  async waitForSync(signal?: AbortSignal): Promise<void> {
    if (this.#synced || this.#stop.signal.aborted || signal?.aborted) return;
    await new Promise<void>((resolve) => {
      this.#whenSynced.push(resolve);
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** Calls `handler` for every object there is (as added) and then for every change; returns the way to stop it. */
  onChange(handler: (change: ObjectChange<T>) => void): () => void {
    for (const [key, object] of this.#table.entries()) handler({ type: 'added', key, object });
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  get size(): number {
    return this.#table.size;
  }

  get(key: string): T | undefined {
    return this.#table.get(key);
  }

  has(key: string): boolean {
    return this.#table.has(key);
  }

  entries(): IterableIterator<[string, T]> {
    return this.#table.entries();
  }

  values(): IterableIterator<T> {
    return this.#table.values();
  }

  keys(): IterableIterator<string> {
    return this.#table.keys();
  }

  subscribe(listener: (changedKeys: ReadonlySet<string>) => void): () => void {
    return this.#table.subscribe(listener);
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        if (this.#resourceVersion === '') await this.#list();
        await this.#watchOnce();
      } catch (error) {
        if (signal.aborted) return;
        await this.#recover(error);
      }
    }
  }

  /** Reads everything, in parts, and makes the table equal to it. */
  async #list(): Promise<void> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    const selection = { ...(namespace ? { namespace } : {}), ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}), signal: this.#stop.signal };
    const seen = new Map<string, T>();
    let next: string | undefined;
    let resourceVersion = '';
    do {
      const part = await this.#client.list(this.type, { ...selection, limit: 500, ...(next ? { continue: next } : {}) });
      for (const item of part.items) seen.set(objectKey(item), item);
      resourceVersion = part.metadata.resourceVersion ?? '';
      next = part.metadata.continue || undefined;
    } while (next);
    for (const key of [...this.#table.keys()]) if (!seen.has(key)) this.#remove(key);
    for (const [key, object] of seen) this.#put(key, object);
    this.#resourceVersion = resourceVersion;
    this.#markSynced();
  }

  async #watchOnce(): Promise<void> {
    const { namespace, labelSelector, fieldSelector, watchSeconds = DEFAULT_WATCH_SECONDS } = this.#options;
    const started = Date.now();
    const events = watch(this.#client, this.type, {
      ...(namespace ? { namespace } : {}), ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}),
      resourceVersion: this.#resourceVersion, timeoutSeconds: Math.ceil(watchSeconds / 2 + (watchSeconds / 2) * Math.random()), signal: this.#stop.signal,
    });
    for await (const event of events) {
      this.#backoff.reset();
      this.#take(event);
    }
    // A server that ends watches at once must not make us spin.
    if (Date.now() - started < 1_000) await this.#pause(this.#backoff.next());
    else this.#backoff.reset();
  }

  #take(event: WatchEvent<T>): void {
    const resourceVersion = event.object.metadata?.resourceVersion;
    if (resourceVersion) this.#resourceVersion = resourceVersion;
    if (event.type === 'BOOKMARK') return;
    const key = objectKey(event.object);
    if (event.type === 'DELETED') this.#remove(key);
    else this.#put(key, event.object);
  }

  async #recover(error: unknown): Promise<void> {
    const status = error instanceof KubeError ? error.status : -1;
    if (status === 404 && this.#options.optional) {
      for (const key of [...this.#table.keys()]) this.#remove(key);
      this.#resourceVersion = '';
      this.#markSynced();
      await this.#pause(ABSENT_KIND_RETRY_MILLISECONDS);
      return;
    }
    // The version may be too old (410), unknown to a restored server (504 "too large"), or something else is wrong that only a new list can cure.
    // A broken connection alone is no reason to read everything again.
    if (status !== 0 && status !== 429) this.#resourceVersion = '';
    if (status === 410) return;
    const wait = this.#backoff.next();
    const fields = { resource: this.name, error: describeError(error), retryMilliseconds: Math.round(wait) };
    if (status === 0) this.#log.debug(fields, 'watch broke off');
    else this.#log.warn(fields, 'list or watch failed');
    await this.#pause(wait);
  }

  #put(key: string, raw: T): void {
    const previous = this.#table.get(key);
    if (!this.#options.keepManagedFields && raw.metadata) delete raw.metadata.managedFields;
    const object = this.#options.transform ? this.#options.transform(raw) : raw;
    if (!this.#table.set(key, object)) return;
    this.#tell(previous === undefined ? { type: 'added', key, object } : { type: 'updated', key, object, previous });
  }

  #remove(key: string): void {
    const object = this.#table.get(key);
    if (object === undefined) return;
    this.#table.delete(key);
    this.#tell({ type: 'deleted', key, object });
  }

  #tell(change: ObjectChange<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (error) {
        this.#log.error({ resource: this.name, key: change.key, error: describeError(error) }, 'a handler of changes failed');
      }
    }
  }

  #markSynced(): void {
    this.#synced = true;
    const waiting = this.#whenSynced;
    this.#whenSynced = [];
    for (const resolve of waiting) resolve();
  }

  async #pause(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined); // only an abort rejects it
  }
}
