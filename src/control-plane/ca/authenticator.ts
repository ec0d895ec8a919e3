// Who is calling: a client certificate of this mesh, or a service account token that the API server vouches for.
// Used by the certificate service and, through its own interface, by the ADS server.
import { programMetrics } from '../../shared/observability/index.ts';
import type { GrpcPeer } from '../../shared/grpc/index.ts';
import { tokenReview, type KubeClient } from '../../shared/kube/index.ts';
import { parseSpiffeId, spiffeIdOfUser, type SpiffeId } from '../../shared/pki/index.ts';
import { describeError } from '../../shared/lib/index.ts';

/** What a call brings to prove who it is: names of its verified client certificate, and a bearer token. */
export type CallCredentials = Pick<GrpcPeer, 'names' | 'bearerToken'>;

/** The caller, or why it is not known; `unavailable` means: ask again later. */
export type Authentication =
  | { readonly kind: 'authenticated'; readonly identity: SpiffeId; readonly by: 'certificate' | 'token' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string };

const failures = programMetrics.counter('citadel_server_authentication_failure_count', 'Calls whose caller could not be authenticated.');

/** Tells callers apart. */
export class Authenticator {
  readonly #client: KubeClient;
  readonly #audiences: readonly string[];
  readonly #trustDomains: () => readonly string[];

  /** `audiences` are those that tokens for the control plane are made for; `trustDomains` gives the trust domain first, then its aliases. */
  constructor(client: KubeClient, audiences: readonly string[], trustDomains: () => readonly string[]) {
    this.#client = client;
    this.#audiences = audiences;
    this.#trustDomains = trustDomains;
  }

  /** Finds out who calls. */
  async authenticate(credentials: CallCredentials): Promise<Authentication> {
    const result = this.#byCertificate(credentials) ?? (await this.#byToken(credentials));
    if (result.kind !== 'authenticated') failures.add({});
    return result;
  }

  #byCertificate({ names }: CallCredentials): Authentication | undefined {
    const domains = this.#trustDomains();
    const identities = names.uris.flatMap((uri) => parseSpiffeId(uri) ?? []);
    const own = identities.find((identity) => domains.includes(identity.trustDomain));
    if (own && identities.length === 1) return { kind: 'authenticated', identity: { ...own, trustDomain: domains[0] ?? own.trustDomain }, by: 'certificate' };
    return undefined;
  }

  async #byToken({ bearerToken }: CallCredentials): Promise<Authentication> {
    if (!bearerToken) return { kind: 'refused', message: 'the call has neither a client certificate of this mesh nor an authorization header with a bearer token' };
    let review;
    try {
      review = await tokenReview(this.#client, bearerToken.reveal(), this.#audiences);
    } catch (error) {
      return { kind: 'unavailable', message: `the API server could not review the token: ${describeError(error)}` };
    }
    if (!review.authenticated) return { kind: 'refused', message: `the token was not accepted${review.error ? `: ${review.error}` : ''}` };
    if (!this.#audiences.some((audience) => review.audiences.includes(audience))) return { kind: 'refused', message: `the token is not for the audience ${this.#audiences.join(' or ')}; mount a projected service account token made for it` };
    const identity = spiffeIdOfUser(review.username, this.#trustDomains()[0] ?? 'cluster.local');
    if (!identity) return { kind: 'refused', message: `${review.username} is not a service account` };
    return { kind: 'authenticated', identity, by: 'token' };
  }
}
