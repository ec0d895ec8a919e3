// Owner references: deletes what has lost its last owner, and finishes foreground and orphan deletions.
// Runs beside the API, on the events of every resource, with indexes by owner so that an event costs what it concerns.
import type { KubeObject, Store, StoreEvent } from '../store/index.ts';
import type { Deleter } from './deletion.ts';
import type { Operations } from './operations.ts';
import type { Registry } from './registry.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceInfo } from './resource-info.ts';
import type { Target } from './target.ts';
import { ApiStatusError } from './internal-client.ts';

interface Place { readonly storeKey: string; readonly namespace: string | undefined; readonly name: string }

const RETRY_MILLISECONDS = 500;
const MAX_GONE = 5000;

/** The garbage collector of the cluster. */
export class GarbageCollector {
  readonly #store: Store;
  readonly #registry: Registry;
  readonly #operations: Operations;
  readonly #deleter: Deleter;
  readonly #context: () => RequestContext;
  readonly #report: (error: unknown) => void;
  readonly #places = new Map<string, Place>();
  readonly #dependents = new Map<string, Set<string>>();
  readonly #queue = new Set<string>();
  /** Owners seen to go, oldest first: their kind may not be served any more when their dependents are looked at. */
  readonly #gone = new Set<string>();
  readonly #watched = new Map<string, () => void>();
  #running = false;
  #stopped = true;

  constructor(options: { store: Store; registry: Registry; operations: Operations; deleter: Deleter; context: () => RequestContext; report: (error: unknown) => void }) {
    this.#store = options.store;
    this.#registry = options.registry;
    this.#operations = options.operations;
    this.#deleter = options.deleter;
    this.#context = options.context;
    this.#report = options.report;
    this.#registry.onChange(() => { if (!this.#stopped) this.#watchAll(); });
  }

  /** Starts with what is in the store. */
  start(): void {
    this.#stopped = false;
    this.#watchAll();
  }

