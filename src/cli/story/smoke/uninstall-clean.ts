// uninstall-clean: with roll and control plane deleted, nothing of the mesh is left: no labelled object of any kind, no webhook, no label on a namespace; pods start without proxies.
import type { KubernetesObject, ResourceType } from '../../../shared/api/meta/index.ts';
import { discoverGroups, discoverResources, KubeError, type KubeClient } from '../../../shared/kube/index.ts';
import { configMapType, controlPlaneType, memberRollType, namespaceType, podType } from '../../cluster/mesh-types.ts';
import { isInjected, livePods, missingReplacements } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { MEMBERS, MESH_NAME, MESH_NAMESPACE } from '../mesh-objects.ts';
import { claim, type SmokeStep } from './step.ts';

const webhookTypes = ['Mutating', 'Validating'].map((kind): ResourceType<KubernetesObject & { webhooks?: { clientConfig?: { service?: { namespace?: string } } }[] }> => ({
  group: 'admissionregistration.k8s.io', version: 'v1', kind: `${kind}WebhookConfiguration`, plural: `${kind.toLowerCase()}webhookconfigurations`, scope: 'Cluster',
}));

/** Every kind that can be listed, at each group's first version. */
async function listableTypes(client: KubeClient): Promise<ResourceType[]> {
  const groups = [['', ['v1']] as const, ...(await discoverGroups(client))];
  const types = await Promise.all(groups.map(async ([group, [version = '']]) => (await discoverResources(client, group, version) ?? [])
    .filter((resource) => resource.verbs.includes('list') && !resource.name.includes('/'))
    .map((resource): ResourceType => ({ group, version, kind: resource.kind, plural: resource.name, scope: resource.namespaced ? 'Namespaced' : 'Cluster' }))));
  return types.flat();
}

/** Names of objects that carry a mesh's label. */
async function leftovers(client: KubeClient, types: readonly ResourceType[]): Promise<string[]> {
  const found: string[] = [];
  for (const type of types) {
    for (const labelSelector of [`maistra.io/owner=${MESH_NAMESPACE}`, `maistra.io/member-of=${MESH_NAMESPACE}`]) {
      const objects = await client.listAll(type, { labelSelector }).catch((error: unknown) => {
        if (error instanceof KubeError && (error.isNotFound() || error.status === 405)) return [];
        throw error;
      });
      found.push(...objects.map(({ metadata }) => `${type.kind} ${metadata?.namespace ? `${metadata.namespace}/` : ''}${metadata?.name ?? ''}`));
    }
  }
  for (const type of webhookTypes) {
    for (const { metadata, webhooks } of await client.listAll(type)) {
      if (webhooks?.some((webhook) => webhook.clientConfig?.service?.namespace === MESH_NAMESPACE)) found.push(`${type.kind} ${metadata?.name ?? ''}`);
    }
  }
  for (const namespace of MEMBERS) {
    if (await client.find(configMapType, 'istio-ca-root-cert', namespace)) found.push(`ConfigMap ${namespace}/istio-ca-root-cert`);
    const labels = (await client.get(namespaceType, namespace)).metadata?.labels ?? {};
    found.push(...Object.keys(labels).filter((label) => label.startsWith('maistra.io/')).map((label) => `label ${label} of Namespace ${namespace}`));
  }
  return [...new Set(found)];
}

/** The smoke step `uninstall-clean`; the line at the top of this file is what it claims. */
export const uninstallClean: SmokeStep = async ({ client, signal }) => {
  const types = await listableTypes(client);
  const before = await leftovers(client, types);
  claim(before.length > 10, `only ${before.length} objects carry the mesh's labels before the removal; the check would prove nothing`);
  const started = performance.now();
  await client.delete(memberRollType, 'default', MESH_NAMESPACE);
  await client.delete(controlPlaneType, MESH_NAME, MESH_NAMESPACE);
  await waitUntil('the end of the control plane', async () => {
    const mesh = await client.find(controlPlaneType, MESH_NAME, MESH_NAMESPACE);
    return mesh ? `still there with finalizers ${mesh.metadata?.finalizers?.join(', ') || 'none'}` : undefined;
  }, { signal, timeoutMilliseconds: 120_000 });
  await waitUntil('a clean cluster', async () => {
    const left = await leftovers(client, types);
    return left.length === 0 ? undefined : `${left.length} left: ${left.slice(0, 6).join(', ')}`;
  }, { signal, timeoutMilliseconds: 90_000, intervalMilliseconds: 500 });
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const pods = await livePods(client, 'httpbin');
  await Promise.all(pods.map((pod) => client.delete(podType, pod.metadata?.name ?? '', 'httpbin')));
  await waitUntil('the restart of httpbin without a mesh', () => missingReplacements(client, 'httpbin', pods, pods.length), { signal, timeoutMilliseconds: 60_000 });
  const injected = (await livePods(client, 'httpbin')).filter(isInjected).length;
  claim(injected === 0, `${injected} pods still get a proxy`);
  return { objects_before: before.length, objects_left: 0, kinds_looked_at: types.length, seconds };
};
