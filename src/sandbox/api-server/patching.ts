// PATCH requests: the four patch types on the object or one of its subresources.
import { applyConfiguration, applyJsonPatch, applyMergePatch, applyStrategicMerge, isFields, PatchError, type ApplyConflict, type Fields } from '../patch/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { checkEnvelope, cloneJson, normalizeObject } from './object-decoding.ts';
import { managerOf, type Operations } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import { badRequest, conflict, unsupportedMediaType } from './status.ts';
import type { Target } from './target.ts';

const JSON_PATCH = 'application/json-patch+json';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const APPLY = 'application/apply-patch+yaml';
const APPLY_CBOR = 'application/apply-patch+json';

/** Media types of patches. */
export const PATCH_TYPES: readonly string[] = [JSON_PATCH, MERGE, STRATEGIC, APPLY, APPLY_CBOR, 'application/json', 'application/yaml'];

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
  if (type === APPLY || type === APPLY_CBOR) return apply(operations, store, context, target, subresource, patch);
  const change = (live: KubeObject): unknown => translate(() => applyPatch(target, live, type, patch));
  return { object: await operations.update(context, target, subresource, change), created: false };
}

/** The patched form of `live`, for the three patch types that are not apply. */
export function applyPatch(target: Target, live: unknown, type: string, patch: unknown): unknown {
  switch (type) {
    case JSON_PATCH: return applyJsonPatch(live, patch);
    case MERGE: return applyMergePatch(live, patch);
    case STRATEGIC:
      if (target.info.custom) throw unsupportedMediaType([JSON_PATCH, MERGE, APPLY]);
      return applyStrategicMerge(live, patch, target.version.schema);
    default: throw unsupportedMediaType([JSON_PATCH, MERGE, STRATEGIC, APPLY]);
  }
}

/** Turns a patch that does not fit into the answer that it gets. */
export function translate<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (!(error instanceof PatchError)) throw error;
    throw new ApiStatusError(422, 'Invalid', `the server rejected our request due to an error in our request: ${error.message}`, { causes: [{ message: error.message }] });
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
  if (config.metadata.resourceVersion || config.metadata.uid) throw conflict(info, target.name, 'uid or resourceVersion mismatch: the object does not exist');
  const namespace = info.namespaced ? target.namespace : undefined;
  const fresh = merge(undefined, config);
  const { managedFields } = fresh.metadata;
  const object = await operations.create(context, { info, version, namespace }, config, (created) => ({ ...created, metadata: { ...created.metadata, ...(managedFields ? { managedFields } : {}) } }));
  return { object, created: true };
}

function readConfiguration(context: RequestContext, target: Target, patch: unknown): KubeObject {
  const { info, version, name, namespace } = target;
  if (!isFields(patch)) throw badRequest('error decoding YAML: the configuration is not an object');
  for (const field of ['apiVersion', 'kind']) if (patch[field] === undefined) throw badRequest(`error decoding patch: Object '${field === 'kind' ? 'Kind' : 'apiVersion'}' is missing`);
  const config = cloneJson(checkEnvelope(info, version, patch));
  if (config.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
  config.metadata.name ??= name;
  if (config.metadata.name !== name) throw badRequest(`the name of the object (${config.metadata.name}) does not match the name on the URL (${name})`);
  if (info.namespaced && namespace !== undefined) config.metadata.namespace ??= namespace;
  // Unknown fields are looked for once, here; defaults are no part of a configuration.
  normalizeObject(context, info, { ...version, schema: version.schema }, cloneJson(config));
  return config;
}

function applyConflict(conflicts: readonly ApplyConflict[]): ApiStatusError {
  const count = conflicts.reduce((sum, entry) => sum + entry.paths.length, 0);
  const describe = ({ manager }: ApplyConflict): string => `"${manager.manager}"${manager.subresource === '' ? '' : ` with subresource "${manager.subresource}"`}${manager.operation === 'Update' ? ` using ${manager.apiVersion}${manager.time === '' ? '' : ` at ${manager.time}`}` : ''}`;
  const causes = conflicts.flatMap((entry) => entry.paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${describe(entry)}`, field })));
  const lines = conflicts.map((entry) => (entry.paths.length === 1 ? `conflict with ${describe(entry)}: ${entry.paths[0] ?? ''}` : `conflicts with ${describe(entry)}:\n${entry.paths.map((path) => `- ${path}`).join('\n')}`));
  return new ApiStatusError(409, 'Conflict', `Apply failed with ${String(count)} conflict${count === 1 ? '' : 's'}: ${lines.join('\n')}`, { causes });
}
