// The StatefulSet controller: pods with ordinal names, made in order and removed in reverse, each keeping its claims.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { claimantKeys, claimObjects } from './claim.ts';
import { controllerKey, ownKey, startController, type ControllerContext } from './controller.ts';
import { isReady, isTerminal, millisecondsToAvailable, podFromTemplate, shortHash } from './pod-state.ts';
import { PODS, STATEFUL_SETS } from './resources.ts';

const HASH = 'controller-revision-hash';

/** Starts the controller; returns the way to stop it. */
export function startStatefulSetController(context: ControllerContext): () => void {
  return startController(context, {
    name: 'statefulset-controller',
    sources: [{ resource: STATEFUL_SETS, keys: ownKey }, { resource: PODS, keys: controllerKey('StatefulSet') }, { resource: PODS, keys: claimantKeys(context, STATEFUL_SETS) }],
    reconcile: async (namespace, name, again) => {
      const found = context.client.table(STATEFUL_SETS).get(namespace, name);
      if (!found || found.metadata.deletionTimestamp) return;
      // Only pods that have a name of the set's can be its own.
      const set = await claimObjects(context, found, { resource: PODS, owners: STATEFUL_SETS, isExempt: (pod) => !pod.metadata.name.startsWith(`${name}-`) || !(ordinal(found, pod) >= 0) });
      if (!set) return;
      const revision = `${name}-${shortHash(set.spec.template)}`;
      await keepPods(context, set, revision);
      await writeStatus(context, set, revision, again);
    },
  });
}

function ordinal(set: StoredObject, pod: StoredObject): number {
  return Number(pod.metadata.name.slice(set.metadata.name.length + 1)) - (set.spec.ordinals?.start ?? 0);
}

function ownPods(context: ControllerContext, set: StoredObject): Map<number, StoredObject> {
  return new Map(context.client.table(PODS).ownedBy(set.metadata.uid).map((pod) => [ordinal(set, pod), pod]));
}

async function keepPods(context: ControllerContext, set: StoredObject, revision: string): Promise<void> {
  const pods = ownPods(context, set);
  const replicas = set.spec.replicas ?? 1;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  for (let index = 0; index < replicas; index += 1) {
    const pod = pods.get(index);
    if (!pod) await create(context, set, index, creationRevision(set, revision, index));
    else if (isTerminal(pod) && !pod.metadata.deletionTimestamp) await remove(context, set, pod);
    // In order: the next one only when this one serves.
    if (ordered && !(pod && isReady(pod) && !pod.metadata.deletionTimestamp)) return;
  }
  const surplus = [...pods].filter(([index]) => index >= replicas).sort(([a], [b]) => b - a);
  for (const [, pod] of surplus) {
    if (!pod.metadata.deletionTimestamp) await remove(context, set, pod);
    if (ordered) return;
  }
  if (surplus.length === 0) await updateOne(context, set, pods, revision);
}

// Below the partition a pod that was lost comes back as it was.
function creationRevision(set: StoredObject, revision: string, index: number): string {
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  return index < partition ? set.status?.currentRevision ?? revision : revision;
}

async function updateOne(context: ControllerContext, set: StoredObject, pods: ReadonlyMap<number, StoredObject>, revision: string): Promise<void> {
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const partition = set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
  for (const [index, pod] of [...pods].sort(([a], [b]) => b - a)) {
    if (index < partition) return;
    if (pod.metadata.deletionTimestamp) return;
    if (pod.metadata.labels?.[HASH] !== revision) {
      await remove(context, set, pod);
      return;
    }
    if (!isReady(pod)) return;
  }
}

async function create(context: ControllerContext, set: StoredObject, index: number, revision: string): Promise<void> {
  const number = index + (set.spec.ordinals?.start ?? 0);
  const name = `${set.metadata.name}-${number}`;
  const pod = podFromTemplate(set, set.spec.template, name, { [HASH]: revision, 'statefulset.kubernetes.io/pod-name': name, 'apps.kubernetes.io/pod-index': String(number) });
  const claims = (set.spec.volumeClaimTemplates ?? []).map((claim: StoredObject) => ({ name: claim.metadata.name, persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}` } }));
  const claimed = new Set(claims.map((volume: { name: string }) => volume.name));
  const volumes = [...(pod.spec.volumes ?? []).filter((volume: { name: string }) => !claimed.has(volume.name)), ...claims];
  await context.client.create(PODS, { ...pod, spec: { ...pod.spec, hostname: name, subdomain: set.spec.serviceName, volumes } });
  context.events.record(set, 'Normal', 'SuccessfulCreate', `create Pod ${name} in StatefulSet ${set.metadata.name} successful`);
}

async function remove(context: ControllerContext, set: StoredObject, pod: StoredObject): Promise<void> {
  await context.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { uid: pod.metadata.uid });
  context.events.record(set, 'Normal', 'SuccessfulDelete', `delete Pod ${pod.metadata.name} in StatefulSet ${set.metadata.name} successful`);
}

async function writeStatus(context: ControllerContext, reconciled: StoredObject, revision: string, again: (milliseconds: number) => void): Promise<void> {
  const set = context.client.table(STATEFUL_SETS).get(reconciled.metadata.namespace, reconciled.metadata.name);
  if (!set) return;
  const pods = [...ownPods(context, set).values()].filter((pod) => !isTerminal(pod));
  const living = pods.filter((pod) => !pod.metadata.deletionTimestamp);
  const updated = living.filter((pod) => pod.metadata.labels?.[HASH] === revision);
  const waits = living.map((pod) => millisecondsToAvailable(pod, set.spec.minReadySeconds ?? 0));
  const pending = waits.filter((wait): wait is number => wait !== undefined && wait > 0);
  if (pending.length > 0) again(Math.min(...pending));
  const replicas = reconciled.spec.replicas ?? 1;
  const complete = updated.length === replicas && living.length === replicas && updated.every(isReady);
  const currentRevision = complete ? revision : set.status?.currentRevision ?? revision;
  const status = {
    observedGeneration: reconciled.metadata.generation ?? 1,
    replicas: pods.length, readyReplicas: living.filter(isReady).length, availableReplicas: waits.filter((wait) => wait === 0).length,
    currentReplicas: living.filter((pod) => pod.metadata.labels?.[HASH] === currentRevision).length, updatedReplicas: updated.length,
    currentRevision, updateRevision: revision, collisionCount: 0,
  };
  if (!deepEqual(set.status ?? {}, status)) await context.client.patch(STATEFUL_SETS, set.metadata.namespace, set.metadata.name, { status }, 'status');
}
