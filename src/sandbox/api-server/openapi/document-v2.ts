// OpenAPI version 2 out of version 3. It knows less: a field that may be null, be anything, or be one of several things has no type there.
import type { Json } from './type-schemas.ts';

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);
const UNKNOWN_TO_IT = ['default', 'nullable', 'oneOf', 'anyOf', 'not'];

/** A schema in the terms of version 2. */
export function swaggerSchema(schema: Json): Json {
  const { allOf, ...rest } = schema;
  const [reference] = Array.isArray(allOf) ? allOf as Json[] : [];
  const target = reference?.['$ref'] ?? rest['$ref'];
  if (typeof target === 'string') return { ...(rest['description'] === undefined ? {} : { description: rest['description'] }), $ref: target.replace('#/components/schemas/', '#/definitions/') };
  const isOpen = rest['x-kubernetes-preserve-unknown-fields'] === true || rest['nullable'] === true;
  const result: Json = {};
  for (const [name, value] of Object.entries(rest)) {
    if (UNKNOWN_TO_IT.includes(name) || (isOpen && ['type', 'properties', 'items', 'additionalProperties'].includes(name))) continue;
    result[name] = swaggerField(name, value);
  }
  return result;
}

function swaggerField(name: string, value: unknown): unknown {
  if (name === 'properties' && isObject(value)) return Object.fromEntries(Object.entries(value).map(([field, child]) => [field, swaggerSchema(child as Json)]));
  return (name === 'items' || name === 'additionalProperties') && isObject(value) ? swaggerSchema(value) : value;
}

/** Paths in the terms of version 2: bodies are parameters, answers have one schema. */
export function swaggerPaths(paths: Json): Json {
  return Object.fromEntries(Object.entries(paths).map(([path, item]) => [path, Object.fromEntries(Object.entries(item as Json).map(([method, value]) => [method, method === 'parameters' ? (value as Json[]).map(swaggerParameter) : swaggerOperation(value as Json)]))]));
}

function swaggerParameter({ schema, ...parameter }: Json): Json {
  return { ...parameter, ...(schema as Json) };
}

interface Content { readonly content?: Readonly<Record<string, { readonly schema: Json }>> }

function swaggerOperation({ parameters = [], requestBody, responses, ...operation }: Json): Json {
  const sent = Object.values((requestBody as Content | undefined)?.content ?? {})[0];
  const body = sent ? [{ name: 'body', in: 'body', schema: swaggerSchema(sent.schema) }] : [];
  const answers = Object.fromEntries(Object.entries(responses as Json).map(([code, response]) => {
    const { content, ...rest } = response as Content & Json;
    const shown = Object.values(content ?? {})[0];
    return [code, { ...rest, ...(shown ? { schema: swaggerSchema(shown.schema) } : {}) }];
  }));
  return { ...operation, parameters: [...(parameters as Json[]).map(swaggerParameter), ...body], responses: answers };
}
