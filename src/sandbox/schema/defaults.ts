// Writes a schema's defaults into an object, as the API server does when it reads a request.
import type { JsonSchema } from './json-schema.ts';

type Fields = Record<string, unknown>;

/** Takes nulls out of fields that may not be null: they count as absent. Changes `value`. */
export function dropForbiddenNulls(schema: JsonSchema | undefined, value: unknown): void {
  if (!schema || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) dropForbiddenNulls(schema.items, item);
    return;
  }
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    if (child === null && known && known.nullable !== true && known['x-kubernetes-preserve-unknown-fields'] !== true) Reflect.deleteProperty(value, name);
    else dropForbiddenNulls(known, child);
  }
}

/** `value` with the defaults that it lacks; changes `value`. Nulls that may not be null count as absent when there is a default. */
export function applyDefaults(schema: JsonSchema | undefined, value: unknown): void {
  if (!schema || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) applyDefaults(schema.items, item);
    return;
  }
  const fields = value as Fields;
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (fields[name] === null && child.nullable !== true && child.default !== undefined) Reflect.deleteProperty(fields, name);
    if (fields[name] === undefined && child.default !== undefined) fields[name] = structuredClone(child.default);
    applyDefaults(child, fields[name]);
  }
  if (typeof schema.additionalProperties !== 'object') return;
  for (const [name, child] of Object.entries(fields)) if (!schema.properties?.[name]) applyDefaults(schema.additionalProperties, child);
}
