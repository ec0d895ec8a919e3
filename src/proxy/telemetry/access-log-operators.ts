// Envoy's access log operators (%NAME(argument):length%), each compiled once to a function of the finished stream.
import type { HeaderReader, ResponseFlag, StreamInfo } from '../stream/stream-info.ts';

/** A finished stream with its headers. */
export interface LogEntry {
  readonly info: StreamInfo;
  readonly requestHeaders: HeaderReader | null;
  readonly responseHeaders: HeaderReader | null;
}

/** The operator's value; undefined prints as `-` (null in JSON). */
export type OperatorValue = (entry: LogEntry) => string | number | undefined;

/** What operators need to know of the process. */
export interface OperatorEnvironment {
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const LONG_FLAGS: Readonly<Record<ResponseFlag, string>> = {
  UH: 'NoHealthyUpstream', UF: 'UpstreamConnectionFailure', UO: 'UpstreamOverflow', NR: 'NoRouteFound', URX: 'UpstreamRetryLimitExceeded', NC: 'NoClusterFound', DT: 'DurationTimeout',
  DC: 'DownstreamConnectionTermination', LH: 'FailedLocalHealthCheck', UT: 'UpstreamRequestTimeout', LR: 'LocalReset', UR: 'UpstreamRemoteReset', UC: 'UpstreamConnectionTermination',
  DI: 'DelayInjected', FI: 'FaultInjected', RL: 'RateLimited', UAEX: 'UnauthorizedExternalService', RLSE: 'RateLimitServiceError', IH: 'InvalidEnvoyRequestHeaders', SI: 'StreamIdleTimeout',
  DPE: 'DownstreamProtocolError', UPE: 'UpstreamProtocolError', UMSDR: 'UpstreamMaxStreamDurationReached', OM: 'OverloadManagerTerminated', DF: 'DnsResolutionFailed',
};

const text = (value: string | undefined): string | undefined => (value === undefined || value === '' ? undefined : value);
const since = (from: number, to: number): number | undefined => (from === 0 || to === 0 ? undefined : Math.round(to - from));
const host = (address: string): string | undefined => text(address.replace(/:\d+$/, ''));
const port = (address: string): number | undefined => (/:\d+$/.test(address) ? Number(address.slice(address.lastIndexOf(':') + 1)) : undefined);

const SIMPLE: Readonly<Record<string, OperatorValue>> = {
  PROTOCOL: ({ info }) => (info.protocol === 'TCP' ? undefined : info.protocol),
  RESPONSE_CODE: ({ info }) => info.responseCode,
  RESPONSE_CODE_DETAILS: ({ info }) => text(info.responseCodeDetails.replaceAll(' ', '_')),
  CONNECTION_TERMINATION_DETAILS: () => undefined,
  RESPONSE_FLAGS: ({ info }) => text(info.flags.join(',')),
  RESPONSE_FLAGS_LONG: ({ info }) => text(info.flags.map((flag) => LONG_FLAGS[flag]).join(',')),
  BYTES_RECEIVED: ({ info }) => info.bytesReceived,
  BYTES_SENT: ({ info }) => info.bytesSent,
  DURATION: ({ info }) => since(info.startMilliseconds, info.endMilliseconds),
  REQUEST_DURATION: ({ info }) => since(info.startMilliseconds, info.requestEndMilliseconds),
  RESPONSE_DURATION: ({ info }) => since(info.startMilliseconds, info.firstUpstreamByteMilliseconds),
  RESPONSE_TX_DURATION: ({ info }) => since(info.firstUpstreamByteMilliseconds, info.endMilliseconds),
  UPSTREAM_HOST: ({ info }) => text(info.upstreamHost),
  UPSTREAM_CLUSTER: ({ info }) => text(info.upstreamCluster),
  UPSTREAM_CLUSTER_RAW: ({ info }) => text(info.upstreamCluster),
  UPSTREAM_LOCAL_ADDRESS: ({ info }) => text(info.upstreamLocalAddress),
  UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ({ info }) => host(info.upstreamLocalAddress),
  UPSTREAM_REMOTE_ADDRESS: ({ info }) => text(info.upstreamHost),
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ info }) => host(info.upstreamHost),
  UPSTREAM_REMOTE_PORT: ({ info }) => port(info.upstreamHost),
  UPSTREAM_TRANSPORT_FAILURE_REASON: ({ info }) => text(info.upstreamTransportFailure),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: ({ info }) => info.attempts,
  UPSTREAM_PEER_URI_SAN: ({ info }) => text(info.upstreamTls?.peerUri),
  UPSTREAM_PEER_SUBJECT: ({ info }) => text(info.upstreamTls?.peerSubject),
  UPSTREAM_LOCAL_URI_SAN: ({ info }) => text(info.upstreamTls?.localUri),
  UPSTREAM_TLS_VERSION: ({ info }) => text(info.upstreamTls?.version),
  UPSTREAM_TLS_CIPHER: ({ info }) => text(info.upstreamTls?.cipher),
  DOWNSTREAM_LOCAL_ADDRESS: ({ info }) => text(info.connection.localAddress),
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: ({ info }) => host(info.connection.localAddress),
  DOWNSTREAM_LOCAL_PORT: ({ info }) => port(info.connection.localAddress),
  DOWNSTREAM_REMOTE_ADDRESS: ({ info }) => text(info.connection.remoteAddress),
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: ({ info }) => host(info.connection.remoteAddress),
  DOWNSTREAM_REMOTE_PORT: ({ info }) => port(info.connection.remoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: ({ info }) => text(info.connection.remoteAddress),
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: ({ info }) => host(info.connection.remoteAddress),
  DOWNSTREAM_PEER_URI_SAN: ({ info }) => text(info.connection.tls?.peerUris.join(',')),
  DOWNSTREAM_PEER_DNS_SAN: ({ info }) => text(info.connection.tls?.peerDnsNames.join(',')),
  DOWNSTREAM_PEER_SUBJECT: ({ info }) => text(info.connection.tls?.peerSubject),
  DOWNSTREAM_PEER_FINGERPRINT_256: ({ info }) => text(info.connection.tls?.peerFingerprint),
  DOWNSTREAM_LOCAL_URI_SAN: ({ info }) => text(info.connection.tls?.localUri),
  DOWNSTREAM_TLS_VERSION: ({ info }) => text(info.connection.tls?.version),
  DOWNSTREAM_TLS_CIPHER: ({ info }) => text(info.connection.tls?.cipher),
  REQUESTED_SERVER_NAME: ({ info }) => text(info.connection.tls?.sni),
  ROUTE_NAME: ({ info }) => text(info.routeName),
  CONNECTION_ID: ({ info }) => info.connection.id,
  STREAM_ID: ({ info }) => text(info.requestId),
  TRACE_ID: ({ info }) => text(info.trace?.traceId),
  FILTER_CHAIN_NAME: () => undefined,
  VIRTUAL_CLUSTER_NAME: () => undefined,
  GRPC_STATUS_NUMBER: ({ info }) => text(info.grpcStatus),
};

