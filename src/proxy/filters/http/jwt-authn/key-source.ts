// Where a provider's keys come from: the configuration, or a cluster that serves them. Fetched keys are kept over changes of the configuration and beyond their time
// when a new fetch fails, since a key server that is down must not lock everybody out; Envoy refuses then. Many requests that wait share one fetch.
import type { RemoteJwksConfig } from '../../../config/jwt-authn-config.ts';
import { RequestHeaders } from '../../../stream/header-map.ts';
import { callCluster, type ClusterAnswer } from '../../cluster-call.ts';
import type { FilterServices } from '../../services.ts';
import { parseKeySet, type KeySet } from './key-set.ts';
import type { JwtStatus } from './status.ts';

/** Adds to a statistic of the filter. */
export type Count = (what: string) => void;

/** Told of the keys, or why there are none; possibly at once. */
export type KeysDone = (keys: KeySet | null, status: JwtStatus) => void;

/** Gives a provider's keys. */
export interface KeySource {
  /** Returns the way to stop waiting. */
  get(done: KeysDone): () => void;
  /** What `get` would give at once, if anything. */
  readonly present: KeySet | null;
}

const NOTHING = (): void => undefined;
const MAXIMUM_BYTES = 1024 * 1024;
const MAXIMUM_SOURCES = 256;
/** How long keys that could not be renewed are still believed; as long as Istio's control plane does. */
const KEPT_MILLISECONDS = 7 * 24 * 3_600_000;

/** Keys of the configuration. */
export function localKeys(jwks: string): KeySource {
  const keys = parseKeySet(jwks, true);
  return {
    present: keys,
    get(done) {
      done(keys, keys ? 'ok' : 'no_valid_keys');
      return NOTHING;
    },
  };
}

const sources = new WeakMap<FilterServices, Map<string, RemoteKeys>>();

/** Keys behind a cluster; filters with the same settings share them. */
export function remoteKeys(config: RemoteJwksConfig, services: FilterServices, count: Count): KeySource {
  let known = sources.get(services);
  if (!known) sources.set(services, known = new Map());
  const name = JSON.stringify(config);
  const source = known.get(name) ?? new RemoteKeys(config, services, count);
  known.delete(name);
  known.set(name, source);
  for (const oldest of known.keys()) {
    if (known.size <= MAXIMUM_SOURCES) break;
    known.delete(oldest);
  }
  if (config.early) source.renew();
  return source;
}

class RemoteKeys implements KeySource {
  readonly #config: RemoteJwksConfig;
  readonly #services: FilterServices;
  readonly #count: Count;
  readonly #waiting = new Set<KeysDone>();
  #keys: KeySet | null = null;
  #text = '';
  #renewed = -Infinity;
  #failed = -Infinity;
  #fetching = false;

  constructor(config: RemoteJwksConfig, services: FilterServices, count: Count) {
    this.#config = config;
    this.#services = services;
    this.#count = count;
  }

  get #age(): number {
    return this.#services.now() - this.#renewed;
  }

  get present(): KeySet | null {
    return this.#age < this.#config.cacheMilliseconds ? this.#keys : null;
  }

  get(done: KeysDone): () => void {
    const { present } = this;
    if (present) {
      // Early sources are renewed before their keys are old, so that no request waits.
      if (this.#config.early && this.#age > this.#config.cacheMilliseconds * 0.8) this.renew();
      done(present, 'ok');
      return NOTHING;
    }
    if (this.#failedLately) {
      this.#tell(done);
      return NOTHING;
    }
    this.#waiting.add(done);
    this.renew();
    return () => this.#waiting.delete(done);
  }

  /** Fetches the keys unless that is under way or has just failed. */
  renew(): void {
    if (this.#fetching || this.#failedLately) return;
    this.#fetching = true;
    this.#try(0);
  }

  get #failedLately(): boolean {
    return this.#services.now() - this.#failed < this.#config.failedRefetchMilliseconds;
  }

  #try(attempt: number): void {
    const { cluster, authority, path, scheme, timeoutMilliseconds } = this.#config;
    const headers = new RequestHeaders();
    headers.authority = authority;
    headers.path = path;
    headers.scheme = scheme;
    callCluster(this.#services, { cluster, headers, body: null, timeoutMilliseconds, maximumAnswerBytes: MAXIMUM_BYTES, protocol: 'HTTP/1.1' }, (answer) => {
      if (this.#take(answer)) this.#finish(true);
      else if (attempt < this.#config.retries) this.#tryLater(attempt);
      else this.#finish(false);
    });
  }

  #tryLater(attempt: number): void {
    const { backoffBaseMilliseconds, backoffMaximumMilliseconds } = this.#config;
    const pause = Math.min(backoffMaximumMilliseconds, backoffBaseMilliseconds * 2 ** attempt) * (0.5 + this.#services.random() / 2);
    setTimeout(() => this.#try(attempt + 1), pause).unref();
  }

  /** Whether an answer brought keys. The same ones again stay the same set, which tokens are remembered with. */
  #take(answer: ClusterAnswer | null): boolean {
    if (answer?.headers.status !== 200) return false;
    const text = answer.body.toString('utf8');
    const keys = text === this.#text && this.#keys ? this.#keys : parseKeySet(text, false);
    if (!keys) return false;
    this.#keys = keys;
    this.#text = text;
    this.#renewed = this.#services.now();
    return true;
  }

  #finish(success: boolean): void {
    this.#fetching = false;
    this.#failed = success ? -Infinity : this.#services.now();
    this.#count(success ? 'jwks_fetch_success' : 'jwks_fetch_failed');
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const done of waiting) this.#tell(done);
  }

  #tell(done: KeysDone): void {
    const usable = this.#keys && this.#age < KEPT_MILLISECONDS ? this.#keys : null;
    done(usable, usable ? 'ok' : 'fetch_failed');
  }
}
