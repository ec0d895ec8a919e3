// The ReplicaSet controller: keeps as many pods of a template as spec.replicas says, and claims those that its selector matches.
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { claimantKeys, claimObjects } from './claim.ts';
import { controllerKey, ownKey, startController, type ControllerContext } from './controller.ts';
import { isActive, isReady, millisecondsToAvailable, nameSuffix, podFromTemplate, withCondition } from './pod-state.ts';
import { PODS, REPLICA_SETS } from './resources.ts';

const BURST = 100;

/** Starts the controller; returns the way to stop it. */
export function startReplicaSetController(context: ControllerContext): () => void {
  return startController(context, {
    name: 'replicaset-controller',
    sources: [{ resource: REPLICA_SETS, keys: ownKey }, { resource: PODS, keys: controllerKey('ReplicaSet') }, { resource: PODS, keys: claimantKeys(context, REPLICA_SETS) }],
    reconcile: async (namespace, name, again) => {
      const replicaSet = context.client.table(REPLICA_SETS).get(namespace, name);
      if (!replicaSet) return;
      const claimed = await claimObjects(context, replicaSet, { resource: PODS, owners: REPLICA_SETS, isExempt: (pod) => !isActive(pod) });
      let failure: unknown;
      if (claimed) failure = await scale(context, claimed).then(() => undefined, (error: unknown) => error);
      await writeStatus(context, replicaSet, failure, again);
      if (failure !== undefined) throw failure;
    },
  });
}

async function scale(context: ControllerContext, replicaSet: StoredObject): Promise<void> {
  const pods = context.client.table(PODS).ownedBy(replicaSet.metadata.uid).filter(isActive);
  const wanted = replicaSet.spec.replicas ?? 1;
  const missing = Math.min(BURST, wanted - pods.length);
  if (missing > 0) {
    // Its pods may be missing because it has just been told to let go of them, which the tables show a moment later.
    const present = await context.client.client.get(REPLICA_SETS, replicaSet.metadata.namespace, replicaSet.metadata.name);
    if (present && present.metadata.deletionTimestamp === undefined) await createPods(context, replicaSet, missing);
  } else if (missing < 0) {
    const doomed = [...pods].sort(leastWantedFirst).slice(0, -missing);
    await Promise.all(doomed.map(async (pod) => {
      await context.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { uid: pod.metadata.uid });
      context.events.record(replicaSet, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
    }));
  }
}

async function createPods(context: ControllerContext, replicaSet: StoredObject, count: number): Promise<void> {
  const create = async (): Promise<void> => {
    try {
      const pod = await context.client.create(PODS, podFromTemplate(replicaSet, replicaSet.spec.template, `${replicaSet.metadata.name}-${nameSuffix()}`));
      context.events.record(replicaSet, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    } catch (error) {
      context.events.record(replicaSet, 'Warning', 'FailedCreate', `Error creating: ${describeError(error)}`);
      throw error;
    }
  };
  // One first: what refuses one pod would refuse them all.
  await create();
  const outcomes = await Promise.allSettled(Array.from({ length: count - 1 }, create));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Sorts pods so that the first is the one to lose least by deleting: unscheduled, pending, not ready, then the youngest. */
export function leastWantedFirst(a: StoredObject, b: StoredObject): number {
  return rank(a) - rank(b) || Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp) || Number(b.metadata.resourceVersion) - Number(a.metadata.resourceVersion);
}

function rank(pod: StoredObject): number {
  if (!pod.spec?.nodeName) return 0;
  if (pod.status?.phase !== 'Running') return 1;
  return isReady(pod) ? 3 : 2;
}

function hasLabels({ metadata }: StoredObject, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => metadata.labels?.[name] === value);
}

async function writeStatus(context: ControllerContext, replicaSet: StoredObject, failure: unknown, again: (milliseconds: number) => void): Promise<void> {
  const present = context.client.table(REPLICA_SETS).get(replicaSet.metadata.namespace, replicaSet.metadata.name);
  if (!present) return;
  const pods = context.client.table(PODS).ownedBy(replicaSet.metadata.uid).filter(isActive);
  const waits = pods.map((pod) => millisecondsToAvailable(pod, replicaSet.spec.minReadySeconds ?? 0));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  if (pending.length > 0) again(Math.min(...pending));
  const failed = failure === undefined ? undefined : String(failure instanceof Error ? failure.message : failure);
  const others = (present.status?.conditions ?? []).filter((entry: { type: string }) => entry.type !== 'ReplicaFailure');
  const status = {
    replicas: pods.length,
    fullyLabeledReplicas: pods.filter((pod) => hasLabels(pod, replicaSet.spec.template.metadata?.labels ?? {})).length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: waits.filter((wait) => wait === 0).length,
    observedGeneration: replicaSet.metadata.generation ?? 1,
    conditions: failed === undefined ? others : withCondition(present.status?.conditions, { type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: failed }),
  };
  if (deepEqual({ conditions: [], ...present.status }, status)) return;
  await context.client.patch(REPLICA_SETS, present.metadata.namespace, present.metadata.name, { status }, 'status');
}
