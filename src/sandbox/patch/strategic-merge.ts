// Kubernetes' strategic merge patch: lists whose items have a key are merged item by item, with $patch, $retainKeys,
// $deleteFromPrimitiveList and $setElementOrder directives.
import { goText } from './go-text.ts';
import { fieldSchema, isFields, listMapKeys, PatchError, type Fields, type MergeSchema } from './merge-schema.ts';

/** `target` with the strategic merge `patch` applied, by the list keys in `schema`. Neither is changed. */
export function applyStrategicMerge(target: unknown, patch: unknown, schema: MergeSchema | undefined): unknown {
  if (!isFields(patch)) throw new PatchError('a strategic merge patch must be an object');
  return mergeFields(isFields(target) ? target : {}, patch, schema);
}

function mergeFields(target: Fields, patch: Fields, schema: MergeSchema | undefined): Fields {
  if (patch['$patch'] === 'replace') return withoutDirectives(patch);
  if (patch['$patch'] === 'delete') return {};
  const result: Fields = { ...target };
  retainKeys(result, patch);
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    mergeField(result, name, value, fieldSchema(schema, name));
  }
  for (const [name, value] of Object.entries(patch)) applyDirective(result, name, value, schema);
  return result;
}

function mergeField(result: Fields, name: string, value: unknown, schema: MergeSchema | undefined): void {
  const before = result[name];
  if (value === null) Reflect.deleteProperty(result, name);
  else if (isFields(value)) result[name] = mergeFields(isFields(before) ? before : {}, value, schema);
  else if (Array.isArray(value)) result[name] = mergeList(Array.isArray(before) ? before : [], value, schema);
  else result[name] = value;
  if (isFields(value) && value['$patch'] === 'delete') Reflect.deleteProperty(result, name);
}

function retainKeys(result: Fields, patch: Fields): void {
  const kept = patch['$retainKeys'];
  if (!Array.isArray(kept)) return;
  for (const name of Object.keys(result)) if (!kept.includes(name)) Reflect.deleteProperty(result, name);
}

function applyDirective(result: Fields, name: string, value: unknown, schema: MergeSchema | undefined): void {
  const [directive, field = ''] = name.split('/', 2);
  if (directive === '$deleteFromPrimitiveList' && Array.isArray(value) && Array.isArray(result[field])) {
    result[field] = result[field].filter((item) => !value.includes(item));
  } else if (directive === '$setElementOrder' && Array.isArray(value) && Array.isArray(result[field])) {
    result[field] = reorder(result[field], value, mergeKey(fieldSchema(schema, field)));
  }
}

/** Strategic merge knows one key a list, the first; a pod's ports have two in the schema. */
function mergeKey(schema: MergeSchema | undefined): string | undefined {
  return listMapKeys(schema)?.[0];
}

function mergeList(target: readonly unknown[], patch: readonly unknown[], schema: MergeSchema | undefined): unknown[] {
  const key = mergeKey(schema);
  if (key === undefined) {
    if (schema?.['x-kubernetes-list-type'] !== 'set') return patch.filter((item) => !(isFields(item) && '$patch' in item));
    return [...patch.filter((item) => !target.includes(item)), ...target];
  }
  if (patch.some((item) => isFields(item) && item['$patch'] === 'replace')) return patch.filter((item) => !(isFields(item) && item['$patch'] === 'replace'));
  const result = [...target];
  for (const item of patch) mergeItem(result, item, key, schema);
  const identity = (item: unknown): unknown => (item as Fields)[key];
  return orderMerged(result, patch.map(identity), target.map(identity), identity);
}

/** Patched items come in the patch's order; the others keep their places among those that were there before. */
function orderMerged(merged: readonly unknown[], patched: readonly unknown[], before: readonly unknown[], identity: (item: unknown) => unknown): unknown[] {
  const right = merged.filter((item) => patched.includes(identity(item))).sort((a, b) => patched.indexOf(identity(a)) - patched.indexOf(identity(b)));
  const left = merged.filter((item) => !patched.includes(identity(item)));
  const result: unknown[] = [];
  while (left.length > 0 && right.length > 0) {
    const at = before.indexOf(identity(right[0]));
    result.push(at < 0 || at < before.indexOf(identity(left[0])) ? right.shift() : left.shift());
  }
  return [...result, ...left, ...right];
}

function mergeItem(result: unknown[], item: unknown, key: string, schema: MergeSchema | undefined): void {
  if (!isFields(item)) throw new PatchError(`an item of a merged list must be an object with "${key}"`);
  if (item[key] === undefined) throw new PatchError(`map: ${goText(item)} does not contain declared merge key: ${key}`, false, true);
  if (item['$patch'] !== undefined && item['$patch'] !== 'delete' && item['$patch'] !== 'replace' && item['$patch'] !== 'merge') throw new PatchError(`unknown patch type: ${String(item['$patch'])} in map: ${goText(item)}`, false, true);
  const index = result.findIndex((candidate) => isFields(candidate) && candidate[key] === item[key]);
  if (item['$patch'] === 'delete') {
    if (index >= 0) result.splice(index, 1);
    return;
  }
  const merged = mergeFields(index >= 0 ? (result[index] as Fields) : {}, item, schema?.items);
  if (index >= 0) result[index] = merged;
  else result.push(merged);
}

/** Items named in `order` come in that order; the others keep their place relative to the item before them. */
function reorder(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const identity = (item: unknown): unknown => (key !== undefined && isFields(item) ? item[key] : item);
  const rank = new Map(order.map((item, index) => [identity(item), index]));
  const named = list.filter((item) => rank.has(identity(item))).sort((a, b) => (rank.get(identity(a)) ?? 0) - (rank.get(identity(b)) ?? 0));
  let next = 0;
  return list.map((item) => (rank.has(identity(item)) ? named[next++] : item));
}

function withoutDirectives(patch: Fields): Fields {
  return Object.fromEntries(Object.entries(patch).filter(([name]) => !name.startsWith('$')));
}
