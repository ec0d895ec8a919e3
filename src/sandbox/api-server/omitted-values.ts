// Values that are the same as none: a struct's optional field that holds its type's zero is not written, unless it is kept behind a pointer.
import type { JsonSchema } from '../schema/index.ts';
import { isFields } from '../patch/index.ts';

/** Strings that may be there and empty. */
const KEPT_WHEN_EMPTY: ReadonlySet<string> = new Set(['apiGroup', 'appProtocol', 'holderIdentity', 'hostname', 'hostnameOverride', 'ingressClassName', 'ipFamilyPolicy', 'loadBalancerClass', 'localhostProfile', 'preferredHolder', 'resourceClaimName', 'resourceClaimTemplateName', 'runtimeClassName', 'storageClassName', 'strategy', 'timeZone', 'trafficDistribution', 'volumeAttributesClassName', 'volumeMode', 'zone', 'service', 'error']);
const DROPPED_WHEN_FALSE: ReadonlySet<string> = new Set(['deprecated', 'globalDefault', 'hostIPC', 'hostNetwork', 'hostPID', 'paused', 'preserveUnknownFields', 'publishNotReadyAddresses', 'readOnly', 'stdin', 'stdinOnce', 'tty', 'unschedulable']);
const DROPPED_WHEN_ZERO: ReadonlySet<string> = new Set(['active', 'availableReplicas', 'count', 'currentReplicas', 'failed', 'failureThreshold', 'fullyLabeledReplicas', 'generation', 'healthCheckNodePort', 'hostPort', 'initialDelaySeconds', 'minReadySeconds', 'nodePort', 'numberAvailable', 'numberUnavailable', 'observedGeneration', 'periodSeconds', 'readyReplicas', 'signal', 'successThreshold', 'succeeded', 'Probe.timeoutSeconds', 'unavailableReplicas', 'updatedNumberScheduled', 'updatedReplicas']);

/** Whether the field `name` of the type `struct` is written as if it were absent. */
export function isOmitted(struct: string, name: string, value: unknown, field: JsonSchema, isRequired: boolean): boolean {
  // Lists that are always written are empty until they are stored.
  if (isRequired || (field.default === null && Array.isArray(value))) return false;
  switch (typeof value) {
    case 'string': return value === '' && field.type === 'string' && field.default !== '' && !KEPT_WHEN_EMPTY.has(name);
    case 'boolean': return !value && DROPPED_WHEN_FALSE.has(name);
    case 'number': return value === 0 && (DROPPED_WHEN_ZERO.has(name) || DROPPED_WHEN_ZERO.has(`${struct}.${name}`));
    default: return isEmptyContainer(value, field);
  }
}

/** Writes null for the empty lists of fields that are always there, as they come out of the store. Changes `value`. */
export function settleLists(schema: JsonSchema | undefined, value: unknown): void {
  if (!schema) return;
  if (Array.isArray(value)) for (const item of value) settleLists(schema.items, item);
  else if (isFields(value) && schema.properties) {
    for (const [name, child] of Object.entries(value)) {
      const field = schema.properties[name];
      if (field?.default === null && Array.isArray(child) && child.length === 0) value[name] = null;
      else settleLists(field, child);
    }
  }
}

/** An empty list or map; an empty struct is something. */
function isEmptyContainer(value: unknown, field: JsonSchema): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && field.additionalProperties !== undefined && Object.keys(value).length === 0;
}
