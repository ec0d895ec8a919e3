// Configurations that HTTP filters take both in the chain and per route: faults, CORS policies, local rate limits.
import type { CorsPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import type { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import type { LocalRateLimit } from '../../shared/xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts';
import type { CorsPolicyConfig, FaultConfig, LocalRateLimitConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { headerMatches, stringMatch } from './matchers.ts';
import { milliseconds, perMillion, runtimePerMillion } from './values.ts';

/** Delays and aborts. */
export function fault(message: HTTPFault, path: string, findings: Findings): FaultConfig {
  findings.refuseFields(message, path, ['upstreamCluster', 'downstreamNodes', 'responseRateLimit']);
  findings.ignoreFields(message, path, [
    'delayPercentRuntime', 'abortPercentRuntime', 'delayDurationRuntime', 'abortHttpStatusRuntime', 'maxActiveFaultsRuntime', 'responseRateLimitPercentRuntime', 'abortGrpcStatusRuntime', 'filterMetadata',
  ]);
  return {
    kind: 'fault',
    delay: delayOf(message, path, findings),
    abort: abortOf(message, path, findings),
    headers: headerMatches(message.headers, `${path}.headers`, findings),
    maximumActive: message.maxActiveFaults ?? null,
  };
}

function delayOf(message: HTTPFault, path: string, findings: Findings): FaultConfig['delay'] {
  const form = message.delay?.faultDelaySecifier;
  if (form?.$case === 'headerDelay') findings.refuse(`${path}.delay.header_delay`, 'Delays chosen by the client are not supported by this proxy.');
  return form?.$case === 'fixedDelay' ? { milliseconds: milliseconds(form.fixedDelay, 0), perMillion: perMillion(message.delay?.percentage, 0) } : null;
}

function abortOf(message: HTTPFault, path: string, findings: Findings): FaultConfig['abort'] {
  const form = message.abort?.errorType;
  if (!form) return null;
  const share = perMillion(message.abort?.percentage, 0);
  if (form.$case === 'headerAbort') {
    findings.refuse(`${path}.abort.header_abort`, 'Aborts chosen by the client are not supported by this proxy.');
    return null;
  }
  if (form.$case === 'grpcStatus') return { httpStatus: null, grpcStatus: form.grpcStatus, perMillion: share };
  if (form.httpStatus < 200 || form.httpStatus > 599) findings.refuse(`${path}.abort.http_status`, `Status ${form.httpStatus} is not between 200 and 599.`);
  return { httpStatus: form.httpStatus, grpcStatus: null, perMillion: share };
}

/** A CORS policy. */
export function corsPolicy(message: CorsPolicy, path: string, findings: Findings): CorsPolicyConfig | { readonly disabled: true } {
  findings.ignoreFields(message, path, ['shadowEnabled', 'allowPrivateNetworkAccess']);
  if (message.filterEnabled && runtimePerMillion(message.filterEnabled, 1_000_000) === 0) return { disabled: true };
  return {
    kind: 'cors_policy',
    allowOrigins: (message.allowOriginStringMatch ?? []).map((origin, index) => stringMatch(origin, `${path}.allow_origin_string_match[${index}]`, findings)),
    allowMethods: message.allowMethods ?? '',
    allowHeaders: message.allowHeaders ?? '',
    exposeHeaders: message.exposeHeaders ?? '',
    maxAge: message.maxAge ?? '',
    allowCredentials: message.allowCredentials ?? false,
    forwardNotMatchingPreflights: message.forwardNotMatchingPreflights ?? true,
  };
}

/** A local rate limit; a status under 400 becomes 429. */
export function localRateLimit(message: LocalRateLimit, path: string, findings: Findings): LocalRateLimitConfig {
  findings.refuseFields(message, path, ['descriptors', 'localRateLimitPerDownstreamConnection', 'localClusterRateLimit', 'responseHeadersToAdd']);
  findings.ignoreFields(message, path, ['requestHeadersToAddWhenNotEnforced', 'stage', 'enableXRatelimitHeaders', 'vhRateLimits', 'rateLimitedAsResourceExhausted']);
  const bucket = message.tokenBucket;
  const fill = milliseconds(bucket?.fillInterval, 0);
  if (bucket && fill < 50) findings.refuse(`${path}.token_bucket.fill_interval`, 'The interval must be at least 50 ms.');
  const code = message.status?.code ?? 429;
  return {
    kind: 'local_ratelimit',
    statPrefix: message.statPrefix ?? '',
    status: code < 400 ? 429 : code,
    bucket: bucket ? { maximumTokens: bucket.maxTokens ?? 0, tokensPerFill: bucket.tokensPerFill ?? 1, fillIntervalMilliseconds: fill } : null,
    enabledPerMillion: runtimePerMillion(message.filterEnabled, 0),
    enforcedPerMillion: runtimePerMillion(message.filterEnforced, 0),
  };
}
