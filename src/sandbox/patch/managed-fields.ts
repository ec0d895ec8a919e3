// Who owns which field: reads and writes metadata.managedFields, and runs server-side apply on them.
// Follows the rules of Kubernetes' server-side apply: shared ownership, conflicts, force, removal of what is no longer applied.
import { compareValues } from './compare.ts';
import { EMPTY_SET, fieldsOf, fromFieldsV1, intersectSets, isEmptySet, pathsOf, subtractSets, subtractSubtrees, toFieldsV1, unionSets, type FieldSet } from './field-set.ts';
import { isFields, type Fields, type MergeSchema } from './merge-schema.ts';
import { mergeTyped, removeFields } from './typed-merge.ts';

/** One writer of fields. */
export interface Manager {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string;
}

/** A field that somebody else owns with another value. */
export interface ApplyConflict {
  readonly manager: Manager;
  readonly paths: readonly string[];
}

interface Owned extends Manager {
  readonly fields: FieldSet;
}

/** The outcome of an apply: the merged object with its managedFields, or the conflicts. */
export type ApplyResult = { readonly object: Fields } | { readonly conflicts: readonly ApplyConflict[] };

/** Fields of the envelope that nobody owns. */
const UNOWNED_METADATA = ['name', 'namespace', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'selfLink'];

/** The part of an object that fields are owned in. */
function ownable(object: Fields): Fields {
  const { apiVersion: _version, kind: _kind, metadata, ...rest } = object;
  const meta: Fields = isFields(metadata) ? { ...metadata } : {};
  for (const name of UNOWNED_METADATA) Reflect.deleteProperty(meta, name);
  return Object.keys(meta).length > 0 ? { ...rest, metadata: meta } : rest;
}

function readManagers(object: Fields | undefined): Owned[] {
  const entries = (object?.['metadata'] as Fields | undefined)?.['managedFields'];
  if (!Array.isArray(entries)) return [];
  return entries.filter(isFields).map((entry) => ({
    manager: String(entry['manager'] ?? ''),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    apiVersion: String(entry['apiVersion'] ?? ''),
    subresource: String(entry['subresource'] ?? ''),
    time: String(entry['time'] ?? ''),
    fields: fromFieldsV1(entry['fieldsV1']),
  }));
}

