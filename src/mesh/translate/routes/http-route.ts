// One route of a VirtualService as Envoy routes, one a match. Names and metadata as Istio's, so that logs, metrics and
// other peers see the same.
import type { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import type { ConsistentHashLb } from '../../../shared/api/networking/destination-rule.ts';
import type { Destination, HeaderManipulation } from '../../../shared/api/networking/virtual-service.ts';
import { HeaderValueOption_HeaderAppendAction, type HeaderValueOption } from '../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { RedirectAction_RedirectResponseCode, RouteAction_ClusterNotFoundResponseCode, type RedirectAction, type Route, type RouteAction, type RouteAction_HashPolicy, type RouteAction_RequestMirrorPolicy, type WeightedCluster_ClusterWeight } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { BLACK_HOLE_CLUSTER, outboundClusterName } from '../../../shared/xds/index.ts';
import { decodeBase64 } from '../../../shared/lib/index.ts';
import type { ModelHttpMatch, ModelHttpRedirect, ModelHttpRoute } from '../../model/gateway-api-configuration.ts';
import type { ServiceRecord } from '../../model/records.ts';
import type { VirtualServiceRecord } from '../../model/snapshot.ts';
import { durationOf, milliseconds, percentage } from '../xds-values.ts';
import { gatewayApiRetryPolicy, retryPolicy } from './retry-policy.ts';
import { matchApplies, routeMatch, type RouteAudience } from './route-match.ts';
import { perFilterConfig } from './route-filters.ts';

/** Name of a cluster that is never there: what the Gateway API routes to a backend that can not be used. */
export const MISSING_BACKEND_CLUSTER = 'MissingBackend';

/** What making routes needs besides the VirtualService. */
export interface RouteContext {
  readonly audience: RouteAudience;
  readonly meshConfig: MeshConfig;
  readonly serviceByHost: (host: string) => ServiceRecord | undefined;
  /** The hash that the load balancer of a destination uses, if it does. */
  readonly hashOf: (service: ServiceRecord, port: number, subset: string) => ConsistentHashLb | undefined;
}

/** The routes of a VirtualService for an audience, in order; a route that matches everything ends the list. */
export function httpRoutes(record: VirtualServiceRecord, context: RouteContext): Route[] {
  const routes: Route[] = [];
  for (const route of record.spec.http ?? []) {
    const matches = route.match?.length ? route.match : [undefined];
    for (const match of matches) {
      if (match && !matchApplies(match, context.audience)) continue;
      const made = envoyRoute(record, route, match, context);
      routes.push(made);
      if (isCatchAll(made)) return routes;
    }
  }
  return routes;
}

function isCatchAll({ match }: Route): boolean {
  return match?.pathSpecifier?.$case === 'prefix' && match.pathSpecifier.prefix === '/' && !match.headers?.length && !match.queryParameters?.length;
}

function envoyRoute(record: VirtualServiceRecord, route: ModelHttpRoute, match: ModelHttpMatch | undefined, context: RouteContext): Route {
  const name = [route.name, match?.name].filter((part) => part).join('.');
  const typedPerFilterConfig = perFilterConfig(route.fault, route.corsPolicy);
  return {
    name: name || 'default',
    match: routeMatch(match),
    ...action(route, match, context),
    metadata: { filterMetadata: { istio: { config: route.gatewayApi?.source ?? `/apis/networking.istio.io/v1/namespaces/${record.namespace}/virtual-service/${record.name}` } } },
    ...headerFields(route.headers),
    ...(match?.statPrefix ? { statPrefix: match.statPrefix } : {}),
    ...(typedPerFilterConfig ? { typedPerFilterConfig } : {}),
  };
}

function action(route: ModelHttpRoute, match: ModelHttpMatch | undefined, context: RouteContext): Pick<Route, 'action' | 'decorator'> {
  if (route.redirect) return { action: { $case: 'redirect', redirect: redirectAction(route.redirect, match) } };
  if (route.directResponse) {
    const { status, body } = route.directResponse;
    const text = body?.string;
    return { action: { $case: 'directResponse', directResponse: { status, ...(text !== undefined ? { body: { specifier: { $case: 'inlineString', inlineString: text } } } : body?.bytes !== undefined ? { body: { specifier: { $case: 'inlineBytes', inlineBytes: decodeBase64(body.bytes) } } } : {}) } } };
  }
  const first = route.route?.[0]?.destination;
  const operation = first ? `${first.host}:${destinationPort(first, context)}/*` : 'default';
  return { action: { $case: 'route', route: routeAction(route, match, context) }, decorator: { operation } };
}

const REDIRECT_CODES: Readonly<Record<number, RedirectAction['responseCode']>> = {
  301: RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  302: RedirectAction_RedirectResponseCode.FOUND,
  303: RedirectAction_RedirectResponseCode.SEE_OTHER,
  307: RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT,
  308: RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT,
};

function redirectAction(redirect: ModelHttpRedirect, match: ModelHttpMatch | undefined): RedirectAction {
  const { scheme, derivePort } = redirect;
  const wellKnown = derivePort === 'FROM_PROTOCOL_DEFAULT' ? (scheme === 'https' || (scheme === undefined && match?.scheme?.exact === 'https') ? 443 : 80) : undefined;
  const port = redirect.port ?? wellKnown;
  return {
    ...(redirect.authority ? { hostRedirect: redirect.authority } : {}),
    ...(port ? { portRedirect: port } : {}),
    ...(scheme ? { schemeRewriteSpecifier: { $case: 'schemeRedirect', schemeRedirect: scheme } } : {}),
    ...(redirect.regexRewrite
      ? { pathRewriteSpecifier: { $case: 'regexRewrite', regexRewrite: { pattern: { regex: redirect.regexRewrite.match }, substitution: redirect.regexRewrite.rewrite } } }
      : redirect.prefixRewrite !== undefined
      ? { pathRewriteSpecifier: { $case: 'prefixRewrite', prefixRewrite: redirect.prefixRewrite } }
      : redirect.uri ? { pathRewriteSpecifier: { $case: 'pathRedirect', pathRedirect: redirect.uri } } : {}),
    responseCode: REDIRECT_CODES[redirect.redirectCode ?? 301] ?? RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY,
  };
}

/** A route that forwards: destinations, rewrite, limits in time, retries, mirrors, hashing. */
function routeAction(route: ModelHttpRoute, match: ModelHttpMatch | undefined, context: RouteContext): RouteAction {
  const timeout = durationOf(route.timeout) ?? milliseconds(0);
  const retry = route.gatewayApi ? gatewayApiRetryPolicy(route.retries, route.gatewayApi.tryTimeout) : retryPolicy(route.retries, context.meshConfig.defaultHttpRetryPolicy);
  const mirrors = mirrorPolicies(route, context);
  const hash = hashPolicies(route, context);
  return {
    ...destinations(route, context),
    ...rewriteFields(route, match),
    ...(route.gatewayApi?.missingBackendStatus === 500 ? { clusterNotFoundResponseCode: RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR } : {}),
    timeout,
    // Not maxStreamDuration, beside which Envoy leaves the timeout above out of account, with its status and its headers.
    maxGrpcTimeout: timeout,
    ...(retry ? { retryPolicy: retry } : {}),
    ...(mirrors.length > 0 ? { requestMirrorPolicies: mirrors } : {}),
    ...(hash.length > 0 ? { hashPolicy: hash } : {}),
  };
}

/** Port of a destination: the one given, else the service's only port, else the port of the request. */
function destinationPort(destination: Destination, context: RouteContext): number {
  if (destination.port) return destination.port.number;
  const ports = context.serviceByHost(destination.host)?.ports;
  return ports?.length === 1 && ports[0] ? ports[0].number : context.audience.port;
}

/** Cluster of a destination. One that does not exist gives 503 from the router, as in Istio, or what the Gateway API asks for. */
function destinationCluster(destination: Destination, context: RouteContext, route: ModelHttpRoute): string {
  if (destination.host === '') return route.gatewayApi ? MISSING_BACKEND_CLUSTER : BLACK_HOLE_CLUSTER;
  return outboundClusterName(destination.host, destinationPort(destination, context), destination.subset ?? '');
}

function destinations(route: ModelHttpRoute, context: RouteContext): Pick<RouteAction, 'clusterSpecifier'> & Partial<RouteAction> {
  const targets = (route.route ?? []).filter(({ weight }, _index, all) => all.length === 1 || (weight ?? 0) > 0);
  const only = targets[0];
  if (targets.length === 1 && only && !only.headers) return { clusterSpecifier: { $case: 'cluster', cluster: destinationCluster(only.destination, context, route) } };
  const clusters = targets.map(({ destination, weight, headers }): WeightedCluster_ClusterWeight => {
    const host = authorityOf(headers);
    return {
      name: destinationCluster(destination, context, route),
      weight: targets.length === 1 ? 100 : weight ?? 0,
      ...headerFields(headers),
      ...(host ? { hostRewriteSpecifier: { $case: 'hostRewriteLiteral', hostRewriteLiteral: host } } : {}),
    };
  });
  return { clusterSpecifier: { $case: 'weightedClusters', weightedClusters: { clusters } } };
}

function rewriteFields(route: ModelHttpRoute, match: ModelHttpMatch | undefined): Partial<RouteAction> {
  const fields: Partial<RouteAction> = {};
  const { rewrite } = route;
  const host = rewrite?.authority ?? authorityOf(route.headers);
  if (host) fields.hostRewriteSpecifier = { $case: 'hostRewriteLiteral', hostRewriteLiteral: host };
  if (rewrite?.uriRegexRewrite) {
    fields.regexRewrite = { pattern: { regex: rewrite.uriRegexRewrite.match ?? '' }, substitution: rewrite.uriRegexRewrite.rewrite ?? '' };
  } else if (rewrite?.uri !== undefined && match?.uri?.regex !== undefined) {
    fields.regexRewrite = { pattern: { regex: match.uri.regex }, substitution: rewrite.uri };
  } else if (rewrite?.uri !== undefined) {
    fields.prefixRewrite = rewrite.uri;
  }
  return fields;
}

/** Setting `:authority` or `host` is a rewrite of the host, not of a header. */
function authorityOf(headers: HeaderManipulation | undefined): string | undefined {
  return Object.entries(headers?.request?.set ?? {}).find(([name]) => isAuthority(name))?.[1];
}

function isAuthority(name: string): boolean {
  return name.toLowerCase() === ':authority' || name.toLowerCase() === 'host';
}

type HeaderFields = Pick<Route, 'requestHeadersToAdd' | 'requestHeadersToRemove' | 'responseHeadersToAdd' | 'responseHeadersToRemove'>;

/** Header changes, but for the host, which is rewritten. */
function headerFields(headers: HeaderManipulation | undefined): HeaderFields {
  if (!headers) return {};
  const requestHeadersToAdd = headerOptions(headers.request);
  const responseHeadersToAdd = headerOptions(headers.response);
  return {
    ...(requestHeadersToAdd.length > 0 ? { requestHeadersToAdd } : {}),
    ...(headers.request?.remove?.length ? { requestHeadersToRemove: [...headers.request.remove] } : {}),
    ...(responseHeadersToAdd.length > 0 ? { responseHeadersToAdd } : {}),
    ...(headers.response?.remove?.length ? { responseHeadersToRemove: [...headers.response.remove] } : {}),
  };
}

function headerOptions(operations: HeaderManipulation['request']): HeaderValueOption[] {
  const option = (appendAction: HeaderValueOption_HeaderAppendAction) => ([key, value]: [string, string]): HeaderValueOption => ({ header: { key, value }, appendAction });
  const entries = (map: Record<string, string> | undefined): [string, string][] => Object.entries(map ?? {}).filter(([name]) => !isAuthority(name)).sort(([left], [right]) => (left < right ? -1 : 1));
  return [
    ...entries(operations?.set).map(option(HeaderValueOption_HeaderAppendAction.OVERWRITE_IF_EXISTS_OR_ADD)),
    ...entries(operations?.add).map(option(HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD)),
  ];
}

function mirrorPolicies(route: ModelHttpRoute, context: RouteContext): RouteAction_RequestMirrorPolicy[] {
  const mirrors = route.mirror ? [{ destination: route.mirror, percentage: route.mirrorPercentage ?? (route.mirrorPercent !== undefined ? { value: route.mirrorPercent } : undefined) }] : route.mirrors ?? [];
  return mirrors
    .map(({ destination, percentage: percent }) => ({ cluster: destinationCluster(destination, context, route), share: percent ? percent.value ?? 0 : 100 }))
    .filter(({ share }) => share > 0)
    .map(({ cluster, share }) => ({ cluster, runtimeFraction: percentage(share), traceSampled: false, disableShadowHostSuffixAppend: true }));
}

/** Hash policies of the destinations, each once: the route computes the hash that their load balancers use. */
function hashPolicies(route: ModelHttpRoute, context: RouteContext): RouteAction_HashPolicy[] {
  const policies: RouteAction_HashPolicy[] = [];
  for (const { destination } of route.route ?? []) {
    const service = context.serviceByHost(destination.host);
    const hash = service && context.hashOf(service, destinationPort(destination, context), destination.subset ?? '');
    const policy = hash && hashPolicy(hash);
    if (policy && !policies.some((known) => JSON.stringify(known) === JSON.stringify(policy))) policies.push(policy);
  }
  return policies;
}

/** The hash policy of a consistent-hash load balancer. */
export function hashPolicy(hash: ConsistentHashLb): RouteAction_HashPolicy | undefined {
  if (hash.httpHeaderName) return { policySpecifier: { $case: 'header', header: { headerName: hash.httpHeaderName } } };
  if (hash.httpQueryParameterName) return { policySpecifier: { $case: 'queryParameter', queryParameter: { name: hash.httpQueryParameterName } } };
  if (hash.useSourceIp) return { policySpecifier: { $case: 'connectionProperties', connectionProperties: { sourceIp: true } } };
  if (!hash.httpCookie) return undefined;
  const { name, path, ttl, attributes } = hash.httpCookie;
  const lifetime = durationOf(ttl);
  return {
    policySpecifier: {
      $case: 'cookie',
      cookie: { name, ...(path ? { path } : {}), ...(lifetime ? { ttl: lifetime } : {}), ...(attributes?.length ? { attributes: attributes.map((attribute) => ({ name: attribute.name, value: attribute.value ?? '' })) } : {}) },
    },
  };
}

/** The route to a service that no VirtualService routes. */
export function defaultRoute(service: ServiceRecord, port: number, context: RouteContext): Route {
  const hash = context.hashOf(service, port, '');
  const policy = hash && hashPolicy(hash);
  const retry = retryPolicy(undefined, context.meshConfig.defaultHttpRetryPolicy);
  return {
    name: 'default',
    match: routeMatch(undefined),
    action: {
      $case: 'route',
      route: {
        clusterSpecifier: { $case: 'cluster', cluster: outboundClusterName(service.host, port) },
        timeout: milliseconds(0),
        maxGrpcTimeout: milliseconds(0),
        ...(retry ? { retryPolicy: retry } : {}),
        ...(policy ? { hashPolicy: [policy] } : {}),
      },
    },
    decorator: { operation: `${service.host}:${port}/*` },
  };
}
