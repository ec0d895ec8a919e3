// What the router does to a request's headers before it goes upstream: route and cluster header changes, rewrites of path and host, control headers.
import type { RouteActionConfig } from '../../../config/route-config.ts';
import { mutateRequest, type CompiledMutations } from '../../../route/header-mutations.ts';
import type { SelectedRoute } from '../../../route/route-table.ts';
import type { RequestHeaders } from '../../../stream/header-map.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';

const CONTROL = new Set(['x-envoy-max-retries', 'x-envoy-retry-on', 'x-envoy-retry-grpc-on', 'x-envoy-retriable-status-codes', 'x-envoy-retriable-header-names', 'x-envoy-upstream-rq-timeout-ms', 'x-envoy-upstream-rq-per-try-timeout-ms', 'x-envoy-upstream-alt-stat-name', 'x-envoy-hedge-on-per-try-timeout']);

/** The header changes of the drawn cluster, or of the route. */
export function mutationsOf(selected: SelectedRoute): readonly CompiledMutations[] {
  return selected.cluster?.mutations ?? selected.route.mutations;
}

/** Removes what was meant for this router only. */
export function removeControlHeaders(headers: RequestHeaders): void {
  headers.removeIf((name) => name.startsWith('x-envoy-') && CONTROL.has(name));
}

/** Changes `headers` for the upstream. */
export function prepareRequest(selected: SelectedRoute, action: RouteActionConfig, headers: RequestHeaders, info: StreamInfo): void {
  mutateRequest(mutationsOf(selected), headers, info);
  if (selected.route.rewrite) {
    info.originalPath = headers.path;
    headers.path = selected.route.rewrite(headers.path);
    headers.set('x-envoy-original-path', info.originalPath);
  }
  const host = rewrittenHost(selected, action, headers);
  if (host === null || host === headers.authority) return;
  headers.set('x-envoy-original-host', headers.authority);
  headers.authority = host;
}

/** The host that the drawn cluster or the route asks for; null when they leave it. */
function rewrittenHost(selected: SelectedRoute, { hostRewrite }: RouteActionConfig, headers: RequestHeaders): string | null {
  const literal = selected.cluster?.config.hostRewriteLiteral ?? null;
  if (literal !== null) return literal;
  if (hostRewrite?.kind === 'literal') return hostRewrite.value;
  return hostRewrite?.kind === 'header' ? headers.get(hostRewrite.name.toLowerCase()) ?? null : null;
}

/** Milliseconds of a grpc-timeout header; null when it is malformed. */
export function grpcTimeout(text: string | undefined): number | null {
  const match = /^([0-9]{1,8})([HMSmun])$/.exec(text ?? '');
  if (!match) return null;
  const unit: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 };
  return Math.max(1, Math.ceil(Number(match[1]) * (unit[match[2] ?? 'S'] ?? 1000)));
}

/** Whether the route's maximum stream duration repeats its timeout, and `timeout`, which is in force, is no longer than that. */
export function limitsBothWays({ maximumStreamDurationMilliseconds: maximum, timeoutMilliseconds }: RouteActionConfig, timeout: number): boolean {
  return maximum !== null && maximum > 0 && maximum === timeoutMilliseconds && timeout <= maximum;
}

/** How long the whole answer may take, 0 for no limit. */
export function requestTimeout(action: RouteActionConfig, headers: RequestHeaders): number {
  const maximum = action.grpcTimeoutMaximumMilliseconds;
  if (maximum !== null) {
    const asked = grpcTimeout(headers.get('grpc-timeout'));
    if (asked !== null) return maximum > 0 ? Math.min(asked, maximum) : asked;
  }
  const override = Number(headers.get('x-envoy-upstream-rq-timeout-ms') ?? Number.NaN);
  return Number.isFinite(override) && override >= 0 ? override : action.timeoutMilliseconds;
}
