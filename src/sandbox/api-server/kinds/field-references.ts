// References to a pod's own fields, in its variables and files: which there are, and where each may be used.
import { invalidField, requiredField, unsupportedField, type FieldError } from '../../schema/index.ts';

const KNOWN: ReadonlySet<string> = new Set(['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.restartPolicy', 'spec.serviceAccountName', 'spec.schedulerName', 'status.phase', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs']);

/** Fields that a variable may hold. */
export const ENV_FIELDS: readonly string[] = ['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName', 'status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'];
/** Fields that a file may hold. */
export const VOLUME_FIELDS: readonly string[] = ['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'];

/** What is wrong with the reference at `path`. */
export function validateFieldRef(reference: { apiVersion?: string; fieldPath?: string }, path: string, allowed: readonly string[]): FieldError[] {
  const { apiVersion = '', fieldPath = '' } = reference;
  if (apiVersion === '') return [requiredField(`${path}.apiVersion`)];
  if (fieldPath === '') return [requiredField(`${path}.fieldPath`)];
  const [, container, key] = /^(.*)\['([^']*)'\]$/.exec(fieldPath) ?? [];
  if (container !== undefined) return validateSubscript(container, key ?? '', fieldPath, path);
  if (!KNOWN.has(fieldPath)) return [invalidField(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  return allowed.includes(fieldPath) ? [] : [unsupportedField(`${path}.fieldPath`, fieldPath, allowed)];
}

function validateSubscript(container: string, key: string, fieldPath: string, path: string): FieldError[] {
  if (container !== 'metadata.annotations' && container !== 'metadata.labels') return [invalidField(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`)];
  return key === '' ? [invalidField(path, key, 'name part must be non-empty')] : [];
}
