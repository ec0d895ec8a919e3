// Whether a wave's workloads have been rolled out, and if not, why: from the workload's status and from its pods.
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { DaemonSetResource, DeploymentResource, PodResource, type ContainerStatus, type DaemonSet, type Deployment, type Pod } from '../../shared/api/core/workloads.ts';
import type { KubeClient } from '../../shared/kube/index.ts';

/** A workload that is not ready. */
export interface UnreadyWorkload {
  readonly component: string;
  readonly workload: string;
  /** What is wrong with it, for a person. */
  readonly reason: string;
}

/** A workload to be asked. */
export interface WorkloadReference {
  readonly component: string;
  readonly object: KubernetesObject;
}

/** Whether readiness is a question for objects of this kind. */
export function isWorkload(object: KubernetesObject): boolean {
  return object.kind === 'Deployment' || object.kind === 'DaemonSet';
}

/** Those of the workloads that are not rolled out yet. */
export async function findUnready(client: KubeClient, workloads: readonly WorkloadReference[]): Promise<UnreadyWorkload[]> {
  const answers = await Promise.all(workloads.map(async ({ component, object }): Promise<UnreadyWorkload | undefined> => {
    const { name = '', namespace } = object.metadata ?? {};
    const live = object.kind === 'DaemonSet' ? await client.find(DaemonSetResource, name, namespace) : await client.find(DeploymentResource, name, namespace);
    const reason = live ? (object.kind === 'DaemonSet' ? daemonSetProblem(live) : deploymentProblem(live as Deployment)) : 'it does not exist';
    return reason === undefined ? undefined : { component, workload: `${object.kind ?? ''} ${name}`, reason };
  }));
  return answers.filter((answer) => answer !== undefined);
}

/** Why a Deployment's newest template is not wholly rolled out. */
export function deploymentProblem({ metadata, spec, status = {} }: Deployment): string | undefined {
  const wanted = spec?.replicas ?? 1;
  const { observedGeneration, replicas, updatedReplicas, readyReplicas, availableReplicas } = status;
  const old = count(replicas) - count(updatedReplicas);
  if (count(observedGeneration) < count(metadata?.generation)) return 'the change has not been observed yet';
  if (count(updatedReplicas) < wanted) return `${count(updatedReplicas)} of ${wanted} replicas are updated`;
  const available = Math.min(count(readyReplicas), count(availableReplicas));
  if (available < wanted) return `${available} of ${wanted} replicas are ready`;
  return old > 0 ? `${old} old replicas are still there` : undefined;
}

function count(value: number | undefined): number {
  return value ?? 0;
}

/** Why a DaemonSet's newest template is not wholly rolled out. */
export function daemonSetProblem({ metadata, status }: DaemonSet): string | undefined {
  const wanted = status?.desiredNumberScheduled ?? 0;
  if ((status?.observedGeneration ?? 0) < (metadata?.generation ?? 0)) return 'the change has not been observed yet';
  if ((status?.updatedNumberScheduled ?? 0) < wanted) return `${status?.updatedNumberScheduled ?? 0} of ${wanted} pods are updated`;
  if ((status?.numberUnavailable ?? 0) > 0) return `${status?.numberUnavailable ?? 0} of ${wanted} pods are unavailable`;
  return undefined;
}

/** What the pods of a workload say of themselves: the first container that waits or has failed; undefined when none complains. */
export async function diagnosePods(client: KubeClient, workload: KubernetesObject): Promise<string | undefined> {
  const { selector } = (workload as Deployment).spec ?? {};
  const labelSelector = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`).join(',');
  const { namespace } = workload.metadata ?? {};
  if (labelSelector === '' || !namespace) return undefined;
  const pods = await client.listAll(PodResource, { namespace, labelSelector });
  const newestFirst = pods.sort((left, right) => ((left.metadata?.creationTimestamp ?? '') < (right.metadata?.creationTimestamp ?? '') ? 1 : -1));
  for (const pod of newestFirst) {
    const problem = podProblem(pod);
    if (problem) return `pod ${pod.metadata?.name ?? ''}: ${problem}`;
  }
  return undefined;
}

function podProblem({ status }: Pod): string | undefined {
  for (const container of [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]) {
    const problem = containerProblem(container);
    if (problem) return `container ${container.name}: ${problem}`;
  }
  const unscheduled = status?.conditions?.find((condition) => condition.type === 'PodScheduled' && condition.status === 'False');
  return unscheduled ? `${unscheduled.reason ?? 'Unschedulable'}: ${unscheduled.message ?? ''}` : undefined;
}

function containerProblem({ state, lastState, ready, restartCount = 0 }: ContainerStatus): string | undefined {
  if (state?.waiting && state.waiting.reason !== 'PodInitializing') return [state.waiting.reason, state.waiting.message].filter(Boolean).join(': ');
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended && ended.exitCode !== 0) return [ended.reason ?? 'Error', `exit status ${ended.exitCode}`, restartCount > 0 ? `${restartCount} restarts` : '', ended.message].filter(Boolean).join(', ');
  return state?.running && ready === false ? 'it runs but its readiness probe fails' : undefined;
}
