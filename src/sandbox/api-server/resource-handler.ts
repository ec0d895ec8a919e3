// Requests about resources: finds the resource and runs the verb.
import { isFields, recordUpdate, type Fields } from '../patch/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { Converter } from './conversion.ts';
import type { Deleter, DeleteOptions } from './deletion.ts';
import type { Exchange } from './exchange.ts';
import { checkEnvelope, cloneJson, normalizeObject } from './object-decoding.ts';
import { managerOf, type Operations } from './operations.ts';
import { ApiStatusError } from './internal-client.ts';
import { applyPatch, patchObject, PATCH_TYPES, translate, unsupportedPatch } from './patching.ts';
import { isPodPart } from './kinds/pod-parts.ts';
import { bindPod, evictPod } from './pod-subresources.ts';
import type { PodStreamHandler } from './pod-streams.ts';
import type { Presenter } from './presenter.ts';
import type { Registry } from './registry.ts';
import type { RequestContext } from './request-context.ts';
import { checkDeleteOptions } from './request-options.ts';
import { servedVersion } from './resource-info.ts';
import type { ResourceRequest } from './request-info.ts';
import type { Reviews } from './reviews.ts';
import { PROTOBUF_TYPE } from './protobuf-body.ts';
import { applyScale, scaleOf } from './scaling.ts';
import { compileSelection } from './selection.ts';
import { invalidField } from '../schema/index.ts';
import { badRequest, invalidObject, methodNotAllowed, NoSuchPage, noSuchPath, notFound } from './status.ts';
import type { Target } from './target.ts';
import { UnreadableBody } from './unreadable-body.ts';
import type { TokenRequests } from './token-requests.ts';

/** What the handler works with. */
export interface ResourceHandlerOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly operations: Operations;
  readonly deleter: Deleter;
  readonly converter: Converter;
  readonly reviews: Reviews;
  readonly tokenRequests: TokenRequests;
  readonly presenter: Presenter;
  readonly podStreams: PodStreamHandler;
}

/** The answer to their deletion is what was deleted. */
const RETURNED_WHEN_DELETED: ReadonlySet<string> = new Set(['/pods', '/services', '/serviceaccounts', '/persistentvolumeclaims', '/resourcequotas']);
const POD_STREAMS = new Set(['log', 'exec', 'attach', 'portforward']);

/** Routes resource requests. */
export class ResourceHandler {
  readonly #options: ResourceHandlerOptions;

  constructor(options: ResourceHandlerOptions) {
    this.#options = options;
  }

  /** Answers a resource request that is authorized. */
  async handle(exchange: Exchange, request: ResourceRequest): Promise<void> {
    const target = this.#target(request);
    // The groups of the server itself know that they have no such resource; for the others nobody answers.
    if (!target) throw this.#options.registry.isBuiltIn(request.group) ? noSuchPath() : new NoSuchPage();
    if (target.version.deprecationWarning !== undefined) exchange.warnings.push(target.version.deprecationWarning);
    if (target.info.namespaced && target.namespace === undefined && exchange.info.verb === 'create') throw methodNotAllowed();
    if (request.subresource !== '') await this.#subresource(exchange, target, request);
    else if (target.info.virtual && request.name !== '') throw noSuchPath();
    else if (target.info.virtual) await this.#review(exchange, target);
    else if (request.name === '') await this.#collection(exchange, target);
    else await this.#object(exchange, target);
  }

