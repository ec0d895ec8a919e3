// The HorizontalPodAutoscaler controller of a cluster without metrics: keeps the target within its bounds and says that
// it cannot measure, as the real one does where no metrics server runs.
import { deepEqual } from '../../shared/lib/index.ts';
import type { ResourceName, StoredObject } from '../api-server/internal-client.ts';
import { ownKey, startController, type ControllerContext } from './controller.ts';
import { withCondition } from './pod-state.ts';
import { DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, REPLICA_SETS, STATEFUL_SETS } from './resources.ts';

const TARGETS: Record<string, ResourceName> = { Deployment: DEPLOYMENTS, ReplicaSet: REPLICA_SETS, StatefulSet: STATEFUL_SETS };

/** Starts the controller; returns the way to stop it. */
export function startHorizontalPodAutoscalerController(context: ControllerContext): () => void {
  const scalers = context.client.table(HORIZONTAL_POD_AUTOSCALERS);
  const ofTarget = (kind: string) => (object: StoredObject): string[] =>
    scalers.list(object.metadata.namespace).filter((scaler) => scaler.spec?.scaleTargetRef?.kind === kind && scaler.spec.scaleTargetRef.name === object.metadata.name).flatMap(ownKey);
  return startController(context, {
    name: 'horizontal-pod-autoscaler',
    sources: [
      { resource: HORIZONTAL_POD_AUTOSCALERS, keys: ownKey },
      ...Object.entries(TARGETS).map(([kind, resource]) => ({ resource, keys: ofTarget(kind) })),
    ],
    reconcile: async (namespace, name) => {
      const scaler = scalers.get(namespace, name);
      if (!scaler || scaler.metadata.deletionTimestamp) return;
      const resource = TARGETS[scaler.spec.scaleTargetRef?.kind ?? ''];
      const target = resource && context.client.table(resource).get(namespace, scaler.spec.scaleTargetRef.name);
      const wanted = target && bounded(scaler, target.spec.replicas ?? 1);
      if (resource && target && wanted !== undefined && wanted !== target.spec.replicas) {
        await context.client.patch(resource, namespace, target.metadata.name, { spec: { replicas: wanted } });
        context.events.record(scaler, 'Normal', 'SuccessfulRescale', `New size: ${wanted}; reason: Current number of replicas outside the bounds of minReplicas and maxReplicas`);
      }
      await writeStatus(context, scaler, target, wanted ?? 0);
    },
  });
}

function bounded(scaler: StoredObject, replicas: number): number {
  // Scaled to nothing by hand: the scaler is off.
  if (replicas === 0) return 0;
  return Math.min(scaler.spec.maxReplicas ?? replicas, Math.max(scaler.spec.minReplicas ?? 1, replicas));
}

async function writeStatus(context: ControllerContext, scaler: StoredObject, target: StoredObject | undefined, desiredReplicas: number): Promise<void> {
  let conditions = withCondition(scaler.status?.conditions, target
    ? { type: 'AbleToScale', status: 'True', reason: 'SucceededGetScale', message: 'the HPA controller was able to get the target\'s current scale' }
    : { type: 'AbleToScale', status: 'False', reason: 'FailedGetScale', message: `${scaler.spec.scaleTargetRef?.kind} ${scaler.spec.scaleTargetRef?.name} not found` });
  conditions = withCondition(conditions, { type: 'ScalingActive', status: 'False', reason: desiredReplicas === 0 ? 'ScalingDisabled' : 'FailedGetResourceMetric', message: 'the sandbox has no metrics; the target keeps at least its minimum of replicas' });
  const status = { currentReplicas: target?.status?.replicas ?? 0, desiredReplicas, conditions };
  const { currentReplicas, desiredReplicas: desired, conditions: present } = scaler.status ?? {};
  if (deepEqual({ currentReplicas, desiredReplicas: desired, conditions: present }, status)) return;
  await context.client.patch(HORIZONTAL_POD_AUTOSCALERS, scaler.metadata.namespace, scaler.metadata.name, { status }, 'status');
}
