// Fetches the key sets that RequestAuthentications name, keeps them fresh, and keeps the last good one when a fetch fails; proxies get them inline, so that they need no
// way to the issuers themselves. As in Istio: every 20 minutes, after a failure sooner, and what failed for a week is believed no longer.
import type { IstioObject } from '../../shared/api/istio-kinds.ts';
import { Backoff, describeError, Table, warningIssue, type Issue, type ReadonlyTable } from '../../shared/lib/index.ts';
import { createLogger, programMetrics } from '../../shared/observability/index.ts';
import { keySetSources, type KeySetSource } from '../../mesh/index.ts';
import { trustedAuthorities } from './authorities.ts';
import { blockedAddresses, fetchDocument } from './fetch-document.ts';
import { keySetAddress, publicKeySet } from './public-key-set.ts';

/** Settings of the resolver. */
export interface KeySetResolverOptions {
  readonly refreshMilliseconds: number;
  /** Address ranges (CIDR) that are never asked, beside those of metadata services. */
  readonly blockedRanges: readonly string[];
  readonly retryMilliseconds?: number;
  /** Further authorities of servers, PEM. */
  readonly extraAuthoritiesFile?: string;
  /** How long the start waits for the first answers. */
  readonly startMilliseconds?: number;
}

/** What is known of a source: its key set, or null when it could not be had yet. */
export type KeySetState = { readonly keys: string | null };

const EXTRA_AUTHORITIES = '/cacerts/extra.pem';
const KEPT_MILLISECONDS = 7 * 24 * 3_600_000;
const START_MILLISECONDS = 10_000;
const RETRY = { initialMilliseconds: 1000, maximumMilliseconds: 60_000 };
const MAXIMUM_SOURCES = 1000;
const MAXIMUM_FETCHES = 8;

const fetched = programMetrics.counter('pilot_jwks_resolver_network_fetch_success_total', 'Key sets and OpenID configurations that were fetched.');
const failed = programMetrics.counter('pilot_jwks_resolver_network_fetch_fail_total', 'Key sets and OpenID configurations that could not be fetched.');

interface Followed {
  source: KeySetSource;
  readonly backoff: Backoff;
  renewedAt: number;
  error: string;
  timer: NodeJS.Timeout | undefined;
}

/** Follows the key sets of issuers. */
export class KeySetResolver {
  readonly name = 'key sets';
  readonly #config: ReadonlyTable<string, IstioObject>;
  readonly #options: KeySetResolverOptions;
  readonly #blocked: ReturnType<typeof blockedAddresses>;
  readonly #authorities: () => string[];
  readonly #table = new Table<string, KeySetState>();
  readonly #followed = new Map<string, Followed>();
  readonly #log = createLogger('key-sets');
  #waiting: (() => void)[] = [];
  #running = 0;
  #detach: (() => void) | undefined;

  /** Throws when a blocked range is none. */
  constructor(config: ReadonlyTable<string, IstioObject>, options: KeySetResolverOptions) {
    this.#config = config;
    this.#options = options;
    this.#blocked = blockedAddresses(options.blockedRanges);
    this.#authorities = trustedAuthorities(options.extraAuthoritiesFile ?? EXTRA_AUTHORITIES);
  }

  /** What is known, by `KeySetSource.key`; a source that was never tried has no entry. */
  get table(): ReadonlyTable<string, KeySetState> {
    return this.#table;
  }