  #target(request: ResourceRequest): Target | undefined {
    const info = this.#options.registry.find(request.group, request.plural);
    const version = info ? servedVersion(info, request.version) : undefined;
    if (!info || !version || (request.namespace !== undefined && !info.namespaced)) return undefined;
    return { info, version, namespace: request.namespace, name: request.name };
  }

  async #collection(exchange: Exchange, target: Target): Promise<void> {
    const { presenter, operations } = this.#options;
    switch (exchange.info.verb) {
      case 'list': await presenter.list(exchange, target); break;
      case 'watch': presenter.watch(exchange, target); break;
      case 'create': await presenter.object(exchange, target, await operations.create(exchange.context(), target, await readBody(exchange, target.info.kind)), 201); break;
      case 'deletecollection': await this.#deleteCollection(exchange, target); break;
      default: throw methodNotAllowed();
    }
  }

  async #object(exchange: Exchange, target: Target): Promise<void> {
    const { presenter, operations } = this.#options;
    if (target.info.namespaced && target.namespace === undefined) throw noSuchPath();
    switch (exchange.info.verb) {
      case 'get': await presenter.object(exchange, target, await operations.get(target)); break;
      case 'watch': presenter.watch(exchange, target); break;
      case 'update': await presenter.object(exchange, target, await this.#put(exchange, target, '')); break;
      case 'patch': await this.#patch(exchange, target, ''); break;
      case 'delete': await this.#delete(exchange, target); break;
      default: throw methodNotAllowed();
    }
  }

  async #put(exchange: Exchange, target: Target, subresource: string): Promise<KubeObject> {
    const body = await readBody(exchange, target.info.kind);
    checkPrecondition(target, body);
    return this.#options.operations.update(exchange.context(), target, subresource, () => body);
  }

  async #patch(exchange: Exchange, target: Target, subresource: string): Promise<void> {
    const { operations, store, presenter } = this.#options;
    const type = exchange.contentType();
    const patch = await readPatch(exchange, target);
    const { object, created } = await patchObject(operations, store, exchange.context(), target, { subresource, type, patch });
    await presenter.object(exchange, target, object, created ? 201 : 200);
  }

  async #delete(exchange: Exchange, target: Target): Promise<void> {
    const { deleter, operations, presenter } = this.#options;
    const options = await readDeleteOptions(exchange);
    // What cannot be read in the request's version cannot be deleted in it either.
    await operations.get(target);
    const { object, gone } = await deleter.delete(deletionContext(exchange), target, options);
    if (!gone || RETURNED_WHEN_DELETED.has(target.info.storeKey)) {
      await presenter.object(exchange, target, object);
      return;
    }
    const { info, name } = target;
    exchange.json(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, ...(info.group === '' ? {} : { group: info.group }), kind: info.plural, uid: object.metadata.uid } });
  }

  async #deleteCollection(exchange: Exchange, target: Target): Promise<void> {
    const { store, deleter, presenter } = this.#options;
    const { query } = exchange.info;
    const options = await readDeleteOptions(exchange);
    const selection = compileSelection(target.info, target.version, query.get('labelSelector'), query.get('fieldSelector'));
    const chosen = store.list(target.info.storeKey, target.namespace).filter((object) => !selection || selection(object));
    for (const { metadata } of chosen) {
      await deleter.delete(deletionContext(exchange), { ...target, namespace: metadata.namespace, name: metadata.name }, options).catch((error: unknown) => {
        if ((error as { code?: number }).code !== 404) throw error;
      });
    }
    await presenter.objects(exchange, target, chosen);
  }

  async #review(exchange: Exchange, target: Target): Promise<void> {
    if (exchange.info.verb !== 'create') throw methodNotAllowed();
    const review = cloneJson(checkEnvelope(target.info, target.version, await readBody(exchange, target.info.kind)));
    normalizeObject(exchange.context(), target.info, target.version, review);
    const noted = recordUpdate({ metadata: {}, spec: {}, status: target.info.group === 'authorization.k8s.io' ? { allowed: false } : {} }, withAnswer(target, review), managerOf(exchange.context(), review.apiVersion, ''), target.version.schema) as KubeObject;
    exchange.json(201, this.#options.reviews.answer(target.info.plural, noted, exchange.user, target.namespace));
  }

  async #subresource(exchange: Exchange, target: Target, { subresource }: ResourceRequest): Promise<void> {
    const { info, version } = target;
    if (subresource === 'status' && version.status) await this.#half(exchange, target, 'status');
    else if (subresource === 'scale' && version.scale) await this.#scale(exchange, target);
    else if (isPodPart(info.storeKey, subresource)) await this.#half(exchange, target, subresource);
    else if (info.storeKey === '/namespaces' && subresource === 'finalize') await this.#half(exchange, target, 'finalize');
    else if (info.storeKey === 'certificates.k8s.io/certificatesigningrequests' && subresource === 'approval') await this.#half(exchange, target, 'approval');
    else if (info.storeKey === '/serviceaccounts' && subresource === 'token') await this.#token(exchange, target);
    else if (info.storeKey === '/pods' && POD_STREAMS.has(subresource)) await this.#options.podStreams.handle(exchange, target, subresource);
    else if (info.storeKey === '/pods') await this.#actOnPod(exchange, target, subresource);
    else throw info.custom ? notFound(info, target.name) : noSuchPath();
  }

  /** A subresource that is the object seen through one of its halves. */
  async #half(exchange: Exchange, target: Target, subresource: string): Promise<void> {
    const { presenter, operations } = this.#options;
    switch (exchange.info.verb) {
      case 'get': await presenter.object(exchange, target, await operations.get(target)); break;
      case 'update': await presenter.object(exchange, target, await this.#put(exchange, target, subresource)); break;
      case 'patch': await this.#patch(exchange, target, subresource); break;
      default: throw methodNotAllowed();
    }
  }

  async #scale(exchange: Exchange, target: Target): Promise<void> {
    const { operations } = this.#options;
    const paths = target.version.scale as NonNullable<Target['version']['scale']>;
    const { verb } = exchange.info;
    if (verb === 'get') {
      exchange.json(200, scaleOf(await operations.get(target), paths));
      return;
    }
    if (verb !== 'update' && verb !== 'patch') throw methodNotAllowed();
    const type = exchange.contentType();
    const body = await exchange.body(verb === 'patch' ? PATCH_TYPES : undefined);
    const change = (live: KubeObject): KubeObject => {
      if (verb === 'update') return applyScale(live, body, paths, target.info.custom);
      const scale = scaleOf(live, paths);
      return applyScale(live, translate(() => (type.startsWith('application/apply') ? { ...scale, ...(body as Fields) } : applyPatch({ ...target, info: { ...target.info, custom: false } }, scale, type, body))), paths, target.info.custom);
    };
    exchange.json(200, scaleOf(await operations.update(exchange.context(), target, 'scale', change), paths));
  }

  async #token(exchange: Exchange, target: Target): Promise<void> {
    if (exchange.info.verb !== 'create') throw methodNotAllowed();
    const body = (await exchange.body()) ?? {};
    if (!isFields(body)) throw badRequest('TokenRequest is not an object');
    exchange.json(201, this.#options.tokenRequests.answer(exchange.context(), target, body));
  }

  async #actOnPod(exchange: Exchange, target: Target, subresource: string): Promise<void> {
    const { store, deleter } = this.#options;
    const isMissing = !store.get('/pods', target.namespace, target.name);
    if (subresource !== 'eviction' && subresource !== 'binding') throw noSuchPath();
    if (exchange.info.verb !== 'create') throw methodNotAllowed();
    const body = await readBody(exchange, subresource === 'eviction' ? 'Eviction' : 'Binding') as Fields;
    if (isMissing) throw notFound(target.info, target.name);
    if (subresource === 'eviction') await evictPod(store, deleter, exchange.context(), target, body as { deleteOptions?: DeleteOptions });
    else bindPod(store, exchange.context(), target, body as { target?: { name?: string } });
    exchange.json(201, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
  }
}

