// `spec.proxy` of a ServiceMeshControlPlane: defaults of every proxy of the mesh.
import { z } from 'zod';
import { labelSelectorSchema } from '../condition.ts';
import { containerSchema } from './runtime.ts';

const networkingSchema = z.looseObject({
  clusterDomain: z.string().optional(),
  maxConnectionAge: z.string().optional(),
  initialization: z.looseObject({
    type: z.enum(['CNI', 'InitContainer']).optional(),
    initContainer: z.looseObject({ runtime: containerSchema.optional() }).optional(),
  }).optional(),
  trafficControl: z.looseObject({
    inbound: z.looseObject({
      interceptionMode: z.enum(['REDIRECT', 'TPROXY', 'NONE']).optional(),
      includedPorts: z.array(z.string()).optional(),
      excludedPorts: z.array(z.number().int()).optional(),
    }).optional(),
    outbound: z.looseObject({
      policy: z.enum(['ALLOW_ANY', 'REGISTRY_ONLY']).optional(),
      includedIPRanges: z.array(z.string()).optional(),
      excludedIPRanges: z.array(z.string()).optional(),
      excludedPorts: z.array(z.number().int()).optional(),
    }).optional(),
  }).optional(),
  protocol: z.looseObject({
    autoDetect: z.looseObject({ inbound: z.boolean().optional(), outbound: z.boolean().optional(), timeout: z.string().optional() }).optional(),
  }).optional(),
  dns: z.looseObject({ searchSuffixes: z.array(z.string()).optional(), refreshRate: z.string().optional() }).optional(),
});

/** Schema of `spec.proxy`. */
export const proxySchema = z.looseObject({
  logging: z.looseObject({ level: z.string().optional(), componentLevels: z.record(z.string(), z.string()).optional() }).optional(),
  accessLogging: z.looseObject({
    file: z.looseObject({ name: z.string().optional(), encoding: z.enum(['JSON', 'TEXT']).optional(), format: z.string().optional() }).optional(),
  }).optional(),
  concurrency: z.number().int().optional(),
  adminPort: z.number().int().optional(),
  networking: networkingSchema.optional(),
  runtime: z.looseObject({
    container: containerSchema.optional(),
    readiness: z.looseObject({
      rewriteApplicationProbes: z.boolean().optional(),
      statusPort: z.number().int().optional(),
      initialDelaySeconds: z.number().int().optional(),
      periodSeconds: z.number().int().optional(),
      failureThreshold: z.number().int().optional(),
    }).optional(),
  }).optional(),
  injection: z.looseObject({
    autoInject: z.boolean().optional(),
    alwaysInjectSelector: z.array(labelSelectorSchema).optional(),
    neverInjectSelector: z.array(labelSelectorSchema).optional(),
    injectedAnnotations: z.record(z.string(), z.string()).optional(),
  }).optional(),
});
