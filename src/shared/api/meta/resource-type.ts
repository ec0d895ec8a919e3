// Names a kind of Kubernetes object: what the client, informers, RBAC and the CRD generator need to know of it.

/** One kind at one version. */
export interface ResourceType<T extends KubernetesObject = KubernetesObject> {
  /** API group, empty for the core group. */
  readonly group: string;
  /** The version that we read and write. */
  readonly version: string;
  readonly kind: string;
  /** Lower-case plural as in request paths. */
  readonly plural: string;
  readonly scope: 'Namespaced' | 'Cluster';
  /** Never set: carries the object's TypeScript type. */
  readonly objectType?: T;
}

/** Metadata that every object has; only the fields we use. */
export interface ObjectMeta {
  name?: string | undefined;
  generateName?: string | undefined;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: string | undefined;
  deletionTimestamp?: string | undefined;
  deletionGracePeriodSeconds?: number | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  finalizers?: string[] | undefined;
  ownerReferences?: OwnerReference[] | undefined;
  managedFields?: unknown[] | undefined;
}

/** A reference from an object to the one that owns it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean | undefined;
  blockOwnerDeletion?: boolean | undefined;
}

/** Any object of the API. */
export interface KubernetesObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata?: ObjectMeta | undefined;
}

/** One condition of a status (metav1.Condition without the fields that Maistra lacks). */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason?: string | undefined;
  message?: string | undefined;
  /** RFC 3339. */
  lastTransitionTime?: string | undefined;
  observedGeneration?: number | undefined;
}

/** Selects objects by their labels. */
export interface LabelSelector {
  matchLabels?: Record<string, string> | undefined;
  matchExpressions?: { key: string; operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'; values?: string[] | undefined }[] | undefined;
}

/** `apiVersion` of a type: `v1`, `apps/v1`. */
export function apiVersionOf(type: Pick<ResourceType, 'group' | 'version'>): string {
  return type.group === '' ? type.version : `${type.group}/${type.version}`;
}

/** Key of an object in tables and queues: `namespace/name`, or `name` for cluster scope. */
export function objectKey(object: KubernetesObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace ? `${namespace}/${name}` : name;
}
