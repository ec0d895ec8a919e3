// The string forms of AuthorizationPolicy as Envoy matchers: exact, `prefix*`, `*suffix`, `*` for presence.
import type { Permission, Principal } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { HeaderMatcher } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { CidrRange } from '../../../shared/xds/generated/envoy/config/core/v3/address.ts';
import type { StringMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/string.ts';

/** A matcher of one value; `prefix` stands before what the policy writes (`spiffe://`). */
export function valueMatcher(value: string, prefix = '', ignoreCase = false): StringMatcher {
  const options = ignoreCase ? { ignoreCase } : {};
  if (value === '*') return { matchPattern: { $case: 'safeRegex', safeRegex: { regex: '.+' } } };
  if (value.startsWith('*')) return { matchPattern: { $case: 'suffix', suffix: value.slice(1) }, ...options };
  if (value.endsWith('*')) return { matchPattern: { $case: 'prefix', prefix: `${prefix}${value.slice(0, -1)}` }, ...options };
  return { matchPattern: { $case: 'exact', exact: `${prefix}${value}` }, ...options };
}

/** A matcher of a header's value, or of its presence. */
export function headerMatcher(name: string, value: string, ignoreCase = false): HeaderMatcher {
  if (value === '*') return { name, headerMatchSpecifier: { $case: 'presentMatch', presentMatch: true } };
  return { name, headerMatchSpecifier: { $case: 'stringMatch', stringMatch: valueMatcher(value, '', ignoreCase) } };
}

/** A regular expression that matches exactly `text`. */
export function quoteRegex(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** An address or block as a range. */
export function cidrRange(block: string): CidrRange {
  const [addressPrefix = '', length] = block.split('/');
  return { addressPrefix, prefixLen: length === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(length) };
}

/** Always true. */
export const ANY_PERMISSION: Permission = { rule: { $case: 'any', any: true } };
/** Always true. */
export const ANY_PRINCIPAL: Principal = { identifier: { $case: 'any', any: true } };

/** All of `rules`; one alone needs no wrapper. */
export function allPermissions(rules: readonly Permission[]): Permission {
  return rules.length === 0 ? ANY_PERMISSION : { rule: { $case: 'andRules', andRules: { rules: [...rules] } } };
}

/** Any of `rules`. */
export function anyPermission(rules: readonly Permission[]): Permission {
  return { rule: { $case: 'orRules', orRules: { rules: [...rules] } } };
}

/** Not `rule`. */
export function notPermission(notRule: Permission): Permission {
  return { rule: { $case: 'notRule', notRule } };
}

/** All of `ids`. */
export function allPrincipals(ids: readonly Principal[]): Principal {
  return ids.length === 0 ? ANY_PRINCIPAL : { identifier: { $case: 'andIds', andIds: { ids: [...ids] } } };
}

/** Any of `ids`. */
export function anyPrincipal(ids: readonly Principal[]): Principal {
  return { identifier: { $case: 'orIds', orIds: { ids: [...ids] } } };
}

/** Not `id`. */
export function notPrincipal(notId: Principal): Principal {
  return { identifier: { $case: 'notId', notId } };
}
