// What keeps a configuration from being an object with typed lists: items of a list map or set that are there twice, or that lack their key.
import { isMergedList, itemStep } from './field-set.ts';
import { fieldSchema, isFields, listMapKeys, type Fields, type MergeSchema } from './merge-schema.ts';

/** The first such problem of `value`, with its path; undefined when there is none. */
export function checkTypedLists(value: unknown, schema: MergeSchema | undefined, path = ''): string | undefined {
  if (isFields(value)) return first(Object.entries(value), ([name, child]) => checkTypedLists(child, fieldSchema(schema, name), `${path}.${name}`));
  if (!Array.isArray(value)) return undefined;
  const problem = isMergedList(schema) ? checkItems(value, schema, path) : undefined;
  return problem ?? first([...value.entries()], ([index, item]) => checkTypedLists(item, schema?.items, `${path}${showItem(item, index, schema)}`));
}

function checkItems(items: readonly unknown[], schema: MergeSchema | undefined, path: string): string | undefined {
  const keys = listMapKeys(schema);
  const seen = new Set<string>();
  return first([...items.entries()], ([index, item]) => {
    // Of a struct, what identifies it is there even when it is empty.
    const missing = schema?.items?.['x-mizzen-type'] !== undefined ? undefined : keys?.find((key) => isFields(item) && item[key] === undefined && schema?.items?.properties?.[key]?.default === undefined);
    if (missing !== undefined) return `${path}: element ${String(index)}: associative list with keys has an element that omits key field "${missing}" (and doesn't have default value)`;
    const step = itemStep(item, schema);
    if (seen.has(step)) return `${path}: duplicate entries for key [${keyText(step)}]`;
    seen.add(step);
    return undefined;
  });
}

function showItem(item: unknown, index: number, schema: MergeSchema | undefined): string {
  return isMergedList(schema) && isFields(item) ? `[${keyText(itemStep(item, schema))}]` : `[${String(index)}]`;
}

function keyText(step: string): string {
  if (!step.startsWith('k:')) return `=${step.slice(2)}`;
  return Object.entries(JSON.parse(step.slice(2)) as Fields).map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',');
}

function first<T>(values: readonly T[], check: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const problem = check(value);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
