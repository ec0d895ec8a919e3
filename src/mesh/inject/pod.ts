// The pod as injection sees it: the fields it reads, everything else kept as it is.
import type { ObjectMeta } from '../../shared/api/meta/index.ts';

/** Plain data decoded from JSON or YAML. */
export type PlainObject = Readonly<Record<string, unknown>>;

/** One environment variable; `valueFrom` and the like are kept as they are. */
export interface EnvironmentVariable {
  readonly name: string;
  readonly value?: string | undefined;
  readonly [field: string]: unknown;
}

/** A container's port. */
export interface ContainerPort {
  readonly name?: string | undefined;
  readonly containerPort: number;
  readonly protocol?: string | undefined;
}

/** A container, of the pod or of a template. */
export interface Container {
  readonly name: string;
  readonly image?: string | undefined;
  readonly restartPolicy?: string | undefined;
  readonly env?: readonly EnvironmentVariable[] | undefined;
  readonly ports?: readonly ContainerPort[] | undefined;
  readonly [field: string]: unknown;
}

/** A pod's spec. */
export interface PodSpec {
  readonly containers?: readonly Container[] | undefined;
  readonly initContainers?: readonly Container[] | undefined;
  readonly volumes?: readonly { readonly name: string }[] | undefined;
  readonly imagePullSecrets?: readonly { readonly name: string }[] | undefined;
  readonly hostNetwork?: boolean | undefined;
  readonly serviceAccountName?: string | undefined;
  readonly [field: string]: unknown;
}

/** A pod, or a pod template, as it came to the webhook. */
export interface Pod {
  readonly apiVersion?: string | undefined;
  readonly kind?: string | undefined;
  readonly metadata?: ObjectMeta | undefined;
  readonly spec?: PodSpec | undefined;
}

/** Name of the proxy's container, in templates and in pods that bring their own. */
export const PROXY_CONTAINER = 'istio-proxy';

/** Names of the containers that set up and check capture. */
export const INIT_CONTAINER = 'istio-init';
export const VALIDATION_CONTAINER = 'istio-validation';

/** Annotation that says what injection added. */
export const STATUS_ANNOTATION = 'sidecar.istio.io/status';

/** Whether `value` is a plain record. */
export function isPlainObject(value: unknown): value is PlainObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at `path` in nested records, or undefined. */
export function valueAt(object: unknown, ...path: readonly string[]): unknown {
  let current = object;
  for (const key of path) {
    if (!isPlainObject(current)) return undefined;
    current = current[key];
  }
  return current;
}

/** The text at `path`; numbers and booleans are printed, anything else and empty text is undefined. */
export function textAt(object: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(object, ...path);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
