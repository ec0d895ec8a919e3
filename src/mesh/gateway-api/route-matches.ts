// Conditions of HTTPRoutes and GRPCRoutes as the model's, each with its rank.
import type { GrpcRouteMatch, HttpRouteMatch, NamedValueMatch } from '../../shared/api/gateway-api/http-route.ts';
import type { StringMatch } from '../../shared/api/networking/virtual-service.ts';
import type { ModelHttpMatch } from '../model/gateway-api-configuration.ts';

/** A condition and its rank. */
export interface RankedMatch {
  readonly match: ModelHttpMatch;
  readonly rank: readonly number[];
  /** The path prefix that a rewrite replaces; `/` unless the match is by prefix. */
  readonly prefix: string;
}

const EXACT = 3;
const PATTERN = 2;
const PREFIX = 1;

/** A condition of an HTTPRoute; none matches everything. */
export function httpMatch(condition: HttpRouteMatch): RankedMatch {
  const { type = 'PathPrefix', value = '/' } = condition.path ?? {};
  const named = namedConditions(condition.headers, condition.queryParams);
  const rank = (kind: number): number[] => [kind, value.length, condition.method ? 1 : 0, named.headerCount, named.queryCount];
  const match = { ...named.fields, ...(condition.method ? { method: { exact: condition.method } } : {}) };
  if (type === 'Exact') return { match: { uri: { exact: value }, ...match }, rank: rank(EXACT), prefix: '/' };
  if (type === 'RegularExpression') return { match: { uri: { regex: value }, ...match }, rank: rank(PATTERN), prefix: '/' };
  const prefix = value.replace(/\/+$/, '') || '/';
  const [, , ...rest] = rank(PREFIX);
  return { match: { uri: { prefix }, ...(prefix === '/' ? {} : { wholeElements: true as const }), ...match }, rank: [PREFIX, prefix.length, ...rest], prefix };
}

/** A condition of a GRPCRoute: service and method are the two elements of the path. */
export function grpcMatch(condition: GrpcRouteMatch): RankedMatch {
  const { type = 'Exact', service, method } = condition.method ?? {};
  const { fields, headerCount } = namedConditions(condition.headers, undefined);
  const make = (uri: StringMatch, kind: number, length: number): RankedMatch => ({ match: { uri, ...fields }, rank: [kind, length, 0, headerCount, 0], prefix: '/' });
  if (!service && !method) return make({ prefix: '/' }, PREFIX, 1);
  if (type === 'RegularExpression') return make({ regex: `/${service || '[^/]+'}/${method || '[^/]+'}` }, PATTERN, (service ?? '').length + (method ?? '').length);
  if (service && method) return make({ exact: `/${service}/${method}` }, EXACT, service.length + method.length);
  if (service) return make({ prefix: `/${service}/` }, PREFIX, service.length + 2);
  // A method of any service is narrower than everything and wider than any service.
  return make({ regex: `/[^/]+/${quotePattern(method ?? '')}` }, PREFIX, 1.5);
}

/** Text that matches itself in a regular expression. */
export function quotePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

interface NamedConditions {
  readonly fields: Pick<ModelHttpMatch, 'headers' | 'queryParams'>;
  readonly headerCount: number;
  readonly queryCount: number;
}

/** Of several conditions on one header or parameter only the first counts. */
function namedConditions(headers: readonly NamedValueMatch[] | undefined, queryParameters: readonly NamedValueMatch[] | undefined): NamedConditions {
  const byHeader = firstByName(headers ?? [], (name) => name.toLowerCase());
  const byParameter = firstByName(queryParameters ?? [], (name) => name);
  return {
    fields: { ...(headers?.length ? { headers: byHeader } : {}), ...(queryParameters?.length ? { queryParams: byParameter } : {}) },
    headerCount: Object.keys(byHeader).length,
    queryCount: Object.keys(byParameter).length,
  };
}

function firstByName(conditions: readonly NamedValueMatch[], nameOf: (name: string) => string): Record<string, StringMatch> {
  const found: Record<string, StringMatch> = {};
  for (const { name, type, value } of conditions) found[nameOf(name)] ??= type === 'RegularExpression' ? { regex: value } : { exact: value };
  return found;
}
