// Tests on the claims of a validated token, where the JWT filter leaves them: for access rules, and for routes of gateways.
import type { MetadataMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { StringMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import type { ValueMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/value.ts';
import { JWT_FILTER, JWT_PAYLOAD } from './jwt.ts';

function metadata(claims: readonly string[], value: ValueMatcher): MetadataMatcher {
  return { filter: JWT_FILTER, path: [JWT_PAYLOAD, ...claims].map((key) => ({ segment: { $case: 'key', key } })), value };
}

/** The claim is a string that passes. */
export function claimText(claim: string, matcher: StringMatcher): MetadataMatcher {
  return metadata([claim], { matchPattern: { $case: 'stringMatch', stringMatch: matcher } });
}

/** The claim, which may be nested, is a string that passes or a list with one; without a test it need only be there. */
export function claimMember(claims: readonly string[], matcher: StringMatcher | undefined): MetadataMatcher {
  if (!matcher) return metadata(claims, { matchPattern: { $case: 'presentMatch', presentMatch: true } });
  const text: ValueMatcher = { matchPattern: { $case: 'stringMatch', stringMatch: matcher } };
  return metadata(claims, { matchPattern: { $case: 'orMatch', orMatch: { valueMatchers: [{ matchPattern: { $case: 'listMatch', listMatch: { matchPattern: { $case: 'oneOf', oneOf: text } } } }, text] } } });
}

const ROUTING_CLAIM = '@request.auth.claims';

/** The claim that a header condition of a route means by `@request.auth.claims.a.b` or `@request.auth.claims[a][b]`; undefined for a header. */
export function routingClaim(name: string): readonly string[] | undefined {
  if (!name.toLowerCase().startsWith(ROUTING_CLAIM)) return undefined;
  const rest = name.slice(ROUTING_CLAIM.length);
  if (/^\..+/.test(rest)) return rest.slice(1).split('.');
  return /^\[.+\]$/.test(rest) ? rest.slice(1, -1).split('][') : undefined;
}
