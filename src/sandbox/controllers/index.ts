// The workload controllers of the sandbox: what kube-controller-manager and kube-scheduler are to a cluster.
import type { ControllerContext } from './controller.ts';
import { startCronJobController } from './cron-job.ts';
import { startDaemonSetController } from './daemon-set.ts';
import { startDeploymentController } from './deployment.ts';
import { startDisruptionBudgetController } from './disruption-budget.ts';
import { startEndpointSliceController } from './endpoint-slice.ts';
import { startHorizontalPodAutoscalerController } from './horizontal-pod-autoscaler.ts';
import { startJobController } from './job.ts';
import { startLoadBalancerController } from './load-balancer.ts';
import { startReplicaSetController } from './replica-set.ts';
import { startScheduler } from './scheduler.ts';
import { startStatefulSetController } from './stateful-set.ts';

export type { ControllerContext };

/** Starts every controller; returns the way to stop them. */
export function startControllers(context: ControllerContext): () => void {
  const stops = [
    startScheduler(context),
    startDeploymentController(context),
    startReplicaSetController(context),
    startDaemonSetController(context),
    startStatefulSetController(context),
    startJobController(context),
    startCronJobController(context),
    startEndpointSliceController(context),
    startLoadBalancerController(context),
    startDisruptionBudgetController(context),
    startHorizontalPodAutoscalerController(context),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
