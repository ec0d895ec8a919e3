// Structural equality of plain data: what JSON can say, plus byte arrays, Map and Set.

/** Whether `left` and `right` are the same plain data; an absent field equals one that is undefined. */
export function deepEqual(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) return Array.isArray(left) && Array.isArray(right) && equalLists(left, right);
  if (left instanceof Uint8Array) return right instanceof Uint8Array && left.length === right.length && left.every((byte, index) => byte === right[index]);
  if (left instanceof Map) return right instanceof Map && left.size === right.size && [...left].every(([key, value]) => right.has(key) && deepEqual(value, right.get(key)));
  if (left instanceof Set) return right instanceof Set && left.size === right.size && [...left].every((value) => right.has(value));
  return equalRecords(left as Record<string, unknown>, right as Record<string, unknown>);
}

function equalLists(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((value, index) => deepEqual(value, right[index]));
}

function equalRecords(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  for (const key of Object.keys(left)) if (!deepEqual(left[key], right[key])) return false;
  for (const key of Object.keys(right)) if (!(key in left) && right[key] !== undefined) return false;
  return true;
}
