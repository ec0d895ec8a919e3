// Removes fields that a schema does not know, and says which.
import { childPath, type JsonSchema } from './json-schema.ts';

const ENVELOPE = new Set(['apiVersion', 'kind', 'metadata']);

/** Drops unknown fields of `value` in place; returns their paths. `root` keeps apiVersion, kind and metadata. */
export function pruneUnknown(schema: JsonSchema | undefined, value: unknown, path = '', root = true): string[] {
  const pruned: string[] = [];
  if (schema) pruneInto(schema, value, path, root, pruned);
  return pruned;
}

function pruneInto(schema: JsonSchema, value: unknown, path: string, envelope: boolean, pruned: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (schema.items) for (const [index, item] of value.entries()) pruneInto(schema.items, item, `${path}[${String(index)}]`, false, pruned);
    return;
  }
  if (schema.additionalProperties === true) return;
  const keepsEnvelope = envelope || schema['x-kubernetes-embedded-resource'] === true;
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    if (keepsEnvelope && ENVELOPE.has(name)) continue;
    if (known) pruneInto(known, child, childPath(path, name), false, pruned);
    else if (schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      pruned.push(childPath(path, name));
      Reflect.deleteProperty(value, name);
    }
  }
}
