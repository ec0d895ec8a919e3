// The InternalClient: the API for the sandbox's own controllers and node, in this process, through the whole pipeline.
import type { User } from '../auth/index.ts';
import { applyMergePatch } from '../patch/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { Deleter } from './deletion.ts';
import type { InternalClient, ResourceName, StoredObject, WatchEvent } from './internal-client.ts';
import type { Operations } from './operations.ts';
import type { Registry } from './registry.ts';
import type { RequestContext } from './request-context.ts';
import { servedVersion } from './resource-info.ts';
import { compileSelection } from './selection.ts';
import { noSuchPath } from './status.ts';
import type { Target } from './target.ts';

/** What the client works with. */
export interface InProcessClientOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly deleter: Deleter;
}

/** The context of a call from inside. */
export function internalContext(user: User): RequestContext {
  return { user, fieldManager: user.name.split(':').at(-1) ?? user.name, dryRun: false, fieldValidation: 'Warn', force: false, warnings: [] };
}

/** Calls the API in this process as one user. */
export class InProcessClient implements InternalClient {
  readonly #options: InProcessClientOptions;
  readonly #user: User;

  constructor(options: InProcessClientOptions, user: User) {
    this.#options = options;
    this.#user = user;
  }

  async get(resource: ResourceName, namespace: string | undefined, name: string): Promise<StoredObject | undefined> {
    return Promise.resolve(this.#options.store.get(this.#target(resource).info.storeKey, namespace, name));
  }

  async list(resource: ResourceName, options: { namespace?: string; labelSelector?: string; fieldSelector?: string } = {}): Promise<StoredObject[]> {
    const { info, version } = this.#target(resource);
    const selection = compileSelection(info, version, options.labelSelector, options.fieldSelector);
    const objects = this.#options.store.list(info.storeKey, options.namespace);
    return Promise.resolve(selection ? objects.filter(selection) : objects);
  }

  async create(resource: ResourceName, object: object): Promise<StoredObject> {
    const { metadata } = object as { metadata?: { namespace?: string } };
    return this.#options.operations.create(internalContext(this.#user), this.#target(resource, object, metadata?.namespace), object);
  }

  async update(resource: ResourceName, object: object, subresource = ''): Promise<StoredObject> {
    const { metadata } = object as StoredObject;
    return this.#options.operations.update(internalContext(this.#user), this.#target(resource, object, metadata.namespace, metadata.name), subresource, () => object);
  }

  async patch(resource: ResourceName, namespace: string | undefined, name: string, patch: object, subresource = ''): Promise<StoredObject> {
    const change = (live: KubeObject): unknown => applyMergePatch(live, patch);
    return this.#options.operations.update(internalContext(this.#user), this.#target(resource, undefined, namespace, name), subresource, change);
  }

  async delete(resource: ResourceName, namespace: string | undefined, name: string, options: { gracePeriodSeconds?: number; propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'; uid?: string; resourceVersion?: string } = {}): Promise<void> {
    const { gracePeriodSeconds, propagationPolicy, uid, resourceVersion } = options;
    await this.#options.deleter.delete(internalContext(this.#user), this.#target(resource, undefined, namespace, name), { gracePeriodSeconds, propagationPolicy, preconditions: { uid, resourceVersion } });
  }

  /** Events come in a later turn than the write that made them, so that a handler may write in turn. */
  watch(resource: ResourceName, handler: (event: WatchEvent) => void): () => void {
    const { store } = this.#options;
    const { storeKey } = this.#target(resource).info;
    let pending: WatchEvent[] = store.list(storeKey).map((object) => ({ type: 'ADDED', object }));
    let stopped = false;
    let scheduled = false;
    const deliver = (): void => {
      scheduled = false;
      const events = pending;
      pending = [];
      for (const event of events) if (!stopped) handler(event);
    };
    const schedule = (): void => {
      if (scheduled || pending.length === 0) return;
      scheduled = true;
      setImmediate(deliver);
    };
    const unsubscribe = store.subscribe(storeKey, ({ type, object }) => {
      pending.push({ type, object });
      schedule();
    });
    schedule();
    return () => {
      stopped = true;
      unsubscribe();
    };
  }

  #target(resource: ResourceName, object?: object, namespace?: string, name = ''): Target {
    const info = this.#options.registry.find(resource.group, resource.resource);
    const stated = (object as { apiVersion?: string } | undefined)?.apiVersion?.split('/').at(-1) ?? info?.storageVersion ?? '';
    const version = info ? servedVersion(info, stated) : undefined;
    if (!info || !version) throw noSuchPath();
    return { info, version, namespace: info.namespaced ? namespace : undefined, name };
  }
}
