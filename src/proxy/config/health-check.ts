// Active health checks (envoy.config.core.v3.HealthCheck) as plain data, with Envoy's defaults.
import { CodecClientType } from '../../shared/xds/generated/envoy/type/v3/http.ts';
import type { Int64Range } from '../../shared/xds/generated/envoy/type/v3/range.ts';
import { HeaderValueOption_HeaderAppendAction, RequestMethod, type HeaderValueOption } from '../../shared/xds/generated/envoy/config/core/v3/base.ts';
import type { HealthCheck, HealthCheck_GrpcHealthCheck, HealthCheck_HttpHealthCheck, HealthCheck_Payload, HealthCheck_TcpHealthCheck } from '../../shared/xds/generated/envoy/config/core/v3/health_check.ts';
import type { Duration } from '../../shared/xds/generated/google/protobuf/duration.ts';
import type { Findings } from './findings.ts';
import { stringMatch } from './matchers.ts';
import type { HealthCheckConfig, HealthCheckerConfig } from './runtime-config.ts';
import { milliseconds } from './values.ts';

/** The health checks of a cluster. */
export function healthChecks(messages: readonly HealthCheck[] | undefined, findings: Findings): readonly HealthCheckConfig[] {
  if ((messages ?? []).length > 1) findings.refuse('health_checks', 'A cluster has one health check.');
  return (messages ?? []).map((message, index) => healthCheck(message, `health_checks[${index}]`, findings));
}

function healthCheck(message: HealthCheck, path: string, findings: Findings): HealthCheckConfig {
  findings.refuseFields(message, path, ['transportSocketMatchCriteria', 'eventService']);
  findings.ignoreFields(message, path, ['eventLogger']);
  const interval = required(message.interval, `${path}.interval`, findings);
  const unhealthyInterval = milliseconds(message.unhealthyInterval, interval);
  const noTraffic = milliseconds(message.noTrafficInterval, 60_000);
  return {
    timeoutMilliseconds: required(message.timeout, `${path}.timeout`, findings),
    intervalMilliseconds: interval,
    initialJitterMilliseconds: milliseconds(message.initialJitter, 0),
    intervalJitterMilliseconds: milliseconds(message.intervalJitter, 0),
    intervalJitterPercent: message.intervalJitterPercent ?? 0,
    unhealthyThreshold: threshold(message.unhealthyThreshold, `${path}.unhealthy_threshold`, findings),
    healthyThreshold: threshold(message.healthyThreshold, `${path}.healthy_threshold`, findings),
    reuseConnection: message.reuseConnection ?? true,
    noTrafficIntervalMilliseconds: noTraffic,
    noTrafficHealthyIntervalMilliseconds: milliseconds(message.noTrafficHealthyInterval, noTraffic),
    unhealthyIntervalMilliseconds: unhealthyInterval,
    unhealthyEdgeIntervalMilliseconds: milliseconds(message.unhealthyEdgeInterval, unhealthyInterval),
    healthyEdgeIntervalMilliseconds: milliseconds(message.healthyEdgeInterval, interval),
    alwaysLogFailures: message.alwaysLogHealthCheckFailures ?? false,
    alwaysLogSuccesses: message.alwaysLogHealthCheckSuccess ?? false,
    eventLogPath: message.eventLogPath ?? '',
    altPort: message.altPort ?? 0,
    alpnProtocols: message.tlsOptions?.alpnProtocols ?? [],
    checker: checker(message, path, findings),
  };
}

function required(duration: Duration | undefined, path: string, findings: Findings): number {
  const value = milliseconds(duration, 0);
  if (value <= 0) findings.refuse(path, 'A time above 0 is needed.');
  return value;
}

function threshold(value: number | undefined, path: string, findings: Findings): number {
  if (value === undefined) findings.refuse(path, 'A threshold is needed.');
  return Math.max(1, value ?? 1);
}

function checker(message: HealthCheck, path: string, findings: Findings): HealthCheckerConfig {
  const form = message.healthChecker;
  switch (form?.$case) {
    case 'httpHealthCheck': return http(form.httpHealthCheck, `${path}.http_health_check`, findings);
    case 'tcpHealthCheck': return tcp(form.tcpHealthCheck, `${path}.tcp_health_check`, findings);
    case 'grpcHealthCheck': return grpc(form.grpcHealthCheck);
    default:
      findings.refuse(path, 'Only http_health_check, grpc_health_check and tcp_health_check are supported by this proxy.');
      return { kind: 'tcp', send: '', receive: [] };
  }
}

