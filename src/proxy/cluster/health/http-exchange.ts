// The HTTP health check: which request is sent and which answers are good.
import type { HealthCheckerConfig } from '../../config/runtime-config.ts';
import { RequestHeaders } from '../../stream/header-map.ts';
import { compileStringMatcher } from '../../stream/string-matcher.ts';
import type { ProbeExchange } from './http-probe.ts';
import { matchesInOrder } from './payload-match.ts';

const LOOKED_AT_BYTES = 1024;

/** The exchange of `checker`; `authority` is the Host header. */
export function httpExchange(checker: HealthCheckerConfig & { kind: 'http' }, authority: string): ProbeExchange {
  const pieces = checker.receive.map((bytes) => Buffer.from(bytes, 'hex'));
  const serviceName = checker.serviceName ? compileStringMatcher(checker.serviceName) : null;
  const within = (ranges: readonly { readonly start: number; readonly end: number }[], status: number): boolean => ranges.some(({ start, end }) => status >= start && status < end);
  return {
    body: null,
    answerBytes: pieces.length > 0 ? LOOKED_AT_BYTES : 0,
    headers: () => {
      const headers = new RequestHeaders();
      headers.method = checker.method;
      headers.path = checker.path;
      headers.authority = authority;
      headers.set('user-agent', 'Envoy/HC');
      addHeaders(headers, checker.headers);
      for (const name of checker.removeHeaders) headers.remove(name);
      return headers;
    },
    judge: (headers, body) => {
      const { status } = headers;
      const excluded = headers.has('x-envoy-immediate-health-check-fail') ? { excluded: true } : {};
      if (!within(checker.expectedStatuses, status)) return { success: false, failure: 'active', retriable: within(checker.retriableStatuses, status), ...excluded };
      if (!matchesInOrder(body, pieces)) return { success: false, failure: 'active', retriable: false };
      if (serviceName && !serviceName(headers.get('x-envoy-upstream-healthchecked-cluster') ?? '')) return { success: false, failure: 'active', retriable: false };
      return { success: true, degraded: headers.has('x-envoy-degraded') };
    },
  };
}

/** Adds configured headers. */
export function addHeaders(headers: RequestHeaders, added: readonly { readonly name: string; readonly value: string; readonly append: boolean }[]): void {
  for (const { name, value, append } of added) {
    if (append && name !== 'host') headers.add(name, value);
    else headers.set(name, value);
  }
}
