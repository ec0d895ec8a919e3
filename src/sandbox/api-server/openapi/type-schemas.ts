// The schemas of the OpenAPI v3 documents: built-in types by reference, each described once, and custom ones as their definitions state them.
import type { JsonSchema } from '../../schema/index.ts';
import { BUILT_IN_TYPES } from '../kinds/built-in-kinds.ts';
import type { ResourceInfo, ResourceVersion } from '../resource-info.ts';
import { DOCUMENT_TYPES, fullName, NAMED_SCALARS, packageOf } from './type-names.ts';

/** JSON of a document. */
export type Json = Record<string, unknown>;

const PREFIX = '#/components/schemas/';
const API_VERSION = 'The version of the schema in which this object is written, for example `apps/v1`.';
const KIND = 'The kind of this object, in camel case; it cannot be changed.';

/** The name of a resource's own type. */
export function kindName(info: ResourceInfo, version: ResourceVersion, kind = info.kind): string {
  return `${info.custom ? `${info.group.split('.').reverse().join('.')}.${version.name}` : packageOf(info.group, version.name)}.${kind}`;
}

/** Collects schemas by their names. */
export class SchemaSet {
  readonly schemas: Json = {};

  /** Describes the kind of a resource, and the list of it. */
  addKind(info: ResourceInfo, version: ResourceVersion): void {
    const type = (kind: string): Json => ({ 'x-kubernetes-group-version-kind': [{ group: info.group, version: version.name, kind }] });
    const name = kindName(info, version);
    this.schemas[name] = { ...(info.custom ? this.#customKind(version.schema) : this.#body(version.schema)), ...type(info.kind) };
    if (info.virtual) return;
    this.schemas[kindName(info, version, info.listKind)] = {
      description: `A list of ${info.plural}.`,
      type: 'object',
      required: ['items'],
      properties: {
        apiVersion: { description: API_VERSION, type: 'string' },
        items: { description: 'The objects.', type: 'array', items: info.custom ? { $ref: `${PREFIX}${name}` } : { allOf: [{ $ref: `${PREFIX}${name}` }], default: {} } },
        kind: { description: KIND, type: 'string' },
        metadata: { description: 'What is said of the list as a whole.', allOf: [this.reference('ListMeta')] },
      },
      ...type(info.listKind),
    };
  }

  /** A reference to a built-in type, which is described then. */
  reference(type: string): Json {
    const schema = BUILT_IN_TYPES.get(type) ?? DOCUMENT_TYPES.get(type);
    if (!schema) throw new Error(`there is no type ${type}`);
    const name = fullName(type);
    if (!(name in this.schemas)) {
      this.schemas[name] = {};
      this.schemas[name] = this.#body(schema);
    }
    return { $ref: `${PREFIX}${name}` };
  }

  /** A reference to a scalar that has a name. */
  scalar(format: string): Json {
    const named = NAMED_SCALARS[format];
    if (!named) throw new Error(`there is no scalar ${format}`);
    this.schemas[named.name] ??= named.schema;
    return { $ref: `${PREFIX}${named.name}` };
  }

  #customKind(schema: JsonSchema): Json {
    const { properties = {}, ...rest } = schema;
    const own = Object.fromEntries(Object.entries(properties).filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name)).map(([name, child]) => [name, withAlternatives(child)]));
    return {
      ...rest,
      properties: {
        apiVersion: { description: API_VERSION, type: 'string' },
        kind: { description: KIND, type: 'string' },
        metadata: { description: 'What every object has: its name, labels, owners and the like.', allOf: [this.reference('ObjectMeta')] },
        ...own,
      },
    };
  }

  #body(schema: JsonSchema): Json {
    const { properties, items, additionalProperties, 'x-mizzen-type': _name, nullable: _nullable, format, required, ...rest } = schema;
    return {
      ...rest,
      ...(required && required.length > 0 ? { required } : {}),
      ...(format === undefined ? {} : { format }),
      ...mergeHints(schema),
      ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([field, child]) => [field, field === 'fieldsV1' ? { allOf: [this.scalar('fields')] } : this.#use(child)])) } : {}),
      ...(items ? { items: this.#use(items, {}) } : {}),
      ...(typeof additionalProperties === 'object' ? { additionalProperties: this.#use(additionalProperties, {}) } : {}),
    };
  }

  /** A schema where it is used: types and scalars that have a name are referred to. */
  #use(schema: JsonSchema, fallback?: unknown): Json {
    const type = schema['x-mizzen-type'];
    const value = schema.default ?? fallback;
    const refer = (reference: Json, extra: Json = {}): Json => ({ allOf: [reference], ...(value === undefined ? {} : { default: value }), ...extra });
    if (type !== undefined) return refer(this.reference(type));
    if (schema['x-kubernetes-int-or-string'] === true) return { allOf: [this.scalar(schema.format === 'quantity' ? 'quantity' : 'int-or-string')] };
    if (schema.format === 'date-time' || schema.format === 'micro-time') return { allOf: [this.scalar(schema.format)] };
    return this.#body(schema);
  }
}

/** What kubectl's strategic merge reads. */
function mergeHints(schema: JsonSchema): Json {
  const key = schema['x-kubernetes-list-map-keys']?.[0];
  if (schema['x-kubernetes-list-type'] === 'map' && key !== undefined) return { 'x-kubernetes-patch-merge-key': key, 'x-kubernetes-patch-strategy': 'merge' };
  return schema['x-kubernetes-list-type'] === 'set' ? { 'x-kubernetes-patch-strategy': 'merge' } : {};
}

/** A schema of a definition in which what may be a number or a text says so in the words of OpenAPI as well. */
function withAlternatives(schema: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties } = schema;
  return {
    ...schema,
    ...(schema['x-kubernetes-int-or-string'] === true && !schema.anyOf && !schema.allOf ? { anyOf: [{ type: 'integer' }, { type: 'string' }] } : {}),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([name, child]) => [name, withAlternatives(child)])) } : {}),
    ...(items ? { items: withAlternatives(items) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: withAlternatives(additionalProperties) } : {}),
  };
}
