// Retry policies of routes and virtual hosts (envoy.config.route.v3.RetryPolicy).
import type { RetryPolicy } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { Findings } from './findings.ts';
import { headerMatches } from './matchers.ts';
import type { RetryPolicyConfig } from './route-config.ts';
import { milliseconds } from './values.ts';

const CONDITIONS = new Set([
  '5xx', 'gateway-error', 'reset', 'reset-before-request', 'connect-failure', 'envoy-ratelimited', 'retriable-4xx', 'refused-stream', 'retriable-status-codes', 'retriable-headers',
  'http3-post-connect-failure', 'cancelled', 'deadline-exceeded', 'internal', 'resource-exhausted', 'unavailable',
]);
const PREVIOUS_HOSTS = 'envoy.retry_host_predicates.previous_hosts';
/** Istio asks for it where retries may leave the locality. */
const PREVIOUS_PRIORITIES = 'envoy.retry_priorities.previous_priorities';

/** A retry policy; unknown conditions have no effect, as in Envoy. */
export function retryPolicy(message: RetryPolicy, path: string, findings: Findings): RetryPolicyConfig {
  findings.refuseFields(message, path, ['retryOptionsPredicates', 'retriableRequestHeaders']);
  findings.ignoreFields(message, path, ['rateLimitedRetryBackOff']);
  const priorities = message.retryPriority?.name ?? '';
  if (priorities === PREVIOUS_PRIORITIES) findings.ignore(`${path}.retry_priority`, 'Another try goes to the priorities that load balancing gives, not away from those that were tried.');
  else if (priorities !== '') findings.refuse(`${path}.retry_priority`, `Retry priority ${JSON.stringify(priorities)} is not supported by this proxy.`);
  const conditions = (message.retryOn ?? '').split(',').map((text) => text.trim()).filter((text) => text !== '');
  for (const condition of conditions) if (!CONDITIONS.has(condition)) findings.ignore(`${path}.retry_on`, `Condition ${JSON.stringify(condition)} is not known and has no effect.`);
  const predicates = (message.retryHostPredicate ?? []).map((predicate) => predicate.name ?? '');
  for (const [index, name] of predicates.entries()) if (name !== PREVIOUS_HOSTS) findings.refuse(`${path}.retry_host_predicate[${index}]`, `Predicate ${JSON.stringify(name)} is not supported by this proxy.`);
  const base = milliseconds(message.retryBackOff?.baseInterval, 25);
  return {
    retryOn: conditions.filter((condition) => CONDITIONS.has(condition)),
    retries: message.numRetries ?? 1,
    perTryTimeoutMilliseconds: milliseconds(message.perTryTimeout, 0),
    perTryIdleTimeoutMilliseconds: milliseconds(message.perTryIdleTimeout, 0),
    retriableStatusCodes: message.retriableStatusCodes ?? [],
    backoffBaseMilliseconds: base,
    backoffMaximumMilliseconds: milliseconds(message.retryBackOff?.maxInterval, base * 10),
    avoidPreviousHosts: predicates.includes(PREVIOUS_HOSTS),
    hostSelectionAttempts: message.hostSelectionRetryMaxAttempts || 1,
    retriableHeaders: headerMatches(message.retriableHeaders, `${path}.retriable_headers`, findings),
  };
}
