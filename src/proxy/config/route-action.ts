// What a route does: forward, redirect or answer at once (envoy.config.route.v3).
import {
  RedirectAction_RedirectResponseCode, RouteAction_ClusterNotFoundResponseCode,
  type DirectResponseAction, type RedirectAction, type RouteAction, type RouteAction_HashPolicy, type RouteAction_RequestMirrorPolicy, type RouteAction_UpgradeConfig, type WeightedCluster_ClusterWeight,
} from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { RegexMatchAndSubstitute } from '../../shared/xds/generated/envoy/type/matcher/v3/regex.ts';
import { RoutingPriority } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Findings } from './findings.ts';
import { headerMutations } from './header-mutations.ts';
import { perFilterOverrides } from './per-filter.ts';
import { rateLimits } from './rate-limit.ts';
import { retryPolicy } from './retry-policy.ts';
import type { DirectResponseConfig, HashPolicyConfig, HeaderMutationsConfig, PathRewriteConfig, RedirectActionConfig, RouteActionConfig, UpgradeConfig, WeightedClusterConfig } from './route-config.ts';
import { metadataCriteria } from './subsets.ts';
import { hostLiteral, isHeaderName, pathLiteral } from './wire-text.ts';
import { inlineText, milliseconds, regex, runtimePerMillion } from './values.ts';

type Mirrors = RouteActionConfig['mirrors'];

/** No header mutations. */
export const NO_MUTATIONS: HeaderMutationsConfig = { requestAdd: [], requestRemove: [], responseAdd: [], responseRemove: [] };

/** Forwarding; `inherited` are the mirrors of the virtual host or route configuration, which count when the route has none. */
export function routeAction(message: RouteAction, path: string, findings: Findings, inherited: Mirrors): RouteActionConfig {
  findings.refuseFields(message, path, ['pathRewritePolicy', 'earlyDataPolicy', 'retryPolicyTypedConfig', 'internalRedirectPolicy', 'internalRedirectAction']);
  findings.ignoreFields(message, path, ['appendXForwardedHost', 'grpcTimeoutOffset', 'hedgePolicy', 'cors', 'maxInternalRedirects']);
  const metadataMatch = metadataCriteria(message.metadataMatch);
  const clusters = clustersOf(message, path, findings).map((cluster) => withCriteria(cluster, metadataMatch));
  const mirrors = mirrorPolicies(message.requestMirrorPolicies, `${path}.request_mirror_policies`, findings);
  const grpcMaximum = message.maxStreamDuration?.grpcTimeoutHeaderMax ?? message.maxGrpcTimeout;
  return {
    kind: 'route',
    clusters,
    totalWeight: clusters.reduce((total, cluster) => total + cluster.weight, 0),
    clusterHeader: message.clusterSpecifier?.$case === 'clusterHeader' ? message.clusterSpecifier.clusterHeader.toLowerCase() : null,
    ...(metadataMatch ? { metadataMatch } : {}),
    timeoutMilliseconds: milliseconds(message.timeout, 15_000),
    idleTimeoutMilliseconds: message.idleTimeout ? milliseconds(message.idleTimeout, 0) : null,
    maximumStreamDurationMilliseconds: message.maxStreamDuration?.maxStreamDuration ? milliseconds(message.maxStreamDuration.maxStreamDuration, 0) : null,
    grpcTimeoutMaximumMilliseconds: grpcMaximum ? milliseconds(grpcMaximum, 0) : null,
    retryPolicy: message.retryPolicy ? retryPolicy(message.retryPolicy, `${path}.retry_policy`, findings) : null,
    hashPolicies: (message.hashPolicy ?? []).flatMap((policy, index) => hashPolicy(policy, `${path}.hash_policy[${index}]`, findings)),
    mirrors: mirrors.length > 0 ? mirrors : inherited,
    rewrite: rewriteOf(message, path, findings),
    hostRewrite: hostRewriteOf(message, path, findings),
    priority: message.priority === RoutingPriority.HIGH ? 'high' : 'default',
    upgrades: (message.upgradeConfigs ?? []).map((upgrade, index) => upgradeConfig(upgrade, `${path}.upgrade_configs[${index}]`, findings)),
    clusterNotFoundStatus: notFoundStatus(message.clusterNotFoundResponseCode),
    ...(message.rateLimits?.length ? { rateLimits: rateLimits(message.rateLimits, `${path}.rate_limits`, findings) } : {}),
    ...(message.includeVhRateLimits ? { includeVirtualHostRateLimits: true } : {}),
  };
}

