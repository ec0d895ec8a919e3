// Questions about identity and permission, and about the server itself: TokenRequest, TokenReview, SubjectAccessReview, version, discovery.
import type { KubeClient } from './kube-client.ts';
import { isNotFound } from './kube-error.ts';

/** A token that the API server made for a service account. */
export interface ServiceAccountToken {
  readonly token: string;
  readonly expirationTimestamp: string;
}

/** Makes a token for a service account (TokenRequest). */
export async function createToken(client: KubeClient, namespace: string, serviceAccount: string, options: { readonly audiences?: readonly string[]; readonly expirationSeconds?: number } = {}): Promise<ServiceAccountToken> {
  const { audiences, expirationSeconds = 3600 } = options;
  const answer = await post<{ status: ServiceAccountToken }>(client, `/api/v1/namespaces/${encodeURIComponent(namespace)}/serviceaccounts/${encodeURIComponent(serviceAccount)}/token`, {
    apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { ...(audiences ? { audiences } : {}), expirationSeconds },
  });
  return answer.status;
}

/** Whose token it is. */
export interface TokenReviewStatus {
  readonly authenticated: boolean;
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** Those of the asked audiences that the token is good for. */
  readonly audiences: readonly string[];
  /** Why the token was refused. */
  readonly error: string;
}

interface RawTokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: { readonly username?: string; readonly uid?: string; readonly groups?: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly audiences?: readonly string[];
  readonly error?: string;
}

/** Asks the API server whether `token` is valid for one of `audiences` (TokenReview). */
export async function tokenReview(client: KubeClient, token: string, audiences?: readonly string[]): Promise<TokenReviewStatus> {
  const answer = await post<{ status?: RawTokenReviewStatus }>(client, '/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, ...(audiences ? { audiences } : {}) },
  });
  const { authenticated = false, user = {}, audiences: accepted = [], error = '' } = answer.status ?? {};
  return { authenticated, username: user.username ?? '', uid: user.uid ?? '', groups: user.groups ?? [], extra: user.extra ?? {}, audiences: accepted, error };
}

/** One action on a resource. */
export interface ResourceAttributes {
  readonly verb: string;
  readonly group?: string;
  readonly version?: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** The answer to a question of permission. */
export interface AccessDecision {
  readonly allowed: boolean;
  readonly reason: string;
}

/** Asks whether a user may do an action (SubjectAccessReview); with no subject, whether we ourselves may (SelfSubjectAccessReview). */
export async function subjectAccessReview(client: KubeClient, action: ResourceAttributes, subject?: { readonly user: string; readonly groups?: readonly string[]; readonly extra?: Readonly<Record<string, readonly string[]>> }): Promise<AccessDecision> {
  const kind = subject ? 'SubjectAccessReview' : 'SelfSubjectAccessReview';
  const answer = await post<{ status?: { allowed?: boolean; reason?: string } }>(client, `/apis/authorization.k8s.io/v1/${kind.toLowerCase()}s`, {
    apiVersion: 'authorization.k8s.io/v1', kind, spec: { resourceAttributes: action, ...subject },
  });
  return { allowed: answer.status?.allowed ?? false, reason: answer.status?.reason ?? '' };
}

/** The server's version, as GET /version gives it. */
export interface ServerVersion {
  readonly major: string;
  readonly minor: string;
  readonly gitVersion: string;
  readonly platform: string;
}

/** Asks the server for its version. */
export async function serverVersion(client: KubeClient): Promise<ServerVersion> {
  return JSON.parse((await client.request({ method: 'GET', path: '/version' })).body) as ServerVersion;
}

/** One resource as discovery lists it. */
export interface DiscoveredResource {
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** The resources of a group and version; undefined when the server does not serve it. */
export async function discoverResources(client: KubeClient, group: string, version: string): Promise<readonly DiscoveredResource[] | undefined> {
  try {
    const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
    return (JSON.parse((await client.request({ method: 'GET', path })).body) as { resources?: DiscoveredResource[] }).resources ?? [];
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The API groups served, with their versions; the core group is not among them. */
export async function discoverGroups(client: KubeClient): Promise<ReadonlyMap<string, readonly string[]>> {
  const list = JSON.parse((await client.request({ method: 'GET', path: '/apis' })).body) as { groups?: { name: string; versions?: { version: string }[] }[] };
  return new Map((list.groups ?? []).map((group) => [group.name, (group.versions ?? []).map(({ version }) => version)]));
}

async function post<T>(client: KubeClient, path: string, body: unknown): Promise<T> {
  return JSON.parse((await client.request({ method: 'POST', path, body })).body) as T;
}
