// The built-in kinds: one row each. Adding a kind is a line here and its type in one of the type files.
import { parseCompactSchemas, type JsonSchema } from '../../schema/index.ts';
import { CLUSTER_TYPES } from './cluster-types.ts';
import { CORE_TYPES } from './core-types.ts';
import { EXTENSION_TYPES } from './extension-types.ts';
import { WORKLOAD_TYPES } from './workload-types.ts';

/** Every built-in type by its name. */
export const BUILT_IN_TYPES: ReadonlyMap<string, JsonSchema> = parseCompactSchemas(CORE_TYPES + CLUSTER_TYPES + WORKLOAD_TYPES + EXTENSION_TYPES);

/** One built-in kind. */
export interface BuiltInKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Type in BUILT_IN_TYPES when it is not the kind's name. */
  readonly type?: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly status: boolean;
  readonly scale: boolean;
  /** A kind that is answered, not stored: reviews. */
  readonly virtual: boolean;
  /** Another group's resource that holds the objects. */
  readonly storedAs?: string;
}

// Columns: group/version, kind, plural, flags, short names, type.
// A second row of the same resource is another version of it; the first one is stored.
// Flags: n namespaced, s status, c scale, a category `all`, e category `api-extensions`, v virtual.
const ROWS = `
v1 Namespace namespaces s ns
v1 Pod pods nsa po
v1 Service services nsa svc
v1 Endpoints endpoints n ep
v1 ConfigMap configmaps n cm
v1 Secret secrets n -
v1 ServiceAccount serviceaccounts n sa
v1 Node nodes s no
v1 Event events n ev
v1 PersistentVolumeClaim persistentvolumeclaims ns pvc
v1 ReplicationController replicationcontrollers nsca rc
v1 ResourceQuota resourcequotas ns quota
v1 LimitRange limitranges n limits
apps/v1 Deployment deployments nsca deploy
apps/v1 ReplicaSet replicasets nsca rs
apps/v1 DaemonSet daemonsets nsa ds
apps/v1 StatefulSet statefulsets nsca sts
apps/v1 ControllerRevision controllerrevisions n -
batch/v1 Job jobs nsa -
batch/v1 CronJob cronjobs nsa cj
discovery.k8s.io/v1 EndpointSlice endpointslices n -
events.k8s.io/v1 Event events n ev EventV1
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers nsa hpa
autoscaling/v1 HorizontalPodAutoscaler horizontalpodautoscalers nsa hpa HorizontalPodAutoscalerV1
policy/v1 PodDisruptionBudget poddisruptionbudgets ns pdb
networking.k8s.io/v1 NetworkPolicy networkpolicies n netpol
networking.k8s.io/v1 Ingress ingresses ns ing
networking.k8s.io/v1 IngressClass ingressclasses - -
rbac.authorization.k8s.io/v1 Role roles n -
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings n -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - -
coordination.k8s.io/v1 Lease leases n -
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations e -
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations e -
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions se crd,crds
scheduling.k8s.io/v1 PriorityClass priorityclasses - pc
storage.k8s.io/v1 StorageClass storageclasses - sc
certificates.k8s.io/v1 CertificateSigningRequest certificatesigningrequests s csr
authentication.k8s.io/v1 TokenReview tokenreviews v -
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews v -
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews v -
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews v -
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews v -
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews nv -
`;

/** The rows as data. */
export const BUILT_IN_KINDS: readonly BuiltInKind[] = ROWS.trim().split('\n').map((row) => {
  const [groupVersion = '', kind = '', plural = '', flags = '', shortNames = '-', type] = row.split(' ');
  const [version = '', group = ''] = groupVersion.split('/').reverse();
  return {
    group, version, kind, plural,
    namespaced: flags.includes('n'),
    ...(type === undefined ? {} : { type, storedAs: `/${plural}` }),
    shortNames: shortNames === '-' ? [] : shortNames.split(','),
    categories: [...(flags.includes('a') ? ['all'] : []), ...(flags.includes('e') ? ['api-extensions'] : [])],
    status: flags.includes('s'),
    scale: flags.includes('c'),
    virtual: flags.includes('v'),
  };
});
