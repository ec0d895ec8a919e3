// What makes a rule unusable as a whole: a filter that can not be done, or text that may not become part of a message or a pattern.
// Proxies refuse a whole route table for one such text, so it is kept out here, rule by rule, and requests that the rule matches are refused.
import type { HttpRouteRule, NamedValueMatch, RouteFilter } from '../../shared/api/gateway-api/http-route.ts';
import { checkRegex, Findings } from '../../shared/api/networking/validation-rules.ts';
import { checkAuthority, checkChangedHeader, checkTarget } from '../../shared/api/networking/wire-text.validation.ts';
import type { Fault } from './conditions.ts';

/** A rule of either kind of HTTP route. */
export interface CheckedRule extends Pick<HttpRouteRule, 'filters' | 'backendRefs'> {
  readonly matches?: readonly { readonly path?: { readonly type?: string | undefined; readonly value?: string | undefined } | undefined; readonly headers?: readonly NamedValueMatch[] | undefined; readonly queryParams?: readonly NamedValueMatch[] | undefined; readonly method?: unknown }[] | undefined;
}

const RULE_FILTERS = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier', 'RequestMirror', 'RequestRedirect', 'URLRewrite', 'CORS']);
const BACKEND_FILTERS = new Set(['RequestHeaderModifier', 'ResponseHeaderModifier']);

/** Why a rule can not be served as it is written. */
export function ruleFault(rule: CheckedRule): Fault | undefined {
  return filterFault(rule) ?? textFault(rule);
}

/** Whether the conditions of a rule can be compiled; where they can not, nothing tells which requests it is about, and it is left out. */
export function matchesCompile(rule: CheckedRule): boolean {
  const findings = new Findings();
  checkMatches(rule, findings);
  return findings.issues.length === 0;
}

function filterFault(rule: CheckedRule): Fault | undefined {
  const odd = rule.filters?.find(({ type }) => !RULE_FILTERS.has(type));
  if (odd) return { reason: 'UnsupportedValue', message: `Filters of type ${odd.type} are not supported. Requests that the rule matches are refused.` };
  const backend = (rule.backendRefs ?? []).flatMap(({ filters }) => filters ?? []).find(({ type }) => !BACKEND_FILTERS.has(type));
  if (backend) return { reason: 'UnsupportedValue', message: `Filters of type ${backend.type} are not supported on a backend. Put it on the rule.` };
  const types = new Set(rule.filters?.map(({ type }) => type));
  if (types.has('RequestRedirect') && types.has('URLRewrite')) return { reason: 'IncompatibleFilters', message: 'A rule can not both redirect and rewrite.' };
  return undefined;
}

function textFault(rule: CheckedRule): Fault | undefined {
  const findings = new Findings();
  checkMatches(rule, findings);
  for (const filter of [...(rule.filters ?? []), ...(rule.backendRefs ?? []).flatMap(({ filters }) => filters ?? [])]) checkFilter(filter, findings);
  const [first] = findings.issues;
  return first && { reason: 'UnsupportedValue', message: `${first.path}: ${first.message}` };
}

function checkMatches({ matches }: CheckedRule, findings: Findings): void {
  for (const { path, headers, queryParams, method } of matches ?? []) {
    if (path?.type === 'RegularExpression') checkRegex(path.value ?? '', 'matches.path', findings);
    for (const { name, type, value } of [...(headers ?? []), ...(queryParams ?? [])]) if (type === 'RegularExpression') checkRegex(value, `matches.${name}`, findings);
    if (typeof method === 'object' && method !== null) checkMethod(method, findings);
  }
}

/** The condition of a GRPCRoute on service and method. */
function checkMethod({ type, service, method }: { readonly type?: unknown; readonly service?: unknown; readonly method?: unknown }, findings: Findings): void {
  if (type !== 'RegularExpression') return;
  if (typeof service === 'string') checkRegex(service, 'matches.method.service', findings);
  if (typeof method === 'string') checkRegex(method, 'matches.method.method', findings);
}

function checkFilter({ requestHeaderModifier, responseHeaderModifier, requestRedirect, urlRewrite }: RouteFilter, findings: Findings): void {
  for (const { set, add, remove } of [requestHeaderModifier ?? {}, responseHeaderModifier ?? {}]) {
    for (const { name, value } of [...(set ?? []), ...(add ?? [])]) {
      checkChangedHeader(name, `filters.${name}`, findings);
      if (/[^\t\P{Cc}]/u.test(value)) findings.error(`filters.${name}`, 'A header value can not hold control characters.');
    }
    for (const name of remove ?? []) checkChangedHeader(name, `filters.${name}`, findings);
  }
  for (const change of [requestRedirect, urlRewrite]) {
    checkAuthority(change?.hostname, 'filters.hostname', findings);
    checkTarget(change?.path?.replaceFullPath, 'filters.path', findings);
    checkTarget(change?.path?.replacePrefixMatch, 'filters.path', findings);
  }
}
