// The status of a Deployment as a function of its ReplicaSets, with the conditions Available and Progressing.
import type { StoredObject } from '../api-server/internal-client.ts';
import { condition, timestamp, withCondition } from './pod-state.ts';

interface Progress {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
  /** Whether something moved since the last status. */
  readonly moved: boolean;
}

/** The next status of `deployment`, and when it must be looked at again because of the progress deadline. */
export function deploymentStatus(
  deployment: StoredObject, reconciled: StoredObject, current: StoredObject | undefined, replicaSets: readonly StoredObject[], maxUnavailable: number,
): { status: Record<string, unknown>; waitMilliseconds?: number } {
  const wanted = reconciled.spec.replicas ?? 1;
  const counts = count(reconciled, current, replicaSets);
  const deadline = (reconciled.spec.progressDeadlineSeconds ?? 600) * 1000;
  const progress = judge(deployment, counts, wanted, current, deadline, reconciled.spec.paused === true);
  const present = condition(deployment, 'Progressing');
  const same = present?.status === progress.status && present.reason === progress.reason;
  const lastUpdateTime = same && !progress.moved ? present.lastUpdateTime ?? timestamp() : timestamp();
  let conditions = withAvailable(deployment, counts.availableReplicas >= wanted - maxUnavailable);
  conditions = withFailure(conditions, replicaSets);
  conditions = withCondition(conditions, { type: 'Progressing', status: progress.status, reason: progress.reason, message: progress.message, lastUpdateTime });
  const waits = progress.status === 'True' && progress.reason !== 'NewReplicaSetAvailable';
  return {
    status: { ...counts, conditions: conditions.sort((a, b) => (a.type < b.type ? -1 : 1)) },
    ...(waits ? { waitMilliseconds: overdueAt(lastUpdateTime, deadline) - Date.now() } : {}),
  };
}

interface Counts {
  readonly observedGeneration: number;
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  readonly unavailableReplicas: number;
}

function count(reconciled: StoredObject, current: StoredObject | undefined, replicaSets: readonly StoredObject[]): Counts {
  const sum = (field: string): number => replicaSets.reduce((total, replicaSet) => total + (replicaSet.status?.[field] ?? 0), 0);
  const wanted = replicaSets.reduce((total, replicaSet) => total + (replicaSet.spec.replicas ?? 0), 0);
  return {
    observedGeneration: reconciled.metadata.generation ?? 1,
    replicas: sum('replicas'), updatedReplicas: current?.status?.replicas ?? 0, readyReplicas: sum('readyReplicas'), availableReplicas: sum('availableReplicas'),
    unavailableReplicas: Math.max(0, wanted - sum('availableReplicas')),
  };
}

function withAvailable(deployment: StoredObject, enough: boolean): StoredObject['status'][] {
  const present = condition(deployment, 'Available');
  const status = enough ? 'True' : 'False';
  const lastUpdateTime = present?.status === status ? present.lastUpdateTime ?? timestamp() : timestamp();
  return withCondition(deployment.status?.conditions, enough
    ? { type: 'Available', status, reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.', lastUpdateTime }
    : { type: 'Available', status, reason: 'MinimumReplicasUnavailable', message: 'Deployment does not have minimum availability.', lastUpdateTime });
}

function withFailure(conditions: StoredObject['status'][], replicaSets: readonly StoredObject[]): StoredObject['status'][] {
  const failure = replicaSets.map((replicaSet) => condition(replicaSet, 'ReplicaFailure')).find((entry) => entry !== undefined);
  if (failure) return withCondition(conditions, { type: 'ReplicaFailure', status: 'True', reason: failure.reason ?? '', message: failure.message ?? '' });
  return conditions.filter((entry) => entry.type !== 'ReplicaFailure');
}

// One second more, because the times are written in whole seconds.
function overdueAt(lastUpdateTime: string, deadline: number): number {
  return Date.parse(lastUpdateTime) + deadline + 1000;
}

function judge(deployment: StoredObject, counts: Counts, wanted: number, current: StoredObject | undefined, deadline: number, paused: boolean): Progress {
  const present = condition(deployment, 'Progressing');
  const name = current?.metadata.name ?? '';
  if (paused) return { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused', moved: false };
  const complete = counts.updatedReplicas === wanted && counts.replicas === wanted && counts.availableReplicas === wanted && current !== undefined;
  if (complete) return { status: 'True', reason: 'NewReplicaSetAvailable', message: `ReplicaSet "${name}" has successfully progressed.`, moved: false };
  if (!present || present.reason === 'DeploymentPaused' || hasMoved(deployment.status, counts)) return { status: 'True', reason: 'ReplicaSetUpdated', message: `ReplicaSet "${name}" is progressing.`, moved: true };
  if (present.reason === 'NewReplicaSetAvailable' || present.reason === 'ProgressDeadlineExceeded') {
    // A finished rollout whose pods fail later is no failed rollout; an overdue one stays so until something moves.
    return { status: present.status as Progress['status'], reason: present.reason, message: present.message ?? '', moved: false };
  }
  if (overdueAt(present.lastUpdateTime ?? '', deadline) <= Date.now()) {
    return { status: 'False', reason: 'ProgressDeadlineExceeded', message: `ReplicaSet "${name}" has timed out progressing.`, moved: true };
  }
  return { status: 'True', reason: present.reason ?? 'ReplicaSetUpdated', message: present.message ?? '', moved: false };
}

function hasMoved(before: Partial<Counts> = {}, now: Counts): boolean {
  const rose = (field: 'updatedReplicas' | 'readyReplicas' | 'availableReplicas'): boolean => now[field] > (before[field] ?? 0);
  const oldOnes = (counts: Partial<Counts>): number => (counts.replicas ?? 0) - (counts.updatedReplicas ?? 0);
  return before.observedGeneration !== now.observedGeneration || rose('updatedReplicas') || rose('readyReplicas') || rose('availableReplicas') || oldOnes(now) < oldOnes(before);
}