const GRPC_NAMES = ['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented', 'Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'];

/** The operator's function; undefined when there is no such operator. */
export function compileOperator(name: string, argument: string | undefined, process: OperatorEnvironment): OperatorValue | undefined {
  switch (name) {
    case 'REQ': return headerValue(argument ?? '', requestHeader);
    case 'RESP': return headerValue(argument ?? '', ({ responseHeaders }, header) => responseHeaders?.get(header));
    case 'TRAILER': return () => undefined;
    case 'START_TIME': {
      const format = argument ?? '';
      return ({ info }) => formatTime(info.startTime, format);
    }
    case 'GRPC_STATUS': return ({ info }) => (info.grpcStatus === '' ? undefined : argument === 'NUMBER' ? info.grpcStatus : GRPC_NAMES[Number(info.grpcStatus)] ?? info.grpcStatus);
    case 'FILTER_STATE': {
      const key = (argument ?? '').split(':')[0] ?? '';
      return ({ info }) => info.filterState.get(key);
    }
    case 'DYNAMIC_METADATA':
    case 'CLUSTER_METADATA':
    case 'UPSTREAM_METADATA': return () => undefined;
    case 'HOSTNAME': return () => text(process.hostname);
    case 'ENVIRONMENT': return () => text(process.environment[argument ?? '']);
    default: return SIMPLE[name];
  }
}

/** `X?Y`: the first header, or else the second. */
function headerValue(argument: string, read: (entry: LogEntry, name: string) => string | undefined): OperatorValue {
  const [first = '', second] = argument.toLowerCase().split('?');
  return (entry) => text(read(entry, first)) ?? (second === undefined ? undefined : text(read(entry, second)));
}

function requestHeader({ info, requestHeaders }: LogEntry, name: string): string | undefined {
  switch (name) {
    case ':method': return info.method;
    case ':path': return info.path;
    case 'x-envoy-original-path': return info.originalPath || requestHeaders?.get(name);
    case ':authority':
    case 'host': return info.authority;
    case 'x-request-id': return info.requestId || requestHeaders?.get(name);
    default: return requestHeaders?.get(name);
  }
}

/** A time as ISO 8601, or by strftime's letters (UTC). */
function formatTime(time: number, format: string): string {
  const iso = new Date(time).toISOString();
  if (format === '') return iso;
  const parts: Readonly<Record<string, string>> = {
    '%Y': iso.slice(0, 4), '%m': iso.slice(5, 7), '%d': iso.slice(8, 10), '%H': iso.slice(11, 13), '%M': iso.slice(14, 16), '%S': iso.slice(17, 19), '%s': String(Math.floor(time / 1000)),
    '%3f': iso.slice(20, 23), '%6f': `${iso.slice(20, 23)}000`, '%9f': `${iso.slice(20, 23)}000000`, '%f': `${iso.slice(20, 23)}000000`, '%F': iso.slice(0, 10), '%T': iso.slice(11, 19), '%z': '+0000', '%Z': 'UTC', '%%': '%',
  };
  return format.replaceAll(/%(?:\d?[A-Za-z]|%)/g, (letter) => parts[letter] ?? letter);
}
