// The resources that the server serves now: built-in kinds and established CustomResourceDefinitions.
import { BUILT_IN_KINDS, BUILT_IN_TYPES, type BuiltInKind } from './kinds/built-in-kinds.ts';
import type { ResourceInfo } from './resource-info.ts';

/** Fields by which a built-in resource can be selected, beside metadata.name and metadata.namespace. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  '/pods': ['spec.nodeName', 'spec.restartPolicy', 'spec.schedulerName', 'spec.serviceAccountName', 'spec.hostNetwork', 'status.phase', 'status.podIP', 'status.nominatedNodeName'],
  '/events': ['involvedObject.kind', 'involvedObject.namespace', 'involvedObject.name', 'involvedObject.uid', 'involvedObject.apiVersion', 'involvedObject.resourceVersion', 'involvedObject.fieldPath', 'reason', 'reportingComponent', 'source', 'type'],
  'events.k8s.io/events': ['regarding.kind', 'regarding.namespace', 'regarding.name', 'regarding.uid', 'regarding.apiVersion', 'regarding.resourceVersion', 'regarding.fieldPath', 'reason', 'reportingController', 'type'],
  '/secrets': ['type'],
  '/namespaces': ['status.phase'],
  '/nodes': ['spec.unschedulable'],
  '/services': ['spec.clusterIP', 'spec.type'],
  '/replicationcontrollers': ['status.replicas'],
  'apps/replicasets': ['status.replicas'],
  'batch/jobs': ['status.successful'],
  'certificates.k8s.io/certificatesigningrequests': ['spec.signerName'],
};

/** Finds resources by their place in the API. */
export class Registry {
  readonly #byKey = new Map<string, ResourceInfo>();
  readonly #listeners = new Set<() => void>();
  /** Counts changes, so that discovery documents can be cached. */
  generation = 0;

  constructor() {
    for (const row of BUILT_IN_KINDS) {
      const info = builtIn(row);
      const key = `${info.group}/${info.plural}`;
      const earlier = this.#byKey.get(key);
      this.#byKey.set(key, earlier ? { ...earlier, versions: [...earlier.versions, ...info.versions] } : info);
    }
  }

  /** Every resource, built-in ones first. */
  all(): IterableIterator<ResourceInfo> {
    return this.#byKey.values();
  }

  find(group: string, plural: string): ResourceInfo | undefined {
    return this.#byKey.get(`${group}/${plural}`);
  }

  /** Whether a group is the server's own. */
  isBuiltIn(group: string): boolean {
    return BUILT_IN_KINDS.some((row) => row.group === group);
  }

  byKind(group: string, kind: string): ResourceInfo | undefined {
    for (const info of this.#byKey.values()) if (info.group === group && info.kind === kind) return info;
    return undefined;
  }

  /** Starts, changes or (with undefined) stops serving a custom resource. */
  setCustom(group: string, plural: string, info: ResourceInfo | undefined): void {
    const key = `${group}/${plural}`;
    if (info) this.#byKey.set(key, info);
    else this.#byKey.delete(key);
    this.generation += 1;
    for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` after each change of the served resources. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

function builtIn(row: BuiltInKind): ResourceInfo {
  const schema = BUILT_IN_TYPES.get(row.type ?? row.kind);
  if (!schema) throw new Error(`built-in kind ${row.kind} has no type`);
  const storeKey = row.storedAs ?? `${row.group}/${row.plural}`;
  return {
    group: row.group,
    plural: row.plural,
    singular: row.kind.toLowerCase(),
    kind: row.kind,
    listKind: `${row.kind}List`,
    namespaced: row.namespaced,
    shortNames: row.shortNames,
    categories: row.categories,
    versions: [{
      name: row.version,
      schema,
      status: row.status,
      ...(row.scale ? { scale: { specReplicas: '.spec.replicas', statusReplicas: '.status.replicas', selector: '.spec.selector' } } : {}),
      selectableFields: SELECTABLE[`${row.group}/${row.plural}`] ?? [],
    }],
    storageVersion: row.version,
    storeKey,
    custom: false,
    virtual: row.virtual,
  };
}
