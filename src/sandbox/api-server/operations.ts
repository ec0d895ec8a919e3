// The verbs of the API on stored objects: the pipeline of decoding, admission, validation, field ownership and storage that
// every write runs through, whether it comes over HTTP or from the sandbox's own controllers.
import { randomUUID } from 'node:crypto';
import { deepEqual } from '../../shared/lib/index.ts';
import { applyDefaults } from '../schema/index.ts';
import { recordUpdate, type Fields, type Manager, type VersionView } from '../patch/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { Admission } from './admission.ts';
import type { Converter } from './conversion.ts';
import { emptyObject } from './kinds/empty-objects.ts';
import { isPodPart, validatePodPart, withPodPart } from './kinds/pod-parts.ts';
import { rulesFor } from './kinds/rules.ts';
import { ApiStatusError } from './internal-client.ts';
import { generateName } from './names.ts';
import { checkEnvelope, cloneJson, normalizeObject, validateObject } from './object-decoding.ts';
import type { RequestContext } from './request-context.ts';
import { groupVersion, type ResourceInfo, type ResourceVersion, type ScalePaths } from './resource-info.ts';
import { alreadyExists, badRequest, conflict, invalidObject, methodNotAllowed, notFound } from './status.ts';
import { settleLists } from './omitted-values.ts';
import { applyScale, isScaleOwned, managedScale } from './scaling.ts';
import type { Target } from './target.ts';
import { timestamp } from './timestamps.ts';

/** Completes an object in the same turn in which it is written. */
export type WriteHook = (object: KubeObject, dryRun: boolean) => void;

/** What operations are built from. */
export interface OperationsOptions {
  readonly store: Store;
  readonly admission: Admission;
  readonly converter: Converter;
  /** By store key, for example the allocator of service addresses. */
  readonly writeHooks: Readonly<Record<string, WriteHook>>;
}

/** One try to change an object: as it is stored, and as the request's version shows it. */
interface UpdateAttempt {
  readonly subresource: string;
  readonly live: KubeObject;
  readonly before: KubeObject;
  readonly change: (live: KubeObject) => unknown;
  /** The change has written managedFields itself. */
  readonly recorded: boolean;
}

const ATTEMPTS = 10;

/** Creates and updates objects. */
export class Operations {
  readonly #store: Store;
  readonly #admission: Admission;
  readonly #converter: Converter;
  readonly #writeHooks: Readonly<Record<string, WriteHook>>;

  constructor(options: OperationsOptions) {
    this.#store = options.store;
    this.#admission = options.admission;
    this.#converter = options.converter;
    this.#writeHooks = options.writeHooks;
  }

  /** The stored object in the target's version; throws 404. */
  async get(target: Target): Promise<KubeObject> {
    const found = this.#stored(target);
    if (!found) throw notFound(target.info, target.name);
    return this.present(target, found);
  }