function clustersOf(message: RouteAction, path: string, findings: Findings): readonly WeightedClusterConfig[] {
  const form = message.clusterSpecifier;
  switch (form?.$case) {
    case 'cluster': return [{ name: form.cluster, weight: 1, headerMutations: NO_MUTATIONS, hostRewriteLiteral: null, perFilter: {} }];
    case 'clusterHeader': return [];
    case 'weightedClusters': {
      const at = `${path}.weighted_clusters`;
      findings.ignoreFields(form.weightedClusters, at, ['totalWeight', 'runtimeKeyPrefix']);
      findings.refuseFields(form.weightedClusters, at, ['randomValueSpecifier']);
      const clusters = (form.weightedClusters.clusters ?? []).map((cluster, index) => weightedCluster(cluster, `${at}.clusters[${index}]`, findings));
      if (clusters.reduce((total, cluster) => total + cluster.weight, 0) < 1) findings.refuse(`${at}.clusters`, 'The sum of the weights must be at least 1.');
      return clusters;
    }
    default:
      findings.refuse(path, 'A route needs a cluster, a cluster_header or weighted_clusters.');
      return [];
  }
}

function weightedCluster(message: WeightedCluster_ClusterWeight, path: string, findings: Findings): WeightedClusterConfig {
  findings.refuseFields(message, path, ['clusterHeader']);
  const metadataMatch = metadataCriteria(message.metadataMatch);
  if ((message.name ?? '') === '') findings.refuse(`${path}.name`, 'A cluster name is needed.');
  return {
    name: message.name ?? '',
    weight: message.weight ?? 0,
    ...(metadataMatch ? { metadataMatch } : {}),
    headerMutations: headerMutations(message, path, findings),
    hostRewriteLiteral: message.hostRewriteSpecifier === undefined ? null : hostLiteral(message.hostRewriteSpecifier.hostRewriteLiteral, `${path}.host_rewrite_literal`, findings),
    perFilter: perFilterOverrides(message.typedPerFilterConfig, `${path}.typed_per_filter_config`, findings),
  };
}

/** The route's criteria and over them the cluster's own. */
function withCriteria(cluster: WeightedClusterConfig, route: Readonly<Record<string, string>> | null): WeightedClusterConfig {
  return route ? { ...cluster, metadataMatch: { ...route, ...cluster.metadataMatch } } : cluster;
}

/** Mirror policies; a null fraction mirrors everything. */
export function mirrorPolicies(messages: readonly RouteAction_RequestMirrorPolicy[] | undefined, path: string, findings: Findings): Mirrors {
  return (messages ?? []).map((message, index) => {
    findings.refuseFields(message, `${path}[${index}]`, ['clusterHeader']);
    if ((message.cluster ?? '') === '') findings.refuse(`${path}[${index}].cluster`, 'A cluster name is needed.');
    return { cluster: message.cluster ?? '', perMillion: runtimePerMillion(message.runtimeFraction, 1_000_000), disableShadowSuffix: message.disableShadowHostSuffixAppend ?? false };
  });
}

function hashPolicy(message: RouteAction_HashPolicy, path: string, findings: Findings): readonly HashPolicyConfig[] {
  const terminal = message.terminal ?? false;
  const form = message.policySpecifier;
  switch (form?.$case) {
    case 'header':
      findings.refuseFields(form.header, `${path}.header`, ['regexRewrite']);
      return [{ terminal, kind: 'header', name: (form.header.headerName ?? '').toLowerCase() }];
    case 'cookie':
      findings.ignoreFields(form.cookie, `${path}.cookie`, ['attributes']);
      return [{ terminal, kind: 'cookie', name: form.cookie.name ?? '', path: form.cookie.path ?? '', ttlSeconds: form.cookie.ttl ? milliseconds(form.cookie.ttl, 0) / 1000 : null }];
    case 'connectionProperties': return form.connectionProperties.sourceIp ? [{ terminal, kind: 'source_ip' }] : [];
    case 'queryParameter': return [{ terminal, kind: 'query_parameter', name: form.queryParameter.name ?? '' }];
    default:
      findings.refuse(path, 'This hash policy is not supported. Use header, cookie, connection_properties or query_parameter.');
      return [];
  }
}

function rewriteOf(message: RouteAction, path: string, findings: Findings): PathRewriteConfig | null {
  if (message.regexRewrite) return { kind: 'regex', ...substitution(message.regexRewrite, `${path}.regex_rewrite`, findings) };
  return message.prefixRewrite ? { kind: 'prefix', value: pathLiteral(message.prefixRewrite, `${path}.prefix_rewrite`, findings) } : null;
}