function writeManagers(object: Fields, managers: readonly Owned[]): Fields {
  const entries = managers.filter((entry) => !isEmptySet(entry.fields)).sort(compareManagers).map((entry) => ({
    manager: entry.manager,
    operation: entry.operation,
    apiVersion: entry.apiVersion,
    ...(entry.time === '' ? {} : { time: entry.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: toFieldsV1(entry.fields),
    ...(entry.subresource === '' ? {} : { subresource: entry.subresource }),
  }));
  const metadata: Fields = { ...(object['metadata'] as Fields) };
  if (entries.length > 0) metadata['managedFields'] = entries;
  else Reflect.deleteProperty(metadata, 'managedFields');
  return { ...object, metadata };
}

/** Kubernetes' order: who applies comes first, then the older, then by name. */
function compareManagers(left: Manager, right: Manager): number {
  for (const key of ['operation', 'time', 'manager', 'apiVersion', 'subresource'] as const) if (left[key] !== right[key]) return left[key] < right[key] ? -1 : 1;
  return 0;
}

function sameManager(left: Manager, right: Manager): boolean {
  return left.manager === right.manager && left.operation === right.operation && left.subresource === right.subresource && (left.operation === 'Apply' || left.apiVersion === right.apiVersion);
}

/** Whoever sends no entries, or an empty one, wants to forget who owned what. */
function isReset(entries: unknown): boolean {
  return Array.isArray(entries) && (entries.length === 0 || (entries.length === 1 && isFields(entries[0]) && Object.keys(entries[0]).length === 0));
}

/** A change as another version of the object shows it. */
export interface VersionView {
  readonly before: Fields;
  readonly after: Fields;
  readonly schema: MergeSchema | undefined;
}

/** What a change has taken from a manager of that view: fields that are otherwise now, or gone. */
function withoutChanged(owned: Owned, { before, after, schema }: VersionView): Owned {
  const { changed, removed } = compareValues({ metadata: {}, ...ownable(before) }, { metadata: {}, ...ownable(after) }, schema);
  return { ...owned, fields: subtractSubtrees(subtractSets(owned.fields, changed), removed) };
}

/** `after` with managedFields that say that `manager` made the change from `before`; `views` are the same change in the versions that other managers have written. */
export function recordUpdate(before: Fields | undefined, after: Fields, manager: Manager, schema: MergeSchema | undefined, views: ReadonlyMap<string, VersionView> = new Map()): Fields {
  const { changed, removed } = compareValues({ metadata: {}, ...(before ? ownable(before) : {}) }, { metadata: {}, ...ownable(after) }, schema);
  const reset = isFields(after['metadata']) && isReset(after['metadata']['managedFields']);
  const managers = reset ? [] : readManagers(before);
  // Of an object that exists and has nobody noted, nobody is: somebody has wanted it so.
  const isForgotten = managers.length === 0 && isFields(before?.['metadata']) && before['metadata']['uid'] !== undefined;
  if (isForgotten || (isEmptySet(changed) && isEmptySet(removed))) return writeManagers(after, managers);
  let mine: Owned = managers.find((entry) => sameManager(entry, manager)) ?? { ...manager, fields: EMPTY_SET };
  const others = managers.filter((entry) => entry !== mine).map((entry) => {
    const view = views.get(entry.apiVersion);
    return view ? withoutChanged(entry, view) : { ...entry, fields: subtractSubtrees(subtractSets(entry.fields, changed), removed) };
  });
  // Who only takes away has set nothing.
  mine = { ...mine, time: isEmptySet(changed) ? mine.time : manager.time, fields: unionSets(subtractSubtrees(mine.fields, removed), changed) };
  return writeManagers(after, [...others, mine]);
}

/** Applies `config` to `live` in the name of `manager`. */
export function applyConfiguration(live: Fields | undefined, config: Fields, manager: Manager, force: boolean, schema: MergeSchema | undefined): ApplyResult {
  const managers = managersOf(live, manager, schema);
  const before = managers.find((entry) => sameManager(entry, manager));
  const others = managers.filter((entry) => entry !== before);
  const wanted = ownable(config);
  const applied = Object.keys(wanted).length === 0 ? EMPTY_SET : fieldsOf(wanted, schema);
  const merged = mergeTyped(live ?? {}, config, schema) as Fields;
  const { changed } = compareValues(live ? ownable(live) : {}, ownable(merged), schema);
  const conflicts = live ? findConflicts(others, intersectSets(changed, applied)) : [];
  if (conflicts.length > 0 && !force) return { conflicts };

  const dropped = before ? subtractSets(before.fields, applied) : EMPTY_SET;
  const kept = others.reduce((set, entry) => unionSets(set, entry.fields), applied);
  const pruned = removeFields(merged, dropped, kept, schema) as Fields;
  for (const name of ['apiVersion', 'kind', 'metadata']) pruned[name] ??= merged[name];
  const rest = others.map((entry) => ({ ...entry, fields: subtractSets(entry.fields, intersectSets(changed, applied)) }));
  const unchanged = before && live && isEmptySet(changed) && isEmptySet(subtractSets(before.fields, applied)) && isEmptySet(subtractSets(applied, before.fields));
  const mine: Owned = { ...manager, time: unchanged ? before.time : manager.time, fields: applied };
  return { object: writeManagers(pruned, [...rest, mine]) };
}

/** Fields that were there before anybody was noted belong to somebody unknown. */
function managersOf(live: Fields | undefined, manager: Manager, schema: MergeSchema | undefined): Owned[] {
  const managers = readManagers(live);
  if (live === undefined || managers.length > 0) return managers;
  const { changed } = compareValues({ metadata: {} }, { metadata: {}, ...ownable(live) }, schema);
  return isEmptySet(changed) ? [] : [{ manager: 'before-first-apply', operation: 'Update', apiVersion: manager.apiVersion, subresource: '', time: manager.time, fields: changed }];
}

function findConflicts(others: readonly Owned[], changed: FieldSet): ApplyConflict[] {
  return others.flatMap((manager) => {
    const paths = pathsOf(intersectSets(manager.fields, changed));
    return paths.length > 0 ? [{ manager, paths }] : [];
  });
}
