// Kinds that are questions: token reviews and access reviews.
import type { AccessRequest, PolicyRule, RbacAuthorizer, User } from '../auth/index.ts';
import type { KubeObject } from '../store/index.ts';
import type { Authenticator } from './authentication.ts';
import { badRequest, invalidObject } from './status.ts';
import { invalidField, requiredField, type FieldError } from '../schema/index.ts';
import { timestamp } from './timestamps.ts';

/** Answers reviews. */
export class Reviews {
  readonly #rbac: RbacAuthorizer;
  readonly #authenticator: Authenticator;

  constructor(options: { rbac: RbacAuthorizer; authenticator: Authenticator }) {
    this.#rbac = options.rbac;
    this.#authenticator = options.authenticator;
  }

  /** The review with its status; `plural` says which kind. */
  answer(plural: string, review: KubeObject, user: User, namespace: string | undefined): KubeObject {
    checkRequest(plural, review, namespace);
    const errors = plural.endsWith('accessreviews') ? [...metadataErrors(plural, review.metadata), ...reviewErrors(plural, review.spec ?? {}, namespace)] : [];
    if (errors.length > 0) throw invalidObject({ group: 'authorization.k8s.io', plural, kind: '' }, '', errors);
    switch (plural) {
      case 'tokenreviews': return { ...review, status: this.#reviewToken(review.spec ?? {}) };
      case 'selfsubjectreviews': return { ...review, metadata: { ...review.metadata, creationTimestamp: timestamp() }, status: { userInfo: userInfo(user) } };
      case 'selfsubjectaccessreviews': return { ...review, metadata: withoutNamespace(review.metadata), status: this.#reviewAccess(user, review.spec) };
      case 'selfsubjectrulesreviews': return { ...review, metadata: {} as KubeObject['metadata'], spec: {}, status: this.#rules(user, review.spec?.namespace ?? '') };
      case 'subjectaccessreviews': return { ...review, status: this.#reviewAccess(subjectOf(review), review.spec) };
      default: return { ...review, metadata: { ...review.metadata, namespace: namespace ?? '' }, status: this.#reviewAccess(subjectOf(review), { ...review.spec, resourceAttributes: { ...review.spec?.resourceAttributes, namespace } }) };
    }
  }

  #reviewToken(spec: { token?: string; audiences?: string[] }): object {
    const reviewed = this.#authenticator.reviewToken(spec.token ?? '', spec.audiences ?? []);
    if (!reviewed) return { user: {}, error: 'invalid bearer token' };
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
    return { resourceRules: rules.filter((rule) => !rule.nonResourceURLs?.length).map(showRule), nonResourceRules: rules.filter((rule) => rule.nonResourceURLs?.length).map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })), incomplete: false };
  }
}

/** A rule with its fields in the order of its type. */
function showRule({ verbs, apiGroups, resources, resourceNames }: PolicyRule): object {
  return { verbs, ...(apiGroups ? { apiGroups } : {}), ...(resources ? { resources } : {}), ...(resourceNames ? { resourceNames } : {}) };
}

/** What a review needs before it is looked at. */
function checkRequest(plural: string, { spec, metadata }: KubeObject, namespace: string | undefined): void {
  if (plural === 'tokenreviews' && !spec?.token) throw badRequest('token is required for TokenReview in authentication');
  if (plural === 'localsubjectaccessreviews' && metadata.namespace && metadata.namespace !== namespace) throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (plural === 'selfsubjectrulesreviews' && !spec?.namespace) throw badRequest('no namespace on request');
}

function withoutNamespace({ namespace: _namespace, ...rest }: KubeObject['metadata']): KubeObject['metadata'] {
  return rest as KubeObject['metadata'];
}

/** A question has no name, labels or the like; one about a namespace has that. */
function metadataErrors(plural: string, metadata: KubeObject['metadata']): FieldError[] {
  const { managedFields: _managed, namespace, ...rest } = metadata as Partial<KubeObject['metadata']>;
  const isStray = namespace !== undefined && plural === 'subjectaccessreviews';
  return Object.keys(rest).length > 0 || isStray ? [invalidField('metadata', metadata, 'must be empty')] : [];
}

interface Attributes { readonly namespace?: string; readonly fieldSelector?: Selector; readonly labelSelector?: Selector }
interface Selector { readonly rawSelector?: string; readonly requirements?: readonly { readonly key?: string; readonly operator?: string; readonly values?: readonly string[] }[] }

function selectorErrors(resource: Attributes | undefined, field: 'fieldSelector' | 'labelSelector'): FieldError[] {
  const selector = resource?.[field];
  if (!selector) return [];
  const path = `spec.resourceAttributes.${field}`;
  const { rawSelector = '', requirements = [] } = selector;
  if (rawSelector !== '' && requirements.length > 0) return [invalidField(`${path}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')];
  if (rawSelector === '' && requirements.length === 0) return [requiredField(`${path}.requirements`, `when ${path} is specified, requirements or rawSelector is required`)];
  return requirements.flatMap(({ key = '' }, index) => (key === '' ? [requiredField(`${path}.requirements[${String(index)}].key`, 'must be specified')] : []));
}

/** What keeps an access review from being a question. */
function reviewErrors(plural: string, spec: { user?: string; groups?: string[]; resourceAttributes?: Attributes; nonResourceAttributes?: { path?: string; verb?: string } }, namespace: string | undefined): FieldError[] {
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec;
  const errors: FieldError[] = [];
  if (resource && path) errors.push(invalidField('spec.nonResourceAttributes', { Path: path.path ?? '', Verb: path.verb ?? '' }, 'cannot be specified in combination with resourceAttributes'));
  if (!resource && !path) errors.push(invalidField('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'));
  if (plural !== 'selfsubjectaccessreviews' && !spec.user && !spec.groups?.length) errors.push(invalidField('spec.user', '', 'at least one of user or group must be specified'));
  if (plural === 'localsubjectaccessreviews' && path && !resource) return [...errors, invalidField('spec.nonResourceAttributes', { Path: path.path ?? '', Verb: path.verb ?? '' }, 'disallowed on this kind of request')];
  return [...errors, ...selectorErrors(resource, 'fieldSelector'), ...selectorErrors(resource, 'labelSelector'), ...(plural === 'localsubjectaccessreviews' ? placeErrors(resource, namespace) : [])];
}

/** A question about a namespace is asked in that namespace. */
function placeErrors(resource: Attributes | undefined, namespace: string | undefined): FieldError[] {
  return resource?.namespace === namespace ? [] : [invalidField('spec.resourceAttributes.namespace', resource?.namespace ?? '', 'must match metadata.namespace')];
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
