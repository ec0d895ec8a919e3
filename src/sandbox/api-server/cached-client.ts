// The internal client with a table of every resource somebody watches, for the controllers, the node and the network.
// What a caller wrote is in the table when the write returns, so nobody acts twice on a stale view.
import type { InternalClient, ResourceName, StoredObject } from './internal-client.ts';

/** Called after an object has changed; `object` is undefined when it is gone. */
export type ChangeHandler = (object: StoredObject | undefined, previous: StoredObject | undefined) => void;

const TOMBSTONES = 4096;

/** The present objects of one resource, kept by a watch. */
export class ObjectTable {
  readonly #objects = new Map<string, StoredObject>();
  readonly #byOwner = new Map<string, Map<string, StoredObject>>();
  readonly #handlers = new Set<ChangeHandler>();
  readonly #gone = new Set<string>();

  /** The object of this name, if there is one. */
  get(namespace: string | undefined, name: string): StoredObject | undefined {
    return this.#objects.get(tableKey(namespace, name));
  }

  /** The objects of a namespace, or all. */
  list(namespace?: string): StoredObject[] {
    const all = [...this.#objects.values()];
    return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
  }

  /** The objects whose controller is the object with this uid. */
  ownedBy(uid: string): StoredObject[] {
    return [...(this.#byOwner.get(uid)?.values() ?? [])];
  }

  /** Calls `handler` for every object now, and after each change; returns the way to stop. */
  subscribe(handler: ChangeHandler): () => void {
    this.#handlers.add(handler);
    for (const object of this.list()) handler(object, undefined);
    return () => this.#handlers.delete(handler);
  }

  /** Takes over an object that a watch or a write has answered, unless a newer one is known. */
  put(object: StoredObject): void {
    const key = objectKey(object);
    const previous = this.#objects.get(key);
    if (this.#gone.has(object.metadata.uid)) return;
    if (previous && previous.metadata.uid === object.metadata.uid && Number(previous.metadata.resourceVersion) >= Number(object.metadata.resourceVersion)) return;
    if (previous) this.#unindex(key, previous);
    this.#objects.set(key, object);
    this.#index(key, object);
    for (const handler of this.#handlers) handler(object, previous);
  }

  /** Takes an object out. */
  remove(object: StoredObject): void {
    const key = objectKey(object);
    this.#gone.add(object.metadata.uid);
    if (this.#gone.size > TOMBSTONES) this.#gone.delete(this.#gone.values().next().value ?? '');
    const previous = this.#objects.get(key);
    if (!previous || previous.metadata.uid !== object.metadata.uid) return;
    this.#objects.delete(key);
    this.#unindex(key, previous);
    for (const handler of this.#handlers) handler(undefined, object);
  }

  #index(key: string, object: StoredObject): void {
    const owner = controllerUid(object);
    if (owner === undefined) return;
    const owned = this.#byOwner.get(owner) ?? new Map<string, StoredObject>();
    owned.set(key, object);
    this.#byOwner.set(owner, owned);
  }

  #unindex(key: string, object: StoredObject): void {
    const owner = controllerUid(object);
    if (owner === undefined) return;
    const owned = this.#byOwner.get(owner);
    owned?.delete(key);
    if (owned?.size === 0) this.#byOwner.delete(owner);
  }
}

/** The uid of the object's controller, from its owner references. */
export function controllerUid(object: StoredObject): string | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller)?.uid;
}

/** `namespace/name`, or the name of a cluster-scoped object. */
export function objectKey(object: StoredObject): string {
  return tableKey(object.metadata.namespace, object.metadata.name);
}

function tableKey(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Reads from tables, writes through to the server. */
export class CachedClient {
  readonly client: InternalClient;
  readonly #tables = new Map<string, ObjectTable>();
  readonly #stops: (() => void)[] = [];

  constructor(client: InternalClient) {
    this.client = client;
  }

  /** The table of a resource; the first call starts its watch. */
  table(resource: ResourceName): ObjectTable {
    const id = `${resource.group}/${resource.resource}`;
    let table = this.#tables.get(id);
    if (!table) {
      const created = new ObjectTable();
      table = created;
      this.#tables.set(id, created);
      this.#stops.push(this.client.watch(resource, (event) => (event.type === 'DELETED' ? created.remove(event.object) : created.put(event.object))));
    }
    return table;
  }

  async create(resource: ResourceName, object: object): Promise<StoredObject> {
    return this.#seen(resource, await this.client.create(resource, object));
  }

  async update(resource: ResourceName, object: object, subresource?: string): Promise<StoredObject> {
    return this.#seen(resource, await this.client.update(resource, object, subresource));
  }

  /** JSON merge patch. */
  async patch(resource: ResourceName, namespace: string | undefined, name: string, patch: object, subresource?: string): Promise<StoredObject> {
    return this.#seen(resource, await this.client.patch(resource, namespace, name, patch, subresource));
  }

  /** Deletes; an object that is already gone is no error. */
  async delete(resource: ResourceName, namespace: string | undefined, name: string, options?: Parameters<InternalClient['delete']>[3]): Promise<void> {
    try {
      await this.client.delete(resource, namespace, name, options);
    } catch (error) {
      if (!isStatus(error, 404)) throw error;
    }
  }

  /** Ends every watch. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  #seen(resource: ResourceName, object: StoredObject): StoredObject {
    this.#tables.get(`${resource.group}/${resource.resource}`)?.put(object);
    return object;
  }
}

/** Whether an error is the API server's Status with this HTTP code. */
export function isStatus(error: unknown, code: number): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
