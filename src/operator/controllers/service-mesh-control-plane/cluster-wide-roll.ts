// A cluster-wide mesh has a member roll without its administrator writing one: every namespace that asks for injection.
import { ServiceMeshMemberRollResource } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import { ServiceMeshControlPlaneResource, type ServiceMeshControlPlane } from '../../../shared/api/maistra/v2/service-mesh-control-plane.ts';
import { ownerReference, type KubeClient } from '../../../shared/kube/index.ts';

/** Creates the roll `default` if the mesh has none. */
export async function ensureClusterWideRoll(client: KubeClient, mesh: ServiceMeshControlPlane): Promise<void> {
  const { namespace = '' } = mesh.metadata ?? {};
  if (await client.find(ServiceMeshMemberRollResource, 'default', namespace)) return;
  await client.create(ServiceMeshMemberRollResource, {
    metadata: { name: 'default', namespace, ownerReferences: [ownerReference(ServiceMeshControlPlaneResource, mesh)] },
    spec: { memberSelectors: [{ matchLabels: { 'istio-injection': 'enabled' } }] },
  });
}
