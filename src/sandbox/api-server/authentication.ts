// Who makes an HTTP request: client certificate, bearer token or nobody; and impersonation on top.
import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { ANONYMOUS, authenticated, serviceAccountUser, userOfCertificate, type RbacAuthorizer, type ServiceAccountTokens, type User, type VerifiedToken } from '../auth/index.ts';
import type { Store } from '../store/index.ts';
import { ApiStatusError } from './internal-client.ts';
import { badRequest } from './status.ts';

const CACHED_TOKENS = 4096;

/** Whose a token is, and for which of the audiences asked about. */
export interface ReviewedToken { readonly user: User; readonly audiences: string[] }

/** Finds the user of a request. */
export class Authenticator {
  readonly #store: Store;
  readonly #tokens: ServiceAccountTokens;
  readonly #rbac: RbacAuthorizer;
  readonly #byCertificate = new WeakMap<TLSSocket, User | null>();
  readonly #cacheMilliseconds: number;
  readonly #byToken = new Map<string, { readonly reviewed: ReviewedToken; readonly until: number }>();

  constructor(store: Store, tokens: ServiceAccountTokens, rbac: RbacAuthorizer, cacheMilliseconds: number) {
    this.#cacheMilliseconds = cacheMilliseconds;
    this.#store = store;
    this.#tokens = tokens;
    this.#rbac = rbac;
  }

  /** The user of `request`; throws 401 for credentials that are not valid, 403 for impersonation that is not allowed. */
  authenticate(request: IncomingMessage): User {
    return this.#impersonate(request, this.#identify(request));
  }

  /** The user of a ServiceAccount token for one of `audiences`, and the audiences that fit. */
  reviewToken(token: string, audiences: readonly string[]): ReviewedToken | undefined {
    const key = JSON.stringify([token, ...audiences]);
    const known = this.#byToken.get(key);
    if (known && known.until > Date.now()) return known.reviewed;
    this.#byToken.delete(key);
    const reviewed = this.#verifyToken(token, audiences);
    if (reviewed) {
      if (this.#byToken.size > CACHED_TOKENS) this.#byToken.clear();
      this.#byToken.set(key, { reviewed, until: Date.now() + this.#cacheMilliseconds });
    }
    return reviewed;
  }

  #verifyToken(token: string, audiences: readonly string[]): ReviewedToken | undefined {
    const verified = this.#tokens.verify(token);
    if (!verified) return undefined;
    const wanted = audiences.length > 0 ? audiences : [this.#tokens.defaultAudience];
    const fitting = wanted.filter((audience) => verified.audiences.includes(audience));
    const user = fitting.length > 0 ? this.#userOfToken(verified) : undefined;
    return user ? { user, audiences: fitting } : undefined;
  }

  #identify(request: IncomingMessage): User {
    const certificate = this.#certificateUser(request.socket as TLSSocket);
    if (certificate) return certificate;
    const { authorization } = request.headers;
    const token = authorization === undefined ? websocketToken(request) : /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
    // Whatever is no bearer token says nothing about anybody.
    if (token === undefined) return ANONYMOUS;
    const reviewed = this.reviewToken(token, []);
    if (!reviewed) throw new ApiStatusError(401, 'Unauthorized', 'Unauthorized');
    return reviewed.user;
  }

