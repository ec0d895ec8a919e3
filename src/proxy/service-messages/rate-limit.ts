// The question to a rate limit service and its answer (envoy.service.ratelimit.v3), between plain data and bytes. Used by the rate limit filter.
import { RateLimitUnit } from '../../shared/xds/generated/envoy/type/v3/ratelimit_unit.ts';
import { RateLimitRequest, RateLimitResponse, RateLimitResponse_Code as Code, RateLimitResponse_RateLimit_Unit as Unit, type RateLimitResponse_DescriptorStatus } from '../../shared/xds/generated/envoy/service/ratelimit/v3/rls.ts';
import { headerOf } from './header-change.ts';

/** The gRPC method that is asked. */
export const RATE_LIMIT_METHOD = '/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit';

/** A limit that replaces the service's own. */
export interface LimitOverride { readonly requestsPerUnit: number; readonly unit: string }

/** What a request is counted as. */
export interface RateLimitDescriptor {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  readonly limit: LimitOverride | null;
}

/** One limit as the service tells of it. */
export interface LimitStatus {
  readonly requestsPerUnit: number;
  readonly windowSeconds: number;
  readonly name: string;
  readonly remaining: number;
  readonly resetSeconds: number;
}

/** A header that the service asks for. Nobody has looked at it yet. */
export interface RateLimitHeader { readonly name: string; readonly value: string }

/** What the service says. */
export interface RateLimitAnswer {
  readonly code: 'ok' | 'over_limit' | 'error';
  /** Limits that apply, one for each descriptor that has one. */
  readonly statuses: readonly LimitStatus[];
  readonly responseAdd: readonly RateLimitHeader[];
  readonly requestAdd: readonly RateLimitHeader[];
  readonly body: Buffer;
  readonly metadata: Readonly<Record<string, unknown>> | null;
}

/** No answer that can be used. */
export const RATE_LIMIT_ERROR: RateLimitAnswer = { code: 'error', statuses: [], responseAdd: [], requestAdd: [], body: Buffer.alloc(0), metadata: null };

const WINDOWS: Readonly<Record<number, number>> = { [Unit.SECOND]: 1, [Unit.MINUTE]: 60, [Unit.HOUR]: 3600, [Unit.DAY]: 86_400, [Unit.MONTH]: 2_592_000, [Unit.YEAR]: 31_536_000 };

/** The unit of a limit by its name, undefined for an unknown one. */
export function limitUnit(name: string): RateLimitUnit | undefined {
  return (RateLimitUnit as Readonly<Record<string, RateLimitUnit>>)[name.toUpperCase()];
}

/** The bytes of a question. */
export function encodeRateLimitQuestion(domain: string, descriptors: readonly RateLimitDescriptor[], hits: number): Uint8Array {
  return RateLimitRequest.encode({
    domain, hitsAddend: hits,
    descriptors: descriptors.map(({ entries, limit }) => {
      const unit = limit ? limitUnit(limit.unit) : undefined;
      return { entries: entries.map(({ key, value }) => ({ key, value })), ...(limit && unit !== undefined ? { limit: { requestsPerUnit: limit.requestsPerUnit, unit } } : {}) };
    }),
  }).finish();
}

/** Reads an answer; one that does not decode is an error. As in Envoy, what does not say that a limit is exceeded lets the request pass. */
export function decodeRateLimitAnswer(bytes: Uint8Array): RateLimitAnswer {
  let message: RateLimitResponse;
  try {
    message = RateLimitResponse.decode(bytes);
  } catch (_malformed) {
    return RATE_LIMIT_ERROR;
  }
  return {
    code: message.overallCode === Code.OVER_LIMIT ? 'over_limit' : 'ok',
    statuses: (message.statuses ?? []).flatMap(statusOf),
    responseAdd: (message.responseHeadersToAdd ?? []).map(headerOf),
    requestAdd: (message.requestHeadersToAdd ?? []).map(headerOf),
    body: Buffer.from(message.rawBody ?? []),
    metadata: message.dynamicMetadata ?? null,
  };
}

function statusOf({ currentLimit, limitRemaining = 0, durationUntilReset }: RateLimitResponse_DescriptorStatus): LimitStatus[] {
  if (!currentLimit) return [];
  return [{ requestsPerUnit: currentLimit.requestsPerUnit ?? 0, windowSeconds: WINDOWS[currentLimit.unit ?? 0] ?? 0, name: currentLimit.name ?? '', remaining: limitRemaining, resetSeconds: durationUntilReset?.seconds ?? 0 }];
}
