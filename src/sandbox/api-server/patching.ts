// PATCH requests: the four patch types on the object or one of its subresources.
import { applyConfiguration, applyJsonPatch, applyMergePatch, applyStrategicMerge, checkTypedLists, goText, isFields, PatchError, type ApplyConflict, type Fields } from '../patch/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import { invalidField, type JsonSchema } from '../schema/index.ts';
import { checkEnvelope, cloneJson, dropNulls, normalizeObject } from './object-decoding.ts';
import { managerOf, type Operations } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import { groupVersion } from './resource-info.ts';
import { badRequest, conflict, invalidObject } from './status.ts';
import type { Target } from './target.ts';
import { converterProblem, decodeTyped, jsonProblem } from './typed-decoding.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';

/** Media types of patches. */
export const PATCH_TYPES: readonly string[] = [JSON_PATCH, MERGE, STRATEGIC, APPLY, 'application/json', 'application/yaml'];

/** The outcome of a patch; `created` when an apply made the object. */
export interface PatchOutcome {
  readonly object: KubeObject;
  readonly created: boolean;
}

/** A patch as it was sent. */
export interface PatchRequest {
  readonly subresource: string;
  /** Media type. */
  readonly type: string;
  readonly patch: unknown;
}

/** Applies a patch. */
export async function patchObject(operations: Operations, store: Store, context: RequestContext, target: Target, request: PatchRequest): Promise<PatchOutcome> {
  const { subresource, type, patch } = request;
  if (type === APPLY) return apply(operations, store, context, target, subresource, patch);
  const change = (live: KubeObject): unknown => checkPatched(target, live, translate(() => applyPatch(target, live, type, patch)), request);
  return { object: await operations.update(context, target, subresource, change), created: false };
}

/** A patch that makes something else of the object is a bad patch. */
function checkPatched(target: Target, live: KubeObject, patched: unknown, { type, patch }: PatchRequest): unknown {
  const { info, version, name } = target;
  if (!isFields(patched)) throw badRequest('error decoding patch: the patch is not an object');
  const wanted = groupVersion(info.group, version.name);
  if (patched['apiVersion'] !== wanted || patched['kind'] !== info.kind) throw invalidPatch(JSON.stringify(patched), `no kind ${JSON.stringify(patched['kind'])} is registered for version ${JSON.stringify(patched['apiVersion'])} in scheme "sandbox"`);
  const uid = (patched['metadata'] as { uid?: unknown } | undefined)?.uid;
  if (uid !== undefined && uid !== live.metadata.uid) {
    const error = invalidField('metadata.uid', uid, 'field is immutable');
    throw invalidObject(info, name, [error, error]);
  }
  if (info.custom) return patched;
  const misfit = decodeTyped(info.kind, version.schema, dropNulls(cloneJson(patched)));
  // A strategic merge is one of structs, not of texts.
  if (misfit) throw type === STRATEGIC ? invalidPatch(goText(patch), converterProblem(misfit)) : invalidPatch(JSON.stringify(patched), jsonProblem(misfit));
  return patched;
}

function invalidPatch(shown: string, problem: string): ApiStatusError {
  const text = `Invalid value: ${JSON.stringify(shown)}: ${problem}`;
  return new ApiStatusError(422, 'Invalid', ` "" is invalid: patch: ${text}`, { causes: [{ reason: 'FieldValueInvalid', message: text, field: 'patch' }] });
}

/** The patched form of `live`, for the three patch types that are not apply. */
export function applyPatch(target: Target, live: unknown, type: string, patch: unknown): unknown {
  switch (type) {
    case JSON_PATCH: return applyJsonPatch(live, patch);
    case MERGE: return applyMergePatch(live, patch);
    case STRATEGIC:
      if (target.info.custom) throw unsupportedPatch(target);
      return applyStrategicMerge(live, patch, target.version.schema);
    default: throw unsupportedPatch(target);
  }
}

