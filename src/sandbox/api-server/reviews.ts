// Kinds that are questions: token reviews, access reviews, and the requests for ServiceAccount tokens.
import type { AccessRequest, RbacAuthorizer, ServiceAccountTokens, User } from '../auth/index.ts';
import type { KubeObject, Store } from '../store/index.ts';
import type { Authenticator } from './authentication.ts';
import { invalidObject, notFound } from './status.ts';
import { invalidField, type FieldError } from '../schema/index.ts';
import { timestamp } from './timestamps.ts';

/** Answers reviews. */
export class Reviews {
  readonly #store: Store;
  readonly #rbac: RbacAuthorizer;
  readonly #tokens: ServiceAccountTokens;
  readonly #authenticator: Authenticator;

  constructor(options: { store: Store; rbac: RbacAuthorizer; tokens: ServiceAccountTokens; authenticator: Authenticator }) {
    this.#store = options.store;
    this.#rbac = options.rbac;
    this.#tokens = options.tokens;
    this.#authenticator = options.authenticator;
  }

  /** The review with its status; `plural` says which kind. */
  answer(plural: string, review: KubeObject, user: User, namespace: string | undefined): KubeObject {
    const errors = plural.endsWith('accessreviews') ? reviewErrors(plural, review.spec ?? {}, namespace) : [];
    if (errors.length > 0) throw invalidObject({ group: 'authorization.k8s.io', plural, kind: '' }, '', errors);
    switch (plural) {
      case 'tokenreviews': return { ...review, status: this.#reviewToken(review.spec ?? {}) };
      case 'selfsubjectreviews': return { ...review, metadata: { ...review.metadata, creationTimestamp: timestamp() }, status: { userInfo: userInfo(user) } };
      case 'selfsubjectaccessreviews': return { ...review, status: this.#reviewAccess(user, review.spec) };
      case 'selfsubjectrulesreviews': return { ...review, status: this.#rules(user, review.spec?.namespace ?? '') };
      case 'subjectaccessreviews': return { ...review, status: this.#reviewAccess(subjectOf(review), review.spec) };
      default: return { ...review, status: this.#reviewAccess(subjectOf(review), { ...review.spec, resourceAttributes: { ...review.spec?.resourceAttributes, namespace } }) };
    }
  }

  /** The answer to a TokenRequest for a ServiceAccount. */
  requestToken(namespace: string, name: string, request: KubeObject): KubeObject {
    const account = this.#store.get('/serviceaccounts', namespace, name);
    if (!account) throw notFound({ group: '', plural: 'serviceaccounts', kind: 'ServiceAccount' }, name);
    const { audiences = [], expirationSeconds = 3600, boundObjectRef } = request.spec ?? {};
    if (expirationSeconds < 600) throw invalidObject({ group: 'authentication.k8s.io', plural: 'tokenrequests', kind: 'TokenRequest' }, name, [invalidField('spec.expirationSeconds', expirationSeconds, 'may not specify a duration less than 10 minutes')]);
    const pod = boundObjectRef?.kind === 'Pod' ? this.#boundPod(namespace, boundObjectRef) : undefined;
    const { token, expires } = this.#tokens.issue({
      namespace,
      serviceAccount: { name, uid: account.metadata.uid },
      ...(pod ? { pod: { name: pod.metadata.name, uid: pod.metadata.uid } } : {}),
      ...(pod ? this.#nodeOf(pod) : {}),
    }, audiences, expirationSeconds);
    const effective = audiences.length > 0 ? audiences : [this.#tokens.defaultAudience];
    return { ...request, metadata: { ...request.metadata, name, namespace, creationTimestamp: timestamp() }, spec: { ...request.spec, audiences: effective, expirationSeconds }, status: { token, expirationTimestamp: timestamp(expires) } };
  }

  #boundPod(namespace: string, reference: { name?: string; uid?: string }): KubeObject {
    const pod = this.#store.get('/pods', namespace, reference.name ?? '');
    if (!pod || (reference.uid !== undefined && reference.uid !== pod.metadata.uid)) throw notFound({ group: '', plural: 'pods', kind: 'Pod' }, reference.name ?? '');
    return pod;
  }

  #nodeOf(pod: KubeObject): { node?: { name: string; uid: string } } {
    const node = this.#store.get('/nodes', undefined, pod.spec?.nodeName ?? '');
    return node ? { node: { name: node.metadata.name, uid: node.metadata.uid } } : {};
  }

  #reviewToken(spec: { token?: string; audiences?: string[] }): object {
    const reviewed = this.#authenticator.reviewToken(spec.token ?? '', spec.audiences ?? []);
    if (!reviewed) return { user: {}, error: '[invalid bearer token, token is not valid here or not for these audiences]' };
    return { authenticated: true, user: userInfo(reviewed.user), audiences: reviewed.audiences };
  }

  #reviewAccess(user: User, spec: { resourceAttributes?: Record<string, string>; nonResourceAttributes?: { path?: string; verb?: string } } | undefined): object {
    const { resourceAttributes: resource, nonResourceAttributes: path } = spec ?? {};
    const wanted: AccessRequest = path
      ? { verb: path.verb ?? '', group: '', resource: '', path: path.path ?? '' }
      : { verb: resource?.['verb'] ?? '', group: resource?.['group'] ?? '', resource: resource?.['resource'] ?? '', ...optional('subresource', resource?.['subresource']), ...optional('namespace', resource?.['namespace']), ...optional('name', resource?.['name']) };
    const reason = this.#rbac.reasonFor(user, wanted);
    return reason === undefined ? { allowed: false } : { allowed: true, ...(reason === '' ? {} : { reason }) };
  }

  #rules(user: User, namespace: string): object {
    const rules = this.#rbac.rulesFor(user).filter((granted) => granted.namespace === undefined || granted.namespace === namespace).map((granted) => granted.rule);
    return { resourceRules: rules.filter((rule) => !rule.nonResourceURLs?.length), nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length), incomplete: false };
  }
}

/** What keeps an access review from being a question. */
function reviewErrors(plural: string, spec: { user?: string; groups?: string[]; resourceAttributes?: { namespace?: string }; nonResourceAttributes?: { path?: string; verb?: string } }, namespace: string | undefined): FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  const errors: FieldError[] = [];
  if (resource && path) errors.push(invalidField('spec.nonResourceAttributes', { Path: path.path ?? '', Verb: path.verb ?? '' }, 'cannot be specified in combination with resourceAttributes'));
  if (!resource && !path) errors.push(invalidField('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  if (plural !== 'selfsubjectaccessreviews' && !spec.user && !spec.groups?.length) errors.push(invalidField('spec.user', '', 'at least one of user or group must be specified'));
  if (plural === 'localsubjectaccessreviews' && resource?.namespace !== namespace) errors.push(invalidField('spec.resourceAttributes.namespace', resource?.namespace ?? '', 'must match metadata.namespace'));
  return errors;
}

function subjectOf(review: KubeObject): User {
  const { user = '', groups = [], uid, extra } = review.spec ?? {};
  return { name: user, groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) };
}

function optional(name: string, value: string | undefined): object {
  return value === undefined || value === '' ? {} : { [name]: value };
}

function userInfo(user: User): object {
  return { username: user.name, ...(user.uid === undefined ? {} : { uid: user.uid }), groups: user.groups, ...(user.extra ? { extra: user.extra } : {}) };
}