  /** A stored object in the target's version. */
  async present(target: Pick<Target, 'info' | 'version'>, object: KubeObject): Promise<KubeObject> {
    if (this.#converter.isImmediate(target.info, object, target.version.name)) return this.#converter.convertNow(target.info, object, target.version.name);
    return (await this.#converter.convert(target.info, [object], target.version.name))[0] as KubeObject;
  }

  /** Creates `body` (POST); the target's name is the body's. */
  async create(context: RequestContext, place: Omit<Target, 'name'>, body: unknown, adjust: (object: KubeObject) => KubeObject = (object) => object): Promise<KubeObject> {
    const { info, version } = place;
    if (info.virtual) throw methodNotAllowed();
    let object = cloneJson(checkEnvelope(info, version, body, context));
    const namespace = placeInNamespace(info, place.namespace, object);
    normalizeObject(context, info, version, object);
    clearServerFields(object);
    // What the creator owns is found out before the server and webhooks add to it.
    object = adjust(recordUpdate(info.custom ? {} : emptyObject(`${info.group}/${info.plural}`), withoutStatus(info, version, object) as Fields, managerOf(context, object.apiVersion, ''), version.schema) as KubeObject);
    completeEmpty(info, version, object);
    const asked = { info, version, namespace, name: object.metadata.name ?? '' };
    object = await this.#admission.admit(context, { operation: 'CREATE', target: asked, subresource: '', object, oldObject: undefined });
    placeInNamespace(info, place.namespace, object);
    const generated = nameObject(object);
    stampNew(info, version, object);
    completeEmpty(info, version, object);
    if (!info.custom) rulesFor(info.storeKey).prepare?.(object, undefined);
    const target = { ...asked, name: object.metadata.name };
    if (generated !== undefined && this.#stored(target)) object.metadata.name = generateName(generated);
    const errors = validateObject(info, version, object, undefined, context.warnings);
    if (errors.length > 0) throw invalidObject(ownInfo(info), object.metadata.name, errors);
    warnOf(context, info, object);
    await this.#admission.validate(context, { operation: 'CREATE', target, subresource: '', object, oldObject: undefined });
    const stored = await this.#toStorage(info, object);
    if (this.#store.get(info.storeKey, namespace, stored.metadata.name)) throw alreadyExists(info, stored.metadata.name);
    this.#admission.checkNamespace(info, namespace, stored.metadata.name);
    const written = this.#write(context, info, stored);
    return this.present(place, written);
  }

  /**
   * Changes an object: `change` gets the present one in the target's version and returns what it shall be. It may be called
   * again when somebody else writes meanwhile, unless its result names a resourceVersion.
   */
  async update(context: RequestContext, target: Target, subresource: string, change: (live: KubeObject) => unknown, recorded = false): Promise<KubeObject> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const live = this.#stored(target);
      if (!live) throw notFound(target.info, target.name);
      const before = await this.#converter.convertOnce(target.info, live, target.version.name);
      const done = await this.#updateOnce(context, target, { subresource, live, before, change, recorded });
      if (done) return this.#converter.convertOnce(target.info, done, target.version.name);
    }
    throw conflict(target.info, target.name);
  }

  async #updateOnce(context: RequestContext, target: Target, attempt: UpdateAttempt): Promise<KubeObject | undefined> {
    const { subresource, live, before, change } = attempt;
    const { info, version } = target;
    let object = cloneJson(checkEnvelope(info, version, change(before), context));
    checkIdentity(target, before, object);
    normalizeObject(context, info, version, object);
    await this.#record(context, target, attempt, object);
    object = await this.#admission.admit(context, { operation: 'UPDATE', target, subresource, ...shownTo(version, subresource, object, before) }).then((admitted) => (subresource === 'scale' && version.scale ? takeScale(object, admitted, version.scale) : admitted));
    keepServerFields(info, version, object, before, subresource);
    if (!info.custom) settleLists(version.schema, object);
    if (!info.custom && subresource === '') rulesFor(info.storeKey).prepare?.(object, before);
    const errors = isPodPart(info.storeKey, subresource) ? validatePodPart(object, before, subresource) : validateObject(info, version, object, before, context.warnings);
    if (errors.length > 0) throw invalidObject(ownInfo(info), target.name, errors);
    if (subresource === '') warnOf(context, info, object);
    await this.#admission.validate(context, { operation: 'UPDATE', target, subresource, ...shownTo(version, subresource, object, before) });
    bumpGeneration(info, object, before);
    const stored = await this.#toStorage(info, object);
    if (this.#stored(target) !== live) return undefined;
    if (subresource === '') this.#writeHooks[info.storeKey]?.(stored, context.dryRun);
    if (deepEqual(withoutTimes(stored), withoutTimes(live))) return live;
    if (isFinished(info, stored)) return context.dryRun ? stored : this.#removeAfterUpdate(info, stored);
    return this.#write(context, info, stored, false);
  }

  /** Notes in `object` who changes what, of the half of it that the request may change. */
  async #record(context: RequestContext, { info, version }: Target, { subresource, before, recorded }: UpdateAttempt, object: KubeObject): Promise<void> {
    const kept = cloneJson(object);
    keepServerFields(info, version, kept, before, subresource);
    const isNoted = !recorded && (subresource !== 'scale' || version.scale === undefined || isScaleOwned(before, version.scale));
    const { managedFields } = (isNoted ? recordUpdate(before as Fields, kept as Fields, { ...managerOf(context, object.apiVersion, subresource), ...(subresource === 'scale' ? { time: '' } : {}) }, version.schema, await this.#otherViews(info, before, kept)) as KubeObject : kept).metadata;
    if (managedFields) object.metadata.managedFields = managedFields;
    else delete object.metadata.managedFields;
  }

  /** The change as those see it who are noted for fields of another version. */
  async #otherViews(info: ResourceInfo, before: KubeObject, after: KubeObject): Promise<ReadonlyMap<string, VersionView>> {
    const views = new Map<string, VersionView>();
    if (info.versions.length < 2) return views;
    const noted = new Set(((before.metadata.managedFields ?? []) as { apiVersion?: string }[]).map(({ apiVersion }) => apiVersion));
    for (const { name, schema } of info.versions) {
      const apiVersion = groupVersion(info.group, name);
      if (apiVersion === after.apiVersion || !noted.has(apiVersion)) continue;
      const [earlier] = await this.#converter.convert(info, [before], name);
      const [later] = await this.#converter.convert(info, [after], name);
      views.set(apiVersion, { before: earlier as Fields, after: later as Fields, schema });
    }
    return views;
  }

  /** The last finalizer is gone: the update is the end of the object. */
  #removeAfterUpdate(info: ResourceInfo, stored: KubeObject): KubeObject {
    this.#store.remove(info.storeKey, stored.metadata.namespace, stored.metadata.name);
    return stored;
  }

  #write(context: RequestContext, info: ResourceInfo, object: KubeObject, hooks = true): KubeObject {
    if (hooks) this.#writeHooks[info.storeKey]?.(object, context.dryRun);
    if (context.dryRun) return object;
    return this.#store.put(info.storeKey, object);
  }

