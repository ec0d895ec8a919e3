// Ratcheting: what was wrong with an object before an update does not stop the update, as long as the update leaves it as it is.
// Follows CustomResourceDefinitions' validation ratcheting: a value is compared with the old one at the same place; items of lists that are no maps
// have no old value, so there the whole list has to be unchanged.
import { deepEqual } from '../../shared/lib/index.ts';
import type { FieldError, JsonSchema } from './json-schema.ts';

type Step = { readonly field: string } | { readonly index: number };

/** The errors that an update from `old` to `value` brought or kept by touching their place. */
export function dropUnchanged(errors: readonly FieldError[], schema: JsonSchema, value: unknown, old: unknown): FieldError[] {
  return errors.filter((error) => {
    const steps = stepsOf(error.path);
    // Whether a field is there is a matter of what holds it.
    const place = error.reason === 'FieldValueRequired' ? steps.slice(0, -1) : steps;
    return !isUnchanged(place, schema, value, old);
  });
}

function stepsOf(path: string): Step[] {
  return path.split(/\.|(?=\[)/).filter((part) => part !== '').map((part) => (part.startsWith('[') ? { index: Number(part.slice(1, -1)) } : { field: part }));
}

function isUnchanged(steps: readonly Step[], schema: JsonSchema | undefined, value: unknown, old: unknown): boolean {
  if (old === undefined) return false;
  if (deepEqual(value, old)) return true;
  const [step, ...rest] = steps;
  if (!step) return false;
  if ('field' in step) {
    const inner = (candidate: unknown): unknown => (candidate as Record<string, unknown> | null)?.[step.field];
    const known = schema?.properties?.[step.field] ?? (typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    return isUnchanged(rest, known, inner(value), inner(old));
  }
  const item = (value as unknown[])[step.index];
  return isUnchanged(rest, schema?.items, item, correlateItem(schema, item, old));
}

/** Only items of list maps have an old value: the one with the same keys. */
export function correlateItem(schema: JsonSchema | undefined, item: unknown, old: unknown): unknown {
  const keys = schema?.['x-kubernetes-list-map-keys'];
  if (!keys || !Array.isArray(old)) return undefined;
  const identity = (value: unknown): string => JSON.stringify(keys.map((key) => (value as Record<string, unknown> | null)?.[key]));
  return old.find((candidate) => identity(candidate) === identity(item));
}
