// Pieces that several kinds of the Gateway API share: references to parents and backends, conditions, selectors.
// Follows gateway.networking.k8s.io of release 1.6. The API server has checked every object against the definitions that the
// user installed, so unions are read as plain strings here: a newer channel's value is answered with a condition, not refused.
import { z } from 'zod';
import { objectMeta } from '../istio-object.ts';
import type { ResourceType } from '../meta/index.ts';

/** The group of all kinds of the Gateway API. */
export const GATEWAY_API_GROUP = 'gateway.networking.k8s.io';

/** Metadata with the owner's marks that status and deployments need. */
const metadata = objectMeta.extend({ name: z.string() });

/** A condition that is already in a status. */
export const conditionSchema = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().optional(),
  message: z.string().optional(),
  lastTransitionTime: z.string().optional(),
  observedGeneration: z.number().optional(),
});

/** A label selector. */
export const labelSelector = z.object({
  matchLabels: z.record(z.string(), z.string()).optional(),
  matchExpressions: z.array(z.object({ key: z.string(), operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']), values: z.array(z.string()).optional() })).optional(),
});

/** A parent that a route wants to be attached to. */
export const ParentReference = z.object({
  group: z.string().optional(),
  kind: z.string().optional(),
  namespace: z.string().optional(),
  name: z.string(),
  sectionName: z.string().optional(),
  port: z.number().int().optional(),
});
export type ParentReference = z.infer<typeof ParentReference>;

const objectReferenceFields = { group: z.string().optional(), kind: z.string().optional(), name: z.string(), namespace: z.string().optional() };

/** A reference to a Secret, ConfigMap or other object, possibly in another namespace. */
export const ObjectReference = z.object(objectReferenceFields);
export type ObjectReference = z.infer<typeof ObjectReference>;

/** A reference to an object beside the one that names it. */
export const LocalObjectReference = z.object({ group: z.string(), kind: z.string(), name: z.string() });
export type LocalObjectReference = z.infer<typeof LocalObjectReference>;

/** A backend without a weight: where mirrored requests go. */
export const BackendObjectReference = z.object({ ...objectReferenceFields, port: z.number().int().optional() });
export type BackendObjectReference = z.infer<typeof BackendObjectReference>;

/** A backend and its share of the traffic. */
export const BackendReference = z.object({ ...objectReferenceFields, port: z.number().int().optional(), weight: z.number().int().optional() });
export type BackendReference = z.infer<typeof BackendReference>;

/** What is written about one parent of a route. */
export const RouteParentStatus = z.object({ parentRef: ParentReference, controllerName: z.string(), conditions: z.array(conditionSchema).optional() });
export type RouteParentStatus = z.infer<typeof RouteParentStatus>;

/** The status of every kind of route. */
export const routeStatus = z.object({ parents: z.array(RouteParentStatus).optional() });

/** Fields that every route has. */
export const routeFields = { parentRefs: z.array(ParentReference).optional(), hostnames: z.array(z.string()).optional() };

/** The schema of a whole object of the Gateway API. */
export function gatewayApiObject<Kind extends string, Spec extends z.ZodType, Status extends z.ZodType>(kind: Kind, spec: Spec, status: Status) {
  return z.object({ apiVersion: z.string(), kind: z.literal(kind), metadata, spec, status: status.optional() });
}

/** The names of a kind of the Gateway API. */
export function gatewayApiType<Kind extends string>(kind: Kind, plural: string, scope: ResourceType['scope'] = 'Namespaced', version = 'v1') {
  return { group: GATEWAY_API_GROUP, version, kind, plural, scope } as const;
}
