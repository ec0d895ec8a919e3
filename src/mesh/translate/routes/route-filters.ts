// Per-route configuration of filters: fault injection and CORS.
import type { CorsPolicy as CorsSettings, HttpFaultInjection, Percent } from '../../../shared/api/networking/virtual-service.ts';
import { CorsPolicy } from '../../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { HTTPFault } from '../../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import type { Any } from '../../../shared/xds/generated/google/protobuf/any.ts';
import { FilterConfig } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { packAny } from '../../../shared/xds/index.ts';
import { parseDuration } from '../../../shared/lib/index.ts';
import { durationOf, percentage, stringMatcher } from '../xds-values.ts';

/** Names by which routes address filters of the chain. */
export const FAULT_FILTER = 'envoy.filters.http.fault';
export const CORS_FILTER = 'envoy.filters.http.cors';

/** A marker that turns a filter off on a route. */
export const DISABLED_FILTER: Any = packAny('envoy.config.route.v3.FilterConfig', FilterConfig, { disabled: true });

/** The per-filter configuration of a route; undefined when it has none. */
export function perFilterConfig(fault: HttpFaultInjection | undefined, cors: CorsSettings | undefined): { [name: string]: Any } | undefined {
  const config: { [name: string]: Any } = {};
  const faults = fault && faultConfig(fault);
  if (faults) config[FAULT_FILTER] = packAny('envoy.extensions.filters.http.fault.v3.HTTPFault', HTTPFault, faults);
  if (cors) config[CORS_FILTER] = packAny('envoy.extensions.filters.http.cors.v3.CorsPolicy', CorsPolicy, corsConfig(cors));
  return Object.keys(config).length > 0 ? config : undefined;
}

/** An absent percentage means every request; the old integer field counts only without the new one. */
function share(percent: Percent | undefined, old?: number): ReturnType<typeof percentage>['defaultValue'] {
  return percentage(percent ? percent.value ?? 0 : old ?? 100).defaultValue;
}

function faultConfig(fault: HttpFaultInjection): HTTPFault | undefined {
  const config: HTTPFault = {};
  const fixedDelay = durationOf(fault.delay?.fixedDelay);
  if (fault.delay && fixedDelay) config.delay = { faultDelaySecifier: { $case: 'fixedDelay', fixedDelay }, percentage: share(fault.delay.percentage, fault.delay.percent) };
  if (fault.abort?.httpStatus !== undefined) config.abort = { errorType: { $case: 'httpStatus', httpStatus: fault.abort.httpStatus }, percentage: share(fault.abort.percentage) };
  else if (fault.abort?.grpcStatus !== undefined) config.abort = { errorType: { $case: 'grpcStatus', grpcStatus: grpcStatusNumber(fault.abort.grpcStatus) }, percentage: share(fault.abort.percentage) };
  return config.delay || config.abort ? config : undefined;
}

const GRPC_STATUS = [
  'OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS', 'PERMISSION_DENIED', 'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE', 'UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED',
];

/** The number of a gRPC status; unknown names count as UNKNOWN. */
export function grpcStatusNumber(name: string): number {
  const index = GRPC_STATUS.indexOf(name.toUpperCase());
  return index >= 0 ? index : 2;
}

function corsConfig(cors: CorsSettings): CorsPolicy {
  const origins = cors.allowOrigins?.map((origin) => stringMatcher(origin)) ?? cors.allowOrigin?.map((exact) => (exact === '*' ? stringMatcher({ regex: '.*' }) : stringMatcher({ exact }))) ?? [];
  const maxAge = parseDuration(cors.maxAge);
  return {
    allowOriginStringMatch: origins,
    allowMethods: (cors.allowMethods ?? []).join(','),
    allowHeaders: (cors.allowHeaders ?? []).join(','),
    exposeHeaders: (cors.exposeHeaders ?? []).join(','),
    ...(maxAge !== undefined ? { maxAge: String(Math.round(maxAge / 1000)) } : {}),
    ...(cors.allowCredentials !== undefined ? { allowCredentials: cors.allowCredentials } : {}),
    forwardNotMatchingPreflights: cors.unmatchedPreflights !== 'IGNORE',
    filterEnabled: percentage(100),
  };
}
