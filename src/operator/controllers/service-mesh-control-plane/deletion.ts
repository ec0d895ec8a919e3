// Takes a mesh down: every object that carries its labels, then what its control plane made, then the namespace's label, then the finalizer.
// Whatever fails keeps the finalizer, so that nothing is left behind unnoticed.
import { ConfigMapResource, LeaseResource, NamespaceResource } from '../../../shared/api/core/cluster.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { describeError } from '../../../shared/lib/index.ts';
import { hasFinalizer, removeFinalizer, type EventRecorder, type KubeClient, type ReconcileResult } from '../../../shared/kube/index.ts';
import { listOwned, pruneOwned } from '../../apply/index.ts';
import { MEMBER_OF_LABEL, ownerSelector } from '../../manifest/index.ts';
import { MeshStatus } from './mesh-status.ts';

/** ConfigMap with the root certificate, which the control plane keeps in every namespace of the mesh. */
export const ROOT_CERTIFICATE_CONFIG_MAP = 'istio-ca-root-cert';

/** One pass over a control plane that is being deleted: takes the mesh down and, when nothing is left, lets the object go. */
export async function deleteMesh(client: KubeClient, events: EventRecorder, mesh: ServiceMeshControlPlane, finalizer: string): Promise<ReconcileResult> {
  if (!hasFinalizer(mesh, finalizer)) return {};
  const status = new MeshStatus(mesh);
  if (status.condition('Reconciled')?.reason !== 'Deleting' && status.condition('Reconciled')?.reason !== 'DeletionError') {
    events.normal(mesh, 'Deleting', 'Deleting service mesh');
    status.set('Reconciled', 'False', 'Deleting', 'Deleting service mesh');
    status.set('Ready', 'False', 'Deleting', 'Deleting service mesh');
    await status.write(client);
  }
  try {
    const left = await takeDown(client, mesh);
    if (left.length > 0) return { requeueAfterMilliseconds: 300 };
  } catch (error) {
    const message = `Error deleting service mesh: ${describeError(error)}`;
    events.warning(mesh, 'FailedDeletingResources', message);
    status.set('Reconciled', 'False', 'DeletionError', message);
    await status.write(client);
    throw error;
  }
  events.normal(mesh, 'Deleted', 'Successfully deleted service mesh resources');
  await removeFinalizer(client, ServiceMeshControlPlaneResource, mesh, finalizer);
  return {};
}

/** Deletes what the mesh consists of; returns the objects that are still going, none when all is gone. */
async function takeDown(client: KubeClient, mesh: ServiceMeshControlPlane): Promise<string[]> {
  const { name = '', namespace = '' } = mesh.metadata ?? {};
  const selector = ownerSelector({ name, namespace });
  await pruneOwned(client, selector, (object) => object.metadata?.deletionTimestamp === undefined);
  const left = await listOwned(client, selector);
  if (left.length > 0) return left.map(({ type, object }) => `${type.kind} ${object.metadata?.name ?? ''}`);
  await client.delete(ConfigMapResource, ROOT_CERTIFICATE_CONFIG_MAP, namespace);
  await deleteControlPlaneLeases(client, name, namespace);
  await removeMemberLabel(client, namespace, namespace);
  return [];
}

/** Leases by which the control plane's replicas choose a leader: named for Istio, in the mesh's namespace. */
async function deleteControlPlaneLeases(client: KubeClient, name: string, namespace: string): Promise<void> {
  for (const lease of await client.listAll(LeaseResource, { namespace })) {
    const leaseName = lease.metadata?.name ?? '';
    if (leaseName.endsWith(`-${name}`) || lease.spec?.holderIdentity?.startsWith(`istiod-${name}-`)) await client.delete(LeaseResource, leaseName, namespace);
  }
}

/** Removes the member label from a namespace if it names this mesh; a namespace that is gone is fine. */
export async function removeMemberLabel(client: KubeClient, namespaceName: string, meshNamespace: string): Promise<void> {
  const namespace = await client.find(NamespaceResource, namespaceName);
  if (namespace?.metadata?.labels?.[MEMBER_OF_LABEL] !== meshNamespace) return;
  await client.patch(NamespaceResource, namespaceName, undefined, { metadata: { labels: { [MEMBER_OF_LABEL]: null } } });
}
