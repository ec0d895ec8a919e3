// What a member namespace gets of its mesh: the label, copies of the mesh's RoleBindings to ClusterRoles and of its NetworkPolicies.
import type { KubernetesObject, ResourceType } from '../../../shared/api/meta/index.ts';
import { RoleBindingResource, type RoleBinding } from '../../../shared/api/core/access.ts';
import { ConfigMapResource, NamespaceResource } from '../../../shared/api/core/cluster.ts';
import { NetworkPolicyResource } from '../../../shared/api/core/network.ts';
import type { KubeClient } from '../../../shared/kube/index.ts';
import { applyObject, FIELD_MANAGER } from '../../apply/index.ts';
import { differingPaths, MANAGED_BY, MEMBER_OF_LABEL } from '../../manifest/index.ts';
import { removeMemberLabel, ROOT_CERTIFICATE_CONFIG_MAP } from '../service-mesh-control-plane/deletion.ts';

const INTERNAL_ANNOTATION = 'maistra.io/internal';

/** Says that a namespace cannot become a member because it is one of another mesh. */
export class OtherMeshError extends Error {}

/** Makes `namespace` a member of the mesh in `meshNamespace`: labels it and brings the copies up to date. */
export async function configureNamespace(client: KubeClient, namespace: string, meshNamespace: string): Promise<void> {
  const found = await client.get(NamespaceResource, namespace);
  const present = found.metadata?.labels?.[MEMBER_OF_LABEL];
  if (present !== undefined && present !== meshNamespace) throw new OtherMeshError(`namespace ${namespace} is already a member of the mesh in ${present}`);
  if (present === undefined) await client.patch(NamespaceResource, namespace, undefined, { metadata: { labels: { [MEMBER_OF_LABEL]: meshNamespace } } }, { fieldManager: FIELD_MANAGER });
  const labelSelector = `maistra.io/owner=${meshNamespace},app.kubernetes.io/managed-by=${MANAGED_BY}`;
  const bindings = (await client.listAll(RoleBindingResource, { namespace: meshNamespace, labelSelector })).filter((binding) => binding.roleRef.kind === 'ClusterRole');
  const policies = (await client.listAll(NetworkPolicyResource, { namespace: meshNamespace, labelSelector })).filter((policy) => policy.metadata?.annotations?.[INTERNAL_ANNOTATION] === undefined);
  await copy(client, RoleBindingResource, bindings, namespace, meshNamespace, (binding: RoleBinding) => ({ roleRef: binding.roleRef, subjects: binding.subjects }));
  await copy(client, NetworkPolicyResource, policies, namespace, meshNamespace, (policy) => ({ spec: (policy as { spec?: unknown }).spec }));
}

/** Takes `namespace` out of the mesh in `meshNamespace`: copies, root certificate and label go. A namespace that is gone or going is left alone. */
export async function cleanNamespace(client: KubeClient, namespace: string, meshNamespace: string): Promise<void> {
  const found = await client.find(NamespaceResource, namespace);
  if (!found || found.metadata?.deletionTimestamp || found.metadata?.labels?.[MEMBER_OF_LABEL] !== meshNamespace) return;
  for (const type of [RoleBindingResource, NetworkPolicyResource] as readonly ResourceType[]) {
    for (const object of await client.listAll(type, { namespace, labelSelector: `${MEMBER_OF_LABEL}=${meshNamespace}` })) await client.delete(type, object.metadata?.name ?? '', namespace);
  }
  await client.delete(ConfigMapResource, ROOT_CERTIFICATE_CONFIG_MAP, namespace);
  await removeMemberLabel(client, namespace, meshNamespace);
}

async function copy<T extends KubernetesObject>(client: KubeClient, type: ResourceType<T>, originals: readonly T[], namespace: string, meshNamespace: string, contentOf: (original: T) => object): Promise<void> {
  const wanted = new Set(originals.map((original) => original.metadata?.name));
  for (const object of await client.listAll(type, { namespace, labelSelector: `${MEMBER_OF_LABEL}=${meshNamespace}` })) {
    if (!wanted.has(object.metadata?.name)) await client.delete(type, object.metadata?.name ?? '', namespace);
  }
  for (const original of originals) await applyObject(client, memberCopy(type, original, namespace, meshNamespace, contentOf(original)), differingPaths);
}

/** The copy carries no owner label: the mesh's own pruning must not see it. */
function memberCopy(type: ResourceType, original: KubernetesObject, namespace: string, meshNamespace: string, content: object): KubernetesObject {
  const labels = Object.fromEntries(Object.entries(original.metadata?.labels ?? {}).filter(([key]) => !key.startsWith('maistra.io/') && key !== 'app.kubernetes.io/version' && key !== 'app.kubernetes.io/managed-by'));
  return {
    apiVersion: `${type.group}/${type.version}`, kind: type.kind,
    metadata: { name: original.metadata?.name, namespace, labels: { ...labels, [MEMBER_OF_LABEL]: meshNamespace } },
    ...content,
  };
}