  /** The sources that fail, and whether their last keys are still in force. */
  get issues(): readonly Issue[] {
    return [...this.#followed.values()].filter(({ error }) => error !== '').map(({ source, error }) => warningIssue('MESH_KEY_SET_UNAVAILABLE', '',
      `The keys of ${source.uri === '' ? `issuer ${source.issuer}` : source.uri} can not be fetched (${error}); ${this.#table.get(source.key)?.keys ? 'the last ones stay in force' : 'every token of it is refused'}. Check the address and the way there from the control plane.`));
  }

  /** Follows what is named, and waits until each source was tried once: proxies must not be told to refuse good tokens because this program has just started. */
  async start(): Promise<void> {
    this.#detach = this.#config.subscribe((keys) => {
      if ([...keys].some((key) => key.startsWith('RequestAuthentication/'))) void Promise.all(this.#follow());
    });
    const tried = Promise.all(this.#follow());
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, this.#options.startMilliseconds ?? START_MILLISECONDS)));
    await Promise.race([tried, limit]);
    clearTimeout(timer);
    // Whoever has not answered by now is waited for no longer: its tokens are refused until it does, rather than not looked at.
    for (const key of this.#followed.keys()) if (!this.#table.has(key)) this.#table.set(key, { keys: null });
  }

  async stop(): Promise<void> {
    this.#detach?.();
    for (const { timer } of this.#followed.values()) clearTimeout(timer);
    this.#followed.clear();
  }

  /** Brings what is followed to what is named now; gives the first tries of what is new. */
  #follow(): Promise<void>[] {
    const named = keySetSources([...this.#config.values()].filter((object) => object.kind === 'RequestAuthentication'));
    if (named.length > MAXIMUM_SOURCES) this.#log.error({ named: named.length, followed: MAXIMUM_SOURCES }, 'too many key sets are named; tokens of the rest are refused');
    const wanted = new Map(named.slice(0, MAXIMUM_SOURCES).map((source) => [source.key, source]));
    for (const { key } of named.slice(MAXIMUM_SOURCES)) this.#table.set(key, { keys: null });
    for (const [key, { timer }] of this.#followed) {
      if (wanted.has(key)) continue;
      clearTimeout(timer);
      this.#followed.delete(key);
      this.#table.delete(key);
    }
    return [...wanted.values()].flatMap((source) => {
      const present = this.#followed.get(source.key);
      if (present) {
        present.source = source;
        return [];
      }
      const { retryMilliseconds = RETRY.initialMilliseconds } = this.#options;
      const followed: Followed = { source, backoff: new Backoff({ ...RETRY, initialMilliseconds: retryMilliseconds }), renewedAt: 0, error: '', timer: undefined };
      this.#followed.set(source.key, followed);
      return [this.#renew(followed)];
    });
  }

  /** Fetches once, and says when to do so again. Never rejects. */
  async #renew(followed: Followed): Promise<void> {
    const { source } = followed;
    let pause = this.#options.refreshMilliseconds;
    try {
      const keys = await this.#limited(() => this.#fetch(source));
      if (this.#followed.get(source.key) !== followed) return;
      followed.backoff.reset();
      followed.renewedAt = Date.now();
      followed.error = '';
      if (this.#table.set(source.key, { keys })) this.#log.info({ issuer: source.issuer, address: source.uri }, 'key set in force');
    } catch (error) {
      if (this.#followed.get(source.key) !== followed) return;
      followed.error = describeError(error);
      pause = Math.min(followed.backoff.next(), this.#options.refreshMilliseconds);
      const kept = Date.now() - followed.renewedAt < KEPT_MILLISECONDS ? this.#table.get(source.key)?.keys ?? null : null;
      this.#table.set(source.key, { keys: kept });
      this.#log.warn({ issuer: source.issuer, address: source.uri, error: followed.error, lastGoodInForce: kept !== null }, 'the key set can not be fetched');
    }
    followed.timer = setTimeout(() => void this.#renew(followed), pause);
    followed.timer.unref();
  }

  async #fetch(source: KeySetSource): Promise<string> {
    const get = async (address: string): Promise<string> => {
      try {
        const document = await fetchDocument(address, { timeoutMilliseconds: source.timeoutMilliseconds, blocked: this.#blocked, authorities: this.#authorities });
        fetched.add({});
        return document;
      } catch (error) {
        failed.add({});
        throw error;
      }
    };
    const address = source.uri === '' ? keySetAddress(await get(`${source.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`)) : source.uri;
    return publicKeySet(await get(address));
  }

  async #limited<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MAXIMUM_FETCHES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running += 1;
    try {
      return await work();
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}
