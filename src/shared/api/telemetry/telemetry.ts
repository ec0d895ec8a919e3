// Telemetry (telemetry.istio.io): traces, metrics and access logs of workloads.
import { z } from 'zod';
import { duration, istioObject, labelSelectorMap, policyTargetReference } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

const providers = z.array(z.object({ name: z.string() })).optional();
const workloadMode = z.object({ mode: z.enum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']).optional() }).optional();

/** Tracing settings. */
export const Tracing = z.object({
  match: workloadMode,
  providers,
  randomSamplingPercentage: z.number().optional(),
  disableSpanReporting: z.boolean().optional(),
  customTags: z.record(z.string(), z.object({
    literal: z.object({ value: z.string() }).optional(),
    environment: z.object({ name: z.string(), defaultValue: z.string().optional() }).optional(),
    header: z.object({ name: z.string(), defaultValue: z.string().optional() }).optional(),
    formatter: z.object({ value: z.string() }).optional(),
  })).optional(),
  useRequestIdForTraceSampling: z.boolean().optional(),
  enableIstioTags: z.boolean().optional(),
  disableContextPropagation: z.boolean().optional(),
});
export type Tracing = z.infer<typeof Tracing>;

/** Access log settings. */
export const AccessLogging = z.object({ match: workloadMode, providers, disabled: z.boolean().optional(), filter: z.object({ expression: z.string().optional() }).optional() });
export type AccessLogging = z.infer<typeof AccessLogging>;

/** A Telemetry object. */
export const Telemetry = istioObject('Telemetry', z.object({
  selector: labelSelectorMap.optional(),
  targetRef: policyTargetReference.optional(),
  targetRefs: z.array(policyTargetReference).optional(),
  tracing: z.array(Tracing).optional(),
  metrics: z.array(z.object({
    providers,
    overrides: z.array(z.object({
      match: z.object({ metric: z.string().optional(), customMetric: z.string().optional(), mode: z.enum(['CLIENT_AND_SERVER', 'CLIENT', 'SERVER']).optional() }).optional(),
      disabled: z.boolean().optional(),
      tagOverrides: z.record(z.string(), z.object({ operation: z.enum(['UPSERT', 'REMOVE']).optional(), value: z.string().optional() })).optional(),
    })).optional(),
    reportingInterval: duration.optional(),
  })).optional(),
  accessLogging: z.array(AccessLogging).optional(),
}));
export type Telemetry = z.infer<typeof Telemetry>;

/** The kind's names. */
export const TelemetryType = {
  group: 'telemetry.istio.io', version: 'v1', kind: 'Telemetry', plural: 'telemetries', scope: 'Namespaced',
  servedVersions: ['v1', 'v1alpha1'], shortNames: ['telemetry'],
} as const satisfies ResourceType<Telemetry> & { servedVersions: readonly string[]; shortNames: readonly string[] };
