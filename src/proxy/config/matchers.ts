// Tests on strings and headers (envoy.type.matcher.v3.StringMatcher, envoy.config.route.v3.HeaderMatcher).
import type { HeaderMatcher, QueryParameterMatcher } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { StringMatcher } from '../../shared/xds/generated/envoy/type/matcher/v3/string.ts';
import { join, type Findings } from './findings.ts';
import type { HeaderMatchConfig, RouteMatchConfig } from './route-config.ts';
import type { StringMatchConfig } from './runtime-config.ts';
import { regex } from './values.ts';

/** A string matcher. */
export function stringMatch(matcher: StringMatcher | undefined, path: string, findings: Findings): StringMatchConfig {
  const ignoreCase = matcher?.ignoreCase ?? false;
  const pattern = matcher?.matchPattern;
  switch (pattern?.$case) {
    case 'exact': return { kind: 'exact', value: pattern.exact, ignoreCase };
    case 'prefix': return { kind: 'prefix', value: nonEmpty(pattern.prefix, join(path, 'prefix'), findings), ignoreCase };
    case 'suffix': return { kind: 'suffix', value: nonEmpty(pattern.suffix, join(path, 'suffix'), findings), ignoreCase };
    case 'contains': return { kind: 'contains', value: nonEmpty(pattern.contains, join(path, 'contains'), findings), ignoreCase };
    case 'safeRegex': return { kind: 'regex', regex: regex(pattern.safeRegex, join(path, 'safe_regex'), findings) };
    default:
      findings.refuse(path, 'The string matcher has no form that this proxy knows (exact, prefix, suffix, contains, safe_regex).');
      return { kind: 'exact', value: '', ignoreCase };
  }
}

function nonEmpty(value: string, path: string, findings: Findings): string {
  if (value === '') findings.refuse(path, 'An empty value is not allowed here.');
  return value;
}

/** A header matcher; without a form it asks for presence. */
export function headerMatch(matcher: HeaderMatcher, path: string, findings: Findings): HeaderMatchConfig {
  const name = (matcher.name ?? '').toLowerCase();
  if (name === '') findings.refuse(join(path, 'name'), 'A header name is needed.');
  const form = matcher.headerMatchSpecifier;
  const absent = form?.$case === 'presentMatch' && !form.presentMatch;
  return {
    name,
    match: headerForm(form, path, findings),
    invert: (matcher.invertMatch ?? false) !== absent,
    treatMissingAsEmpty: matcher.treatMissingHeaderAsEmpty ?? false,
  };
}

function headerForm(form: HeaderMatcher['headerMatchSpecifier'], path: string, findings: Findings): HeaderMatchConfig['match'] {
  switch (form?.$case) {
    case 'stringMatch': return stringMatch(form.stringMatch, join(path, 'string_match'), findings);
    case 'exactMatch': return { kind: 'exact', value: form.exactMatch, ignoreCase: false };
    case 'prefixMatch': return { kind: 'prefix', value: form.prefixMatch, ignoreCase: false };
    case 'suffixMatch': return { kind: 'suffix', value: form.suffixMatch, ignoreCase: false };
    case 'containsMatch': return { kind: 'contains', value: form.containsMatch, ignoreCase: false };
    case 'safeRegexMatch': return { kind: 'regex', regex: regex(form.safeRegexMatch, join(path, 'safe_regex_match'), findings) };
    case 'rangeMatch': return { kind: 'range', start: form.rangeMatch.start ?? 0, end: form.rangeMatch.end ?? 0 };
    default: return { kind: 'present' };
  }
}

/** A list of header matchers. */
export function headerMatches(matchers: readonly HeaderMatcher[] | undefined, path: string, findings: Findings): readonly HeaderMatchConfig[] {
  return (matchers ?? []).map((matcher, index) => headerMatch(matcher, `${path}[${index}]`, findings));
}

/** Query parameter matchers; without a form they ask for presence. */
export function queryMatches(matchers: readonly QueryParameterMatcher[] | undefined, path: string, findings: Findings): RouteMatchConfig['queryParameters'] {
  return (matchers ?? []).map((matcher, index) => {
    const form = matcher.queryParameterMatchSpecifier;
    if (form?.$case === 'presentMatch' && !form.presentMatch) findings.refuse(`${path}[${index}].present_match`, 'Asking for the absence of a query parameter is not supported by this proxy.');
    return {
      name: matcher.name ?? '',
      match: form?.$case === 'stringMatch' ? stringMatch(form.stringMatch, `${path}[${index}].string_match`, findings) : { kind: 'present' as const },
    };
  });
}
