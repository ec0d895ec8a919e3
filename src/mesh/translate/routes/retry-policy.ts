// Retry policies. The default never repeats a request that the server may have begun to work on, whatever its method:
// only connections that failed and streams that were refused or reset before the request went out are tried again.
import type { HttpRetry } from '../../../shared/api/networking/virtual-service.ts';
import { PreviousHostsPredicate } from '../../../shared/xds/generated/envoy/extensions/retry/host/previous_hosts/v3/previous_hosts.ts';
import type { RetryPolicy } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { packAny } from '../../../shared/xds/index.ts';
import { parseDuration } from '../../../shared/lib/index.ts';
import { durationOf, milliseconds } from '../xds-values.ts';

/** Conditions under which the server has not begun with the request. */
const SAFE_CONDITIONS = 'connect-failure,refused-stream,reset-before-request';
const DEFAULT_ATTEMPTS = 2;

/** The policy for a route's `retries`; `meshDefault` stands in when the route says nothing. Undefined: no retries. */
export function retryPolicy(retries: HttpRetry | undefined, meshDefault: HttpRetry | undefined): RetryPolicy | undefined {
  const settings = retries ?? meshDefault ?? {};
  const attempts = settings.attempts ?? DEFAULT_ATTEMPTS;
  if (attempts <= 0) return undefined;
  const { conditions, statusCodes } = parseRetryOn(settings.retryOn);
  const perTryTimeout = durationOf(settings.perTryTimeout);
  const backoff = parseDuration(settings.backoff);
  return {
    retryOn: conditions,
    numRetries: attempts,
    ...(statusCodes.length > 0 ? { retriableStatusCodes: statusCodes } : {}),
    ...(perTryTimeout ? { perTryTimeout } : {}),
    ...(backoff !== undefined ? { retryBackOff: { baseInterval: milliseconds(backoff), maxInterval: milliseconds(backoff * 10) } } : {}),
    ...(settings.retryIgnorePreviousHosts === false ? {} : AVOID_PREVIOUS_HOSTS),
  };
}

/** The policy for a rule of the Gateway API: nothing is tried again unless it says so, and each try may have its limit. */
export function gatewayApiRetryPolicy(retries: HttpRetry | undefined, tryTimeout: string | undefined): RetryPolicy | undefined {
  const asked = retries && retryPolicy(retries, undefined);
  const perTryTimeout = durationOf(tryTimeout);
  if (!perTryTimeout) return asked;
  return { ...(asked ?? { retryOn: '', numRetries: 0 }), perTryTimeout };
}

const AVOID_PREVIOUS_HOSTS: RetryPolicy = {
  retryHostPredicate: [{
    name: 'envoy.retry_host_predicates.previous_hosts',
    configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate', PreviousHostsPredicate, {}) },
  }],
  hostSelectionRetryMaxAttempts: 5,
};

/** Numbers among the conditions are status codes. */
function parseRetryOn(text: string | undefined): { readonly conditions: string; readonly statusCodes: number[] } {
  const parts = (text ?? '').split(',').map((part) => part.trim()).filter((part) => part !== '');
  if (parts.length === 0) return { conditions: SAFE_CONDITIONS, statusCodes: [] };
  const statusCodes = parts.filter((part) => /^\d{3}$/.test(part)).map(Number);
  const conditions = parts.filter((part) => !/^\d{3}$/.test(part));
  if (statusCodes.length > 0 && !conditions.includes('retriable-status-codes')) conditions.push('retriable-status-codes');
  return { conditions: conditions.join(','), statusCodes };
}