  #certificateUser(socket: TLSSocket): User | undefined {
    const known = this.#byCertificate.get(socket);
    if (known !== undefined) return known ?? undefined;
    const raw = socket.authorized ? (socket.getPeerCertificate() as { raw?: Buffer } | undefined)?.raw : undefined;
    const user = raw ? authenticated(userOfCertificate(raw)) : null;
    this.#byCertificate.set(socket, user);
    return user ?? undefined;
  }

  /** A token dies with its ServiceAccount and with the pod or secret that it is bound to. */
  #userOfToken(token: VerifiedToken): User | undefined {
    const { namespace, serviceAccount, pod, secret, id } = token;
    const account = this.#store.get('/serviceaccounts', namespace, serviceAccount.name);
    if (account?.metadata.uid !== serviceAccount.uid) return undefined;
    if (pod && this.#store.get('/pods', namespace, pod.name)?.metadata.uid !== pod.uid) return undefined;
    if (secret && this.#store.get('/secrets', namespace, secret.name)?.metadata.uid !== secret.uid) return undefined;
    const extra = {
      'authentication.kubernetes.io/credential-id': [`JTI=${id}`],
      ...(pod ? { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] } : {}),
      ...(token.node ? { 'authentication.kubernetes.io/node-name': [token.node.name], 'authentication.kubernetes.io/node-uid': [token.node.uid] } : {}),
    };
    return { ...serviceAccountUser(namespace, serviceAccount.name), uid: serviceAccount.uid, extra };
  }

  #impersonate(request: IncomingMessage, user: User): User {
    const name = first(request.headers['impersonate-user']);
    const groups = list(request.headersDistinct['impersonate-group']);
    const uid = first(request.headers['impersonate-uid']);
    const extra = extraOf(request);
    if (name === undefined) {
      const asked = [...groups.map((group) => `{Group  ${group}    }`), ...Object.entries(extra).flatMap(([key, values]) => values.map((value) => `{UserExtra  ${value}  ${AUTHENTICATION}/v1  ${key}}`)), ...(uid === undefined ? [] : [`{UID  ${uid}  ${AUTHENTICATION}/v1  }`])];
      if (groups.length > 0) throw new ApiStatusError(500, 'InternalError', 'requested [groups] without impersonating a user');
      if (asked.length > 0) throw badRequest(`requested [${asked.join(' ')}] without impersonating a user`);
      return user;
    }
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
    if (account) this.#mayImpersonate(user, { group: '', resource: 'serviceaccounts' }, account[2] ?? '', account[1]);
    else this.#mayImpersonate(user, { group: '', resource: 'users' }, name);
    for (const group of groups) this.#mayImpersonate(user, { group: '', resource: 'groups' }, group);
    for (const [key, values] of Object.entries(extra)) for (const value of values) this.#mayImpersonate(user, { group: AUTHENTICATION, resource: 'userextras', subresource: key }, value);
    if (uid !== undefined) this.#mayImpersonate(user, { group: AUTHENTICATION, resource: 'uids' }, uid);
    const more = { ...(uid === undefined ? {} : { uid }), ...(Object.keys(extra).length === 0 ? {} : { extra }) };
    if (account && groups.length === 0) return { ...serviceAccountUser(account[1] ?? '', account[2] ?? ''), ...more };
    return name === ANONYMOUS.name ? { ...ANONYMOUS, ...more } : authenticated({ name, groups, ...more });
  }

  #mayImpersonate(user: User, what: { readonly group: string; readonly resource: string; readonly subresource?: string }, name: string, namespace?: string): void {
    if (this.#rbac.allows(user, { verb: 'impersonate', ...what, name, ...(namespace === undefined ? {} : { namespace }) })) return;
    const { group, resource, subresource } = what;
    const shown = subresource === undefined ? resource : `${resource}/${subresource}`;
    throw new ApiStatusError(403, 'Forbidden', `${group === '' ? resource : `${resource}.${group}`} "${name}" is forbidden: User "${user.name}" cannot impersonate resource "${shown}" in API group "${group}" ${namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`}`, { name, ...(group === '' ? {} : { group }), kind: resource });
  }
}

const AUTHENTICATION = 'authentication.k8s.io';

/** What else is said of the user to be, by its key: header names have no capitals, and the key is encoded as in a URL. */
function extraOf(request: IncomingMessage): Record<string, string[]> {
  const prefix = 'impersonate-extra-';
  return Object.fromEntries(Object.entries(request.headersDistinct).filter(([name]) => name.startsWith(prefix)).map(([name, values]) => [decodeKey(name.slice(prefix.length)), values ?? []]));
}

function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key; // Not an encoding: then it is the key itself.
  }
}

/** Browsers can only send a token as a WebSocket protocol. */
function websocketToken(request: IncomingMessage): string | undefined {
  const protocols = request.headers['sec-websocket-protocol']?.split(',') ?? [];
  const encoded = protocols.map((protocol) => /^\s*base64url\.bearer\.authorization\.k8s\.io\.(\S+)\s*$/.exec(protocol)?.[1]).find((match) => match !== undefined);
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString();
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

function list(value: string[] | undefined): string[] {
  return value ?? [];
}
