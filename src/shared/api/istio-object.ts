// What all of Istio's kinds have in common: metadata, workload selectors, and the row that drives informers, the
// validating webhook and the generation of CRDs.
import { z } from 'zod';
import type { Issue } from '../lib/index.ts';
import type { KubernetesObject, ResourceType } from './meta/index.ts';

/** Object metadata as far as it is read. */
export const objectMeta = z.object({
  name: z.string().optional(),
  generateName: z.string().optional(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  resourceVersion: z.string().optional(),
  generation: z.number().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** Labels of the workloads that a policy applies to. */
export const labelSelectorMap = z.object({ matchLabels: z.record(z.string(), z.string()).optional() });

/** Labels of the workloads that a traffic object applies to. */
export const workloadSelector = z.object({ labels: z.record(z.string(), z.string()).optional() });

/** A reference from a policy to a gateway or service. */
export const policyTargetReference = z.object({
  group: z.string().optional(),
  kind: z.string(),
  name: z.string(),
  namespace: z.string().optional(),
});

/** A protobuf duration in its JSON form, for example `1.5s`; Istio also takes Go's forms such as `1m30s`. */
export const duration = z.string();

/** One of Istio's kinds: names, schema and the checks that a schema can not say. */
export interface IstioKind<T extends KubernetesObject = KubernetesObject> extends ResourceType<T> {
  /** Every served version, the preferred one first; all share one schema. */
  readonly servedVersions: readonly string[];
  readonly shortNames: readonly string[];
  readonly schema: z.ZodType<T>;
  /** The webhook's semantic checks on a parsed object. */
  readonly validate: (object: T) => Issue[];
}

/** The schema of a whole object with `spec`. */
export function istioObject<Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) {
  return z.object({
    apiVersion: z.string(),
    kind: z.literal(kind),
    metadata: objectMeta,
    spec,
    status: z.record(z.string(), z.unknown()).optional(),
  });
}
