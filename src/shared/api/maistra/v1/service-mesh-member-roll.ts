// ServiceMeshMemberRoll: the namespaces that belong to the mesh of the namespace it is in.
import { z } from 'zod';
import type { CustomResourceType } from '../../custom-resource.ts';
import type { KubernetesObject } from '../../meta/index.ts';
import { conditionSchema, labelSelectorSchema } from '../condition.ts';

const names = z.array(z.string()).nullish();

/** Schema of the roll's `spec`. */
export const memberRollSpecSchema = z.looseObject({
  members: names,
  memberSelectors: z.array(labelSelectorSchema).optional(),
});

/** Schema of the roll's `status`. */
export const memberRollStatusSchema = z.looseObject({
  annotations: z.record(z.string(), z.string()).optional(),
  conditions: z.array(conditionSchema).optional(),
  observedGeneration: z.number().int().optional(),
  meshGeneration: z.number().int().optional(),
  meshReconciledVersion: z.string().optional(),
  members: names,
  configuredMembers: names,
  pendingMembers: names,
  terminatingMembers: names,
  memberStatuses: z.array(z.looseObject({ namespace: z.string(), conditions: z.array(conditionSchema).optional() })).nullish(),
});

/** The list of a mesh's member namespaces. */
export interface ServiceMeshMemberRoll extends KubernetesObject {
  spec?: z.infer<typeof memberRollSpecSchema>;
  status?: z.infer<typeof memberRollStatusSchema>;
}

/** ServiceMeshMemberRolls. */
export const ServiceMeshMemberRollResource: CustomResourceType<ServiceMeshMemberRoll> = {
  group: 'maistra.io', version: 'v1', kind: 'ServiceMeshMemberRoll', plural: 'servicemeshmemberrolls', scope: 'Namespaced',
  servedVersions: ['v1'],
  schema: memberRollSpecSchema,
  statusSchema: memberRollStatusSchema,
  shortNames: ['smmr'],
  categories: ['maistra-io'],
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.annotations.configuredMemberCount', description: 'How many of the members are configured' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', description: 'Why the roll is ready or not' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    { name: 'Members', type: 'string', jsonPath: '.status.members', priority: 1, description: 'Namespaces of the mesh' },
  ],
};
