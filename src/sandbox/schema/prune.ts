// Removes fields that a schema does not know, and says which.
import { childPath, type JsonSchema } from './json-schema.ts';

const ENVELOPE = new Set(['apiVersion', 'kind', 'metadata']);

interface Pruning { readonly pruned: string[]; readonly metadata: JsonSchema | undefined }

/** Drops unknown fields of `value` in place; returns their paths. `root` keeps apiVersion, kind and metadata; the metadata of embedded objects has a schema of its own. */
export function pruneUnknown(schema: JsonSchema | undefined, value: unknown, path = '', root = true, metadata?: JsonSchema): string[] {
  const pruned: string[] = [];
  if (schema) pruneInto(schema, value, path, root, { pruned, metadata });
  return pruned;
}

function pruneInto(schema: JsonSchema, value: unknown, path: string, envelope: boolean, pruning: Pruning): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (schema.items) for (const [index, item] of value.entries()) pruneInto(schema.items, item, `${path}[${String(index)}]`, false, pruning);
    return;
  }
  if (schema.additionalProperties === true) return;
  const isEmbedded = schema['x-kubernetes-embedded-resource'] === true;
  if (isEmbedded && pruning.metadata) pruneInto(pruning.metadata, (value as Record<string, unknown>)['metadata'], childPath(path, 'metadata'), false, pruning);
  const keepsEnvelope = envelope || isEmbedded;
  for (const [name, child] of Object.entries(value)) {
    const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
    if (keepsEnvelope && ENVELOPE.has(name)) continue;
    if (known) pruneInto(known, child, childPath(path, name), false, pruning);
    else if (schema['x-kubernetes-preserve-unknown-fields'] !== true) {
      pruning.pruned.push(childPath(path, name));
      Reflect.deleteProperty(value, name);
    }
  }
}
