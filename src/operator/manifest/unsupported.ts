// Fields of a control plane's spec that are kept but have no effect yet: they are reported, never silently dropped.
import type { z } from 'zod';
import { controlPlaneSpecSchema, type ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';

/** Fields that are typed because they exist in every Maistra spec, yet ask for something that is not installed. */
const ADDONS = ['grafana', 'kiali', 'prometheus'] as const;

/** Paths in the user's own `spec` that this operator does not act on. */
export function unsupportedFields(spec: ControlPlaneSpec): string[] {
  const { techPreview: _raw, ...typed } = spec;
  const asked = ADDONS.filter((name) => spec.addons?.[name]?.enabled === true).map((name) => `spec.addons.${name}.enabled`);
  return [...unknownPaths(controlPlaneSpecSchema, typed, 'spec'), ...asked].sort();
}

/** Paths of `value` that `schema` does not name. */
function unknownPaths(schema: z.ZodType, value: unknown, path: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = unwrap(schema);
  if (Array.isArray(value)) return inner.type === 'array' ? value.flatMap((item, index) => unknownPaths(inner.element as z.ZodType, item, `${path}[${index}]`)) : [];
  if (inner.type === 'record') return Object.entries(value).flatMap(([key, child]) => unknownPaths(inner.valueType as z.ZodType, child, `${path}.${key}`));
  if (inner.type !== 'object' || Object.keys(inner.shape ?? {}).length === 0) return [];
  return Object.entries(value).flatMap(([key, child]) => {
    const known = inner.shape?.[key];
    return known ? unknownPaths(known, child, `${path}.${key}`) : [`${path}.${key}`];
  });
}

interface Definition { type: string; shape?: Record<string, z.ZodType>; element?: z.ZodType; valueType?: z.ZodType; innerType?: z.ZodType }

function unwrap(schema: z.ZodType): Definition {
  let definition = schema.def as unknown as Definition;
  while ((definition.type === 'optional' || definition.type === 'nullable') && definition.innerType) definition = definition.innerType.def as unknown as Definition;
  return definition;
}
