// The server's half of the ADS protocol for one type on one stream, without I/O: what each request means and whether it is
// answered. Rules: Envoy's xDS protocol document and Istio's request classification. Used by the control plane's ADS server.
import { WILDCARD_TYPES } from './type-urls.ts';

/** What a request was. Only `respond` is answered. */
export type RequestOutcome =
  | { readonly kind: 'respond'; readonly reason: 'initial' | 'reconnect' | 'names-added' | 'rewarm'; readonly names: 'wildcard' | readonly string[] }
  | { readonly kind: 'ack' }
  | { readonly kind: 'nack'; readonly error: string }
  | { readonly kind: 'stale' }
  | { readonly kind: 'names-removed' }
  | { readonly kind: 'unsubscribed' };

/** What of a DiscoveryRequest is read here; the generated message fits. */
export interface SotwRequest {
  readonly versionInfo?: string | undefined;
  readonly resourceNames?: readonly string[] | undefined;
  readonly responseNonce?: string | undefined;
  readonly errorDetail?: { readonly message?: string | undefined } | undefined;
}

/** What of a DeltaDiscoveryRequest is read here; the generated message fits. */
export interface DeltaRequest {
  readonly resourceNamesSubscribe?: readonly string[] | undefined;
  readonly resourceNamesUnsubscribe?: readonly string[] | undefined;
  readonly initialResourceVersions?: Readonly<Record<string, string>> | undefined;
  readonly responseNonce?: string | undefined;
  readonly errorDetail?: { readonly message?: string | undefined } | undefined;
}

/** What is known of what a proxy has: for debug pages and for deciding to push. */
export interface SubscriptionStatus {
  readonly sentNonce: string;
  readonly sentVersion: string;
  readonly acknowledgedNonce: string;
  readonly acknowledgedVersion: string;
  /** Message of the last refusal, empty after an acceptance. */
  readonly lastError: string;
  /** Whether a response waits for its ACK or NACK. */
  readonly outstanding: boolean;
}

/** Bookkeeping of nonces that both protocol variants share. */
class SentResponses {
  sentNonce = '';
  sentVersion = '';
  acknowledgedNonce = '';
  acknowledgedVersion = '';
  lastError = '';
  outstanding = false;

  sent(nonce: string, version: string): void {
    this.sentNonce = nonce;
    this.sentVersion = version;
    this.outstanding = true;
  }

  acknowledged(): void {
    this.acknowledgedNonce = this.sentNonce;
    this.acknowledgedVersion = this.sentVersion;
    this.lastError = '';
    this.outstanding = false;
  }

  refused(message: string): void {
    this.lastError = message;
    this.outstanding = false;
  }
}

/** A state-of-the-world subscription: each request holds all names. */
export class SotwSubscription {
  readonly typeUrl: string;
  readonly #sent = new SentResponses();
  #names: ReadonlySet<string> = new Set();
  #known = false;
  #rewarm = false;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  /** Whether the proxy asked for everything of the type. */
  get wildcard(): boolean {
    return this.#known && WILDCARD_TYPES.has(this.typeUrl) && this.#names.size === 0;
  }

  /** The names asked for; empty for a wildcard. */
  get names(): ReadonlySet<string> {
    return this.#names;
  }

  /** Whether anything is subscribed. */
  get active(): boolean {
    return this.#known;
  }

  get status(): SubscriptionStatus {
    return this.#sent;
  }

  /** Makes the next acknowledgement of the same names be answered: clusters sent anew wait for their endpoints. */
  rewarm(): void {
    this.#rewarm = true;
  }

  /** Notes that a response went out. */
  sent(nonce: string, version: string): void {
    this.#sent.sent(nonce, version);
  }

