// Applies YAML documents of any kind, as `kubectl apply --server-side` does: kinds are looked up in the server's discovery.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import { discoverResources, KubeError, type KubeClient } from '../../shared/kube/index.ts';

/** An applied object and its kind. */
export interface AppliedObject {
  readonly type: ResourceType;
  readonly object: KubernetesObject;
}

/** How long a webhook or a new kind may take to answer. */
const PATIENCE_MILLISECONDS = 15_000;

/** The server does not serve a kind. */
class UnknownKindError extends Error {}

/** Applies and removes YAML on one cluster. */
export class YamlApplier {
  readonly #client: KubeClient;
  readonly #fieldManager: string;
  readonly #signal: AbortSignal | undefined;
  readonly #types = new Map<string, Promise<ResourceType>>();

  /** `signal` ends the patience with a server that does not answer. */
  constructor(client: KubeClient, fieldManager: string, signal?: AbortSignal) {
    this.#client = client;
    this.#fieldManager = fieldManager;
    this.#signal = signal;
  }

  /** Applies every document; those of namespaced kinds without a namespace go to `namespace`. */
  async apply(text: string, namespace?: string): Promise<AppliedObject[]> {
    const applied: AppliedObject[] = [];
    for (const object of parseObjects(text)) {
      applied.push(await patiently(async () => {
        const type = await this.typeOf(object);
        return { type, object: await this.#client.apply(type, locate(object, type, namespace), { fieldManager: this.#fieldManager, force: true }) };
      }, this.#signal));
    }
    return applied;
  }

  /** Deletes objects, last first. */
  async remove(objects: readonly AppliedObject[]): Promise<void> {
    for (const { type, object } of [...objects].reverse()) await this.#client.delete(type, object.metadata?.name ?? '', object.metadata?.namespace);
  }

  /** The kind of an object as the server serves it; throws when it does not. */
  typeOf(object: KubernetesObject): Promise<ResourceType> {
    const key = `${object.apiVersion ?? ''} ${object.kind ?? ''}`;
    const known = this.#types.get(key);
    if (known) return known;
    const looked = this.#lookUp(object.apiVersion ?? '', object.kind ?? '');
    this.#types.set(key, looked);
    looked.catch(() => this.#types.delete(key)); // It may be served later: its CRD is perhaps being applied.
    return looked;
  }

  async #lookUp(apiVersion: string, kind: string): Promise<ResourceType> {
    const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
    const resource = (await discoverResources(this.#client, group, version))?.find((candidate) => candidate.kind === kind && !candidate.name.includes('/'));
    if (!resource) throw new UnknownKindError(`the server has no kind ${kind} in ${apiVersion || 'no API version'}; is its CRD installed?`);
    return { group, version, kind, plural: resource.name, scope: resource.namespaced ? 'Namespaced' : 'Cluster' };
  }
}

/** Repeats a write while a webhook that has only just started, or the server, does not answer; what is said about the object itself is final. */
async function patiently<T>(write: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await write();
    } catch (error) {
      const mayPass = error instanceof UnknownKindError || (error instanceof KubeError && error.isTransient());
      if (!mayPass || performance.now() > deadline) throw error;
      await sleep(250, undefined, signal ? { signal } : {});
    }
  }
}

/** The objects of a YAML text with one or more documents. */
export function parseObjects(text: string): KubernetesObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const [problem] = document.errors;
    if (problem) throw new Error(`not YAML: ${problem.message}`);
    const value = document.toJS() as KubernetesObject | null;
    return value === null ? [] : [value];
  });
}

function locate(object: KubernetesObject, type: ResourceType, namespace: string | undefined): KubernetesObject {
  if (type.scope === 'Cluster' || object.metadata?.namespace || namespace === undefined) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}