  #stored({ info, namespace, name }: Pick<Target, 'info' | 'namespace' | 'name'>): KubeObject | undefined {
    return this.#store.get(info.storeKey, info.namespaced ? namespace : undefined, name);
  }

  async #toStorage(info: ResourceInfo, object: KubeObject): Promise<KubeObject> {
    if (info.storeKey === '/events') return this.#converter.convertNow({ ...info, group: '' }, object, 'v1');
    if (!info.conversion || object.apiVersion === groupVersion(info.group, info.storageVersion)) return this.#converter.convertNow(info, object, info.storageVersion);
    return (await this.#converter.convert(info, [object], info.storageVersion))[0] as KubeObject;
  }
}

/** Events are called by the name of their first group, whichever is asked. */
function ownInfo(info: ResourceInfo): ResourceInfo {
  return info.storeKey === '/events' ? { ...info, group: '' } : info;
}

/** An object without what tells only when it was written: such a difference alone is no change. */
function withoutTimes(object: KubeObject): object {
  const entries = (object.metadata.managedFields ?? []) as object[];
  return { ...object, metadata: { ...object.metadata, resourceVersion: '', managedFields: entries.map((entry) => ({ ...entry, time: '' })) } };
}

function warnOf(context: RequestContext, info: ResourceInfo, object: KubeObject): void {
  if (!info.custom) context.warnings.push(...(rulesFor(info.storeKey).warn?.(object) ?? []));
}

/** What admission sees of a change: of a scaling, only the Scale. */
function shownTo(version: ResourceVersion, subresource: string, object: KubeObject, before: KubeObject): { object: KubeObject; oldObject: KubeObject } {
  if (subresource !== 'scale' || !version.scale) return { object, oldObject: before };
  return { object: managedScale(object, version.scale), oldObject: managedScale(before, version.scale) };
}

function takeScale(object: KubeObject, scale: KubeObject, paths: ScalePaths): KubeObject {
  return scale.kind === 'Scale' ? applyScale(object, scale, paths, true) : object;
}

/** The manager that a plain write counts for. */
export function managerOf(context: RequestContext, apiVersion: string, subresource: string): Manager {
  return { manager: context.fieldManager, operation: 'Update', apiVersion, subresource, time: timestamp() };
}

function placeInNamespace(info: ResourceInfo, namespace: string | undefined, object: KubeObject): string | undefined {
  if (!info.namespaced) {
    delete object.metadata.namespace;
    return undefined;
  }
  const stated = object.metadata.namespace;
  if (stated !== undefined && stated !== '' && stated !== namespace) throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  if (namespace === undefined || namespace === '') throw badRequest('an empty namespace may not be set during creation');
  object.metadata.namespace = namespace;
  return namespace;
}

/** Gives a name to an object that has only generateName; returns the prefix then. */
function nameObject(object: KubeObject): string | undefined {
  const { metadata } = object;
  if (metadata.name || !metadata.generateName) return undefined;
  metadata.name = generateName(metadata.generateName);
  return metadata.generateName;
}

function hasGeneration(info: ResourceInfo): boolean {
  return info.custom || rulesFor(info.storeKey).generation === true;
}

/** What a built-in object has even when nobody has said anything of it: null lists, and a status. */
function completeEmpty(info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  if (info.custom) return;
  settleLists(version.schema, object);
  if (version.status) applyDefaults(version.schema.properties?.['status'], (object.status ??= {}));
}

/** What nobody can state of an object that is to be created. */
function clearServerFields({ metadata }: KubeObject): void {
  if (metadata.resourceVersion) throw new ApiStatusError(500, '', 'resourceVersion should not be set on objects to be created');
  const fields = metadata as unknown as Fields;
  for (const field of ['uid', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'managedFields', 'generation']) Reflect.deleteProperty(fields, field);
}

