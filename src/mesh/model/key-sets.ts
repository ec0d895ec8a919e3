// Where the keys of token issuers come from. The control plane fetches what is named here and gives the sets to the snapshot; translation looks them up by the same key.
import { parseDuration } from '../../shared/lib/index.ts';
import type { JwtRule } from '../../shared/api/security/request-authentication.ts';
import type { RequestAuthenticationRecord } from './snapshot.ts';

/** A key set that somebody must fetch. */
export interface KeySetSource {
  /** What its set is known by. */
  readonly key: string;
  readonly issuer: string;
  /** Empty: found by the issuer's OpenID configuration. */
  readonly uri: string;
  readonly timeoutMilliseconds: number;
}

const TIMEOUT_MILLISECONDS = 5000;

/** Where the keys of `rule` are fetched; undefined when it brings them itself. */
export function keySetSource(rule: JwtRule): KeySetSource | undefined {
  if (rule.jwks) return undefined;
  const { issuer = '', jwksUri: uri = '' } = rule;
  return { key: uri === '' ? `issuer ${issuer}` : `uri ${uri}`, issuer, uri, timeoutMilliseconds: parseDuration(rule.timeout ?? '') ?? TIMEOUT_MILLISECONDS };
}

/** The key sets that `records` need, each once, sorted. */
export function keySetSources(records: readonly Pick<RequestAuthenticationRecord, 'spec'>[]): readonly KeySetSource[] {
  const sources = new Map<string, KeySetSource>();
  for (const { spec } of records) for (const rule of spec.jwtRules ?? []) {
    const source = keySetSource(rule);
    if (source && !sources.has(source.key)) sources.set(source.key, source);
  }
  return [...sources.values()].sort((left, right) => (left.key < right.key ? -1 : 1));
}
