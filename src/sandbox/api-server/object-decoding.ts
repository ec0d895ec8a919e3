// From a request's body to an object that may be admitted: kind and version, unknown fields, defaults; and its validation.
import { isFields } from '../patch/index.ts';
import { applyDefaults, dropForbiddenNulls, dropUnchanged, evaluateRules, hasRules, pruneUnknown, invalidField, validateValue, type FieldError } from '../schema/index.ts';
import type { KubeObject } from '../store/index.ts';
import { validateMetadata, validateMetadataUpdate } from './names.ts';
import { BUILT_IN_KINDS, BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import { rulesFor } from './kinds/rules.ts';
import type { RequestContext } from './request-context.ts';
import { groupVersion, type ResourceInfo, type ResourceVersion } from './resource-info.ts';
import { badRequest, invalidObject } from './status.ts';
import { decodeTyped, jsonProblem } from './typed-decoding.ts';

/** Checks that `body` is an object of the resource's kind and version; fills in what is missing of these. */
export function checkEnvelope(info: ResourceInfo, version: ResourceVersion, body: unknown, context?: RequestContext): KubeObject {
  if (!isFields(body) || (body['kind'] !== undefined && typeof body['kind'] !== 'string' && !info.custom)) throw badRequest(`the object provided is unrecognized (must be of type ${info.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${Array.isArray(body) ? 'array' : typeof body} into Go value of type struct`);
  const wanted = groupVersion(info.group, version.name);
  checkKind(info, body);
  if (body['apiVersion'] !== undefined && body['apiVersion'] !== wanted) {
    // In a version that is not this one nothing is known, so all of it is unknown.
    if (info.custom && context) reportUnknown(context, info, version, Object.keys(body).filter((name) => !['apiVersion', 'kind', 'metadata'].includes(name)));
    if (!info.custom && !isRegistered(info.kind, String(body['apiVersion']))) throw wrongKind(info, info.kind, String(body['apiVersion']));
    throw badRequest(`the API version in the data (${String(body['apiVersion'])}) does not match the expected API version (${wanted})`);
  }
  if (body['metadata'] !== undefined && body['metadata'] !== null && !isFields(body['metadata'])) throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: json: cannot unmarshal metadata into Go value of type v1.ObjectMeta`);
  return { ...body, apiVersion: wanted, kind: info.kind, metadata: { ...(body['metadata'] ?? {}) } as unknown as KubeObject['metadata'] };
}

function checkKind(info: ResourceInfo, body: Readonly<Record<string, unknown>>): void {
  const { kind, metadata } = body;
  if (kind === info.kind || (kind === undefined && !info.custom)) return;
  if (kind === undefined) throw badRequest(`the object provided is unrecognized (must be of type ${info.kind}): Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  if (info.custom) throw invalidObject({ ...info, kind: String(kind) }, (metadata as { name?: string } | undefined)?.name, [invalidField('kind', kind, `must be ${info.kind}`)]);
  throw wrongKind(info, String(kind), String(body['apiVersion'] ?? ''));
}

/** Whether the server has such a kind of its own. */
function isRegistered(kind: string, apiVersion: string): boolean {
  const [version = '', group = ''] = apiVersion.split('/').reverse();
  return BUILT_IN_KINDS.some((row) => row.kind === kind && row.group === group && row.version === version);
}

/** Another kind, or none that there is. */
function wrongKind(info: ResourceInfo, kind: string, apiVersion: string): Error {
  const [version = ''] = apiVersion.split('/').reverse();
  const refused = `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${info.kind}: `;
  if (!isRegistered(kind, apiVersion)) return badRequest(`${refused}no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} in scheme "sandbox"`);
  return badRequest(`${refused}converting (${version}.${kind}) to (${info.group === '' ? 'core' : info.group.split('.')[0] ?? ''}.${info.kind}): unknown conversion`);
}

/** Drops nulls, unknown fields (reported as the context wants) and fills in defaults; changes `object`. */
export function normalizeObject(context: RequestContext, info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  if (!info.custom) dropNulls(object);
  // An empty list or map of metadata is the same as none.
  const metadata = object.metadata as unknown as Record<string, unknown>;
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences']) if (isEmptyContainer(metadata[field])) Reflect.deleteProperty(metadata, field);
  if (!info.custom) checkTypes(info, version, object);
  const unknown = info.custom ? pruneUnknown(version.schema, object, '', true, BUILT_IN_TYPES.get('ObjectMeta')) : pruneUnknown({ ...version.schema, type: 'object' }, object, '', false);
  if (info.custom) unknown.push(...pruneUnknown(BUILT_IN_TYPES.get('ObjectMeta'), object.metadata, 'metadata', false));
  reportUnknown(context, info, version, unknown);
  if (info.custom) dropForbiddenNulls(version.schema, object);
  applyDefaults(version.schema, object);
  if (!info.custom) rulesFor(info.storeKey).applyDefaults?.(object);
}

function isEmptyContainer(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isFields(value) && Object.keys(value).length === 0;
}

/** Wrong JSON types in built-in kinds are a 400, as the real server cannot decode them at all. */
function checkTypes(info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  const misfit = decodeTyped(info.kind, version.schema, object);
  if (misfit) throw badRequest(`${info.kind} in version "${version.name}" cannot be handled as a ${info.kind}: ${jsonProblem(misfit)}`);
}

function reportUnknown(context: RequestContext, info: ResourceInfo, version: ResourceVersion, unknown: readonly string[]): void {
  const texts = [...(context.oddities ?? []), ...unknown.toSorted().map((path) => `unknown field "${path}"`)];
  if (texts.length === 0 || context.fieldValidation === 'Ignore') return;
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

/** Fields of built-in kinds that are null are the same as absent; changes `value` and gives it back. */
export function dropNulls<T>(value: T): T {
  if (Array.isArray(value)) for (const item of value) dropNulls(item);
  else if (isFields(value)) {
    for (const [name, child] of Object.entries(value)) {
      if (child === null) Reflect.deleteProperty(value, name);
      else dropNulls(child);
    }
  }
  return value;
}

/** Without these being right, rules cannot be evaluated. */
const BLOCKING: ReadonlySet<FieldError['reason']> = new Set(['FieldValueNotSupported', 'FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid']);

/** What is wrong with `object`, before it is written over `old`. */
export function validateObject(info: ResourceInfo, version: ResourceVersion, object: KubeObject, old: KubeObject | undefined, warnings: string[]): FieldError[] {
  const errors = validateMetadata(info.group, info.plural, object.metadata as unknown as Record<string, unknown>, !info.custom);
  if (old) {
    const changes = validateMetadataUpdate(object.metadata as unknown as Record<string, unknown>, old.metadata as unknown as Record<string, unknown>);
    // The real server looks at them twice, once for every object and once for the kind, and says so twice.
    errors.push(...changes, ...(info.custom ? [] : changes));
  }
  return [...errors, ...(info.custom ? validateCustom(version, object, old, warnings) : validateBuiltIn(info, version, object, old))];
}

/** A built-in kind says itself what is wrong; the schema knows only what has to be there. */
function validateBuiltIn(info: ResourceInfo, version: ResourceVersion, object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const own = rulesFor(info.storeKey).validate?.(object, old) ?? [];
  const named = new Set(own.map(({ path }) => path));
  return [...own, ...validateValue(version.schema, object).filter(({ reason, path }) => reason !== 'FieldValueDuplicate' && !named.has(path))];
}

function validateCustom(version: ResourceVersion, object: KubeObject, old: KubeObject | undefined, warnings: string[]): FieldError[] {
  const found = validateValue(version.schema, object);
  const shape = old ? dropUnchanged(found, version.schema, object, old) : found;
  // CEL rules rely on the shape.
  if (!shape.some(({ reason }) => BLOCKING.has(reason))) return [...shape, ...evaluateRules(version.schema, object, old, (error) => warnings.push(`${error.path}: ${error.message}`))];
  return hasRules(version.schema) ? [...shape, { reason: 'FieldValueInvalid', path: '', message: 'Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation' }] : shape;
}
