// The shape of what the store holds: any Kubernetes object. The sandbox treats objects as schemaless data.

/** Metadata of a stored object: what the server always fills in is required. */
export interface KubeMeta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  creationTimestamp: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  generateName?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean; blockOwnerDeletion?: boolean }[];
  managedFields?: unknown[];
}

/** An object as the API server stores it. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- objects are schemaless at this edge
export type KubeObject = { apiVersion: string; kind: string; metadata: KubeMeta; spec?: any; status?: any } & Record<string, any>;

/** The key of an object within its resource: `namespace/name`, or `/name` when it is cluster-scoped. */
export function objectKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** Freezes plain data all the way down; parts that are frozen already are left alone. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const child of Object.values(value)) deepFreeze(child);
  return value;
}
