// A set of field paths as a tree, and its FieldsV1 form in managedFields: `f:name`, `k:{"key":"x"}` and `v:"x"` are the steps,
// `.` says that the node itself is a member.
import { fieldSchema, isFields, listMapKeys, type Fields, type MergeSchema } from './merge-schema.ts';

/** A set of paths; `member` is whether the path to this node is in it. */
export interface FieldSet {
  readonly member: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

/** The set without a path. */
export const EMPTY_SET: FieldSet = { member: false, children: new Map() };
/** The set of just the node itself. */
export const LEAF_SET: FieldSet = { member: true, children: new Map() };

/** Whether no path is in the set. */
export function isEmptySet(set: FieldSet): boolean {
  return !set.member && set.children.size === 0;
}

function node(member: boolean, children: Map<string, FieldSet>): FieldSet {
  for (const [step, child] of children) if (isEmptySet(child)) children.delete(step);
  return { member, children };
}

/** Paths in either set. */
export function unionSets(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left)) return right;
  if (isEmptySet(right)) return left;
  const children = new Map(left.children);
  for (const [step, child] of right.children) children.set(step, unionSets(children.get(step) ?? EMPTY_SET, child));
  return node(left.member || right.member, children);
}

/** Paths in both sets. */
export function intersectSets(left: FieldSet, right: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [step, child] of left.children) {
    const other = right.children.get(step);
    if (other) children.set(step, intersectSets(child, other));
  }
  return node(left.member && right.member, children);
}

/** Paths of `left` that are not in `right`. */
export function subtractSets(left: FieldSet, right: FieldSet): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [step, child] of left.children) children.set(step, subtractSets(child, right.children.get(step) ?? EMPTY_SET));
  return node(left.member && !right.member, children);
}

/** Paths of `left` at or under a member of `right`; for removed subtrees. */
export function subtractSubtrees(left: FieldSet, right: FieldSet): FieldSet {
  if (right.member) return EMPTY_SET;
  const children = new Map<string, FieldSet>();
  for (const [step, child] of left.children) {
    const other = right.children.get(step);
    children.set(step, other ? subtractSubtrees(child, other) : child);
  }
  return node(left.member, children);
}

/** The fields that `value` sets. */
export function fieldsOf(value: unknown, schema: MergeSchema | undefined): FieldSet {
  if (isFields(value) && schema?.['x-kubernetes-map-type'] !== 'atomic') {
    const children = new Map<string, FieldSet>();
    for (const [name, child] of Object.entries(value)) {
      const below = fieldsOf(child, fieldSchema(schema, name));
      // An entry of a map is a member beside what is in it; a field of a struct is not.
      children.set(`f:${name}`, schema?.properties?.[name] ? below : { member: true, children: below.children });
    }
    return node(children.size === 0, children);
  }
  if (Array.isArray(value) && isMergedList(schema)) {
    const children = new Map<string, FieldSet>();
    for (const item of value) children.set(itemStep(item, schema), itemSet(item, schema));
    return node(false, children);
  }
  return LEAF_SET;
}

function itemSet(item: unknown, schema: MergeSchema | undefined): FieldSet {
  if (!listMapKeys(schema)) return LEAF_SET;
  return { member: true, children: fieldsOf(item, schema?.items).children };
}

/** Whether items of the list are owned one by one. */
export function isMergedList(schema: MergeSchema | undefined): boolean {
  return schema?.['x-kubernetes-list-type'] === 'set' || listMapKeys(schema) !== undefined;
}

/** The step that leads to an item of a merged list. */
export function itemStep(item: unknown, schema: MergeSchema | undefined): string {
  const keys = listMapKeys(schema);
  if (!keys || !isFields(item)) return `v:${JSON.stringify(item)}`;
  const identity: Fields = {};
  for (const key of [...keys].sort()) {
    const value = item[key] ?? schema?.items?.properties?.[key]?.default;
    if (value !== undefined) identity[key] = value;
  }
  return `k:${JSON.stringify(identity)}`;
}

/** The set in the form of managedFields. */
export function toFieldsV1(set: FieldSet): Fields {
  const result: Fields = {};
  if (set.member && set.children.size > 0) result['.'] = {};
  for (const step of [...set.children.keys()].sort()) result[step] = toFieldsV1(set.children.get(step) as FieldSet);
  return result;
}

/** Reads the form of managedFields. */
export function fromFieldsV1(fields: unknown): FieldSet {
  if (!isFields(fields)) return EMPTY_SET;
  const children = new Map<string, FieldSet>();
  for (const [step, child] of Object.entries(fields)) if (step !== '.') children.set(step, fromFieldsV1(child));
  return { member: '.' in fields || children.size === 0, children };
}

/** Every path of the set in the form of conflict messages: `.spec.containers[name="web"].image`. */
export function pathsOf(set: FieldSet, prefix = ''): string[] {
  const paths = set.member && prefix !== '' ? [prefix] : [];
  for (const [step, child] of set.children) paths.push(...pathsOf(child, prefix + showStep(step)));
  return paths;
}

function showStep(step: string): string {
  if (step.startsWith('f:')) return `.${step.slice(2)}`;
  if (step.startsWith('v:')) return `[=${step.slice(2)}]`;
  const identity = JSON.parse(step.slice(2)) as Fields;
  return `[${Object.entries(identity).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
}
