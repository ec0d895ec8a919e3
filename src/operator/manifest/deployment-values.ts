// Values that every Deployment of the mesh has: roll-out, scaling, scheduling.
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';

/** How one component is deployed, as a spec says it. */
export type ComponentRuntime = NonNullable<NonNullable<NonNullable<ControlPlaneSpec['runtime']>['components']>[string]>;
type Deployment = ComponentRuntime['deployment'];
type Pod = ComponentRuntime['pod'];

/** The roll-out: with a surge and no pod missing by default, so that nothing is refused meanwhile. */
export function rollingUpdate(deployment: Deployment): Record<string, unknown> {
  const { type = 'RollingUpdate', rollingUpdate: own } = deployment?.strategy ?? {};
  return type === 'RollingUpdate' ? { type, rollingUpdate: { maxSurge: own?.maxSurge ?? '100%', maxUnavailable: own?.maxUnavailable ?? 0 } } : { type };
}

/** The fixed number of replicas, or the autoscaler's numbers, never both: the autoscaler owns the number then. */
export function replicasOrScaling(deployment: Deployment): Record<string, unknown> {
  const own = deployment?.autoScaling;
  if (own?.enabled === false || (own?.enabled === undefined && deployment?.replicas !== undefined)) return { replicas: deployment?.replicas ?? 1 };
  const minReplicas = own?.minReplicas ?? 1;
  return { autoScaling: { minReplicas, maxReplicas: Math.max(own?.maxReplicas ?? 5, minReplicas), targetCPUUtilizationPercentage: own?.targetCPUUtilizationPercentage ?? 80 } };
}

/** Where pods go: the component's own wish, else the mesh's default. */
export function scheduling(pod: Pod, defaults: Pod): Record<string, unknown> {
  return {
    nodeSelector: pod?.nodeSelector ?? defaults?.nodeSelector,
    tolerations: pod?.tolerations ?? defaults?.tolerations,
    affinity: pod?.affinity ?? defaults?.affinity,
    priorityClassName: pod?.priorityClassName ?? defaults?.priorityClassName,
  };
}
