// zod schema -> CustomResourceDefinition with a structural schema, as Kubernetes demands of apiextensions v1.
import { z } from 'zod';
import type { CustomResourceType } from './custom-resource.ts';

/** Plain JSON data. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
type JsonObject = { [key: string]: Json };

/** The CustomResourceDefinition of `type`, as plain data ready to be written as YAML. */
export function customResourceDefinition(type: CustomResourceType): JsonObject {
  const stored = { served: true, schema: { openAPIV3Schema: objectSchema(type) } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${type.plural}.${type.group}` },
    spec: {
      group: type.group,
      names: {
        kind: type.kind, listKind: `${type.kind}List`, plural: type.plural, singular: type.kind.toLowerCase(),
        ...(type.shortNames ? { shortNames: [...type.shortNames] } : {}), ...(type.categories ? { categories: [...type.categories] } : {}),
      },
      scope: type.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
      versions: [
        ...type.servedVersions.map((name) => ({ name, storage: name === type.version, ...stored, ...surface(type) })),
        ...(type.unservedVersions ?? []).map((name) => ({
          name, served: false, storage: false, schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }, ...surface(type),
        })),
      ],
    },
  };
}

function surface(type: CustomResourceType): JsonObject {
  const columns = [...(type.printerColumns ?? [])];
  if (!columns.some((column) => column.name === 'Age')) columns.push({ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' });
  return {
    ...(type.statusSchema ? { subresources: { status: {} } } : {}),
    additionalPrinterColumns: columns.map((column) => ({ ...column })),
  };
}

function objectSchema(type: CustomResourceType): JsonObject {
  return {
    type: 'object',
    ...(type.required ? { required: [...type.required] } : {}),
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: structuralSchema(type.schema),
      ...(type.statusSchema ? { status: structuralSchema(type.statusSchema) } : {}),
    },
  };
}

/** The structural schema of a zod schema. */
export function structuralSchema(schema: z.ZodType): JsonObject {
  const json = z.toJSONSchema(schema, { target: 'draft-2020-12', io: 'input', unrepresentable: 'any', reused: 'inline', cycles: 'throw' });
  return structural(json as unknown as JsonObject);
}

const KEPT = ['description', 'type', 'format', 'enum', 'default', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'minItems', 'maxItems', 'required'] as const;

function structural(node: Json | undefined): JsonObject {
  if (node === undefined || node === null || typeof node !== 'object' || Array.isArray(node) || Object.keys(node).length === 0) return { 'x-kubernetes-preserve-unknown-fields': true };
  if (node['x-kubernetes-int-or-string'] === true) return { 'x-kubernetes-int-or-string': true };
  const alternatives = (node['anyOf'] ?? node['oneOf']) as JsonObject[] | undefined;
  if (alternatives) return fromAlternatives(alternatives);
  const result: JsonObject = {};
  for (const key of KEPT) if (node[key] !== undefined) result[key] = node[key];
  for (const [key, value] of Object.entries(node)) if (key.startsWith('x-kubernetes-')) result[key] = value;
  if (node['const'] !== undefined) result['enum'] = [node['const']];
  dropImpliedBounds(result);
  if (node['type'] === 'object') objectParts(node, result);
  if (node['type'] === 'array') result['items'] = structural(node['items']);
  if (node['type'] === undefined && node['const'] === undefined) result['x-kubernetes-preserve-unknown-fields'] = true;
  return result;
}

/** A nullable value keeps its own schema; any other union cannot be structural and is kept as it comes, to be checked by the webhook. */
function fromAlternatives(alternatives: readonly JsonObject[]): JsonObject {
  const others = alternatives.filter((alternative) => alternative['type'] !== 'null');
  const nullable = others.length < alternatives.length ? { nullable: true } : {};
  if (others.length === 1) return { ...structural(others[0]), ...nullable };
  const types = new Set(others.map((other) => other['type']));
  if (types.size === 1 && others.every((other) => other['const'] !== undefined)) return { type: [...types][0] ?? 'string', enum: others.map((other) => other['const'] ?? null), ...nullable };
  if (types.size === 2 && types.has('string') && (types.has('integer') || types.has('number'))) return { 'x-kubernetes-int-or-string': true, ...nullable };
  return { 'x-kubernetes-preserve-unknown-fields': true, ...nullable };
}

function dropImpliedBounds(result: JsonObject): void {
  if (result['minimum'] === Number.MIN_SAFE_INTEGER) delete result['minimum'];
  if (result['maximum'] === Number.MAX_SAFE_INTEGER) delete result['maximum'];
}

function objectParts(node: JsonObject, result: JsonObject): void {
  const properties = node['properties'] as JsonObject | undefined;
  const additional = node['additionalProperties'];
  if (properties && Object.keys(properties).length > 0) {
    result['properties'] = Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, structural(child)]));
    // An open object: what we do not know is kept, never dropped.
    if (isOpen(additional)) result['x-kubernetes-preserve-unknown-fields'] = true;
  } else if (isOpen(additional)) {
    result['x-kubernetes-preserve-unknown-fields'] = true;
  } else if (additional !== false) {
    result['additionalProperties'] = structural(additional);
  }
}

function isOpen(additional: Json | undefined): boolean {
  return additional === true || additional === undefined || (typeof additional === 'object' && additional !== null && Object.keys(additional).length === 0);
}