function stampNew(info: ResourceInfo, version: ResourceVersion, object: KubeObject): void {
  const { metadata } = object;
  delete metadata.deletionTimestamp;
  delete metadata.deletionGracePeriodSeconds;
  metadata.uid = randomUUID();
  metadata.creationTimestamp = timestamp();
  delete metadata.generation;
  if (hasGeneration(info)) metadata.generation = 1;
  if (version.status && info.storeKey !== '/nodes') delete object.status;
}

/** Nobody owns a status by creating an object. */
function withoutStatus(info: ResourceInfo, version: ResourceVersion, object: KubeObject): KubeObject {
  if (!version.status) return object;
  const { status: _status, ...rest } = object;
  return rest as KubeObject;
}

function checkIdentity(target: Target, before: KubeObject, object: KubeObject): void {
  const { info, name, namespace } = target;
  const { metadata } = object;
  if (metadata.name === undefined) metadata.name = name;
  if (metadata.name !== name) throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  if (info.namespaced) {
    if (metadata.namespace !== undefined && metadata.namespace !== '' && metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    metadata.namespace = namespace ?? '';
  } else delete metadata.namespace;
  if (metadata.uid && metadata.uid !== before.metadata.uid) throw conflict(info, name, `StorageError: invalid object, Code: 4, Key: /registry/${info.group === '' || !info.custom ? '' : `${info.group}/`}${info.plural}/${namespace === undefined ? '' : `${namespace}/`}${name}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${before.metadata.uid}`);
  if (metadata.resourceVersion && !/^\d+$/.test(metadata.resourceVersion)) throw new ApiStatusError(500, '', `strconv.ParseUint: parsing ${JSON.stringify(metadata.resourceVersion)}: invalid syntax`);
  if (metadata.resourceVersion && metadata.resourceVersion !== before.metadata.resourceVersion) throw conflict(info, name);
}

/** What a client cannot change: identity, times, and the half of the object that is not the request's. */
function keepServerFields(info: ResourceInfo, version: ResourceVersion, object: KubeObject, before: KubeObject, subresource: string): void {
  const { metadata: old } = before;
  const kept = { uid: old.uid, creationTimestamp: old.creationTimestamp, resourceVersion: old.resourceVersion };
  Object.assign(object.metadata, kept);
  const metadata = object.metadata as unknown as Fields;
  for (const field of ['generation', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'generateName'] as const) {
    const value = (old as unknown as Fields)[field];
    if (value === undefined) Reflect.deleteProperty(metadata, field);
    else metadata[field] = value;
  }
  if (isPodPart(info.storeKey, subresource)) {
    replaceWith(object, { ...withPodPart(before, object, subresource), metadata: statusMetadata(info, before, object.metadata) });
  } else if (subresource === 'status') {
    const { status, metadata: changed } = object;
    replaceWith(object, { ...before, metadata: statusMetadata(info, before, changed) });
    if (status === undefined) delete object.status;
    else object.status = status;
  } else if (version.status && subresource !== 'approval') {
    if (before.status === undefined) delete object.status;
    else object.status = cloneJson(before.status);
  }
}

/** Makes `object` a copy of another one. */
function replaceWith(object: KubeObject, other: KubeObject): void {
  const copy = cloneJson(other);
  for (const field of Object.keys(object)) Reflect.deleteProperty(object, field);
  Object.assign(object, copy);
}

/** Writing status of built-in kinds can also change labels and annotations, and pods' finalizers; of custom ones nothing else. */
function statusMetadata(info: ResourceInfo, before: KubeObject, changed: KubeObject['metadata']): KubeObject['metadata'] {
  if (info.custom) return { ...before.metadata, ...(changed.managedFields ? { managedFields: changed.managedFields } : {}) };
  return { ...changed, ...(before.metadata.ownerReferences ? { ownerReferences: before.metadata.ownerReferences } : {}) };
}

function bumpGeneration(info: ResourceInfo, object: KubeObject, before: KubeObject): void {
  if (!hasGeneration(info)) return;
  const body = ({ metadata: _metadata, status: _status, ...rest }: KubeObject): object => rest;
  if (!deepEqual(body(object), body(before))) object.metadata.generation = (before.metadata.generation ?? 0) + 1;
}

/** Whether an object that is being deleted has nothing left to wait for. */
export function isFinished(info: ResourceInfo, object: KubeObject): boolean {
  const { metadata, spec } = object;
  if (metadata.deletionTimestamp === undefined || (metadata.finalizers ?? []).length > 0) return false;
  if (info.storeKey === '/namespaces') return (spec?.finalizers ?? []).length === 0;
  return (metadata.deletionGracePeriodSeconds ?? 0) === 0;
}

