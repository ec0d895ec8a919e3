// Typed access to a Kubernetes API server, over any ResourceType. All our programs and the command line use it.
import { apiVersionOf, type KubernetesObject, type ResourceType } from '../api/meta/index.ts';
import { loadKubeConfig, type KubeConfigOptions } from './kube-config.ts';
import { isNotFound } from './kube-error.ts';
import { KubeTransport, type ConnectionSettings, type KubeRequest, type KubeResponse } from './kube-transport.ts';
import { collectionPath, objectPath } from './resource-path.ts';
import type { IncomingMessage } from 'node:http';

/** Which objects a list gives. */
export interface ListOptions {
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** At most so many; `metadata.continue` of the answer gives the next part. */
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly signal?: AbortSignal;
}

/** A list, or a part of one. */
export interface KubeList<T> {
  readonly metadata: { readonly resourceVersion?: string; readonly continue?: string; readonly remainingItemCount?: number };
  readonly items: T[];
}

/** Options of every write. */
export interface WriteOptions {
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** Options of server-side apply. */
export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers instead of failing with a conflict. */
  readonly force?: boolean;
  readonly subresource?: string;
}

/** The forms of a patch: RFC 7386, RFC 6902, Kubernetes' own. */
export type PatchKind = 'merge' | 'json' | 'strategic';

/** Options of a patch; `merge` when no kind is given. */
export interface PatchOptions extends WriteOptions {
  readonly kind?: PatchKind;
  readonly subresource?: string;
}

/** Options of a deletion. */
export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly gracePeriodSeconds?: number;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

const patchContentTypes = { merge: 'application/merge-patch+json', json: 'application/json-patch+json', strategic: 'application/strategic-merge-patch+json' } as const;

/** A client of one API server. */
export class KubeClient {
  readonly #transport: KubeTransport;

  constructor(transport: KubeTransport) {
    this.#transport = transport;
  }

  /** The client for KUBECONFIG, the pod's service account or ~/.kube/config, in that order. */
  static fromDefault(options: KubeConfigOptions & { readonly userAgent?: string } = {}): KubeClient {
    return new KubeClient(new KubeTransport(loadKubeConfig(options), options.userAgent ?? 'mizzen'));
  }

  /** Address of the server, as the configuration names it. */
  get server(): string {
    return this.#transport.server;
  }

  /** The object; throws a KubeError with `isNotFound()` when there is none. */
  async get<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string, signal?: AbortSignal): Promise<T> {
    return parse<T>(await this.#transport.send({ method: 'GET', path: objectPath(type, name, namespace), ...(signal ? { signal } : {}) }));
  }

  /** The object, or undefined when there is none. */
  async find<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace?: string, signal?: AbortSignal): Promise<T | undefined> {
    try {
      return await this.get(type, name, namespace, signal);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** One part of a list: everything unless `limit` is set. Items carry apiVersion and kind. */
  async list<T extends KubernetesObject>(type: ResourceType<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion, signal } = options;
    const query = { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
    const list = parse<KubeList<T>>(await this.#transport.send({ method: 'GET', path: collectionPath(type, namespace), query, ...(signal ? { signal } : {}) }));
    const items = list.items ?? [];
    for (const item of items) {
      // Lists of built-in types leave these out of each item.
      item.apiVersion ??= apiVersionOf(type);
      item.kind ??= type.kind;
    }
    return { metadata: list.metadata ?? {}, items };
  }

  /** Every object that the options select, read in parts of 500. */
  async listAll<T extends KubernetesObject>(type: ResourceType<T>, options: Omit<ListOptions, 'limit' | 'continue'> = {}): Promise<T[]> {
    const items: T[] = [];
    let next: string | undefined;
    do {
      const part: KubeList<T> = await this.list(type, { ...options, limit: 500, ...(next ? { continue: next } : {}) });
      items.push(...part.items);
      next = part.metadata.continue || undefined;
    } while (next);
    return items;
  }

  /** Creates the object; its namespace is taken from its metadata. */
  async create<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return parse<T>(await this.#transport.send({ method: 'POST', path: collectionPath(type, object.metadata?.namespace), body: typed(type, object), ...writeRequest(options) }));
  }

  /** Replaces the object; a resourceVersion in its metadata is a precondition. */
  async replace<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(type, object, undefined, options);
  }

  /** Replaces the object's status alone. */
  async replaceStatus<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: WriteOptions = {}): Promise<T> {
    return this.#put(type, object, 'status', options);
  }

  /** Server-side apply of the fields that `object` holds. */
  async apply<T extends KubernetesObject>(type: ResourceType<T>, object: T, options: ApplyOptions): Promise<T> {
    const { name = '', namespace } = object.metadata ?? {};
    const write = writeRequest(options);
    return parse<T>(await this.#transport.send({
      ...write, method: 'PATCH', path: objectPath(type, name, namespace, options.subresource), body: typed(type, object), contentType: 'application/apply-patch+yaml',
      query: { ...write.query, force: options.force === true ? true : undefined },
    }));
  }

  /** Changes parts of an object. `patch` is the merge document, or the list of operations for `json`. */
  async patch<T extends KubernetesObject>(type: ResourceType<T>, name: string, namespace: string | undefined, patch: unknown, options: PatchOptions = {}): Promise<T> {
    return parse<T>(await this.#transport.send({
      method: 'PATCH', path: objectPath(type, name, namespace, options.subresource), body: patch, contentType: patchContentTypes[options.kind ?? 'merge'], ...writeRequest(options),
    }));
  }

  /** Asks for the object's deletion; returns false when it was not there. It may live on until its finalizers are gone. */
  async delete(type: ResourceType, name: string, namespace?: string, options: DeleteOptions = {}): Promise<boolean> {
    const { propagationPolicy = 'Background', gracePeriodSeconds, preconditions, dryRun } = options;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, gracePeriodSeconds, preconditions, ...(dryRun ? { dryRun: ['All'] } : {}) };
    try {
      await this.#transport.send({ method: 'DELETE', path: objectPath(type, name, namespace), body });
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  /** Any request by its path; throws a KubeError for a status of 400 and above. */
  request(request: KubeRequest): Promise<KubeResponse> {
    return this.#transport.send(request);
  }

  /** Any request by its path, whatever the answer's status. */
  requestAny(request: KubeRequest): Promise<KubeResponse> {
    return this.#transport.sendAny(request);
  }

  /** An answer that does not end by itself: a watch, a followed log. Destroy it when done. */
  stream(request: KubeRequest): Promise<IncomingMessage> {
    return this.#transport.stream(request);
  }

  /** What another library needs to connect to the same server as the same user. */
  connectionSettings(): Promise<ConnectionSettings> {
    return this.#transport.connectionSettings();
  }

  /** Closes idle connections. */
  close(): void {
    this.#transport.close();
  }

  async #put<T extends KubernetesObject>(type: ResourceType<T>, object: T, subresource: string | undefined, options: WriteOptions): Promise<T> {
    const { name = '', namespace } = object.metadata ?? {};
    return parse<T>(await this.#transport.send({ method: 'PUT', path: objectPath(type, name, namespace, subresource), body: typed(type, object), ...writeRequest(options) }));
  }
}

function writeRequest({ fieldManager, dryRun, signal }: WriteOptions): Pick<KubeRequest, 'query' | 'signal'> {
  return { query: { fieldManager, dryRun: dryRun ? 'All' : undefined }, ...(signal ? { signal } : {}) };
}

function typed<T extends KubernetesObject>(type: ResourceType<T>, object: T): T {
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}

function parse<T>(response: KubeResponse): T {
  return JSON.parse(response.body) as T;
}
