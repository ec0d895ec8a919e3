// The PodDisruptionBudget controller: how many pods of a budget may be evicted now.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { compileLabelSelector } from '../store/index.ts';
import { ownKey, startController, type ControllerContext } from './controller.ts';
import { isActive, isReady, resolveCount, withCondition } from './pod-state.ts';
import { POD_DISRUPTION_BUDGETS, PODS } from './resources.ts';

/** Starts the controller; returns the way to stop it. */
export function startDisruptionBudgetController(context: ControllerContext): () => void {
  const budgets = context.client.table(POD_DISRUPTION_BUDGETS);
  return startController(context, {
    name: 'disruption-controller',
    sources: [
      { resource: POD_DISRUPTION_BUDGETS, keys: ownKey },
      { resource: PODS, keys: (pod) => budgets.list(pod.metadata.namespace).filter((budget) => compileLabelSelector(budget.spec?.selector)(pod.metadata.labels)).flatMap(ownKey) },
    ],
    reconcile: async (namespace, name) => {
      const budget = budgets.get(namespace, name);
      if (!budget || budget.metadata.deletionTimestamp) return;
      const selects = compileLabelSelector(budget.spec?.selector);
      const pods = context.client.table(PODS).list(namespace).filter((pod) => isActive(pod) && selects(pod.metadata.labels));
      const status = budgetStatus(budget, pods);
      if (!deepEqual(budget.status ?? {}, status)) await context.client.patch(POD_DISRUPTION_BUDGETS, namespace, name, { status }, 'status');
    },
  });
}

function budgetStatus(budget: StoredObject, pods: readonly StoredObject[]): Record<string, unknown> {
  const expectedPods = pods.length;
  const currentHealthy = pods.filter(isReady).length;
  const { minAvailable, maxUnavailable } = budget.spec;
  const desiredHealthy = maxUnavailable === undefined ? resolveCount(minAvailable ?? 1, expectedPods, 'up') : Math.max(0, expectedPods - resolveCount(maxUnavailable, expectedPods, 'up'));
  const disruptionsAllowed = Math.max(0, currentHealthy - desiredHealthy);
  const allowed = disruptionsAllowed > 0;
  return {
    observedGeneration: budget.metadata.generation ?? 1, expectedPods, currentHealthy, desiredHealthy, disruptionsAllowed,
    conditions: withCondition(budget.status?.conditions, { type: 'DisruptionAllowed', status: allowed ? 'True' : 'False', reason: allowed ? 'SufficientPods' : 'InsufficientPods', message: '', observedGeneration: budget.metadata.generation ?? 1 }),
  };
}