function substitution(message: RegexMatchAndSubstitute, path: string, findings: Findings): { regex: string; substitution: string } {
  return { regex: regex(message.pattern, `${path}.pattern`, findings), substitution: pathLiteral(message.substitution ?? '', `${path}.substitution`, findings) };
}

function hostRewriteOf(message: RouteAction, path: string, findings: Findings): RouteActionConfig['hostRewrite'] {
  const form = message.hostRewriteSpecifier;
  switch (form?.$case) {
    case undefined: return null;
    case 'hostRewriteLiteral': return { kind: 'literal', value: hostLiteral(form.hostRewriteLiteral, `${path}.host_rewrite_literal`, findings) };
    case 'autoHostRewrite': return form.autoHostRewrite ? { kind: 'auto' } : null;
    case 'hostRewriteHeader': return { kind: 'header', name: form.hostRewriteHeader.toLowerCase() };
    default:
      findings.refuse(`${path}.host_rewrite_path_regex`, 'This field is not supported by this proxy. Remove it.');
      return null;
  }
}

function upgradeConfig(message: RouteAction_UpgradeConfig, path: string, findings: Findings): UpgradeConfig {
  if (message.connectConfig) findings.refuseFields(message.connectConfig, `${path}.connect_config`, ['proxyProtocolConfig', 'allowPost']);
  return { type: message.upgradeType ?? '', enabled: message.enabled ?? true, terminateConnect: message.connectConfig !== undefined };
}

function notFoundStatus(code: RouteAction_ClusterNotFoundResponseCode | undefined): 404 | 500 | 503 {
  if (code === RouteAction_ClusterNotFoundResponseCode.NOT_FOUND) return 404;
  return code === RouteAction_ClusterNotFoundResponseCode.INTERNAL_SERVER_ERROR ? 500 : 503;
}

const REDIRECTS: Readonly<Record<number, RedirectActionConfig['status']>> = {
  [RedirectAction_RedirectResponseCode.MOVED_PERMANENTLY]: 301, [RedirectAction_RedirectResponseCode.FOUND]: 302, [RedirectAction_RedirectResponseCode.SEE_OTHER]: 303,
  [RedirectAction_RedirectResponseCode.TEMPORARY_REDIRECT]: 307, [RedirectAction_RedirectResponseCode.PERMANENT_REDIRECT]: 308,
};

/** A redirect. */
export function redirectAction(message: RedirectAction, path: string, findings: Findings): RedirectActionConfig {
  const status = REDIRECTS[message.responseCode ?? 0];
  if (!status) findings.refuse(`${path}.response_code`, 'This redirect code is not known.');
  const scheme = message.schemeRewriteSpecifier;
  if (scheme?.$case === 'schemeRedirect' && !isHeaderName(scheme.schemeRedirect)) findings.refuse(`${path}.scheme_redirect`, `${JSON.stringify(scheme.schemeRedirect)} is not a scheme.`);
  return {
    kind: 'redirect',
    status: status ?? 301,
    scheme: scheme?.$case === 'schemeRedirect' ? scheme.schemeRedirect : scheme?.$case === 'httpsRedirect' && scheme.httpsRedirect ? 'https' : null,
    host: hostLiteral(message.hostRedirect ?? '', `${path}.host_redirect`, findings) || null,
    port: message.portRedirect || null,
    path: redirectPath(message, path, findings),
    stripQuery: message.stripQuery ?? false,
  };
}

function redirectPath(message: RedirectAction, path: string, findings: Findings): RedirectActionConfig['path'] {
  const form = message.pathRewriteSpecifier;
  switch (form?.$case) {
    case 'pathRedirect': return form.pathRedirect === '' ? null : { kind: 'path', value: pathLiteral(form.pathRedirect, `${path}.path_redirect`, findings) };
    case 'prefixRewrite': return { kind: 'prefix', value: pathLiteral(form.prefixRewrite, `${path}.prefix_rewrite`, findings) };
    case 'regexRewrite': return { kind: 'regex', ...substitution(form.regexRewrite, `${path}.regex_rewrite`, findings) };
    default: return null;
  }
}

/** An answer at once; `limit` is the largest body in bytes. */
export function directResponse(message: DirectResponseAction, path: string, findings: Findings, limit: number): DirectResponseConfig {
  const status = message.status ?? 0;
  if (status < 200 || status > 599) findings.refuse(`${path}.status`, `Status ${status} is not between 200 and 599.`);
  const body = inlineText(message.body, `${path}.body`, findings);
  if (body.length > limit) findings.refuse(`${path}.body`, `The body is longer than ${limit} bytes (max_direct_response_body_size_bytes).`);
  return { kind: 'direct_response', status, body };
}
