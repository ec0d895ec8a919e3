// Which fields of an object its schema does not name: open schemas keep them, and whoever reads the object may want to say so.
import type { z } from 'zod';

interface Definition { type: string; shape?: Record<string, z.ZodType>; element?: z.ZodType; valueType?: z.ZodType; innerType?: z.ZodType }

const WRAPPERS: ReadonlySet<string> = new Set(['optional', 'nullable', 'default', 'prefault']);

/** Paths of `value` that `schema` does not name. A schema of an object without fields names all of them. */
export function unknownFields(schema: z.ZodType, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = unwrap(schema);
  if (Array.isArray(value)) return inner.type === 'array' ? value.flatMap((item, index) => unknownFields(inner.element as z.ZodType, item, `${path}[${index}]`)) : [];
  if (inner.type === 'record') return Object.entries(value).flatMap(([key, child]) => unknownFields(inner.valueType as z.ZodType, child, `${path}.${key}`));
  if (inner.type !== 'object' || Object.keys(inner.shape ?? {}).length === 0) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const known = inner.shape?.[key];
    return known ? unknownFields(known, child, `${path}.${key}`) : [`${path}.${key}`];
  });
}

function unwrap(schema: z.ZodType): Definition {
  let definition = schema.def as unknown as Definition;
  while (WRAPPERS.has(definition.type) && definition.innerType) definition = definition.innerType.def as unknown as Definition;
  return definition;
}
