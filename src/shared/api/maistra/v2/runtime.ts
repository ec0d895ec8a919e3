// `spec.runtime` of a ServiceMeshControlPlane: how the mesh's own workloads are deployed; also the parts that gateways share.
import { z } from 'zod';

const text = z.record(z.string(), z.string());
/** An integer or a percentage. */
export const intOrString = z.union([z.number().int(), z.string()]).meta({ 'x-kubernetes-int-or-string': true });

/** Requests and limits of a container. */
export const resourcesSchema = z.looseObject({
  requests: z.record(z.string(), intOrString).optional(),
  limits: z.record(z.string(), intOrString).optional(),
});

/** Parts of an image reference (OCI distribution specification): nothing that could be more than a name, tag or registry. */
const imagePart = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._\/:@-]*$/);

/** Image and resources of a container. */
export const containerSchema = z.looseObject({
  env: text.optional(),
  imageName: imagePart.optional(),
  imagePullPolicy: z.string().optional(),
  imagePullSecrets: z.array(z.looseObject({ name: z.string().optional() })).optional(),
  imageRegistry: imagePart.optional(),
  imageTag: imagePart.optional(),
  resources: resourcesSchema.optional(),
});

/** Replicas, roll-out and autoscaling of a Deployment. */
export const deploymentSchema = z.looseObject({
  replicas: z.number().int().min(0).optional(),
  strategy: z.looseObject({
    type: z.string().optional(),
    rollingUpdate: z.looseObject({ maxSurge: intOrString.optional(), maxUnavailable: intOrString.optional() }).optional(),
  }).optional(),
  autoScaling: z.looseObject({
    enabled: z.boolean().optional(),
    minReplicas: z.number().int().min(0).optional(),
    maxReplicas: z.number().int().min(1).optional(),
    targetCPUUtilizationPercentage: z.number().int().min(1).max(100).optional(),
  }).optional(),
});

/** One toleration of a pod. */
export const tolerationSchema = z.looseObject({
  key: z.string().optional(),
  operator: z.string().optional(),
  value: z.string().optional(),
  effect: z.string().optional(),
  tolerationSeconds: z.number().int().optional(),
});

const metadataSchema = z.looseObject({ labels: text.optional(), annotations: text.optional() });

/** Scheduling and metadata of a pod. */
export const podSchema = z.looseObject({
  metadata: metadataSchema.optional(),
  nodeSelector: text.optional(),
  priorityClassName: z.string().optional(),
  tolerations: z.array(tolerationSchema).optional(),
  affinity: z.looseObject({}).optional(),
});

/** How one component is deployed. */
export const componentRuntimeSchema = z.looseObject({
  deployment: deploymentSchema.optional(),
  pod: podSchema.optional(),
  container: containerSchema.optional(),
});

/** Schema of `spec.runtime`. */
export const runtimeSchema = z.looseObject({
  defaults: z.looseObject({
    deployment: z.looseObject({
      podDisruption: z.looseObject({ enabled: z.boolean().optional(), minAvailable: intOrString.optional(), maxUnavailable: intOrString.optional() }).optional(),
    }).optional(),
    pod: podSchema.optional(),
    container: containerSchema.optional(),
  }).optional(),
  components: z.record(z.string(), componentRuntimeSchema).optional(),
});

/** Labels and annotations that a user adds to a generated object. */
export { metadataSchema };
