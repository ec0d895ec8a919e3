// GatewayClass: which controller serves the Gateways that name it.
import { z } from 'zod';
import { conditionSchema, gatewayApiObject, gatewayApiType } from './shared.ts';

/** A GatewayClass object. */
export const GatewayClass = gatewayApiObject(
  'GatewayClass',
  z.object({
    controllerName: z.string(),
    parametersRef: z.object({ group: z.string(), kind: z.string(), name: z.string(), namespace: z.string().optional() }).optional(),
    description: z.string().optional(),
  }),
  z.object({ conditions: z.array(conditionSchema).optional(), supportedFeatures: z.array(z.object({ name: z.string() })).optional() }),
);
export type GatewayClass = z.infer<typeof GatewayClass>;

/** The kind's names. */
export const GatewayClassType = gatewayApiType('GatewayClass', 'gatewayclasses', 'Cluster');
