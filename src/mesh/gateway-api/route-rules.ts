// Rules of HTTPRoutes and GRPCRoutes as the model's routes, one a match. Called for each listener, because redirects and
// answers depend on its port, and for each Service that a route is bound to.
import type { FilteredBackendReference, GRPCRoute, HTTPRoute, HttpRouteRule } from '../../shared/api/gateway-api/http-route.ts';
import { GATEWAY_API_GROUP } from '../../shared/api/gateway-api/shared.ts';
import type { HttpRetry, HttpRouteDestination } from '../../shared/api/networking/virtual-service.ts';
import type { ModelHttpRoute } from '../model/gateway-api-configuration.ts';
import type { Backends } from './backends.ts';
import type { RankedRoute } from './ranked-route.ts';
import { corsOf, headersOf, mirrorsOf, redirectOf, rewriteOf } from './route-filters.ts';
import { matchesCompile, ruleFault } from './rule-fault.ts';
import { grpcMatch, httpMatch, type RankedMatch } from './route-matches.ts';

/** Where routes are made for. */
export interface RoutePlace {
  /** Port of the listener, which redirects keep; a mesh keeps what the client asked for. */
  readonly listenerPort: number | undefined;
}

/** A rule of either kind without its conditions. */
type RuleFields = Omit<HttpRouteRule, 'matches'>;

/** The ranked routes of every rule. */
export function routesOf(owner: HTTPRoute | GRPCRoute, backends: Backends, place: RoutePlace): RankedRoute[] {
  const rules: readonly RuleFields[] = owner.spec.rules ?? [];
  return rules.flatMap((rule, index) => {
    if (!matchesCompile(rule)) return [];
    const matches = matchesOf(owner, index);
    const label = rule.name ?? String(index);
    const base = ruleRoute(owner, rule, backends);
    return matches.map(({ match, rank, prefix }, position): RankedRoute => ({
      owner,
      rank,
      rule: index,
      match: position,
      route: { name: `${owner.metadata.namespace ?? ''}.${owner.metadata.name}.${label}`, ...base, match: [match], ...pathFields(rule, prefix, place) },
    }));
  });
}

function matchesOf(owner: HTTPRoute | GRPCRoute, index: number): readonly RankedMatch[] {
  if (owner.kind === 'HTTPRoute') {
    const conditions = owner.spec.rules?.[index]?.matches;
    return (conditions?.length ? conditions : [{}]).map(httpMatch);
  }
  const conditions = owner.spec.rules?.[index]?.matches;
  return (conditions?.length ? conditions : [{}]).map(grpcMatch);
}

const API_PATH: Readonly<Record<'HTTPRoute' | 'GRPCRoute', string>> = { HTTPRoute: 'httproutes', GRPCRoute: 'grpcroutes' };

/** What does not depend on the match: backends, headers, limits. */
function ruleRoute(owner: HTTPRoute | GRPCRoute, rule: RuleFields, backends: Backends): ModelHttpRoute {
  // A gRPC client reads 503 as UNAVAILABLE, which the API asks for; others are told 500.
  const failure = owner.kind === 'GRPCRoute' ? 503 : 500;
  const source = `/apis/${GATEWAY_API_GROUP}/v1/namespaces/${owner.metadata.namespace ?? ''}/${API_PATH[owner.kind]}/${owner.metadata.name}`;
  const tryTimeout = limit(rule.timeouts?.backendRequest);
  const gatewayApi = { source, missingBackendStatus: failure, ...(tryTimeout ? { tryTimeout } : {}) } as const;
  if (ruleFault(rule)) return { gatewayApi, directResponse: { status: failure } };
  const headers = headersOf(rule.filters);
  const cors = corsOf(rule.filters);
  const shared = { ...(headers ? { headers } : {}), ...(cors ? { corsPolicy: cors } : {}), gatewayApi };
  if (rule.filters?.some(({ type }) => type === 'RequestRedirect')) return shared;
  const destinations = destinationsOf(rule.backendRefs ?? [], backends);
  const mirrors = mirrorsOf(rule.filters, backends);
  if (destinations.length === 0) return { ...shared, directResponse: { status: failure } };
  const timeout = limit(rule.timeouts?.request);
  const retries = retriesOf(rule);
  return { ...shared, route: destinations, ...(mirrors.length > 0 ? { mirrors } : {}), ...(timeout ? { timeout } : {}), ...(retries ? { retries } : {}) };
}

/** Zero means no limit. */
function limit(duration: string | undefined): string | undefined {
  return duration === undefined || /^[0hms.]+$/.test(duration) ? undefined : duration;
}

/** Destinations by weight. One that can not be used keeps its share as a destination without host; none is left when all are so. */
function destinationsOf(references: readonly FilteredBackendReference[], backends: Backends): HttpRouteDestination[] {
  const all = references.map((reference) => ({ reference, destination: backends.destination(reference), weight: reference.weight ?? 1 }));
  const weighted = all.filter(({ weight }) => weight > 0);
  if (weighted.every(({ destination }) => destination === undefined)) return [];
  return weighted.map(({ reference, destination, weight }) => {
    const headers = headersOf(reference.filters);
    return { destination: destination ?? { host: '' }, weight, ...(headers ? { headers } : {}) };
  });
}

function retriesOf({ retry }: RuleFields): HttpRetry | undefined {
  if (!retry) return undefined;
  const conditions = ['connect-failure', 'refused-stream', 'reset', ...(retry.codes ?? []).map(String)];
  return { retryOn: conditions.join(','), ...(retry.attempts !== undefined ? { attempts: retry.attempts } : {}), ...(retry.backoff ? { backoff: retry.backoff } : {}) };
}

/** Redirect and rewrite: what they do depends on the prefix that matched. */
function pathFields(rule: RuleFields, prefix: string, place: RoutePlace): Pick<ModelHttpRoute, 'redirect' | 'rewrite'> {
  if (ruleFault(rule)) return {};
  const redirect = redirectOf(rule.filters, prefix, place.listenerPort);
  if (redirect) return { redirect };
  const rewrite = rewriteOf(rule.filters, prefix);
  return rewrite ? { rewrite } : {};
}
