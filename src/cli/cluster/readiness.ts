// What is still missing until parts of a mesh are ready, in words for progress lines and failures; undefined when nothing is.
import { getCondition, isConditionTrue, type KubeClient } from '../../shared/kube/index.ts';
import { controlPlaneType, deploymentType, memberRollType, podType, type Pod } from './mesh-types.ts';

/** Missing until every Deployment of a namespace is rolled out and available; `names` must be among them. */
export async function missingDeployments(client: KubeClient, namespace: string, names: readonly string[] = []): Promise<string | undefined> {
  const deployments = await client.listAll(deploymentType, { namespace });
  const present = new Set(deployments.map((deployment) => deployment.metadata?.name));
  const absent = names.filter((name) => !present.has(name));
  if (absent.length > 0) return `not there yet: ${absent.join(', ')}`;
  const waiting = deployments.filter(({ metadata, spec, status }) => {
    const wanted = spec?.replicas ?? 1;
    return status?.observedGeneration !== metadata?.generation || (status?.updatedReplicas ?? 0) < wanted || (status?.availableReplicas ?? 0) < wanted || (status?.replicas ?? 0) > wanted;
  });
  if (waiting.length === 0) return undefined;
  return `waiting for ${waiting.map(({ metadata, spec, status }) => `${metadata?.name} ${status?.availableReplicas ?? 0}/${spec?.replicas ?? 1}`).join(', ')}`;
}

/** Missing until the control plane has reconciled its present generation and is ready, at `chartVersion` when given. */
export async function missingControlPlane(client: KubeClient, name: string, namespace: string, chartVersion?: string): Promise<string | undefined> {
  const { metadata, status } = await client.get(controlPlaneType, name, namespace);
  for (const type of ['Reconciled', 'Ready'] as const) {
    const condition = getCondition(status?.conditions, type);
    if (condition?.status !== 'True') return condition ? `${type}: ${condition.reason ?? ''} ${condition.message ?? ''}`.trim() : `${type} is not known yet`;
  }
  if (status?.observedGeneration !== metadata?.generation) return `generation ${metadata?.generation} is not reconciled, ${status?.observedGeneration ?? 0} is`;
  if (chartVersion !== undefined && status?.chartVersion !== chartVersion) return `chart version is ${status?.chartVersion ?? 'unknown'}, not ${chartVersion}`;
  return undefined;
}

/** Missing until the roll is ready with exactly these members configured. */
export async function missingMembers(client: KubeClient, namespace: string, members: readonly string[]): Promise<string | undefined> {
  const { status } = await client.get(memberRollType, 'default', namespace);
  const configured = new Set(status?.configuredMembers ?? []);
  const absent = members.filter((member) => !configured.has(member));
  if (absent.length > 0) return `not configured: ${absent.join(', ')}`;
  const surplus = [...configured].filter((member) => !members.includes(member));
  if (surplus.length > 0) return `still configured: ${surplus.join(', ')}`;
  if (!isConditionTrue(status?.conditions, 'Ready')) return getCondition(status?.conditions, 'Ready')?.message ?? 'Ready is not known yet';
  return undefined;
}

/** Whether the pod runs a proxy beside its application. */
export function isInjected(pod: Pod): boolean {
  return [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].some((container) => container.name === 'istio-proxy');
}

/** Pods that are not on their way out. */
export async function livePods(client: KubeClient, namespace: string, labelSelector?: string): Promise<Pod[]> {
  const pods = await client.listAll(podType, { namespace, ...(labelSelector ? { labelSelector } : {}) });
  return pods.filter((pod) => !pod.metadata?.deletionTimestamp && pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
}

/** Missing until `count` pods that are none of `old` are ready and none of `old` is left. */
export async function missingReplacements(client: KubeClient, namespace: string, old: readonly Pod[], count: number, labelSelector?: string): Promise<string | undefined> {
  const gone = new Set(old.map((pod) => pod.metadata?.uid));
  const pods = await client.listAll(podType, { namespace, ...(labelSelector ? { labelSelector } : {}) });
  const remaining = pods.filter((pod) => gone.has(pod.metadata?.uid)).length;
  if (remaining > 0) return `${remaining} old pods are still there`;
  const ready = pods.filter((pod) => !pod.metadata?.deletionTimestamp && isConditionTrue(pod.status?.conditions, 'Ready')).length;
  return ready >= count ? undefined : `${ready} of ${count} pods are ready`;
}
