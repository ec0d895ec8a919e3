// The HTTP connection manager (envoy.extensions.filters.network.http_connection_manager.v3), with Envoy's defaults.
import {
  HttpConnectionManager_CodecType as Codec, HttpConnectionManager_ForwardClientCertDetails as Forward, HttpConnectionManager_PathWithEscapedSlashesAction as Slashes,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader, type HttpConnectionManager,
} from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { accessLogs } from './access-log.ts';
import type { HttpConnectionManagerConfig } from './filter-config.ts';
import type { Findings } from './findings.ts';
import { httpFilters } from './http-filters.ts';
import { http2Tuning } from './http2-tuning.ts';
import { routeConfiguration } from './route.ts';
import type { ListenerConfig } from './runtime-config.ts';
import { tracing } from './tracing.ts';
import { milliseconds } from './values.ts';

const FORWARD: Readonly<Record<number, HttpConnectionManagerConfig['forwardClientCertificate']>> = {
  [Forward.SANITIZE]: 'sanitize', [Forward.FORWARD_ONLY]: 'forward_only', [Forward.APPEND_FORWARD]: 'append_forward', [Forward.SANITIZE_SET]: 'sanitize_set', [Forward.ALWAYS_FORWARD_ONLY]: 'always_forward_only',
};
const SLASHES: Readonly<Record<number, HttpConnectionManagerConfig['escapedSlashes']>> = {
  [Slashes.IMPLEMENTATION_SPECIFIC_DEFAULT]: 'keep', [Slashes.KEEP_UNCHANGED]: 'keep', [Slashes.REJECT_REQUEST]: 'reject', [Slashes.UNESCAPE_AND_REDIRECT]: 'unescape_and_redirect', [Slashes.UNESCAPE_AND_FORWARD]: 'unescape_and_forward',
};

/** A connection manager inside a filter chain. */
export function connectionManager(message: HttpConnectionManager, path: string, findings: Findings, direction: ListenerConfig['direction']): HttpConnectionManagerConfig {
  checkFields(message, path, findings);
  return {
    kind: 'http_connection_manager',
    statPrefix: message.statPrefix ?? '',
    codec: codecOf(message, path, findings),
    routes: routesOf(message, path, findings),
    httpFilters: httpFilters(message.httpFilters, `${path}.http_filters`, findings, direction),
    accessLogs: accessLogs(message.accessLog, `${path}.access_log`, findings),
    tracing: message.tracing ? tracing(message.tracing, `${path}.tracing`, findings) : null,
    serverName: message.serverHeaderTransformation === ServerHeader.PASS_THROUGH ? '' : message.serverName || 'envoy',
    ...origin(message),
    ...requestForm(message),
    ...timeouts(message),
    maximumRequestHeadersKilobytes: message.maxRequestHeadersKb ?? 60,
    maximumHeadersCount: message.commonHttpProtocolOptions?.maxHeadersCount ?? 100,
    upgrades: (message.upgradeConfigs ?? []).map((upgrade) => ({ type: upgrade.upgradeType ?? '', enabled: upgrade.enabled ?? true })),
    http2: {
      maximumConcurrentStreams: message.http2ProtocolOptions?.maxConcurrentStreams ?? 1024, allowConnect: message.http2ProtocolOptions?.allowConnect ?? false,
      tuning: http2Tuning(message.http2ProtocolOptions, `${path}.http2_protocol_options`, findings),
    },
  };
}

/** What is believed and told of who asks. */
function origin(message: HttpConnectionManager): Pick<HttpConnectionManagerConfig, 'useRemoteAddress' | 'trustedForwardedHops' | 'appendForwardedFor' | 'forwardClientCertificate' | 'clientCertificateDetails'> {
  const details = message.setCurrentClientCertDetails ?? {};
  return {
    useRemoteAddress: message.useRemoteAddress ?? false,
    trustedForwardedHops: message.xffNumTrustedHops ?? 0,
    appendForwardedFor: !message.skipXffAppend,
    forwardClientCertificate: FORWARD[message.forwardClientCertDetails ?? 0] ?? 'sanitize',
    clientCertificateDetails: { subject: details.subject ?? false, dns: details.dns ?? false, uri: details.uri ?? false, chain: details.chain ?? false, certificate: details.cert ?? false },
  };
}