/** 415 for a patch of a type that is not taken here. */
export function unsupportedPatch(target: Target): ApiStatusError {
  if (!target.info.custom) return new ApiStatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  const accepted = [JSON_PATCH, MERGE, APPLY];
  return new ApiStatusError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`);
}

/** Turns a patch that does not fit into the answer that it gets. */
export function translate<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    if (error.isServerFault) throw new ApiStatusError(500, '', error.message);
    throw error.unreadable ? badRequest(`error decoding patch: ${error.message}`) : new ApiStatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
  }
}

async function apply(operations: Operations, store: Store, context: RequestContext, target: Target, subresource: string, patch: unknown): Promise<PatchOutcome> {
  const { info, version } = target;
  const config = readConfiguration(context, target, patch);
  const manager = { ...managerOf(context, config.apiVersion, subresource), operation: 'Apply' as const };
  const merge = (live: KubeObject | undefined, wanted: KubeObject): KubeObject => {
    const result = translate(() => applyConfiguration(live as Fields | undefined, wanted as Fields, manager, context.force, version.schema));
    if ('conflicts' in result) throw applyConflict(result.conflicts);
    return result.object as KubeObject;
  };
  if (store.get(info.storeKey, info.namespaced ? target.namespace : undefined, target.name)) {
    const object = await operations.update(context, target, subresource, (live) => merge(live, config), true);
    return { object, created: false };
  }
  if (subresource !== '') throw new ApiStatusError(404, 'NotFound', `${info.plural} "${target.name}" not found`, { name: target.name, kind: info.plural });
  if (config.metadata.resourceVersion || config.metadata.uid) throw conflict(info, target.name, config.metadata.uid ? `uid mismatch: the provided object specified uid ${config.metadata.uid}, and no existing object was found` : 'the object does not exist');
  const namespace = info.namespaced ? target.namespace : undefined;
  const fresh = merge(undefined, config);
  const { managedFields } = fresh.metadata;
  const object = await operations.create(context, { info, version, namespace }, config, (created) => ({ ...created, metadata: { ...created.metadata, ...(managedFields ? { managedFields } : {}) } }));
  return { object, created: true };
}

function readConfiguration(context: RequestContext, target: Target, patch: unknown): KubeObject {
  const { info, version, name, namespace } = target;
  if (!isFields(patch)) throw badRequest('error decoding YAML: the configuration is not an object');
  if (patch['kind'] !== info.kind || patch['apiVersion'] !== groupVersion(info.group, version.name)) throw badRequest(`invalid object type: ${typeText(patch)}`);
  const config = cloneJson(checkEnvelope(info, version, patch));
  if (config.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
  config.metadata.name ??= name;
  if (config.metadata.name !== name) throw badRequest(`the name of the object (${config.metadata.name}) does not match the name on the URL (${name})`);
  const stated = config.metadata.namespace;
  if (info.namespaced && namespace !== undefined) config.metadata.namespace ??= namespace;
  const problem = findUndeclared(config, { ...version.schema, properties: { ...version.schema.properties, metadata: BUILT_IN_TYPES.get('ObjectMeta') ?? {} } }, '') ?? checkTypedLists(config, version.schema);
  if (problem !== undefined) throw new ApiStatusError(500, '', `failed to create typed patch object (${config === patch ? '' : stated ?? ''}/${name}; ${typeText(patch)}): ${problem}`);
  normalizeObject(context, info, { ...version, schema: version.schema }, cloneJson(config));
  return config;
}

function typeText(patch: Fields): string {
  const [group, version] = String(patch['apiVersion'] ?? '').includes('/') ? String(patch['apiVersion']).split('/') : ['', patch['apiVersion'] ?? ''];
  return `${String(group)}/${String(version)}, Kind=${String(patch['kind'] ?? '')}`.replace(/^([^/]+\/)/, '$1');
}

/** The first field of a configuration that its schema does not know, or has as something else. */
function findUndeclared(value: unknown, schema: JsonSchema | undefined, path: string): string | undefined {
  if (!schema || value === null || value === undefined || schema['x-kubernetes-preserve-unknown-fields'] === true || schema['x-kubernetes-int-or-string'] === true) return undefined;
  if (Array.isArray(value)) return firstOf(value.map((item: unknown) => () => findUndeclared(item, schema.items, path)));
  if (isFields(value)) return firstOf(Object.entries(value).map(([name, child]) => () => undeclaredField(name, child, schema, path)));
  return schema.type === 'string' && typeof value !== 'string' ? `${path}: expected string, got &value.valueUnstructured{Value:${JSON.stringify(value)}}` : undefined;
}

function undeclaredField(name: string, child: unknown, schema: JsonSchema, path: string): string | undefined {
  const known = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined);
  const isEnvelope = path === '' && (name === 'apiVersion' || name === 'kind');
  if (!known && !isEnvelope && schema.additionalProperties !== true && schema.properties) return `${path}.${name}: field not declared in schema`;
  return findUndeclared(child, known, `${path}.${name}`);
}

function firstOf(checks: readonly (() => string | undefined)[]): string | undefined {
  for (const check of checks) {
    const problem = check();
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function applyConflict(conflicts: readonly ApplyConflict[]): ApiStatusError {
  const count = conflicts.reduce((sum, entry) => sum + entry.paths.length, 0);
  const describe = ({ manager }: ApplyConflict): string => `"${manager.manager}"${manager.subresource === '' ? '' : ` with subresource "${manager.subresource}"`}${manager.operation === 'Update' ? ` using ${manager.apiVersion}` : ''}`;
  const causes = conflicts.flatMap((entry) => entry.paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${describe(entry)}`, field })));
  const lines = conflicts.map((entry) => (entry.paths.length === 1 ? `conflict with ${describe(entry)}: ${entry.paths[0] ?? ''}` : `conflicts with ${describe(entry)}:\n${entry.paths.map((path) => `- ${path}`).join('\n')}`));
  return new ApiStatusError(409, 'Conflict', `Apply failed with ${String(count)} conflict${count === 1 ? '' : 's'}: ${lines.join('\n')}`, { causes });
}
