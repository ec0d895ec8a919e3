// The kinds that the operator writes: each rendered kind must be here, in the operator's RBAC and among what it watches (a test compares them).
import type { KubernetesObject, ResourceType } from '../../shared/api/meta/index.ts';
import {
  ClusterRoleBindingResource, ClusterRoleResource, MutatingWebhookConfigurationResource, RoleBindingResource, RoleResource, ValidatingWebhookConfigurationResource,
} from '../../shared/api/core/access.ts';
import { ConfigMapResource, SecretResource, ServiceAccountResource } from '../../shared/api/core/cluster.ts';
import { NetworkPolicyResource, ServiceResource } from '../../shared/api/core/network.ts';
import { DaemonSetResource, DeploymentResource, HorizontalPodAutoscalerResource, PodDisruptionBudgetResource } from '../../shared/api/core/workloads.ts';

/** PeerAuthentications, of which the operator writes one a mesh. */
const peerAuthentication: ResourceType = { group: 'security.istio.io', version: 'v1', kind: 'PeerAuthentication', plural: 'peerauthentications', scope: 'Namespaced' };

/** Networks of Multus: on OpenShift the mesh's CNI plugin is one. */
const networkAttachmentDefinition: ResourceType = { group: 'k8s.cni.cncf.io', version: 'v1', kind: 'NetworkAttachmentDefinition', plural: 'network-attachment-definitions', scope: 'Namespaced' };

/** Every kind the operator writes, in the order in which a mesh is taken down: first what would refuse others' requests once its server is gone. */
export const managedKinds: readonly ResourceType[] = [
  MutatingWebhookConfigurationResource,
  ValidatingWebhookConfigurationResource,
  peerAuthentication,
  HorizontalPodAutoscalerResource,
  PodDisruptionBudgetResource,
  DeploymentResource,
  DaemonSetResource,
  networkAttachmentDefinition,
  ServiceResource,
  NetworkPolicyResource,
  ClusterRoleBindingResource,
  ClusterRoleResource,
  RoleBindingResource,
  RoleResource,
  ServiceAccountResource,
  ConfigMapResource,
  SecretResource,
];

/** Kinds whose API may be missing from the cluster: nothing of them exists then. */
export function isOptionalKind(type: ResourceType): boolean {
  return type === peerAuthentication || type === networkAttachmentDefinition;
}

/** The row of an object's kind; throws for a kind that no template may render. */
export function managedKindOf(object: KubernetesObject): ResourceType {
  const group = object.apiVersion?.includes('/') ? object.apiVersion.split('/')[0] : '';
  const found = managedKinds.find((type) => type.kind === object.kind && type.group === group);
  if (!found) throw new Error(`the operator does not manage objects of kind ${object.kind ?? ''} (${object.apiVersion ?? ''}); add the kind to src/operator/apply/kinds.ts and to its RBAC`);
  return found;
}
