// ServiceMeshMember: puts the namespace it is in into a mesh.
import { z } from 'zod';
import type { CustomResourceType } from '../../custom-resource.ts';
import type { KubernetesObject } from '../../meta/index.ts';
import { conditionSchema } from '../condition.ts';

/** Schema of the member's `spec`. */
export const memberSpecSchema = z.looseObject({
  controlPlaneRef: z.looseObject({ name: z.string(), namespace: z.string() }),
});

/** Schema of the member's `status`. */
export const memberStatusSchema = z.looseObject({
  annotations: z.record(z.string(), z.string()).optional(),
  conditions: z.array(conditionSchema).optional(),
  observedGeneration: z.number().int().optional(),
  meshGeneration: z.number().int().optional(),
  meshReconciledVersion: z.string().optional(),
});

/** The membership of one namespace in a mesh. */
export interface ServiceMeshMember extends KubernetesObject {
  spec?: z.infer<typeof memberSpecSchema>;
  status?: z.infer<typeof memberStatusSchema>;
}

/** ServiceMeshMembers. */
export const ServiceMeshMemberResource: CustomResourceType<ServiceMeshMember> = {
  group: 'maistra.io', version: 'v1', kind: 'ServiceMeshMember', plural: 'servicemeshmembers', scope: 'Namespaced',
  servedVersions: ['v1'],
  schema: memberSpecSchema,
  statusSchema: memberStatusSchema,
  required: ['spec'],
  shortNames: ['smm'],
  categories: ['maistra-io'],
  printerColumns: [
    { name: 'Control Plane', type: 'string', jsonPath: '.status.annotations.controlPlaneRef', description: 'The control plane that the namespace belongs to' },
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status', description: 'Whether the namespace is configured' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ],
};
