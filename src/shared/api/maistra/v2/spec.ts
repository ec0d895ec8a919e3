// `spec` of a ServiceMeshControlPlane v2. Objects are open: what Maistra knows and we do not act on yet is kept and reported.
import { z } from 'zod';
import { labelSelectorSchema } from '../condition.ts';
import { gatewaysSchema } from './gateways.ts';
import { proxySchema } from './proxy.ts';
import { runtimeSchema } from './runtime.ts';
import { securitySchema } from './security.ts';

const text = z.record(z.string(), z.string());

/** Schema of the control plane's `spec`. */
export const controlPlaneSpecSchema = z.looseObject({
  version: z.string().optional(),
  profiles: z.array(z.string()).optional(),
  mode: z.enum(['MultiTenant', 'ClusterWide']).optional(),
  cluster: z.looseObject({ name: z.string().optional(), network: z.string().optional() }).optional(),
  general: z.looseObject({
    logging: z.looseObject({ componentLevels: text.optional(), logAsJSON: z.boolean().optional() }).optional(),
    validationMessages: z.boolean().optional(),
  }).optional(),
  proxy: proxySchema.optional(),
  security: securitySchema.optional(),
  telemetry: z.looseObject({ type: z.enum(['None', 'Mixer', 'Remote', 'Istiod']).optional() }).optional(),
  policy: z.looseObject({ type: z.enum(['None', 'Mixer', 'Remote', 'Istiod']).optional() }).optional(),
  tracing: z.looseObject({
    type: z.enum(['None', 'Jaeger', 'Stackdriver']).optional(),
    sampling: z.number().int().min(0).max(10_000).optional(),
  }).optional(),
  gateways: gatewaysSchema.optional(),
  runtime: runtimeSchema.optional(),
  addons: z.looseObject({
    prometheus: z.looseObject({ enabled: z.boolean().optional(), scrape: z.boolean().optional(), address: z.string().optional() }).optional(),
    grafana: z.looseObject({ enabled: z.boolean().optional(), address: z.string().optional() }).optional(),
    kiali: z.looseObject({ enabled: z.boolean().optional(), name: z.string().optional() }).optional(),
    jaeger: z.looseObject({ name: z.string().optional() }).optional(),
  }).optional(),
  meshConfig: z.looseObject({
    discoverySelectors: z.array(labelSelectorSchema).optional(),
    extensionProviders: z.array(z.looseObject({ name: z.string() })).optional(),
  }).optional(),
  techPreview: z.looseObject({}).optional(),
});

/** The control plane's `spec`. */
export type ControlPlaneSpec = z.infer<typeof controlPlaneSpecSchema>;
