// The DaemonSet controller: one pod on each node that the template allows, replaced one by one when the template changes.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { claimantKeys, claimObjects } from './claim.ts';
import { controllerKey, ownKey, startController, type ControllerContext } from './controller.ts';
import { isReady, isTerminal, millisecondsToAvailable, nameSuffix, podFromTemplate, resolveCount, shortHash } from './pod-state.ts';
import { DAEMON_SETS, NODES, PODS } from './resources.ts';
import { refusal } from './scheduler.ts';

const HASH = 'controller-revision-hash';

interface DaemonPods {
  readonly node: StoredObject;
  /** Pods of the present template and of earlier ones, without those that are going away. */
  readonly current: StoredObject[];
  readonly old: StoredObject[];
  readonly terminating: StoredObject[];
}

/** Starts the controller; returns the way to stop it. */
export function startDaemonSetController(context: ControllerContext): () => void {
  const sets = context.client.table(DAEMON_SETS);
  return startController(context, {
    name: 'daemonset-controller',
    sources: [
      { resource: DAEMON_SETS, keys: ownKey },
      { resource: PODS, keys: controllerKey('DaemonSet') },
      { resource: PODS, keys: claimantKeys(context, DAEMON_SETS) },
      { resource: NODES, keys: () => sets.list().flatMap(ownKey) },
    ],
    reconcile: async (namespace, name, again) => {
      const found = sets.get(namespace, name);
      if (!found || found.metadata.deletionTimestamp) return;
      const set = await claimObjects(context, found, { resource: PODS, owners: DAEMON_SETS });
      if (!set) return;
      const hash = shortHash(set.spec.template);
      await removeEnded(context, set);
      for (const pods of podsByNode(context, set, hash)) await keepNode(context, set, hash, pods);
      await writeStatus(context, set, hash, again);
    },
  });
}

// A pod that ended is made again: it may have been evicted or have run out of restarts.
async function removeEnded(context: ControllerContext, set: StoredObject): Promise<void> {
  for (const pod of context.client.table(PODS).ownedBy(set.metadata.uid)) {
    if (isTerminal(pod) && !pod.metadata.deletionTimestamp) await context.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { uid: pod.metadata.uid });
  }
}

function podsByNode(context: ControllerContext, set: StoredObject, hash: string): DaemonPods[] {
  const pods = context.client.table(PODS).ownedBy(set.metadata.uid).filter((pod) => !isTerminal(pod));
  return wantedNodes(context, set).map((node) => {
    const here = pods.filter((pod) => pod.spec.nodeName === node.metadata.name);
    const living = here.filter((pod) => !pod.metadata.deletionTimestamp);
    return {
      node,
      current: living.filter((pod) => pod.metadata.labels?.[HASH] === hash),
      old: living.filter((pod) => pod.metadata.labels?.[HASH] !== hash),
      terminating: here.filter((pod) => pod.metadata.deletionTimestamp),
    };
  });
}

function wantedNodes(context: ControllerContext, set: StoredObject): StoredObject[] {
  // Daemons run on nodes that take no other pods too.
  return context.client.table(NODES).list().filter((node) => refusal({ ...set, spec: set.spec.template.spec }, { ...node, spec: { ...node.spec, unschedulable: false } }) === undefined);
}

async function keepNode(context: ControllerContext, set: StoredObject, hash: string, pods: DaemonPods): Promise<void> {
  const strategy = set.spec.updateStrategy ?? {};
  const surge = resolveCount(strategy.rollingUpdate?.maxSurge ?? 0, 1, 'up') > 0;
  const living = pods.current.length + pods.old.length;
  if (living === 0) {
    // The pod before it may still hold the node's ports.
    if (pods.terminating.length === 0 || surge) await create(context, set, hash, pods.node);
    return;
  }
  if (pods.old.length === 0 || strategy.type === 'OnDelete') return;
  if (!surge) {
    for (const pod of pods.old) await remove(context, set, pod);
    return;
  }
  if (pods.current.length === 0) await create(context, set, hash, pods.node);
  else if (pods.current.some((pod) => millisecondsToAvailable(pod, set.spec.minReadySeconds ?? 0) === 0)) for (const pod of pods.old) await remove(context, set, pod);
}

async function create(context: ControllerContext, set: StoredObject, hash: string, node: StoredObject): Promise<void> {
  const pod = podFromTemplate(set, set.spec.template, `${set.metadata.name}-${nameSuffix()}`, { [HASH]: hash });
  const created = await context.client.create(PODS, { ...pod, spec: { ...pod.spec, nodeName: node.metadata.name } });
  context.events.record(set, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
}

async function remove(context: ControllerContext, set: StoredObject, pod: StoredObject): Promise<void> {
  await context.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { uid: pod.metadata.uid });
  context.events.record(set, 'Normal', 'SuccessfulDelete', `Deleted pod: ${pod.metadata.name}`);
}

async function writeStatus(context: ControllerContext, set: StoredObject, hash: string, again: (milliseconds: number) => void): Promise<void> {
  const nodes = podsByNode(context, set, hash);
  const living = nodes.map((pods) => [...pods.current, ...pods.old]);
  const waits = living.flat().map((pod) => millisecondsToAvailable(pod, set.spec.minReadySeconds ?? 0)).filter((wait): wait is number => wait !== undefined && wait > 0);
  if (waits.length > 0) again(Math.min(...waits));
  const available = living.filter((pods) => pods.some((pod) => millisecondsToAvailable(pod, set.spec.minReadySeconds ?? 0) === 0)).length;
  const status = {
    currentNumberScheduled: living.filter((pods) => pods.length > 0).length,
    numberMisscheduled: 0,
    desiredNumberScheduled: nodes.length,
    numberReady: living.filter((pods) => pods.some(isReady)).length,
    observedGeneration: set.metadata.generation ?? 1,
    updatedNumberScheduled: nodes.filter((pods) => pods.current.length > 0).length,
    numberAvailable: available,
    numberUnavailable: nodes.length - available,
  };
  if (!deepEqual(context.client.table(DAEMON_SETS).get(set.metadata.namespace, set.metadata.name)?.status ?? {}, status)) {
    await context.client.patch(DAEMON_SETS, set.metadata.namespace, set.metadata.name, { status }, 'status');
  }
}
