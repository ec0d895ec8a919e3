// Kubernetes' strategic merge for pods: maps merge deeply, lists of objects by their merge key, other lists are replaced.
// Reference: Kubernetes API conventions, "strategic merge patch", and the patchMergeKey marks of PodSpec.
import { isPlainObject, type PlainObject } from './pod.ts';

// Merge key by field name; `spec.containers[].ports` merges by containerPort, the rest of PodSpec knows no other `ports`.
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name', initContainers: 'name', ephemeralContainers: 'name', volumes: 'name', env: 'name', imagePullSecrets: 'name',
  volumeMounts: 'mountPath', volumeDevices: 'devicePath', ports: 'containerPort', hostAliases: 'ip', topologySpreadConstraints: 'topologyKey',
  ownerReferences: 'uid', schedulingGates: 'name', resourceClaims: 'name',
};
const ENV_VALUE_FIELDS = ['value', 'valueFrom'];

/** `base` with `patch` over it; null in the patch removes a field that is no merged list, `$patch: delete` an item or map. */
export function strategicMerge(base: PlainObject, patch: PlainObject): PlainObject {
  if (patch['$patch'] === 'replace') return withoutDirective(patch);
  const merged: Record<string, unknown> = { ...base };
  for (const [field, value] of Object.entries(patch)) {
    if (field === '$patch') continue;
    const next = mergeField(field, base[field], value);
    if (next === undefined) delete merged[field];
    else merged[field] = next;
  }
  return merged;
}

function mergeField(field: string, base: unknown, patch: unknown): unknown {
  // A template whose conditions left a list empty (`initContainers:` and nothing below) must not take the pod's own.
  if (patch === null && MERGE_KEYS[field] !== undefined) return base;
  if (patch === null || patch === undefined) return undefined;
  if (Array.isArray(patch)) return mergeList(field, Array.isArray(base) ? base : [], patch);
  if (!isPlainObject(patch)) return patch;
  if (patch['$patch'] === 'delete') return undefined;
  return strategicMerge(isPlainObject(base) ? base : {}, patch);
}

function mergeList(field: string, base: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const key = MERGE_KEYS[field];
  if (key === undefined || !patch.every(isPlainObject) || !base.every(isPlainObject)) return [...patch];
  if (patch.some((item) => item['$patch'] === 'replace' && item[key] === undefined)) return patch.filter((item) => item['$patch'] !== 'replace');
  const merged: PlainObject[] = [...base];
  for (const item of patch) {
    const index = merged.findIndex((candidate) => candidate[key] === item[key]);
    const present = merged[index];
    if (item['$patch'] === 'delete') {
      if (present) merged.splice(index, 1);
    } else if (present) merged[index] = mergeItem(field, present, item);
    else merged.push(withoutDirective(strategicMerge({}, item)));
  }
  return merged;
}

// A variable has either a value or a source: the patch's choice takes the other's place.
function mergeItem(field: string, base: PlainObject, patch: PlainObject): PlainObject {
  if (field !== 'env' || !ENV_VALUE_FIELDS.some((name) => name in patch)) return strategicMerge(base, patch);
  return strategicMerge(Object.fromEntries(Object.entries(base).filter(([name]) => !ENV_VALUE_FIELDS.includes(name))), patch);
}

function withoutDirective(object: PlainObject): PlainObject {
  return Object.fromEntries(Object.entries(object).filter(([field]) => field !== '$patch'));
}
