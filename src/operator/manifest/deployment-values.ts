// Values that every Deployment of the mesh has: roll-out, scaling, scheduling.
import type { z } from 'zod';
import type { deploymentSchema, podSchema } from '../../shared/api/maistra/v2/runtime.ts';

type Deployment = z.infer<typeof deploymentSchema> | undefined;
type Pod = z.infer<typeof podSchema> | undefined;

/** The roll-out: with a surge and no pod missing by default, so that nothing is refused meanwhile. */
export function rollingUpdate(deployment: Deployment): Record<string, unknown> {
  const { type = 'RollingUpdate', rollingUpdate: own } = deployment?.strategy ?? {};
  return type === 'RollingUpdate' ? { type, rollingUpdate: { maxSurge: own?.maxSurge ?? '100%', maxUnavailable: own?.maxUnavailable ?? 0 } } : { type };
}

/** The autoscaler's numbers; undefined when the number of replicas is fixed. */
export function autoScaling(deployment: Deployment): Record<string, number> | undefined {
  const own = deployment?.autoScaling;
  if (own?.enabled === false || (own?.enabled === undefined && deployment?.replicas !== undefined)) return undefined;
  const minReplicas = own?.minReplicas ?? 1;
  return { minReplicas, maxReplicas: Math.max(own?.maxReplicas ?? 5, minReplicas), targetCPUUtilizationPercentage: own?.targetCPUUtilizationPercentage ?? 80 };
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
