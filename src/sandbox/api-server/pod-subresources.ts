// Subresources that are acts: eviction and binding of pods.
import { compileLabelSelector, type KubeObject, type Store } from '../store/index.ts';
import { isDryRun, type Deleter, type DeleteOptions } from './deletion.ts';
import { ApiStatusError } from './internal-client.ts';
import type { Operations } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import { conflict, notFound } from './status.ts';
import type { Target } from './target.ts';
import { timestamp } from './timestamps.ts';

const BUDGETS = 'policy/poddisruptionbudgets';

/** Deletes a pod if its disruption budget allows, else throws 429. */
export async function evictPod(store: Store, deleter: Deleter, context: RequestContext, target: Target, eviction: { deleteOptions?: DeleteOptions }): Promise<void> {
  const pod = store.get('/pods', target.namespace, target.name);
  if (!pod) throw notFound(target.info, target.name);
  if (isHealthy(pod) && !context.dryRun && !isDryRun(eviction.deleteOptions)) spendBudget(store, pod);
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

/** Assigns a pod to a node. */
export async function bindPod(operations: Operations, context: RequestContext, target: Target, binding: { target?: { name?: string } }): Promise<void> {
  const nodeName = binding.target?.name ?? '';
  await operations.update(context, target, 'binding', (live) => {
    if (live.metadata.deletionTimestamp !== undefined) throw conflict(target.info, target.name, `pod ${target.name} is being deleted, cannot be assigned to a host`);
    if (live.spec.nodeName) throw conflict(target.info, target.name, `pod ${target.name} is already assigned to node "${String(live.spec.nodeName)}"`);
    return { ...live, spec: { ...live.spec, nodeName } };
  });
}
