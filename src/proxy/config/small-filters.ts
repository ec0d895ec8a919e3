// Filters that need little, with Envoy's defaults: buffer, CSRF, header mutation, health check (envoy.extensions.filters.http.*.v3).
import type { HeaderMutation as Mutation } from '../../shared/xds/generated/envoy/config/common/mutation_rules/v3/mutation_rules.ts';
import type { Buffer, BufferPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/buffer/v3/buffer.ts';
import type { CsrfPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/csrf/v3/csrf.ts';
import type { Mutations } from '../../shared/xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation.ts';
import type { HealthCheck } from '../../shared/xds/generated/envoy/extensions/filters/http/health_check/v3/health_check.ts';
import type { Findings } from './findings.ts';
import { headerMutations } from './header-mutations.ts';
import { headerMatches, stringMatch } from './matchers.ts';
import type { HeaderMutationsConfig } from './route-config.ts';
import type { BufferConfig, CsrfConfig, HeaderMutationConfig, HealthCheckConfig } from './small-filter-config.ts';
import { milliseconds, runtimePerMillion } from './values.ts';

/** The buffer filter. */
export function buffer({ maxRequestBytes = 0 }: Buffer, path: string, findings: Findings): BufferConfig {
  if (maxRequestBytes <= 0) findings.refuse(`${path}.max_request_bytes`, 'A number of bytes above 0 is needed.');
  return { kind: 'buffer', maximumBytes: maxRequestBytes };
}

/** The buffer filter on a route. */
export function bufferPerRoute({ override }: BufferPerRoute, path: string, findings: Findings): BufferConfig | { readonly disabled: true } {
  if (override?.$case === 'buffer') return buffer(override.buffer, `${path}.buffer`, findings);
  if (override?.$case !== 'disabled' || !override.disabled) findings.refuse(path, 'One of disabled and buffer is needed.');
  return { disabled: true };
}

/** The CSRF filter, in the chain and on a route. */
export function csrf(message: CsrfPolicy, path: string, findings: Findings): CsrfConfig {
  if (!message.filterEnabled) findings.refuse(`${path}.filter_enabled`, 'A share of the requests is needed.');
  return {
    kind: 'csrf',
    enabledPerMillion: runtimePerMillion(message.filterEnabled, 0),
    shadowPerMillion: runtimePerMillion(message.shadowEnabled, 0),
    additionalOrigins: (message.additionalOrigins ?? []).map((origin, index) => stringMatch(origin, `${path}.additional_origins[${index}]`, findings)),
  };
}

/** Header mutations, in the chain and on a route. */
export function headerMutation(mutations: Mutations | undefined, mostSpecificWins: boolean, path: string, findings: Findings): HeaderMutationConfig {
  const at = `${path}.mutations`;
  return {
    kind: 'header_mutation',
    changes: [
      ...(mutations?.requestMutations ?? []).map((mutation, index) => changeOf(mutation, 'request', `${at}.request_mutations[${index}]`, findings)),
      ...(mutations?.responseMutations ?? []).map((mutation, index) => changeOf(mutation, 'response', `${at}.response_mutations[${index}]`, findings)),
    ],
    mostSpecificWins,
  };
}

function changeOf({ action }: Mutation, of: 'request' | 'response', path: string, findings: Findings): HeaderMutationsConfig {
  if (!action) findings.refuse(path, 'One of remove and append is needed.');
  const add = action?.$case === 'append' ? [action.append] : [];
  const remove = action?.$case === 'remove' ? [action.remove] : [];
  return headerMutations(of === 'request' ? { requestHeadersToAdd: add, requestHeadersToRemove: remove } : { responseHeadersToAdd: add, responseHeadersToRemove: remove }, path, findings);
}

/** The health check filter. */
export function healthCheck(message: HealthCheck, path: string, findings: Findings): HealthCheckConfig {
  const passThrough = message.passThroughMode ?? false;
  if (message.passThroughMode === undefined) findings.refuse(`${path}.pass_through_mode`, 'True or false is needed.');
  if (!passThrough && message.cacheTime) findings.refuse(`${path}.cache_time`, 'Answers are only kept in the pass through mode.');
  if (passThrough && Object.keys(message.clusterMinHealthyPercentages ?? {}).length > 0) findings.refuse(`${path}.cluster_min_healthy_percentages`, 'Clusters are only looked at without the pass through mode.');
  return {
    kind: 'health_check',
    passThrough,
    cacheMilliseconds: milliseconds(message.cacheTime, 0),
    headers: headerMatches(message.headers, `${path}.headers`, findings),
    minimumHealthy: Object.fromEntries(Object.entries(message.clusterMinHealthyPercentages ?? {}).map(([name, percent]) => [name, percent?.value ?? 0])),
  };
}
