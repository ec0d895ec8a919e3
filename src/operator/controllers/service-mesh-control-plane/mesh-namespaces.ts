// A mesh may write only into its own namespace and its members: a gateway elsewhere would take over objects of others.
import { ServiceMeshMemberRollResource } from '../../../shared/api/maistra/v1/service-mesh-member-roll.ts';
import type { KubeClient } from '../../../shared/kube/index.ts';
import type { ManifestWave } from '../../manifest/index.ts';
import { DEFAULT_NAME } from '../membership.ts';

/** Namespaces of rendered objects that are neither the mesh's own nor configured members, each with the first such object. */
export async function namespacesOutsideMesh(client: KubeClient, waves: readonly ManifestWave[], meshNamespace: string): Promise<string[]> {
  const elsewhere = waves.flatMap((wave) => wave.manifests).map(({ object }) => object.metadata ?? {}).filter(({ namespace }) => namespace !== undefined && namespace !== meshNamespace);
  if (elsewhere.length === 0) return [];
  const roll = await client.find(ServiceMeshMemberRollResource, DEFAULT_NAME, meshNamespace);
  const members = new Set(roll?.status?.configuredMembers ?? []);
  const outside = new Map(elsewhere.filter(({ namespace = '' }) => !members.has(namespace)).reverse().map(({ namespace = '', name = '' }) => [namespace, `${namespace}/${name}`]));
  return [...outside.values()].sort();
}
