// RFC 7386 JSON merge patch.
import { isFields, type Fields } from './merge-schema.ts';

/** `target` with `patch` merged in; nulls of the patch remove fields. Neither is changed. */
export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return structuredClone(patch);
  const result: Fields = isFields(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, name);
    else result[name] = applyMergePatch(result[name], value);
  }
  return result;
}
