// The Deployment controller: one ReplicaSet a template, pods moved from the old ones to the new within the bounds of the
// strategy, and a status that tells how far the rollout is.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { claimantKeys, claimObjects } from './claim.ts';
import { controllerKey, controllerReference, ownKey, startController, type ControllerContext } from './controller.ts';
import { deploymentStatus } from './deployment-status.ts';
import { isTerminal, resolveCount, shortHash } from './pod-state.ts';
import { DEPLOYMENTS, PODS, REPLICA_SETS } from './resources.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const HASH = 'pod-template-hash';

/** Starts the controller; returns the way to stop it. */
export function startDeploymentController(context: ControllerContext): () => void {
  const replicaSets = context.client.table(REPLICA_SETS);
  return startController(context, {
    name: 'deployment-controller',
    sources: [
      { resource: DEPLOYMENTS, keys: ownKey },
      { resource: REPLICA_SETS, keys: controllerKey('Deployment') },
      { resource: REPLICA_SETS, keys: claimantKeys(context, DEPLOYMENTS) },
      // Recreate waits for the old pods to be gone.
      { resource: PODS, keys: (pod) => {
        const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller && reference.kind === 'ReplicaSet');
        const replicaSet = owner && replicaSets.get(pod.metadata.namespace, owner.name);
        return replicaSet ? controllerKey('Deployment')(replicaSet) : [];
      } },
    ],
    reconcile: async (namespace, name, again) => {
      const found = context.client.table(DEPLOYMENTS).get(namespace, name);
      if (!found || found.metadata.deletionTimestamp) return;
      const deployment = await claimObjects(context, found, { resource: REPLICA_SETS, owners: DEPLOYMENTS });
      if (!deployment) return;
      await rollOut(context, deployment);
      await writeStatus(context, deployment, again);
    },
  });
}

async function rollOut(context: ControllerContext, deployment: StoredObject): Promise<void> {
  const known = ownedReplicaSets(context, deployment);
  let current = findCurrent(deployment, known);
  const old = known.filter((replicaSet) => replicaSet !== current);
  if (deployment.spec.paused) {
    if (current && old.every((replicaSet) => (replicaSet.spec.replicas ?? 0) === 0)) await scale(context, deployment, current, deployment.spec.replicas ?? 1);
    return;
  }
  if (deployment.spec.strategy?.type === 'Recreate') {
    for (const replicaSet of old) await scale(context, deployment, replicaSet, 0);
    if (hasLivingPods(context, old)) return;
  }
  current = current ? await raiseRevision(context, deployment, current, old) : await createReplicaSet(context, deployment, old);
  if (deployment.spec.strategy?.type === 'Recreate') await scale(context, deployment, current, deployment.spec.replicas ?? 1);
  else await rollingUpdate(context, deployment, current, old);
  await prune(context, deployment, old);
}

/** The ReplicaSets that the deployment controls. */
function ownedReplicaSets(context: ControllerContext, deployment: StoredObject): StoredObject[] {
  return context.client.table(REPLICA_SETS).ownedBy(deployment.metadata.uid).filter((replicaSet) => !replicaSet.metadata.deletionTimestamp);
}

function findCurrent(deployment: StoredObject, replicaSets: readonly StoredObject[]): StoredObject | undefined {
  return replicaSets.find((replicaSet) => deepEqual(withoutHash(replicaSet.spec.template), withoutHash(deployment.spec.template)));
}

function withoutHash(template: StoredObject['spec']): unknown {
  const labels = { ...template.metadata?.labels };
  delete labels[HASH];
  return { ...template, metadata: { ...template.metadata, labels, creationTimestamp: null } };
}

function hasLivingPods(context: ControllerContext, replicaSets: readonly StoredObject[]): boolean {
  return replicaSets.some((replicaSet) => context.client.table(PODS).ownedBy(replicaSet.metadata.uid).some((pod) => !isTerminal(pod)));
}

function revisionOf(object: StoredObject): number {
  return Number(object.metadata.annotations?.[REVISION] ?? 0);
}

