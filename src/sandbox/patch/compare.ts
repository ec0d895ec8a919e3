// Compares two versions of an object field by field, for managedFields.
import { EMPTY_SET, fieldsOf, isMergedList, itemStep, LEAF_SET, type FieldSet, unionSets } from './field-set.ts';
import { fieldSchema, isFields, listMapKeys, type MergeSchema } from './merge-schema.ts';

/** What differs between two values: fields added or changed, and fields removed. */
export interface Comparison {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const SAME: Comparison = { changed: EMPTY_SET, removed: EMPTY_SET };

/** The difference from `before` to `after`. */
export function compareValues(before: unknown, after: unknown, schema: MergeSchema | undefined): Comparison {
  if (before === after) return SAME;
  if (before === undefined) return { changed: fieldsOf(after, schema), removed: EMPTY_SET };
  if (after === undefined) return { changed: EMPTY_SET, removed: unionSets(fieldsOf(before, schema), LEAF_SET) };
  if (isFields(before) && isFields(after) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return compareChildren([...names].map((name) => [`f:${name}`, compareValues(before[name], after[name], fieldSchema(schema, name))]));
  }
  if (Array.isArray(before) && Array.isArray(after) && isMergedList(schema)) return compareLists(before, after, schema);
  return JSON.stringify(before) === JSON.stringify(after) ? SAME : { changed: LEAF_SET, removed: EMPTY_SET };
}

function compareLists(before: readonly unknown[], after: readonly unknown[], schema: MergeSchema | undefined): Comparison {
  const old = new Map(before.map((item) => [itemStep(item, schema), item]));
  const now = new Map(after.map((item) => [itemStep(item, schema), item]));
  const keyed = listMapKeys(schema) !== undefined;
  return compareChildren([...new Set([...old.keys(), ...now.keys()])].map((step) => {
    if (!now.has(step)) return [step, { changed: EMPTY_SET, removed: unionSets(LEAF_SET, keyed ? fieldsOf(old.get(step), schema?.items) : EMPTY_SET) }];
    if (!old.has(step)) return [step, { changed: unionSets(LEAF_SET, keyed ? fieldsOf(now.get(step), schema?.items) : EMPTY_SET), removed: EMPTY_SET }];
    return [step, keyed ? compareValues(old.get(step), now.get(step), schema?.items) : SAME];
  }));
}

function compareChildren(children: readonly (readonly [string, Comparison])[]): Comparison {
  const changed = new Map<string, FieldSet>();
  const removed = new Map<string, FieldSet>();
  for (const [step, comparison] of children) {
    if (comparison.changed !== EMPTY_SET) changed.set(step, comparison.changed);
    if (comparison.removed !== EMPTY_SET) removed.set(step, comparison.removed);
  }
  if (changed.size === 0 && removed.size === 0) return SAME;
  return { changed: changed.size === 0 ? EMPTY_SET : { member: false, children: changed }, removed: removed.size === 0 ? EMPTY_SET : { member: false, children: removed } };
}
