// RBAC, review, admission-registration and CustomResourceDefinition kinds of Kubernetes: only the fields that our programs read.
import type { KubernetesObject, LabelSelector, ResourceType } from '../meta/index.ts';

/** One rule of a role. */
export interface PolicyRule {
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  verbs: string[];
  nonResourceURLs?: string[];
}

/** A Role or ClusterRole. */
export interface Role extends KubernetesObject {
  rules?: PolicyRule[];
}

/** A RoleBinding or ClusterRoleBinding. */
export interface RoleBinding extends KubernetesObject {
  roleRef: { apiGroup: string; kind: string; name: string };
  subjects?: { kind: string; name: string; namespace?: string; apiGroup?: string }[];
}

/** One webhook of a configuration. */
export interface Webhook {
  name: string;
  clientConfig: { url?: string; caBundle?: string; service?: { namespace: string; name: string; path?: string; port?: number } };
  namespaceSelector?: LabelSelector;
  objectSelector?: LabelSelector;
  failurePolicy?: string;
}

/** A mutating or validating webhook configuration. */
export interface WebhookConfiguration extends KubernetesObject {
  webhooks?: Webhook[];
}

/** A CustomResourceDefinition. */
export interface CustomResourceDefinition extends KubernetesObject {
  spec?: { group: string; names: { kind: string; plural: string }; scope: string; versions: { name: string; served: boolean; storage: boolean }[] };
  status?: { conditions?: { type: string; status: string }[] };
}

/** Asks whether a user may do something. */
export interface SubjectAccessReview extends KubernetesObject {
  spec: {
    user?: string;
    groups?: string[];
    uid?: string;
    extra?: Record<string, string[]>;
    resourceAttributes?: { group?: string; resource?: string; verb?: string; namespace?: string; name?: string; subresource?: string; version?: string };
  };
  status?: { allowed: boolean; reason?: string };
}

/** Asks who holds a token. */
export interface TokenReview extends KubernetesObject {
  spec: { token: string; audiences?: string[] };
  status?: { authenticated?: boolean; error?: string; audiences?: string[]; user?: { username?: string; uid?: string; groups?: string[]; extra?: Record<string, string[]> } };
}

const rbac = { group: 'rbac.authorization.k8s.io', version: 'v1' } as const;
const registration = { group: 'admissionregistration.k8s.io', version: 'v1', scope: 'Cluster' } as const;

/** Roles. */
export const RoleResource: ResourceType<Role> = { ...rbac, kind: 'Role', plural: 'roles', scope: 'Namespaced' };
/** RoleBindings. */
export const RoleBindingResource: ResourceType<RoleBinding> = { ...rbac, kind: 'RoleBinding', plural: 'rolebindings', scope: 'Namespaced' };
/** ClusterRoles. */
export const ClusterRoleResource: ResourceType<Role> = { ...rbac, kind: 'ClusterRole', plural: 'clusterroles', scope: 'Cluster' };
/** ClusterRoleBindings. */
export const ClusterRoleBindingResource: ResourceType<RoleBinding> = { ...rbac, kind: 'ClusterRoleBinding', plural: 'clusterrolebindings', scope: 'Cluster' };
/** MutatingWebhookConfigurations. */
export const MutatingWebhookConfigurationResource: ResourceType<WebhookConfiguration> = { ...registration, kind: 'MutatingWebhookConfiguration', plural: 'mutatingwebhookconfigurations' };
/** ValidatingWebhookConfigurations. */
export const ValidatingWebhookConfigurationResource: ResourceType<WebhookConfiguration> = { ...registration, kind: 'ValidatingWebhookConfiguration', plural: 'validatingwebhookconfigurations' };
/** CustomResourceDefinitions. */
export const CustomResourceDefinitionResource: ResourceType<CustomResourceDefinition> = { group: 'apiextensions.k8s.io', version: 'v1', kind: 'CustomResourceDefinition', plural: 'customresourcedefinitions', scope: 'Cluster' };
/** SubjectAccessReviews. */
export const SubjectAccessReviewResource: ResourceType<SubjectAccessReview> = { group: 'authorization.k8s.io', version: 'v1', kind: 'SubjectAccessReview', plural: 'subjectaccessreviews', scope: 'Cluster' };
/** TokenReviews. */
export const TokenReviewResource: ResourceType<TokenReview> = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenReview', plural: 'tokenreviews', scope: 'Cluster' };
