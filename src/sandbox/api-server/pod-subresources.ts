// Subresources that are acts: eviction and binding of pods.
import { compileLabelSelector, type KubeObject, type Store } from '../store/index.ts';
import { isDryRun, type Deleter, type DeleteOptions } from './deletion.ts';
import { ApiStatusError } from './internal-client.ts';
import type { RequestContext } from './request-context.ts';
import { conflict, notFound } from './status.ts';
import type { Target } from './target.ts';
import { timestamp } from './timestamps.ts';

const BUDGETS = 'policy/poddisruptionbudgets';

/** Deletes a pod if its disruption budget allows, else throws 429. */
export async function evictPod(store: Store, deleter: Deleter, context: RequestContext, target: Target, eviction: { deleteOptions?: DeleteOptions }): Promise<void> {
  const pod = store.get('/pods', target.namespace, target.name);
  if (!pod) throw notFound(target.info, target.name);
  if (!context.dryRun && !isDryRun(eviction.deleteOptions)) {
    if (isHealthy(pod)) spendBudget(store, pod);
    // Whoever looks after the pod learns that this is not a failure of its own.
    if (pod.metadata.deletionTimestamp === undefined) store.put('/pods', { ...pod, status: withCondition(pod, { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }) });
  }
  await deleter.delete(context, target, eviction.deleteOptions ?? {});
}

function isHealthy(pod: KubeObject): boolean {
  return pod.metadata.deletionTimestamp === undefined && ((pod.status?.conditions ?? []) as { type: string; status: string }[]).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

/** Checks and spends in one turn, so that two evictions cannot spend the same disruption. */
function spendBudget(store: Store, pod: KubeObject): void {
  const { namespace, labels, name } = pod.metadata;
  const budgets = store.list(BUDGETS, namespace).filter((budget) => compileLabelSelector(budget.spec?.selector)(labels));
  for (const budget of budgets) {
    if ((budget.status?.disruptionsAllowed ?? 0) > 0) continue;
    throw new ApiStatusError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: 'DisruptionBudget', message: `The disruption budget ${budget.metadata.name} needs ${String(budget.status?.desiredHealthy ?? 0)} healthy pods and has ${String(budget.status?.currentHealthy ?? 0)} currently` }],
    });
  }
  for (const budget of budgets) {
    const { status } = budget;
    store.put(BUDGETS, { ...budget, status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods: { ...status.disruptedPods, [name]: timestamp() } } });
  }
}

/** Assigns a pod to a node: nobody's field, and no change of what was asked for. */
export function bindPod(store: Store, context: RequestContext, target: Target, binding: { target?: { name?: string }; metadata?: { annotations?: Record<string, string>; labels?: Record<string, string> } }): void {
  const { namespace, name } = target;
  const pod = store.get('/pods', namespace, name);
  if (!pod) throw notFound(target.info, name);
  const refuse = (reason: string): Error => conflict({ ...target.info, plural: 'pods/binding' }, name, reason);
  if (pod.metadata.deletionTimestamp !== undefined) throw refuse(`pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec.nodeName) throw refuse(`pod ${name} is already assigned to node "${String(pod.spec.nodeName)}"`);
  const { annotations, labels } = binding.metadata ?? {};
  const metadata = { ...pod.metadata, ...(annotations ? { annotations: { ...pod.metadata.annotations, ...annotations } } : {}), ...(labels ? { labels: { ...pod.metadata.labels, ...labels } } : {}) };
  const bound = { ...pod, metadata, spec: { ...pod.spec, nodeName: binding.target?.name ?? '' }, status: withCondition(pod, { type: 'PodScheduled', status: 'True' }) };
  if (!context.dryRun) store.put('/pods', bound);
}

/** The pod's status with a condition of this moment. */
function withCondition(pod: KubeObject, condition: { type: string; status: string; reason?: string; message?: string }): object {
  const present = (pod.status?.conditions ?? []) as { type: string; status: string; lastTransitionTime?: string }[];
  const before = present.find(({ type }) => type === condition.type);
  const next = { lastProbeTime: null, ...condition, lastTransitionTime: before?.status === condition.status ? before.lastTransitionTime : timestamp() };
  return { ...pod.status, conditions: before ? present.map((entry) => (entry === before ? next : entry)) : [...present, next] };
}
