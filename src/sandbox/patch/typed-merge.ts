// Merges an applied configuration into the live object, and takes fields out of an object, by field sets.
import { isMergedList, itemStep, type FieldSet } from './field-set.ts';
import { fieldSchema, isFields, listMapKeys, type Fields, type MergeSchema } from './merge-schema.ts';

/** `live` with every field of `config` set; lists that are maps or sets are merged. */
export function mergeTyped(live: unknown, config: unknown, schema: MergeSchema | undefined): unknown {
  if (isFields(config) && isFields(live) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    const result: Fields = { ...live };
    for (const [name, value] of Object.entries(config)) result[name] = mergeTyped(live[name], value, fieldSchema(schema, name));
    return result;
  }
  if (Array.isArray(config) && isMergedList(schema)) return mergeTypedList(Array.isArray(live) ? live : [], config, schema);
  return config;
}

/** Applied items come in the applied order; items of others keep their place before the next item that both know. */
function mergeTypedList(live: readonly unknown[], config: readonly unknown[], schema: MergeSchema | undefined): unknown[] {
  const keyed = listMapKeys(schema) !== undefined;
  const before = new Map(live.map((item) => [itemStep(item, schema), item]));
  const wanted = new Map<string, unknown>();
  for (const item of config) wanted.set(itemStep(item, schema), item);
  const result: unknown[] = [];
  const pending = [...wanted.keys()];
  const emitNext = (): string => {
    const step = pending.shift() as string;
    const item = wanted.get(step);
    result.push(keyed && before.has(step) ? mergeTyped(before.get(step), item, schema?.items) : item);
    return step;
  };
  for (const [step, item] of before) {
    if (!wanted.has(step)) result.push(item);
    else if (pending.includes(step)) while (emitNext() !== step);
  }
  while (pending.length > 0) emitNext();
  return result;
}

/** `value` without the members of `removed` that nobody in `kept` owns, directly or further down. */
export function removeFields(value: unknown, removed: FieldSet, kept: FieldSet, schema: MergeSchema | undefined): unknown {
  if (isFields(value)) {
    const result: Fields = {};
    for (const [name, child] of Object.entries(value)) {
      const left = removeChild(child, removed.children.get(`f:${name}`), kept.children.get(`f:${name}`), fieldSchema(schema, name));
      if (left !== undefined) result[name] = left;
    }
    return result;
  }
  if (!Array.isArray(value) || !isMergedList(schema)) return value;
  const keyed = listMapKeys(schema) !== undefined;
  return value.flatMap((item) => {
    const step = itemStep(item, schema);
    const left = removeChild(item, removed.children.get(step), kept.children.get(step), keyed ? schema?.items : undefined, keyed ? listMapKeys(schema) : undefined);
    return left === undefined ? [] : [left];
  });
}

const NOTHING: FieldSet = { member: false, children: new Map() };

function removeChild(child: unknown, removed: FieldSet | undefined, kept: FieldSet | undefined, schema: MergeSchema | undefined, keys?: readonly string[]): unknown {
  if (!removed) return child;
  if (removed.member && !kept) return undefined;
  if (typeof child !== 'object' || child === null) return child;
  const left = removeFields(child, removed, kept ?? NOTHING, schema);
  if (keys && isFields(left) && isFields(child)) for (const key of keys) if (child[key] !== undefined) left[key] = child[key];
  // An object or list that only held removed fields goes with them.
  const empty = Array.isArray(left) ? left.length === 0 : isFields(left) && Object.keys(left).length === 0;
  return empty && !kept ? undefined : left;
}