/** How requests are read and made uniform. */
function requestForm(message: HttpConnectionManager): Pick<HttpConnectionManagerConfig, 'generateRequestId' | 'preserveExternalRequestId' | 'normalizePath' | 'mergeSlashes' | 'escapedSlashes' | 'acceptHttp10' | 'stripPort'> {
  return {
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId ?? false,
    normalizePath: message.normalizePath ?? false,
    mergeSlashes: message.mergeSlashes ?? false,
    escapedSlashes: SLASHES[message.pathWithEscapedSlashesAction ?? 0] ?? 'keep',
    acceptHttp10: message.httpProtocolOptions?.acceptHttp10 ?? false,
    stripPort: message.stripPortMode?.stripAnyHostPort ? 'any' : message.stripMatchingHostPort ? 'matching' : 'none',
  };
}

/** Envoy's limit for a stream in which nothing moves. */
const STREAM_IDLE_MILLISECONDS = 300_000;

type Timeout = Extract<keyof HttpConnectionManagerConfig, `${string}Milliseconds`>;

function timeouts(message: HttpConnectionManager): Pick<HttpConnectionManagerConfig, Timeout> {
  const common = message.commonHttpProtocolOptions ?? {};
  return {
    streamIdleTimeoutMilliseconds: milliseconds(message.streamIdleTimeout, STREAM_IDLE_MILLISECONDS),
    // The mesh turns the stream's limit off, for streams that are quiet for long; a client that stops in the middle of its request is not meant by that.
    requestBodyIdleTimeoutMilliseconds: milliseconds(message.streamIdleTimeout, STREAM_IDLE_MILLISECONDS) === 0 ? STREAM_IDLE_MILLISECONDS : 0,
    requestTimeoutMilliseconds: milliseconds(message.requestTimeout, 0),
    requestHeadersTimeoutMilliseconds: milliseconds(message.requestHeadersTimeout, 0),
    idleTimeoutMilliseconds: milliseconds(common.idleTimeout, 3_600_000),
    maximumConnectionDurationMilliseconds: milliseconds(common.maxConnectionDuration, 0),
    maximumStreamDurationMilliseconds: milliseconds(common.maxStreamDuration, 0),
    drainTimeoutMilliseconds: milliseconds(message.drainTimeout, 5000),
  };
}

function checkFields(message: HttpConnectionManager, path: string, findings: Findings): void {
  if ((message.statPrefix ?? '') === '') findings.refuse(`${path}.stat_prefix`, 'A prefix for statistics is needed.');
  findings.refuseFields(message, path, ['originalIpDetectionExtensions', 'earlyHeaderMutationExtensions', 'localReplyConfig', 'pathNormalizationOptions', 'via', 'addUserAgent']);
  findings.ignoreFields(message, path, [
    'delayedCloseTimeout', 'accessLogFlushInterval', 'flushAccessLogOnNewRequest', 'accessLogOptions', 'internalAddressConfig', 'alwaysSetRequestIdInResponse', 'proxy100Continue', 'schemeHeaderTransformation',
    'representIpv4RemoteAddressAsIpv4MappedIpv6', 'streamErrorOnInvalidHttpMessage', 'stripTrailingHostDot', 'proxyStatusConfig', 'typedHeaderValidationConfig', 'appendXForwardedPort', 'appendLocalOverload',
    'addProxyProtocolConnectionState', 'http3ProtocolOptions',
  ]);
  if (message.serverHeaderTransformation === ServerHeader.APPEND_IF_ABSENT) findings.ignore(`${path}.server_header_transformation`, 'The server header is overwritten.');
  for (const [index, upgrade] of (message.upgradeConfigs ?? []).entries()) findings.refuseFields(upgrade, `${path}.upgrade_configs[${index}]`, ['filters']);
  const http1 = message.httpProtocolOptions;
  if (http1) findings.refuseFields(http1, `${path}.http_protocol_options`, ['allowChunkedLength', 'headerKeyFormat', 'defaultHostForHttp10']);
}

function codecOf(message: HttpConnectionManager, path: string, findings: Findings): HttpConnectionManagerConfig['codec'] {
  if (message.codecType === Codec.HTTP3) findings.refuse(`${path}.codec_type`, 'HTTP/3 is not supported by this proxy.');
  return message.codecType === Codec.HTTP1 ? 'http1' : message.codecType === Codec.HTTP2 ? 'http2' : 'auto';
}

function routesOf(message: HttpConnectionManager, path: string, findings: Findings): HttpConnectionManagerConfig['routes'] {
  const form = message.routeSpecifier;
  if (form?.$case === 'routeConfig') return { kind: 'inline', config: routeConfiguration(form.routeConfig, `${path}.route_config`, findings) };
  if (form?.$case === 'rds' && (form.rds.routeConfigName ?? '') !== '') return { kind: 'rds', name: form.rds.routeConfigName ?? '' };
  findings.refuse(path, 'A connection manager needs rds with a route_config_name, or a route_config.');
  return { kind: 'rds', name: '' };
}
