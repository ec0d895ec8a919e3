// ServiceMeshControlPlane v2: one mesh, as its administrator asks for it.
import { z } from 'zod';
import type { CustomResourceType } from '../../custom-resource.ts';
import type { KubernetesObject } from '../../meta/index.ts';
import { conditionSchema } from '../condition.ts';
import { controlPlaneSpecSchema, type ControlPlaneSpec } from './spec.ts';

const names = z.array(z.string()).nullish();

/** Schema of the control plane's `status`. */
export const controlPlaneStatusSchema = z.looseObject({
  annotations: z.record(z.string(), z.string()).optional(),
  conditions: z.array(conditionSchema).optional(),
  components: z.array(z.looseObject({
    resource: z.string().optional(),
    conditions: z.array(conditionSchema).optional(),
    children: z.array(z.looseObject({ conditions: z.array(conditionSchema).optional() })).optional(),
  })).optional(),
  observedGeneration: z.number().int().optional(),
  operatorVersion: z.string().optional(),
  chartVersion: z.string().optional(),
  readiness: z.looseObject({
    components: z.looseObject({ ready: names, unready: names, pending: names }).optional(),
  }),
  appliedSpec: controlPlaneSpecSchema.optional(),
  appliedValues: z.looseObject({}).optional(),
});

/** The control plane's `status`. */
export type ControlPlaneStatus = z.infer<typeof controlPlaneStatusSchema>;

/** One mesh. */
export interface ServiceMeshControlPlane extends KubernetesObject {
  spec?: ControlPlaneSpec;
  status?: ControlPlaneStatus;
}

/** ServiceMeshControlPlanes. */
export const ServiceMeshControlPlaneResource: CustomResourceType<ServiceMeshControlPlane> = {
  group: 'maistra.io', version: 'v2', kind: 'ServiceMeshControlPlane', plural: 'servicemeshcontrolplanes', scope: 'Namespaced',
  servedVersions: ['v2'],
  unservedVersions: ['v1'],
  schema: controlPlaneSpecSchema,
  statusSchema: controlPlaneStatusSchema,
  required: ['spec'],
  shortNames: ['smcp'],
  categories: ['maistra-io'],
  printerColumns: [
    { name: 'Ready', type: 'string', jsonPath: '.status.annotations.readyComponentCount', description: 'How many components are ready' },
    { name: 'Status', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].reason', description: 'Why the mesh is ready or not' },
    { name: 'Profiles', type: 'string', jsonPath: '.status.appliedSpec.profiles', description: 'Profiles that the mesh is built from' },
    { name: 'Version', type: 'string', jsonPath: '.status.chartVersion', description: 'Version that is installed' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
    // Maistra's path ended in container.registry, a field that does not exist, so its column was always empty.
    { name: 'Image Registry', type: 'string', jsonPath: '.status.appliedSpec.runtime.defaults.container.imageRegistry', priority: 1, description: 'Registry that images are pulled from' },
  ],
};