  stop(): void {
    this.#stopped = true;
    for (const unsubscribe of this.#watched.values()) unsubscribe();
    this.#watched.clear();
  }

  #watchAll(): void {
    for (const info of this.#registry.all()) {
      if (info.virtual || info.storeKey === '/events' || this.#watched.has(info.storeKey)) continue;
      this.#watched.set(info.storeKey, this.#store.subscribe(info.storeKey, (event) => { this.#onEvent(info.storeKey, event); }));
      for (const object of this.#store.list(info.storeKey)) this.#index(info.storeKey, object);
    }
  }

  #onEvent(storeKey: string, event: StoreEvent): void {
    const { uid } = event.object.metadata;
    if (event.type !== 'DELETED') {
      this.#index(storeKey, event.object, event.previous);
      return;
    }
    this.#places.delete(uid);
    if (this.#dependents.has(uid)) this.#noteGone(uid);
    for (const owner of owners(event.object)) {
      this.#forget(owner, uid);
      if (this.#places.has(owner)) this.#enqueue(owner);
    }
    for (const dependent of this.#dependents.get(uid) ?? []) this.#enqueue(dependent);
  }

  #forget(owner: string, dependent: string): void {
    const set = this.#dependents.get(owner);
    set?.delete(dependent);
    if (set?.size === 0) this.#dependents.delete(owner);
  }

  #noteGone(uid: string): void {
    this.#gone.add(uid);
    const [oldest] = this.#gone;
    if (this.#gone.size > MAX_GONE && oldest !== undefined) this.#gone.delete(oldest);
  }

  #index(storeKey: string, object: KubeObject, previous?: KubeObject): void {
    const { uid, namespace, name } = object.metadata;
    if (!this.#places.has(uid)) this.#places.set(uid, { storeKey, namespace, name });
    const wanted = owners(object);
    for (const owner of previous ? owners(previous) : []) if (!wanted.includes(owner)) this.#forget(owner, uid);
    for (const owner of wanted) {
      const set = this.#dependents.get(owner) ?? new Set();
      set.add(uid);
      this.#dependents.set(owner, set);
    }
    const changedOwners = !previous || owners(previous).join() !== wanted.join();
    if ((changedOwners && wanted.length > 0) || object.metadata.deletionTimestamp !== undefined) this.#enqueue(uid);
  }

  #enqueue(uid: string): void {
    if (this.#stopped) return;
    this.#queue.add(uid);
    if (this.#running) return;
    this.#running = true;
    setImmediate(() => { void this.#drain(); });
  }

  async #drain(): Promise<void> {
    for (const uid of this.#queue) {
      this.#queue.delete(uid);
      if (this.#stopped) break;
      try {
        await this.#process(uid);
      } catch (error) {
        // Gone or changed meanwhile: the event of that change has queued it again, if it matters.
        if (error instanceof ApiStatusError && (error.code === 404 || error.code === 409)) continue;
        this.#report(error);
        setTimeout(() => { this.#enqueue(uid); }, RETRY_MILLISECONDS).unref();
      }
    }
    this.#running = false;
  }

  async #process(uid: string): Promise<void> {
    const place = this.#places.get(uid);
    const object = place ? this.#store.get(place.storeKey, place.namespace, place.name) : undefined;
    if (!place || object?.metadata.uid !== uid) return;
    const target = this.#target(place);
    if (!target) return;
    const finalizers = object.metadata.finalizers ?? [];
    if (object.metadata.deletionTimestamp !== undefined && finalizers.includes('orphan')) await this.#orphan(target, uid);
    else if (object.metadata.deletionTimestamp !== undefined && finalizers.includes('foregroundDeletion')) await this.#foreground(target, uid);
    else await this.#collectIfOwnerless(target, object);
  }

  #target(place: Place): Target | undefined {
    const info = this.#info(place.storeKey);
    const version = info?.versions.find((candidate) => candidate.name === info.storageVersion) ?? info?.versions[0];
    return info && version ? { info, version, namespace: place.namespace, name: place.name } : undefined;
  }

  #info(storeKey: string): ResourceInfo | undefined {
    const slash = storeKey.indexOf('/');
    return this.#registry.find(storeKey.slice(0, slash), storeKey.slice(slash + 1));
  }

  async #collectIfOwnerless(target: Target, object: KubeObject): Promise<void> {
    const references = object.metadata.ownerReferences ?? [];
    if (references.length === 0 || object.metadata.deletionTimestamp !== undefined) return;
    const states = references.map((reference) => this.#ownerState(object, reference));
    if (states.includes('solid')) {
      const gone = new Set(references.filter((_, index) => states[index] === 'gone').map((reference) => reference.uid));
      if (gone.size > 0) await this.#dropOwners(target, gone);
      return;
    }
    if (states.includes('unknown')) return;
    const policy = states.includes('waiting') && this.#hasDependents(object.metadata.uid) ? 'Foreground' : 'Background';
    await this.#deleter.delete(this.#context(), target, { propagationPolicy: policy, preconditions: { uid: object.metadata.uid } });
  }

  /** solid: exists; waiting: is itself being deleted in the foreground; gone: does not exist. */
  #ownerState(object: KubeObject, reference: { apiVersion: string; kind: string; name: string; uid: string }): 'solid' | 'waiting' | 'gone' | 'unknown' {
    if (this.#gone.has(reference.uid)) return 'gone';
    const [group = '', version] = reference.apiVersion.split('/');
    const info = this.#registry.byKind(version === undefined ? '' : group, reference.kind);
    if (!info) return 'unknown';
    const owner = this.#store.get(info.storeKey, info.namespaced ? object.metadata.namespace : undefined, reference.name);
    if (owner?.metadata.uid !== reference.uid) return 'gone';
    return owner.metadata.deletionTimestamp !== undefined && (owner.metadata.finalizers ?? []).includes('foregroundDeletion') ? 'waiting' : 'solid';
  }

  #hasDependents(uid: string): boolean {
    return (this.#dependents.get(uid)?.size ?? 0) > 0;
  }

  async #foreground(target: Target, uid: string): Promise<void> {
    let blocked = false;
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const place = this.#places.get(dependent);
      const object = place && this.#store.get(place.storeKey, place.namespace, place.name);
      if (!object) continue;
      if ((object.metadata.ownerReferences ?? []).some((reference) => reference.uid === uid && reference.blockOwnerDeletion === true)) blocked = true;
      this.#enqueue(dependent);
    }
    if (!blocked) await this.#dropFinalizer(target, 'foregroundDeletion');
  }

  async #orphan(target: Target, uid: string): Promise<void> {
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const place = this.#places.get(dependent);
      const dependentTarget = place && this.#target(place);
      if (dependentTarget) await this.#dropOwners(dependentTarget, new Set([uid]));
    }
    await this.#dropFinalizer(target, 'orphan');
  }

  async #dropOwners(target: Target, uids: ReadonlySet<string>): Promise<void> {
    await this.#operations.update(this.#context(), target, '', (live) => ({ ...live, metadata: { ...live.metadata, ownerReferences: (live.metadata.ownerReferences ?? []).filter((reference) => !uids.has(reference.uid)) } }));
  }

  async #dropFinalizer(target: Target, name: string): Promise<void> {
    await this.#operations.update(this.#context(), target, '', (live) => ({ ...live, metadata: { ...live.metadata, finalizers: (live.metadata.finalizers ?? []).filter((finalizer) => finalizer !== name) } }));
  }
}

function owners(object: KubeObject): string[] {
  return (object.metadata.ownerReferences ?? []).map((reference) => reference.uid);
}