function nextRevision(old: readonly StoredObject[]): number {
  return Math.max(0, ...old.map(revisionOf)) + 1;
}

async function createReplicaSet(context: ControllerContext, deployment: StoredObject, old: readonly StoredObject[]): Promise<StoredObject> {
  const hash = shortHash(withoutHash(deployment.spec.template));
  const template = deployment.spec.template;
  const labels = { ...template.metadata?.labels, [HASH]: hash };
  const replicas = deployment.spec.strategy?.type === 'Recreate' ? (deployment.spec.replicas ?? 1) : roomForNew(deployment, 0, total(old));
  const revision = String(nextRevision(old));
  const created = await context.client.create(REPLICA_SETS, {
    apiVersion: 'apps/v1', kind: 'ReplicaSet',
    metadata: {
      name: `${deployment.metadata.name}-${hash}`, namespace: deployment.metadata.namespace, labels,
      annotations: { ...inheritedAnnotations(deployment), ...scaleAnnotations(deployment), [REVISION]: revision },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas, minReadySeconds: deployment.spec.minReadySeconds ?? 0,
      selector: { ...deployment.spec.selector, matchLabels: { ...deployment.spec.selector?.matchLabels, [HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  });
  if (replicas > 0) context.events.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${created.metadata.name} from 0 to ${replicas}`);
  await setDeploymentRevision(context, deployment, revision);
  return created;
}

async function raiseRevision(context: ControllerContext, deployment: StoredObject, current: StoredObject, old: readonly StoredObject[]): Promise<StoredObject> {
  const revision = Math.max(revisionOf(current), nextRevision(old));
  const annotations = { ...scaleAnnotations(deployment), [REVISION]: String(revision) };
  const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
  await setDeploymentRevision(context, deployment, String(revision));
  const same = Object.entries(annotations).every(([key, value]) => current.metadata.annotations?.[key] === value);
  if (same && (current.spec.minReadySeconds ?? 0) === minReadySeconds) return current;
  return context.client.patch(REPLICA_SETS, current.metadata.namespace, current.metadata.name, { metadata: { annotations }, spec: { minReadySeconds } });
}

async function setDeploymentRevision(context: ControllerContext, deployment: StoredObject, revision: string): Promise<void> {
  if (deployment.metadata.annotations?.[REVISION] === revision) return;
  await context.client.patch(DEPLOYMENTS, deployment.metadata.namespace, deployment.metadata.name, { metadata: { annotations: { [REVISION]: revision } } });
}

function inheritedAnnotations(deployment: StoredObject): Record<string, string> {
  const annotations = { ...deployment.metadata.annotations };
  delete annotations['kubectl.kubernetes.io/last-applied-configuration'];
  return annotations;
}

function scaleAnnotations(deployment: StoredObject): Record<string, string> {
  const replicas = deployment.spec.replicas ?? 1;
  return { 'deployment.kubernetes.io/desired-replicas': String(replicas), 'deployment.kubernetes.io/max-replicas': String(replicas + bounds(deployment).surge) };
}

/** How many pods there may be above, and may be missing below, the wanted number. */
function bounds(deployment: StoredObject): { surge: number; unavailable: number } {
  const replicas = deployment.spec.replicas ?? 1;
  if (deployment.spec.strategy?.type === 'Recreate') return { surge: 0, unavailable: replicas };
  const rolling = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = resolveCount(rolling.maxSurge ?? '25%', replicas, 'up');
  const unavailable = resolveCount(rolling.maxUnavailable ?? '25%', replicas, 'down');
  // Both zero could never move: Kubernetes then lets one be unavailable.
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable: Math.min(unavailable, replicas) };
}

function total(replicaSets: readonly StoredObject[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + (replicaSet.spec.replicas ?? 0), 0);
}

function roomForNew(deployment: StoredObject, present: number, oldTotal: number): number {
  const replicas = deployment.spec.replicas ?? 1;
  if (present >= replicas) return replicas;
  const room = replicas + bounds(deployment).surge - (present + oldTotal);
  return Math.min(replicas, present + Math.max(0, room));
}

async function rollingUpdate(context: ControllerContext, deployment: StoredObject, current: StoredObject, old: readonly StoredObject[]): Promise<void> {
  const wanted = roomForNew(deployment, current.spec.replicas ?? 0, total(old));
  const scaled = await scale(context, deployment, current, wanted);
  const active = old.filter((replicaSet) => (replicaSet.spec.replicas ?? 0) > 0);
  if (active.length > 0) await scaleDownOld(context, deployment, scaled, active);
}

async function scaleDownOld(context: ControllerContext, deployment: StoredObject, current: StoredObject, old: readonly StoredObject[]): Promise<void> {
  const replicas = deployment.spec.replicas ?? 1;
  const minimum = replicas - bounds(deployment).unavailable;
  const currentUnavailable = Math.max(0, (current.spec.replicas ?? 0) - available(current));
  let removable = total([current, ...old]) - minimum - currentUnavailable;
  let availableNow = available(current) + old.reduce((sum, replicaSet) => sum + Math.min(available(replicaSet), replicaSet.spec.replicas ?? 0), 0);
  const oldestFirst = [...old].sort((a, b) => revisionOf(a) - revisionOf(b));
  for (const replicaSet of oldestFirst) {
    const size = replicaSet.spec.replicas ?? 0;
    const healthy = Math.min(available(replicaSet), size);
    // Pods that serve nobody go first; of the healthy ones only what the minimum leaves.
    const unhealthy = Math.max(0, Math.min(removable, size - healthy));
    const spare = Math.max(0, Math.min(removable - unhealthy, healthy, availableNow - minimum));
    if (unhealthy + spare <= 0) continue;
    removable -= unhealthy + spare;
    availableNow -= spare;
    await scale(context, deployment, replicaSet, size - unhealthy - spare);
  }
}

function available(replicaSet: StoredObject): number {
  // A status of an older generation may count pods that are being removed.
  return replicaSet.status?.availableReplicas ?? 0;
}

async function scale(context: ControllerContext, deployment: StoredObject, replicaSet: StoredObject, replicas: number): Promise<StoredObject> {
  const present = replicaSet.spec.replicas ?? 0;
  if (present === replicas) return replicaSet;
  const scaled = await context.client.patch(REPLICA_SETS, replicaSet.metadata.namespace, replicaSet.metadata.name, { metadata: { annotations: scaleAnnotations(deployment) }, spec: { replicas } });
  const direction = replicas > present ? 'up' : 'down';
  context.events.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${present} to ${replicas}`);
  return scaled;
}

async function prune(context: ControllerContext, deployment: StoredObject, old: readonly StoredObject[]): Promise<void> {
  const idle = old.filter((replicaSet) => (replicaSet.spec.replicas ?? 0) === 0 && (replicaSet.status?.replicas ?? 0) === 0).sort((a, b) => revisionOf(a) - revisionOf(b));
  const surplus = idle.length - (deployment.spec.revisionHistoryLimit ?? 10);
  for (const replicaSet of idle.slice(0, Math.max(0, surplus))) await context.client.delete(REPLICA_SETS, replicaSet.metadata.namespace, replicaSet.metadata.name);
}

async function writeStatus(context: ControllerContext, reconciled: StoredObject, again: (milliseconds: number) => void): Promise<void> {
  const deployment = context.client.table(DEPLOYMENTS).get(reconciled.metadata.namespace, reconciled.metadata.name);
  if (!deployment || deployment.metadata.uid !== reconciled.metadata.uid) return;
  const replicaSets = ownedReplicaSets(context, deployment);
  const { status, waitMilliseconds } = deploymentStatus(deployment, reconciled, findCurrent(reconciled, replicaSets), replicaSets, bounds(reconciled).unavailable);
  if (waitMilliseconds !== undefined) again(waitMilliseconds);
  if (deepEqual(deployment.status ?? {}, status)) return;
  await context.client.patch(DEPLOYMENTS, deployment.metadata.namespace, deployment.metadata.name, { status }, 'status');
}
