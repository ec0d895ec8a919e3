// `spec.gateways` of a ServiceMeshControlPlane.
import { z } from 'zod';
import { componentRuntimeSchema, intOrString, metadataSchema } from './runtime.ts';

const servicePortSchema = z.looseObject({
  name: z.string().optional(),
  port: z.number().int().min(1).max(65_535),
  targetPort: intOrString.optional(),
  nodePort: z.number().int().min(0).max(65_535).optional(),
  protocol: z.string().optional(),
  appProtocol: z.string().optional(),
});

/** The Service of a gateway: Kubernetes' ServiceSpec, with metadata. */
const gatewayServiceSchema = z.looseObject({
  metadata: metadataSchema.optional(),
  type: z.string().optional(),
  ports: z.array(servicePortSchema).optional(),
  clusterIP: z.string().optional(),
  loadBalancerIP: z.string().optional(),
  loadBalancerSourceRanges: z.array(z.string()).optional(),
  externalTrafficPolicy: z.string().optional(),
  externalIPs: z.array(z.string()).optional(),
});

/** One gateway. */
export const gatewaySchema = z.looseObject({
  enabled: z.boolean().optional(),
  namespace: z.string().optional(),
  routerMode: z.string().optional(),
  runtime: componentRuntimeSchema.optional(),
  service: gatewayServiceSchema.optional(),
  volumes: z.array(z.looseObject({ volume: z.looseObject({}).optional(), volumeMount: z.looseObject({}).optional() })).optional(),
});

/** One egress gateway. */
export const egressGatewaySchema = gatewaySchema.extend({ requestedNetworkView: z.array(z.string()).optional() });

/** One ingress gateway. */
export const ingressGatewaySchema = gatewaySchema.extend({
  routeConfig: z.looseObject({ enabled: z.boolean().optional() }).optional(),
});

/** Schema of `spec.gateways`. */
export const gatewaysSchema = z.looseObject({
  enabled: z.boolean().optional(),
  openshiftRoute: z.looseObject({ enabled: z.boolean().optional() }).optional(),
  ingress: ingressGatewaySchema.extend({ ingress: z.boolean().optional() }).optional(),
  egress: egressGatewaySchema.optional(),
  additionalIngress: z.record(z.string(), ingressGatewaySchema).optional(),
  additionalEgress: z.record(z.string(), egressGatewaySchema).optional(),
});
