// Route configurations (envoy.config.route.v3.RouteConfiguration) from RDS or inside a connection manager.
import type { Issue, Result } from '../../shared/lib/index.ts';
import type { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { VirtualHost_TlsRequirementType, type Route, type VirtualHost } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { digestOf } from './digest.ts';
import { Findings, join } from './findings.ts';
import type { HttpFilterOverride } from './filter-config.ts';
import { headerMutations } from './header-mutations.ts';
import { perFilterOverrides } from './per-filter.ts';
import { rateLimits } from './rate-limit.ts';
import { retryPolicy } from './retry-policy.ts';
import { routeMatch } from './route-match.ts';
import { directResponse, mirrorPolicies, redirectAction, routeAction } from './route-action.ts';
import type { RouteActionConfig, RouteConfig, RouteEntryConfig, VirtualHostConfig } from './route-config.ts';

/** What routes take from the messages around them. */
interface Surroundings {
  readonly mirrors: RouteActionConfig['mirrors'];
  readonly perFilter: Readonly<Record<string, HttpFilterOverride>>;
  readonly bodyLimit: number;
}

/** An RDS resource. */
export function compileRoute(message: RouteConfiguration, warnings?: Issue[]): Result<RouteConfig, Issue[]> {
  const findings = new Findings('RouteConfiguration', message.name ?? '');
  return findings.result(routeConfiguration(message, '', findings), warnings);
}

/** A route configuration inside another message. */
export function routeConfiguration(message: RouteConfiguration, path: string, findings: Findings): RouteConfig {
  findings.refuseFields(message, path, ['vhds', 'ignorePathParametersInPathMatching']);
  findings.ignoreFields(message, path, ['internalOnlyHeaders', 'clusterSpecifierPlugins', 'metadata']);
  const surroundings: Surroundings = {
    mirrors: mirrorPolicies(message.requestMirrorPolicies, join(path, 'request_mirror_policies'), findings),
    perFilter: perFilterOverrides(message.typedPerFilterConfig, join(path, 'typed_per_filter_config'), findings),
    bodyLimit: message.maxDirectResponseBodySizeBytes ?? 4096,
  };
  const virtualHosts = (message.virtualHosts ?? []).map((host, index) => virtualHost(host, join(path, `virtual_hosts[${index}]`), findings, surroundings));
  checkDomains(virtualHosts, join(path, 'virtual_hosts'), findings);
  const config: Omit<RouteConfig, 'digest'> = {
    name: message.name ?? '',
    virtualHosts,
    headerMutations: headerMutations(message, path, findings),
    mostSpecificHeaderMutationsWin: message.mostSpecificHeaderMutationsWins ?? false,
    ignorePortInHostMatching: message.ignorePortInHostMatching ?? false,
  };
  return { ...config, digest: digestOf(config) };
}

/** A domain belongs to one virtual host, whatever its case. */
function checkDomains(hosts: readonly VirtualHostConfig[], path: string, findings: Findings): void {
  const owners = new Map<string, string>();
  for (const [index, host] of hosts.entries()) {
    for (const [position, domain] of host.domains.entries()) {
      const owner = owners.get(domain.toLowerCase());
      if (owner !== undefined) findings.refuse(`${path}[${index}].domains[${position}]`, `Domain ${JSON.stringify(domain)} is already taken by virtual host ${JSON.stringify(owner)}.`);
      owners.set(domain.toLowerCase(), host.name);
    }
  }
}

function virtualHost(message: VirtualHost, path: string, findings: Findings, surroundings: Surroundings): VirtualHostConfig {
  findings.refuseFields(message, path, ['matcher', 'retryPolicyTypedConfig']);
  findings.ignoreFields(message, path, ['virtualClusters', 'hedgePolicy', 'includeAttemptCountInResponse', 'includeIsTimeoutRetryHeader', 'perRequestBufferLimitBytes', 'cors']);
  const domains = message.domains ?? [];
  if (domains.length === 0) findings.refuse(`${path}.domains`, 'A virtual host needs a domain.');
  const mirrors = mirrorPolicies(message.requestMirrorPolicies, `${path}.request_mirror_policies`, findings);
  const inner = { ...surroundings, mirrors: mirrors.length > 0 ? mirrors : surroundings.mirrors };
  return {
    name: message.name ?? '',
    domains,
    requireTls: tlsRequirement(message.requireTls),
    routes: (message.routes ?? []).map((route, index) => routeEntry(route, `${path}.routes[${index}]`, findings, inner)),
    headerMutations: headerMutations(message, path, findings),
    includeRequestAttemptCount: message.includeRequestAttemptCount ?? false,
    perFilter: { ...surroundings.perFilter, ...perFilterOverrides(message.typedPerFilterConfig, `${path}.typed_per_filter_config`, findings) },
    retryPolicy: message.retryPolicy ? retryPolicy(message.retryPolicy, `${path}.retry_policy`, findings) : null,
    ...(message.rateLimits?.length ? { rateLimits: rateLimits(message.rateLimits, `${path}.rate_limits`, findings) } : {}),
  };
}

function tlsRequirement(type: VirtualHost_TlsRequirementType | undefined): VirtualHostConfig['requireTls'] {
  if (type === VirtualHost_TlsRequirementType.ALL) return 'all';
  return type === VirtualHost_TlsRequirementType.EXTERNAL_ONLY ? 'external_only' : 'none';
}

function routeEntry(message: Route, path: string, findings: Findings, surroundings: Surroundings): RouteEntryConfig {
  findings.ignoreFields(message, path, ['tracing', 'perRequestBufferLimitBytes', 'statPrefix']);
  return {
    name: message.name ?? '',
    match: routeMatch(message.match ?? {}, `${path}.match`, findings),
    action: actionOf(message, path, findings, surroundings),
    headerMutations: headerMutations(message, path, findings),
    perFilter: perFilterOverrides(message.typedPerFilterConfig, `${path}.typed_per_filter_config`, findings),
    decoratorOperation: message.decorator?.operation || null,
  };
}

function actionOf(message: Route, path: string, findings: Findings, surroundings: Surroundings): RouteEntryConfig['action'] {
  const action = message.action;
  switch (action?.$case) {
    case 'route': return routeAction(action.route, `${path}.route`, findings, surroundings.mirrors);
    case 'redirect': return redirectAction(action.redirect, `${path}.redirect`, findings);
    case 'directResponse': return directResponse(action.directResponse, `${path}.direct_response`, findings, surroundings.bodyLimit);
    default:
      findings.refuse(path, 'A route needs one of route, redirect or direct_response.');
      return { kind: 'direct_response', status: 500, body: '' };
  }
}
