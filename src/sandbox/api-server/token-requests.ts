// The token subresource of ServiceAccounts: tokens for an audience and a time, bound to a pod, secret or node when asked.
import type { ServiceAccountTokens, TokenSubject } from '../auth/index.ts';
import { recordUpdate } from '../patch/index.ts';
import { invalidField, type FieldError } from '../schema/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import { BUILT_IN_TYPES } from './kinds/built-in-kinds.ts';
import { normalizeObject } from './object-decoding.ts';
import { managerOf } from './operations.ts';
import type { RequestContext } from './request-context.ts';
import type { ResourceInfo, ResourceVersion } from './resource-info.ts';
import { badRequest, conflict, invalidObject, notFound } from './status.ts';
import type { Target } from './target.ts';
import { timestamp } from './timestamps.ts';

const GROUP = 'authentication.k8s.io';
const NAMED = { group: GROUP, plural: 'tokenrequests', kind: 'TokenRequest' };
const LONGEST = 2 ** 32;

interface Reference { readonly kind?: string; readonly apiVersion?: string; readonly name?: string; readonly uid?: string }

/** Answers requests for tokens. */
export class TokenRequests {
  readonly #store: Store;
  readonly #tokens: ServiceAccountTokens;

  constructor(store: Store, tokens: ServiceAccountTokens) {
    this.#store = store;
    this.#tokens = tokens;
  }

  /** The request with its token. */
  answer(context: RequestContext, { namespace = '', name }: Target, body: Readonly<Record<string, unknown>>): KubeObject {
    const schema = BUILT_IN_TYPES.get('TokenRequest') ?? {};
    const version: ResourceVersion = { name: 'v1', schema, status: false, selectableFields: [] };
    const { kind, apiVersion } = body;
    if (kind !== undefined && kind !== 'TokenRequest') throw badRequest(`${String(kind)} in version ${JSON.stringify(apiVersion ?? '')} cannot be handled as a TokenRequest: converting (${String(apiVersion)}.${String(kind)}) to (authentication.TokenRequest): unknown conversion`);
    const request = { ...body, apiVersion: `${GROUP}/v1`, kind: 'TokenRequest', metadata: { ...(body['metadata'] as object | undefined) } } as KubeObject;
    normalizeObject(context, { ...NAMED, custom: false, storeKey: `${GROUP}/tokenrequests` } as unknown as ResourceInfo, version, request);
    const account = this.#store.get('/serviceaccounts', namespace, name);
    if (!account) throw notFound({ group: '', plural: 'serviceaccounts', kind: 'ServiceAccount' }, name);
    if (request.metadata.namespace && request.metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
    const wrong = nameErrors(request, name);
    if (wrong.length > 0) throw invalidObject(NAMED, name, wrong);
    const errors = specErrors(request.spec);
    if (errors.length > 0) throw invalidObject(NAMED, request.metadata.name, errors);
    const noted = recordUpdate({ metadata: {}, spec: { audiences: null, boundObjectRef: null } }, request, managerOf(context, request.apiVersion, 'token'), schema) as KubeObject;
    const { audiences: asked, expirationSeconds, boundObjectRef } = request.spec as { audiences: string[] | null; expirationSeconds: number; boundObjectRef: Reference | null };
    const audiences = asked && asked.length > 0 ? asked : [this.#tokens.defaultAudience];
    const { token, expires } = this.#tokens.issue({ namespace, serviceAccount: { name, uid: account.metadata.uid }, ...(boundObjectRef ? this.#bind(boundObjectRef, namespace, name) : {}) }, audiences, expirationSeconds);
    return { ...noted, metadata: { ...noted.metadata, name, namespace, uid: account.metadata.uid, creationTimestamp: timestamp() }, spec: { ...request.spec, audiences }, status: { token, expirationTimestamp: timestamp(expires) } };
  }

  /** What the token ends with. */
  #bind(reference: Reference, namespace: string, account: string): Pick<TokenSubject, 'pod' | 'secret' | 'node'> {
    const { kind = '', apiVersion = '', name = '', uid } = reference;
    const place = ({ Pod: 'pods', Secret: 'secrets', Node: 'nodes' } as Readonly<Record<string, string>>)[kind];
    // Whatever its version: a kind of the first group.
    if (!place || apiVersion.includes('/')) throw badRequest(`cannot bind token to object of type ${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`);
    const info = { group: '', plural: place, kind };
    if (name === '') throw badRequest('Name parameter required.');
    const found = this.#store.get(`/${place}`, kind === 'Node' ? undefined : namespace, name);
    if (!found) throw notFound(info, name);
    if (kind === 'Pod' && found.spec.serviceAccountName !== account) throw badRequest(`cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different serviceaccount name.`);
    if (uid !== undefined && uid !== found.metadata.uid) throw conflict(info, name, `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`);
    const bound = { name, uid: found.metadata.uid };
    if (kind === 'Secret') return { secret: bound };
    return kind === 'Node' ? { node: bound } : { pod: bound, ...this.#nodeOf(found) };
  }

  #nodeOf(pod: KubeObject): { node?: { name: string; uid: string } } {
    const node = this.#store.get('/nodes', undefined, pod.spec?.nodeName ?? '');
    return node ? { node: { name: node.metadata.name, uid: node.metadata.uid } } : {};
  }
}

function nameErrors({ metadata }: KubeObject, name: string): FieldError[] {
  return metadata.name && metadata.name !== name ? [invalidField('metadata.name', metadata.name, 'must match the service account name if specified')] : [];
}

function specErrors({ expirationSeconds: seconds }: { expirationSeconds: number }): FieldError[] {
  if (seconds < 600) return [invalidField('spec.expirationSeconds', seconds, 'may not specify a duration less than 10 minutes')];
  return seconds > LONGEST ? [invalidField('spec.expirationSeconds', seconds, 'may not specify a duration larger than 2^32 seconds')] : [];
}
