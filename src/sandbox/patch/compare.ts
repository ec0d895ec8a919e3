// Compares two versions of an object field by field, for managedFields. What is added or removed as a whole is a member with all that is
// in it, containers too, as in Kubernetes' structured merge.
import { EMPTY_SET, isMergedList, itemStep, LEAF_SET, type FieldSet } from './field-set.ts';
import { fieldSchema, isFields, listMapKeys, type MergeSchema } from './merge-schema.ts';

/** What differs between two values: fields added or changed, and fields removed. */
export interface Comparison {
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

const SAME: Comparison = { changed: EMPTY_SET, removed: EMPTY_SET };
const CHANGED: Comparison = { changed: LEAF_SET, removed: EMPTY_SET };
const REMOVED: Comparison = { changed: EMPTY_SET, removed: LEAF_SET };

/** The difference from `before` to `after`; undefined stands for what is not there. */
export function compareValues(before: unknown, after: unknown, schema: MergeSchema | undefined): Comparison {
  if (before === after) return SAME;
  const children = childrenOf(before, after, schema);
  if (!children) return compareLeaves(before, after);
  const inner = compareChildren(children);
  if (before === undefined) return { changed: { member: true, children: inner.changed.children }, removed: EMPTY_SET };
  if (after === undefined) return { changed: EMPTY_SET, removed: { member: true, children: inner.removed.children } };
  return inner;
}

function compareLeaves(before: unknown, after: unknown): Comparison {
  if (before === undefined) return CHANGED;
  if (after === undefined) return REMOVED;
  return JSON.stringify(before) === JSON.stringify(after) ? SAME : CHANGED;
}

/** The steps below two containers with what differs there; undefined for what is owned as a whole. */
function childrenOf(before: unknown, after: unknown, schema: MergeSchema | undefined): (readonly [string, Comparison])[] | undefined {
  const present = [before, after].filter((value) => value !== undefined && value !== null);
  if (present.length > 0 && present.every(isFields) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    const names = new Set(present.flatMap((value) => Object.keys(value)));
    if (names.size === 0) return undefined;
    const field = (value: unknown, name: string): unknown => (isFields(value) ? value[name] : undefined);
    return [...names].map((name) => [`f:${name}`, compareValues(field(before, name), field(after, name), fieldSchema(schema, name))]);
  }
  if (present.length > 0 && present.every(Array.isArray) && isMergedList(schema)) return compareItems(before, after, schema);
  return undefined;
}

function compareItems(before: unknown, after: unknown, schema: MergeSchema | undefined): (readonly [string, Comparison])[] | undefined {
  const index = (list: unknown): Map<string, unknown> => new Map(Array.isArray(list) ? list.map((item: unknown) => [itemStep(item, schema), item]) : []);
  const old = index(before);
  const now = index(after);
  const steps = new Set([...old.keys(), ...now.keys()]);
  if (steps.size === 0) return undefined;
  const items = listMapKeys(schema) === undefined ? undefined : schema?.items;
  return [...steps].map((step) => [step, items === undefined ? compareLeaves(old.get(step), now.get(step)) : compareValues(old.get(step), now.get(step), items)]);
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
