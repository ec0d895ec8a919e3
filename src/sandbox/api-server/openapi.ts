// OpenAPI documents: enough for clients to find kinds, their fields and the parameters of writes.
import type { JsonSchema } from '../schema/index.ts';
import { resourcesIn } from './discovery.ts';
import type { Registry } from './registry.ts';
import { groupVersion, type ResourceInfo, type ResourceVersion } from './resource-info.ts';

type Json = Record<string, unknown>;

const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({ name, in: 'query', schema: { type: 'string', uniqueItems: true } }));
const FORCE = { name: 'force', in: 'query', schema: { type: 'boolean', uniqueItems: true } };

/** The index of /openapi/v3: a document a group and version, whose hash changes with the served resources. */
export function openApiIndex(registry: Registry): object {
  const paths: Json = {};
  for (const info of registry.all()) for (const version of info.versions) {
    const path = info.group === '' ? `api/${version.name}` : `apis/${info.group}/${version.name}`;
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${String(registry.generation)}` };
  }
  return { paths };
}

/** The OpenAPI v3 document of one group and version. */
export function openApiV3(registry: Registry, group: string, version: string): object | undefined {
  const served = resourcesIn(registry, group, version);
  if (served.length === 0) return undefined;
  const schemas: Json = {};
  const paths: Json = {};
  for (const [info, serving] of served) {
    schemas[typeName(info, serving)] = describeKind(info, serving, schemas);
    Object.assign(paths, describePaths(info, serving));
  }
  return { openapi: '3.0.0', info: { title: 'Mizzen sandbox', version: 'v1.35.0' }, paths, components: { schemas } };
}

/** The OpenAPI v2 document: kinds without paths for every group. */
export function openApiV2(registry: Registry): object {
  const definitions: Json = {};
  const paths: Json = {};
  for (const info of registry.all()) for (const version of info.versions) {
    definitions[typeName(info, version)] = JSON.parse(JSON.stringify(describeKind(info, version, definitions)).replaceAll('#/components/schemas/', '#/definitions/'));
    for (const [path, item] of Object.entries(describePaths(info, version))) {
      const { patch } = item as { patch: Json };
      paths[path] = { patch: { ...patch, parameters: [...PARAMETERS, FORCE].map(({ name, schema }) => ({ name, in: 'query', ...schema })), responses: { 200: { description: 'OK' } } } };
    }
  }
  return { swagger: '2.0', info: { title: 'Mizzen sandbox', version: 'v1.35.0' }, paths, definitions };
}

function typeName(info: ResourceInfo, version: ResourceVersion): string {
  if (!info.custom) return `io.k8s.api.${info.group === '' ? 'core' : (info.group.split('.')[0] ?? '')}.${version.name}.${info.kind}`;
  return `${info.group.split('.').reverse().join('.')}.${version.name}.${info.kind}`;
}

function describeKind(info: ResourceInfo, version: ResourceVersion, schemas: Json): Json {
  return { ...(describe(version.schema, schemas, true) as Json), 'x-kubernetes-group-version-kind': [{ group: info.group, version: version.name, kind: info.kind }] };
}

/** A schema with the built-in types replaced by references, each described once. */
function describe(schema: JsonSchema, schemas: Json, inline = false): unknown {
  const name = schema['x-mizzen-type'];
  if (name !== undefined && !inline) {
    const full = `io.k8s.api.${name}`;
    if (!(full in schemas)) {
      schemas[full] = {};
      schemas[full] = describe(schema, schemas, true);
    }
    const reference = { $ref: `#/components/schemas/${full}` };
    return schema.default === undefined ? reference : { allOf: [reference], default: schema.default };
  }
  const { properties, items, additionalProperties, 'x-mizzen-type': _name, nullable: _nullable, ...rest } = schema;
  return {
    ...rest,
    ...(rest.format === 'micro-time' ? { format: 'date-time' } : {}),
    ...mergeHints(schema),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([field, child]) => [field, describe(child, schemas)])) } : {}),
    ...(items ? { items: describe(items, schemas) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: describe(additionalProperties, schemas) } : {}),
  };
}

/** What kubectl's strategic merge reads. */
function mergeHints(schema: JsonSchema): Json {
  const key = schema['x-kubernetes-list-map-keys']?.[0];
  if (schema['x-kubernetes-list-type'] === 'map' && key !== undefined) return { 'x-kubernetes-patch-merge-key': key, 'x-kubernetes-patch-strategy': 'merge' };
  return schema['x-kubernetes-list-type'] === 'set' ? { 'x-kubernetes-patch-strategy': 'merge' } : {};
}

function describePaths(info: ResourceInfo, version: ResourceVersion): Json {
  const root = info.group === '' ? `/api/${version.name}` : `/apis/${groupVersion(info.group, version.name)}`;
  const collection = `${root}${info.namespaced ? '/namespaces/{namespace}' : ''}/${info.plural}`;
  const kind = { group: info.group, version: version.name, kind: info.kind };
  const operation = (action: string, parameters: readonly object[]): Json => ({ 'x-kubernetes-action': action, 'x-kubernetes-group-version-kind': kind, parameters, responses: { 200: { description: 'OK' } } });
  return {
    [collection]: { post: operation('post', PARAMETERS) },
    [`${collection}/{name}`]: { put: operation('put', PARAMETERS), patch: operation('patch', [...PARAMETERS, FORCE]) },
  };
}
