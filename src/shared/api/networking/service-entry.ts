// ServiceEntry (networking.istio.io): adds hosts to the service registry.
import { z } from 'zod';
import { istioObject, workloadSelector } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';
import { WorkloadEntrySpec } from './workload-entry.ts';

/** A ServiceEntry object. */
export const ServiceEntry = istioObject('ServiceEntry', z.object({
  hosts: z.array(z.string()),
  addresses: z.array(z.string()).optional(),
  ports: z.array(z.object({ number: z.number().int(), protocol: z.string().optional(), name: z.string(), targetPort: z.number().int().optional() })).optional(),
  location: z.enum(['MESH_EXTERNAL', 'MESH_INTERNAL']).optional(),
  resolution: z.enum(['NONE', 'STATIC', 'DNS', 'DNS_ROUND_ROBIN', 'DYNAMIC_DNS']).optional(),
  endpoints: z.array(WorkloadEntrySpec).optional(),
  workloadSelector: workloadSelector.optional(),
  exportTo: z.array(z.string()).optional(),
  subjectAltNames: z.array(z.string()).optional(),
}));
export type ServiceEntry = z.infer<typeof ServiceEntry>;

/** The kind's names. */
export const ServiceEntryType = {
  group: 'networking.istio.io', version: 'v1', kind: 'ServiceEntry', plural: 'serviceentries', scope: 'Namespaced',
  servedVersions: ['v1', 'v1beta1', 'v1alpha3'], shortNames: ['se'],
} as const satisfies ResourceType<ServiceEntry> & { servedVersions: readonly string[]; shortNames: readonly string[] };
