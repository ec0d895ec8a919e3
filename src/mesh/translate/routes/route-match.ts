// A VirtualService's match as an Envoy route match, and whether a match is for this proxy at all.
import type { StringMatch } from '../../../shared/api/networking/virtual-service.ts';
import type { HeaderMatcher, QueryParameterMatcher, RouteMatch } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { MetadataMatcher } from '../../../shared/xds/generated/envoy/type/matcher/v3/metadata.ts';
import type { ModelHttpMatch } from '../../model/gateway-api-configuration.ts';
import { selects } from '../../model/policy-selection.ts';
import { claimMember, routingClaim } from '../security/claim-matchers.ts';
import { stringMatcher } from '../xds-values.ts';

/** Whom routes are made for: decides which matches count. */
export interface RouteAudience {
  /** `mesh`, or the gateways `namespace/name` that share the route configuration. */
  readonly gateways: readonly string[];
  readonly port: number;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Whether the conditions that are decided here and not by the proxy hold for `audience`. */
export function matchApplies(match: Pick<ModelHttpMatch, 'gateways' | 'port' | 'sourceLabels' | 'sourceNamespace'>, audience: RouteAudience): boolean {
  if (match.gateways?.length && !match.gateways.some((gateway) => audience.gateways.includes(gateway))) return false;
  if (match.port && match.port !== audience.port) return false;
  if (audience.gateways.includes('mesh')) {
    if (match.sourceNamespace && match.sourceNamespace !== audience.namespace) return false;
    if (match.sourceLabels && !selects(match.sourceLabels, audience.labels)) return false;
  }
  return true;
}

/** The route match of `match`; everything when it is absent. */
export function routeMatch(match: ModelHttpMatch | undefined): RouteMatch {
  if (!match) return { pathSpecifier: { $case: 'prefix', prefix: '/' } };
  const headers = headerMatchers(match);
  const dynamicMetadata = [...claimMatchers(match.headers, false), ...claimMatchers(match.withoutHeaders, true)];
  const queryParameters = queryMatchers(match);
  return {
    ...pathMatch(match.uri, match.ignoreUriCase === true, match.wholeElements === true),
    ...(headers.length > 0 ? { headers } : {}),
    ...(queryParameters.length > 0 ? { queryParameters } : {}),
    ...(dynamicMetadata.length > 0 ? { dynamicMetadata } : {}),
  };
}

function pathMatch(uri: StringMatch | undefined, ignoreCase: boolean, wholeElements: boolean): Pick<RouteMatch, 'pathSpecifier' | 'caseSensitive'> {
  const sensitivity = ignoreCase ? { caseSensitive: false } : {};
  if (uri?.exact !== undefined) return { pathSpecifier: { $case: 'path', path: uri.exact }, ...sensitivity };
  if (uri?.regex !== undefined) return { pathSpecifier: { $case: 'safeRegex', safeRegex: { regex: uri.regex } } };
  // Envoy takes no slash at the end of a prefix of whole elements.
  const elements = wholeElements ? uri?.prefix?.replace(/\/+$/, '') : undefined;
  if (elements) return { pathSpecifier: { $case: 'pathSeparatedPrefix', pathSeparatedPrefix: elements }, ...sensitivity };
  return { pathSpecifier: { $case: 'prefix', prefix: uri?.prefix ?? '/' }, ...(uri ? sensitivity : {}) };
}

function headerMatchers(match: ModelHttpMatch): HeaderMatcher[] {
  const matchers: HeaderMatcher[] = [];
  for (const [name, condition] of sorted(match.headers)) if (!routingClaim(name)) matchers.push(headerMatcher(name, condition));
  for (const [name, condition] of sorted(match.withoutHeaders)) if (!routingClaim(name)) matchers.push(withoutHeader(name, condition));
  if (match.method) matchers.push(headerMatcher(':method', match.method));
  if (match.authority) matchers.push(headerMatcher(':authority', match.authority));
  if (match.scheme) matchers.push(headerMatcher(':scheme', match.scheme));
  return matchers;
}

/** Conditions that are written as headers and mean claims of the request's token. */
function claimMatchers(conditions: Readonly<Record<string, StringMatch>> | undefined, invert: boolean): MetadataMatcher[] {
  return sorted(conditions).flatMap(([name, condition]) => {
    const claims = routingClaim(name);
    return claims ? [{ ...claimMember(claims, isPresence(condition) ? undefined : stringMatcher(condition)), ...(invert ? { invert } : {}) }] : [];
  });
}

function sorted(map: Readonly<Record<string, StringMatch>> | undefined): [string, StringMatch][] {
  return Object.entries(map ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** A condition without a value asks for the header's presence. */
function headerMatcher(name: string, condition: StringMatch): HeaderMatcher {
  return { name: name.toLowerCase(), headerMatchSpecifier: isPresence(condition) ? { $case: 'presentMatch', presentMatch: true } : { $case: 'stringMatch', stringMatch: stringMatcher(condition) } };
}

/** Absence of a header, or of a value in it: a missing header has no value, so it counts as absent. */
function withoutHeader(name: string, condition: StringMatch): HeaderMatcher {
  const matcher = headerMatcher(name, condition);
  return isPresence(condition) ? { ...matcher, invertMatch: true } : { ...matcher, invertMatch: true, treatMissingHeaderAsEmpty: true };
}

function isPresence(condition: StringMatch): boolean {
  return condition.exact === undefined && !condition.prefix && (condition.regex === undefined || condition.regex === '*' || condition.regex === '');
}

function queryMatchers(match: ModelHttpMatch): QueryParameterMatcher[] {
  return sorted(match.queryParams).map(([name, condition]) => ({
    name,
    queryParameterMatchSpecifier: isPresence(condition) ? { $case: 'presentMatch', presentMatch: true } : { $case: 'stringMatch', stringMatch: stringMatcher(condition) },
  }));
}