function http(message: HealthCheck_HttpHealthCheck, path: string, findings: Findings): HealthCheckerConfig {
  findings.refuseFields(message, path, ['send']);
  findings.ignoreFields(message, path, ['responseBufferSize']);
  if (!message.path?.startsWith('/')) findings.refuse(`${path}.path`, 'A path that begins with a slash is needed.');
  if (message.codecClientType === CodecClientType.HTTP3) findings.refuse(`${path}.codec_client_type`, 'HTTP/3 is not supported by this proxy.');
  const method = message.method ?? RequestMethod.METHOD_UNSPECIFIED;
  if (method === RequestMethod.CONNECT) findings.refuse(`${path}.method`, 'CONNECT is no method of a health check.');
  const expected = ranges(message.expectedStatuses, `${path}.expected_statuses`, findings);
  return {
    kind: 'http', host: message.host ?? '', path: message.path ?? '/', method: METHODS[method] ?? 'GET', codec: message.codecClientType === CodecClientType.HTTP2 ? 'http2' : 'http1',
    expectedStatuses: expected.length > 0 ? expected : [{ start: 200, end: 201 }],
    retriableStatuses: ranges(message.retriableStatuses, `${path}.retriable_statuses`, findings),
    headers: (message.requestHeadersToAdd ?? []).map(addedHeader), removeHeaders: (message.requestHeadersToRemove ?? []).map((name) => name.toLowerCase()),
    receive: payloads(message.receive, `${path}.receive`, findings),
    serviceName: message.serviceNameMatcher ? stringMatch(message.serviceNameMatcher, `${path}.service_name_matcher`, findings) : null,
  };
}

const METHODS: Readonly<Record<number, string>> = {
  [RequestMethod.GET]: 'GET', [RequestMethod.HEAD]: 'HEAD', [RequestMethod.POST]: 'POST', [RequestMethod.PUT]: 'PUT', [RequestMethod.DELETE]: 'DELETE', [RequestMethod.OPTIONS]: 'OPTIONS', [RequestMethod.TRACE]: 'TRACE', [RequestMethod.PATCH]: 'PATCH',
};

function ranges(messages: readonly Int64Range[] | undefined, path: string, findings: Findings): { start: number; end: number }[] {
  return (messages ?? []).map(({ start = 0, end = 0 }, index) => {
    if (start >= end || start < 100 || end > 600) findings.refuse(`${path}[${index}]`, `[${start}, ${end}) is no range of statuses. Give a half-open range within 100 and 600.`);
    return { start, end };
  });
}

function addedHeader({ header, appendAction }: HeaderValueOption): { name: string; value: string; append: boolean } {
  return { name: (header?.key ?? '').toLowerCase(), value: header?.value ?? '', append: (appendAction ?? 0) === HeaderValueOption_HeaderAppendAction.APPEND_IF_EXISTS_OR_ADD };
}

function grpc(message: HealthCheck_GrpcHealthCheck): HealthCheckerConfig {
  return { kind: 'grpc', serviceName: message.serviceName ?? '', authority: message.authority ?? '', headers: (message.initialMetadata ?? []).map(addedHeader) };
}

function tcp(message: HealthCheck_TcpHealthCheck, path: string, findings: Findings): HealthCheckerConfig {
  findings.refuseFields(message, path, ['proxyProtocolConfig']);
  return { kind: 'tcp', send: message.send ? payload(message.send, `${path}.send`, findings) : '', receive: payloads(message.receive, `${path}.receive`, findings) };
}

function payloads(messages: readonly HealthCheck_Payload[] | undefined, path: string, findings: Findings): string[] {
  return (messages ?? []).map((message, index) => payload(message, `${path}[${index}]`, findings)).filter((bytes) => bytes !== '');
}

/** Bytes as hexadecimal text; text comes as that. */
function payload({ payload: form }: HealthCheck_Payload, path: string, findings: Findings): string {
  if (form?.$case === 'binary') return [...form.binary].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const text = form?.text ?? '';
  if (!/^([0-9a-fA-F]{2})+$/.test(text)) findings.refuse(`${path}.text`, 'A payload as text is hexadecimal, two digits a byte.');
  return text.toLowerCase();
}
