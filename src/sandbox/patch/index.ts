// The four patch types of the Kubernetes API, and field ownership.
export { goText } from './go-text.ts';
export { applyJsonPatch, type JsonPatchOperation } from './json-patch.ts';
export { applyConfiguration, recordUpdate, type ApplyConflict, type ApplyResult, type Manager, type VersionView } from './managed-fields.ts';
export { applyMergePatch } from './merge-patch.ts';
export { isFields, PatchError, type Fields, type MergeSchema } from './merge-schema.ts';
export { checkTypedLists } from './typed-check.ts';
export { applyStrategicMerge } from './strategic-merge.ts';
