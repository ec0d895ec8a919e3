// WorkloadEntry (networking.istio.io): a workload outside Kubernetes.
import { z } from 'zod';
import { istioObject } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

/** An endpoint, inline in a ServiceEntry or as an object of its own. */
export const WorkloadEntrySpec = z.object({
  address: z.string().optional(),
  ports: z.record(z.string(), z.number().int()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  network: z.string().optional(),
  locality: z.string().optional(),
  weight: z.number().int().optional(),
  serviceAccount: z.string().optional(),
});
export type WorkloadEntrySpec = z.infer<typeof WorkloadEntrySpec>;

/** A WorkloadEntry object. */
export const WorkloadEntry = istioObject('WorkloadEntry', WorkloadEntrySpec);
export type WorkloadEntry = z.infer<typeof WorkloadEntry>;

/** The kind's names. */
export const WorkloadEntryType = {
  group: 'networking.istio.io', version: 'v1', kind: 'WorkloadEntry', plural: 'workloadentries', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: ['we'],
} as const satisfies ResourceType<WorkloadEntry> & { servedVersions: readonly string[]; shortNames: readonly string[] };
