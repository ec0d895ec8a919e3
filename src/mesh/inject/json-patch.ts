// Difference of two documents as a JSON patch (RFC 6902): maps field by field, lists as wholes.
import { deepEqual } from '../../shared/lib/index.ts';
import { isPlainObject, type PlainObject } from './pod.ts';

/** One operation of a JSON patch, of the three kinds that a difference needs. */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** Operations that turn `before` into `after`. */
export function diffAsJsonPatch(before: PlainObject, after: PlainObject, path = ''): JsonPatchOperation[] {
  const operations: JsonPatchOperation[] = [];
  for (const field of Object.keys(before)) if (own(after, field) === undefined && own(before, field) !== undefined) operations.push({ op: 'remove', path: `${path}/${escapePointer(field)}` });
  for (const [field, value] of Object.entries(after)) {
    if (value === undefined) continue;
    const pointer = `${path}/${escapePointer(field)}`;
    const old = own(before, field);
    if (old === undefined) operations.push({ op: 'add', path: pointer, value });
    else if (isPlainObject(old) && isPlainObject(value)) operations.push(...diffAsJsonPatch(old, value, pointer));
    else if (!deepEqual(old, value)) operations.push({ op: 'replace', path: pointer, value });
  }
  return operations;
}

/** A field of the object's own: labels may well be called `constructor`. */
function own(object: PlainObject, field: string): unknown {
  return Object.hasOwn(object, field) ? object[field] : undefined;
}

function escapePointer(field: string): string {
  return field.replaceAll('~', '~0').replaceAll('/', '~1');
}