/** Access reviews always have an answer, which is no until it is given. */
function withAnswer({ info }: Target, review: KubeObject): KubeObject {
  return info.group === 'authorization.k8s.io' ? { ...review, status: { allowed: false, ...review.status } } : review;
}

/** Kinds that nobody may overwrite without saying which version of the object he saw; custom ones are the others. */
const NEEDS_VERSION: ReadonlySet<string> = new Set(['apiextensions.k8s.io/customresourcedefinitions', 'admissionregistration.k8s.io/mutatingwebhookconfigurations', 'admissionregistration.k8s.io/validatingwebhookconfigurations', 'coordination.k8s.io/leases']);

function checkPrecondition({ info, name }: Target, body: unknown): void {
  if (!info.custom && !NEEDS_VERSION.has(info.storeKey)) return;
  const { resourceVersion = '' } = (body as { metadata?: { resourceVersion?: string } }).metadata ?? {};
  if (resourceVersion === '') throw invalidObject({ ...info, kind: info.plural }, name, [invalidField('metadata.resourceVersion', 0, 'must be specified for an update')]);
}

async function readPatch(exchange: Exchange, target: Target): Promise<unknown> {
  const type = exchange.contentType();
  if (!PATCH_TYPES.includes(type) || !type.endsWith(type.startsWith('application/apply') ? '' : '-patch+json')) throw unsupportedPatch(target);
  try {
    const patch = await exchange.body(PATCH_TYPES);
    if (patch === undefined) throw badRequest('error decoding patch: the body is empty');
    return patch;
  } catch (error) {
    if (!(error instanceof ApiStatusError) || error.code !== 400) throw error;
    throw badRequest(`error decoding ${type.startsWith('application/apply') ? 'YAML' : 'patch'}: ${error.message}`);
  }
}

async function readBody(exchange: Exchange, kind: string): Promise<unknown> {
  try {
    const body = await exchange.body();
    // Of YAML, nothing is something: an object without fields.
    if (body === undefined && exchange.contentType().endsWith('yaml')) return {};
    if (body === undefined) throw new UnreadableBody(exchange.contentType() === PROTOBUF_TYPE ? 'empty data' : "couldn't get version/kind; json parse error: unexpected end of JSON input", new Uint8Array());
    return body ?? {};
  } catch (error) {
    throw error instanceof UnreadableBody ? error.expecting(kind) : error;
  }
}

/** Whether a deletion is a rehearsal is said by its options. */
function deletionContext(exchange: Exchange): RequestContext {
  return { ...exchange.context(), dryRun: false };
}

/** The options of a deletion: those of its body, and only when it has none those of its query. */
async function readDeleteOptions(exchange: Exchange): Promise<DeleteOptions> {
  const { query } = exchange.info;
  const body = (await exchange.body()) as DeleteOptions | undefined;
  if (body !== undefined) {
    checkDeleteOptions(body);
    return body;
  }
  const grace = query.get('gracePeriodSeconds');
  const policy = query.get('propagationPolicy');
  const orphan = query.get('orphanDependents');
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  const options = { ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }), ...(policy === null ? {} : { propagationPolicy: policy }), ...(orphan === null ? {} : { orphanDependents: orphan === 'true' }), ...(dryRun.length === 0 ? {} : { dryRun }) };
  checkDeleteOptions(options);
  return options;
}
