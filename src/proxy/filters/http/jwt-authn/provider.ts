// One provider at run time: checks a token in the order in which Envoy does, so that both say the same of a token with several faults.
import type { JwtProviderConfig } from '../../../config/jwt-authn-config.ts';
import { compileStringMatcher, type StringMatcher } from '../../../stream/string-matcher.ts';
import type { FilterServices } from '../../services.ts';
import { parseToken, type JsonWebToken } from './json-web-token.ts';
import type { KeySet } from './key-set.ts';
import { localKeys, remoteKeys, type Count, type KeySource } from './key-source.ts';
import type { JwtStatus } from './status.ts';
import type { FoundToken } from './token-locations.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** Told how a check ended; the token is given when it holds. */
export type TokenDone = (status: JwtStatus, token: JsonWebToken | null) => void;

/** Whether a token for `audiences` is for us. */
export type AudienceCheck = (audiences: readonly string[]) => boolean;

/** A token on its way to its provider: parsed, or remembered. */
export interface ReadToken { readonly text: string; readonly token: JsonWebToken; readonly verifiedBy: KeySet | null }

/** A provider. */
export class Provider {
  readonly config: JwtProviderConfig;
  readonly #keys: KeySource;
  readonly #tokens: VerifiedTokens;
  readonly #subjects: StringMatcher | null;
  readonly #audiences: AudienceCheck;
  readonly #count: Count;

  constructor(config: JwtProviderConfig, services: FilterServices, count: Count) {
    this.config = config;
    this.#keys = config.keys.kind === 'local' ? localKeys(config.keys.jwks) : remoteKeys(config.keys, services, count);
    this.#tokens = new VerifiedTokens(config.cacheSize);
    this.#subjects = config.subjects ? compileStringMatcher(config.subjects) : null;
    this.#audiences = compileAudiences(config.audiences);
    this.#count = count;
  }

  /** The token that a request brought, or what is wrong with its form. */
  read(found: FoundToken): ReadToken | JwtStatus {
    const keys = this.#keys.present;
    const known = keys ? this.#tokens.find(found.text, keys, nowSeconds() - this.config.clockSkewSeconds) : undefined;
    this.#count(known ? 'jwt_cache_hit' : 'jwt_cache_miss');
    if (known) return { text: found.text, token: known, verifiedBy: keys };
    const token = parseToken(found.text);
    return typeof token === 'string' ? token : { text: found.text, token, verifiedBy: null };
  }

  /** Checks a token; `audiences` may stand in for the provider's own. Returns the way to stop waiting. */
  check(read: ReadToken, audiences: AudienceCheck | null, done: (status: JwtStatus) => void): () => void {
    const wrong = this.#checkClaims(read.token, audiences ?? this.#audiences);
    if (wrong || read.verifiedBy) {
      done(wrong ?? 'ok');
      return () => undefined;
    }
    return this.#keys.get((keys, status) => {
      const verdict = keys ? keys.verify(read.token) : status;
      if (keys && verdict === 'ok') this.#tokens.add(read.text, read.token, keys);
      done(verdict);
    });
  }

  #checkClaims(token: JsonWebToken, audiences: AudienceCheck): JwtStatus | null {
    const { clockSkewSeconds } = this.config;
    const now = nowSeconds();
    if (this.#subjects && !this.#subjects(Buffer.from(token.subject, 'utf8').toString('latin1'))) return 'verification_failed';
    if (!this.#lifetimeAllowed(token, now)) return 'verification_failed';
    if (now + clockSkewSeconds < token.notBefore) return 'not_yet_valid';
    if (token.expires > 0 && now > token.expires + clockSkewSeconds) return 'expired';
    return audiences(token.audiences) ? null : 'audience_not_allowed';
  }

  #lifetimeAllowed({ expires }: JsonWebToken, now: number): boolean {
    const { requireExpiration, maximumLifetimeSeconds } = this.config;
    if (maximumLifetimeSeconds !== null) return expires > 0 && expires - now <= maximumLifetimeSeconds;
    return !requireExpiration || expires > 0;
  }
}

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Audiences are compared without scheme and closing slash; none asked for lets all pass. */
export function compileAudiences(audiences: readonly string[]): AudienceCheck {
  if (audiences.length === 0) return () => true;
  const wanted = new Set(audiences.map(plainAudience));
  return (given) => given.some((audience) => wanted.has(plainAudience(audience)));
}

function plainAudience(audience: string): string {
  return audience.replace(/^https?:\/\//, '').replace(/\/$/, '');
}
