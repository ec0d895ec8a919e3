// From a request's body to an object that may be admitted: kind and version, unknown fields, defaults; and its validation.
import { isFields } from '../patch/index.ts';
import { applyDefaults, evaluateRules, pruneUnknown, validateValue, type FieldError } from '../schema/index.ts';
import type { KubeObject } from '../store/index.ts';
import { validateMetadata, validateMetadataUpdate } from './names.ts';
import { BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import { rulesFor } from './kinds/rules.ts';
import type { RequestContext } from './request-context.ts';
import { groupVersion, type ResourceInfo, type ResourceVersion } from './resource-info.ts';
import { badRequest } from './status.ts';

/** Checks that `body` is an object of the resource's kind and version; fills in what is missing of these. */
export function checkEnvelope(info: ResourceInfo, version: ResourceVersion, body: unknown): KubeObject {
  if (!isFields(body)) throw badRequest('the object provided is unrecognized (must be of type ' + info.kind + '): the body is not an object');
  const wanted = groupVersion(info.group, version.name);
  if (body['kind'] !== undefined && body['kind'] !== info.kind) throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: the kind in the data (${String(body['kind'])}) does not match the expected kind (${info.kind})`);
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== wanted) throw badRequest(`the API version in the data (${String(body['apiVersion'])}) does not match the expected API version (${wanted})`);
  if (body['metadata'] !== undefined && body['metadata'] !== null && !isFields(body['metadata'])) throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: json: cannot unmarshal metadata into Go value of type v1.ObjectMeta`);
  return { ...body, apiVersion: wanted, kind: info.kind, metadata: { ...(body['metadata'] ?? {}) } as unknown as KubeObject['metadata'] };
}

/** Drops nulls, unknown fields (reported as the context wants) and fills in defaults; changes `object`. */
export function normalizeObject(context: RequestContext, info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  if (!info.custom) dropNulls(object);
  const unknown = info.custom ? pruneUnknown(version.schema, object) : pruneUnknown({ ...version.schema, type: 'object' }, object, '', false);
  if (info.custom) unknown.push(...pruneUnknown(BUILT_IN_TYPES.get('ObjectMeta'), object.metadata, 'metadata', false));
  reportUnknown(context, info, version, unknown);
  applyDefaults(version.schema, object);
  if (info.custom) return;
  checkTypes(info, version, object);
  rulesFor(info.storeKey).applyDefaults?.(object);
}

/** Wrong JSON types in built-in kinds are a 400, as the real server cannot decode them at all. */
function checkTypes(info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  const wrong = validateValue(version.schema, object).find((error) => error.reason === 'FieldValueTypeInvalid');
  if (!wrong) return;
  const [, wanted = 'string', actual = ''] = /must be of type ([\w,]+): "(\w+)"/.exec(wrong.message) ?? [];
  throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: json: cannot unmarshal ${actual === 'integer' ? 'number' : actual} into Go struct field ${wrong.path} of type ${wanted}`);
}

function reportUnknown(context: RequestContext, info: ResourceInfo, version: ResourceVersion, unknown: readonly string[]): void {
  if (unknown.length === 0 || context.fieldValidation === 'Ignore') return;
  const texts = unknown.map((path) => `unknown field "${path}"`);
  if (context.fieldValidation === 'Strict') throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: strict decoding error: ${texts.join(', ')}`);
  context.warnings.push(...texts);
}

/** A deep copy without absent fields; much cheaper than structuredClone, and callers in this process may leave `undefined` in. */
export function cloneJson<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => cloneJson(item as unknown)) as T;
  const copy: Record<string, unknown> = {};
  // A key of that name would set the prototype instead.
  for (const [name, child] of Object.entries(value)) if (child !== undefined && name !== '__proto__') copy[name] = cloneJson(child as unknown);
  return copy as T;
}

/** Fields of built-in kinds that are null are the same as absent. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) for (const item of value) dropNulls(item);
  else if (isFields(value)) {
    for (const [name, child] of Object.entries(value)) {
      if (child === null) Reflect.deleteProperty(value, name);
      else dropNulls(child);
    }
  }
}

/** What is wrong with `object`, before it is written over `old`. */
export function validateObject(info: ResourceInfo, version: ResourceVersion, object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors = validateMetadata(info.group, info.plural, object.metadata as unknown as Record<string, unknown>);
  if (old) errors.push(...validateMetadataUpdate(object.metadata as unknown as Record<string, unknown>, old.metadata as unknown as Record<string, unknown>));
  const shape = validateValue(version.schema, object);
  errors.push(...shape);
  // CEL rules and kind rules rely on the shape.
  if (shape.length > 0) return errors;
  if (info.custom) return [...errors, ...evaluateRules(version.schema, object, old)];
  return [...errors, ...(rulesFor(info.storeKey).validate?.(object, old) ?? [])];
}