  /** Classifies a request and takes over its names. */
  receive(request: SotwRequest): RequestOutcome {
    const nonce = request.responseNonce ?? '';
    if (request.errorDetail) return this.#refuse(nonce, request.errorDetail.message ?? 'no reason given');
    const names = request.resourceNames ?? [];
    if (names.length === 0 && !WILDCARD_TYPES.has(this.typeUrl)) return this.#unsubscribe(nonce);
    if (!this.#known || nonce === '') return this.#start(names, nonce !== '' || (request.versionInfo ?? '') !== '');
    if (nonce !== this.#sent.sentNonce) return { kind: 'stale' };
    this.#sent.acknowledged();
    return this.#change(new Set(names));
  }

  #refuse(nonce: string, error: string): RequestOutcome {
    if (nonce !== '' && nonce !== this.#sent.sentNonce) return { kind: 'stale' };
    this.#sent.refused(error);
    return { kind: 'nack', error };
  }

  #unsubscribe(nonce: string): RequestOutcome {
    if (nonce !== '' && nonce === this.#sent.sentNonce) this.#sent.acknowledged();
    this.#names = new Set();
    this.#known = false;
    return { kind: 'unsubscribed' };
  }

  #start(names: readonly string[], reconnect: boolean): RequestOutcome {
    this.#known = true;
    this.#names = new Set(names);
    return { kind: 'respond', reason: reconnect ? 'reconnect' : 'initial', names: this.wildcard ? 'wildcard' : [...this.#names] };
  }

  #change(names: ReadonlySet<string>): RequestOutcome {
    const before = this.#names;
    this.#names = names;
    const rewarm = this.#rewarm;
    this.#rewarm = false;
    if (rewarm) return { kind: 'respond', reason: 'rewarm', names: this.wildcard ? 'wildcard' : [...names] };
    // Listeners and clusters are answered whole: what a state-of-the-world answer lacks is removed.
    const added = [...names].filter((name) => !before.has(name));
    if (added.length > 0) return { kind: 'respond', reason: 'names-added', names: WILDCARD_TYPES.has(this.typeUrl) ? [...names] : added };
    return names.size === before.size ? { kind: 'ack' } : { kind: 'names-removed' };
  }
}

/** A delta subscription: requests hold changes of the names, and the versions held when a stream starts. */
export class DeltaSubscription {
  readonly typeUrl: string;
  readonly #sent = new SentResponses();
  readonly #names = new Set<string>();
  /** Versions the proxy holds, or will hold when it takes what was sent. */
  readonly #held = new Map<string, string>();
  #wildcard = false;
  #known = false;

  constructor(typeUrl: string) {
    this.typeUrl = typeUrl;
  }

  get wildcard(): boolean {
    return this.#wildcard;
  }

  get names(): ReadonlySet<string> {
    return this.#names;
  }

  get active(): boolean {
    return this.#known && (this.#wildcard || this.#names.size > 0);
  }

  get status(): SubscriptionStatus {
    return this.#sent;
  }

  /** Version of each resource the proxy holds, by name. */
  get held(): ReadonlyMap<string, string> {
    return this.#held;
  }

  /** Lets these resources be sent again, though the proxy holds them; gives whether any of them is subscribed and held. */
  sendAgain(names: Iterable<string>): boolean {
    let some = false;
    for (const name of names) {
      if (!this.#held.has(name)) continue;
      this.#held.set(name, '');
      some = true;
    }
    return some;
  }

  /** Notes that a response went out with these resources and removals. */
  sent(nonce: string, version: string, resources: Iterable<{ readonly name: string; readonly version: string }>, removed: Iterable<string>): void {
    this.#sent.sent(nonce, version);
    for (const resource of resources) this.#held.set(resource.name, resource.version);
    for (const name of removed) this.#held.delete(name);
  }

  /**
   * Of everything that the proxy should hold, what has to be sent and what removed. `complete` says that `resources` are all there are
   * of what is subscribed; otherwise only they are compared and nothing is removed.
   */
  difference<R extends { readonly name: string; readonly version: string }>(resources: readonly R[], complete: boolean): { readonly changed: readonly R[]; readonly removed: readonly string[] } {
    const changed = resources.filter((resource) => this.#held.get(resource.name) !== resource.version);
    if (!complete) return { changed, removed: [] };
    const present = new Set(resources.map((resource) => resource.name));
    return { changed, removed: [...this.#held.keys()].filter((name) => !present.has(name)) };
  }

  /** Classifies a request and takes over its changes of the names. */
  receive(request: DeltaRequest): RequestOutcome {
    const nonce = request.responseNonce ?? '';
    if (request.errorDetail) return this.#refuse(nonce, request.errorDetail.message ?? 'no reason given');
    const first = !this.#known;
    if (first) this.#start(request);
    else if (nonce !== '' && nonce === this.#sent.sentNonce) this.#sent.acknowledged();
    const added = this.#subscribe(request.resourceNamesSubscribe ?? [], first);
    const removed = this.#unsubscribe(request.resourceNamesUnsubscribe ?? []);
    if (first) return { kind: 'respond', reason: this.#held.size > 0 ? 'reconnect' : 'initial', names: this.#wildcard ? 'wildcard' : [...this.#names] };
    if (added.length > 0) return { kind: 'respond', reason: 'names-added', names: added.includes('*') ? 'wildcard' : added };
    if (removed) return this.active ? { kind: 'names-removed' } : { kind: 'unsubscribed' };
    return nonce === '' || nonce === this.#sent.sentNonce ? { kind: 'ack' } : { kind: 'stale' };
  }

  #refuse(nonce: string, error: string): RequestOutcome {
    if (nonce !== '' && nonce !== this.#sent.sentNonce) return { kind: 'stale' };
    this.#sent.refused(error);
    // What was refused is not held, so a later push sends it again; the names stay, so that a removal is still told.
    for (const name of this.#held.keys()) this.#held.set(name, '');
    return { kind: 'nack', error };
  }

  #start(request: DeltaRequest): void {
    this.#known = true;
    for (const [name, version] of Object.entries(request.initialResourceVersions ?? {})) this.#held.set(name, version);
  }

  /** An explicit subscription to a held name is an order to send it again. */
  #subscribe(names: readonly string[], first: boolean): readonly string[] {
    if (first && names.length === 0 && WILDCARD_TYPES.has(this.typeUrl)) this.#wildcard = true;
    for (const name of names) {
      if (name === '*') this.#wildcard = true;
      else this.#names.add(name);
      if (!first) this.#held.delete(name);
    }
    return names;
  }

  #unsubscribe(names: readonly string[]): boolean {
    for (const name of names) {
      if (name === '*') this.#wildcard = false;
      this.#names.delete(name);
      this.#held.delete(name);
    }
    return names.length > 0;
  }
}
