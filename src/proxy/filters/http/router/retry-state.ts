// Decides whether a request is tried again and when (Envoy's retry policies and back-off). A request that is not idempotent is repeated only when no application can
// have seen it, whatever the policy says of statuses.
import type { StreamResetReason } from '../../../codec/api.ts';
import type { Cluster } from '../../../cluster/cluster.ts';
import type { CircuitBreaker } from '../../../cluster/circuit-breaker.ts';
import type { RetryPolicyConfig } from '../../../config/route-config.ts';
import { compileHeaderMatches, type HeaderTest } from '../../../route/header-matcher.ts';
import type { RequestHeaders, ResponseHeaders } from '../../../stream/header-map.ts';
import { compileOnce } from '../api.ts';
import { PROXY_ERRORS } from './rescue.ts';

const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);
const GRPC_CODES: Readonly<Record<string, string>> = { 1: 'cancelled', 4: 'deadline-exceeded', 8: 'resource-exhausted', 13: 'internal', 14: 'unavailable' };

/** Whether repeating a request does no harm even when the first try was carried out (RFC 9110 section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method);
}

interface CompiledPolicy { readonly on: ReadonlySet<string>; readonly statuses: ReadonlySet<number>; readonly headers: HeaderTest | null }

function compilePolicy(policy: RetryPolicyConfig): CompiledPolicy {
  return { on: new Set(policy.retryOn), statuses: new Set(policy.retriableStatusCodes), headers: policy.retriableHeaders.length > 0 ? compileHeaderMatches(policy.retriableHeaders) : null };
}

/** The retries of one request. */
export class RetryState {
  readonly policy: RetryPolicyConfig;
  readonly #compiled: CompiledPolicy;
  readonly #on: ReadonlySet<string>;
  readonly #idempotent: boolean;
  readonly #random: () => number;
  #left: number;
  #nextMaximum: number;
  /** Where the running retry has its slot. */
  #slotAt: CircuitBreaker | null = null;

  constructor(policy: RetryPolicyConfig, headers: RequestHeaders, random: () => number) {
    this.policy = policy;
    this.#compiled = compileOnce(policy, compilePolicy);
    const asked = headers.get('x-envoy-retry-on');
    const askedGrpc = headers.get('x-envoy-retry-grpc-on');
    this.#on = asked === undefined && askedGrpc === undefined ? this.#compiled.on
      : new Set([...this.#compiled.on, ...`${asked ?? ''},${askedGrpc ?? ''}`.split(',').map((part) => part.trim())]);
    this.#left = Number(headers.get('x-envoy-max-retries') ?? policy.retries) || 0;
    this.#idempotent = isIdempotent(headers.method);
    this.#random = random;
    this.#nextMaximum = policy.backoffBaseMilliseconds || 25;
  }

  /** Whether any retry may still come. */
  get possible(): boolean {
    return this.#left > 0;
  }

  /** Whether a stream that was reset before the response's headers may be tried again. */
  wantsAfterReset(reason: StreamResetReason): boolean {
    const { unsent } = PROXY_ERRORS[reason];
    if (reason === 'overflow' || (!unsent && !this.#idempotent)) return false;
    const on = this.#on;
    if (on.has('5xx') || on.has('gateway-error') || on.has('reset') || on.has('reset-before-request')) return true;
    if (reason === 'connect_failure' || reason === 'connect_timeout') return on.has('connect-failure');
    return reason === 'refused_stream' && on.has('refused-stream');
  }

  /** Whether a try that took too long may be repeated. */
  wantsAfterTimeout(): boolean {
    const on = this.#on;
    return this.#idempotent && (on.has('5xx') || on.has('gateway-error') || on.has('reset') || (on.has('retriable-status-codes') && this.#compiled.statuses.has(504)));
  }

  /** Whether an answer is to be asked for again. */
  wantsAfterResponse(headers: ResponseHeaders): boolean {
    if (headers.has('x-envoy-overloaded')) return false;
    const on = this.#on;
    if (headers.has('x-envoy-ratelimited')) return on.has('envoy-ratelimited');
    const grpc = GRPC_CODES[headers.get('grpc-status') ?? ''];
    if (grpc !== undefined && on.has(grpc)) return this.#idempotent || grpc === 'unavailable' || grpc === 'resource-exhausted';
    return this.#idempotent && this.#statusMatches(headers);
  }

  #statusMatches(headers: ResponseHeaders): boolean {
    const { status } = headers;
    const on = this.#on;
    if (status >= 500 && on.has('5xx')) return true;
    if (status >= 502 && status <= 504 && on.has('gateway-error')) return true;
    if (status === 409 && on.has('retriable-4xx')) return true;
    if (on.has('retriable-status-codes') && this.#compiled.statuses.has(status)) return true;
    return on.has('retriable-headers') && (this.#compiled.headers?.(headers) ?? false);
  }

  /** Takes one retry; returns how long to wait, or why there is none. */
  take(cluster: Cluster, breaker: CircuitBreaker): number | 'exhausted' | 'overflow' {
    this.release();
    if (this.#left <= 0) {
      cluster.count('upstream_rq_retry_limit_exceeded');
      return 'exhausted';
    }
    this.#left -= 1;
    if (breaker.full('retries')) {
      cluster.count('upstream_rq_retry_overflow');
      return 'overflow';
    }
    breaker.retries += 1;
    this.#slotAt = breaker;
    cluster.count('upstream_rq_retry');
    const wait = this.#random() * this.#nextMaximum;
    const base = this.policy.backoffBaseMilliseconds || 25;
    this.#nextMaximum = Math.min(this.#nextMaximum * 2, this.policy.backoffMaximumMilliseconds || base * 10);
    return wait;
  }

  /** Gives the slot of the running retry back. */
  release(): void {
    if (!this.#slotAt) return;
    this.#slotAt.retries -= 1;
    this.#slotAt = null;
  }
}
