// Filter chains' ends: the HTTP connection manager and the TCP proxy, with what every chain of ours sets.
import type { Filter, ListenerFilter } from '../../../shared/xds/generated/envoy/config/listener/v3/listener_components.ts';
import type { RouteConfiguration } from '../../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { HttpInspector } from '../../../shared/xds/generated/envoy/extensions/filters/listener/http_inspector/v3/http_inspector.ts';
import { OriginalSrc } from '../../../shared/xds/generated/envoy/extensions/filters/listener/original_src/v3/original_src.ts';
import { OriginalDst } from '../../../shared/xds/generated/envoy/extensions/filters/listener/original_dst/v3/original_dst.ts';
import { TlsInspector } from '../../../shared/xds/generated/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.ts';
import {
  HttpConnectionManager, HttpConnectionManager_ForwardClientCertDetails, HttpConnectionManager_PathWithEscapedSlashesAction,
} from '../../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { TcpProxy } from '../../../shared/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { packAny } from '../../../shared/xds/index.ts';
import type { ProxyView } from '../proxy-view.ts';
import { jwtAuthentication, requestAuthenticationsFor } from '../security/jwt.ts';
import type { CustomAuthorization } from '../security/custom-authorization.ts';
import type { RbacRules } from '../security/rbac.ts';
import { accessLogs, tracing, type TelemetryMode } from '../telemetry.ts';
import { ADS_SOURCE, milliseconds } from '../xds-values.ts';
import { httpFilters, networkFilters, type Direction } from './filters.ts';

/** What a chain is made for. */
export interface ChainOptions {
  readonly direction: Direction;
  readonly statPrefix: string;
  readonly rbac: readonly RbacRules[];
  readonly custom?: readonly CustomAuthorization[] | undefined;
}

/** Where an HTTP chain's routes come from. */
export type RouteSource = { readonly routeName: string } | { readonly routes: RouteConfiguration };

function telemetryMode(direction: Direction): TelemetryMode {
  return direction === 'inbound' ? 'SERVER' : 'CLIENT';
}

/** The connection manager of an HTTP chain. */
export function httpChain(view: ProxyView, options: ChainOptions & { readonly source: RouteSource; readonly dynamicDns?: boolean; readonly connect?: boolean }): Filter {
  const { snapshot, proxy } = view;
  const { direction, source } = options;
  const spans = tracing(snapshot, proxy, telemetryMode(direction));
  const logs = accessLogs(snapshot, proxy, telemetryMode(direction));
  // Who sends a request away checks no token of it; at a gateway claims choose routes.
  const jwt = direction === 'outbound' ? undefined : jwtAuthentication(requestAuthenticationsFor(snapshot, proxy), snapshot.keySets, direction === 'gateway');
  const manager: HttpConnectionManager = {
    statPrefix: options.statPrefix,
    routeSpecifier: 'routeName' in source ? { $case: 'rds', rds: { configSource: ADS_SOURCE, routeConfigName: source.routeName } } : { $case: 'routeConfig', routeConfig: source.routes },
    httpFilters: httpFilters({ direction, ownProxy: proxy.isMizzen, rbac: options.rbac, custom: options.custom, jwt, ...(options.dynamicDns ? { dynamicDns: true } : {}) }),
    ...(spans ? { tracing: spans } : {}),
    ...(logs.length > 0 ? { accessLog: logs } : {}),
    ...(direction === 'outbound' ? {} : { serverName: 'istio-envoy' }),
    streamIdleTimeout: milliseconds(0),
    useRemoteAddress: direction === 'gateway',
    ...(direction === 'gateway' && snapshot.meshConfig.defaultConfig.gatewayTopology?.numTrustedProxies ? { xffNumTrustedHops: snapshot.meshConfig.defaultConfig.gatewayTopology.numTrustedProxies } : {}),
    ...clientCertificate(direction),
    upgradeConfigs: [{ upgradeType: 'websocket' }, ...(options.connect ? [{ upgradeType: 'CONNECT' }] : [])],
    ...pathNormalization(view),
    ...(options.connect ? { httpProtocolOptions: { allowAbsoluteUrl: true } } : {}),
    ...(direction === 'gateway' ? { http2ProtocolOptions: { maxConcurrentStreams: 100 } } : {}),
  };
  return { name: 'envoy.filters.network.http_connection_manager', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, manager) } };
}

function clientCertificate(direction: Direction): Partial<HttpConnectionManager> {
  if (direction === 'outbound') return {};
  return {
    forwardClientCertDetails: direction === 'inbound' ? HttpConnectionManager_ForwardClientCertDetails.APPEND_FORWARD : HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
    setCurrentClientCertDetails: direction === 'inbound' ? { subject: true, dns: true, uri: true } : { subject: true, cert: true, dns: true, uri: true },
  };
}

function pathNormalization(view: ProxyView): Partial<HttpConnectionManager> {
  const { normalization } = view.snapshot.meshConfig.pathNormalization;
  switch (normalization) {
    case 'NONE': return {};
    case 'MERGE_SLASHES': return { normalizePath: true, mergeSlashes: true };
    case 'DECODE_AND_MERGE_SLASHES': return { normalizePath: true, mergeSlashes: true, pathWithEscapedSlashesAction: HttpConnectionManager_PathWithEscapedSlashesAction.UNESCAPE_AND_FORWARD };
    default: return { normalizePath: true };
  }
}

/** A cluster, or several with weights. */
export type TcpTarget = string | readonly { readonly name: string; readonly weight: number }[];

/** The network filters of a TCP chain. */
export function tcpChain(view: ProxyView, options: ChainOptions & { readonly target: TcpTarget }): Filter[] {
  const { target, direction } = options;
  const logs = accessLogs(view.snapshot, view.proxy, telemetryMode(direction));
  const proxy: TcpProxy = {
    statPrefix: options.statPrefix,
    clusterSpecifier: typeof target === 'string' ? { $case: 'cluster', cluster: target } : { $case: 'weightedClusters', weightedClusters: { clusters: target.map(({ name, weight }) => ({ name, weight })) } },
    ...(logs.length > 0 ? { accessLog: logs } : {}),
  };
  return [
    ...networkFilters({ direction, ownProxy: view.proxy.isMizzen, rbac: options.rbac, custom: options.custom }, options.statPrefix),
    { name: 'envoy.filters.network.tcp_proxy', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', TcpProxy, proxy) } },
  ];
}

/** Tells TLS from plaintext, and reads SNI and ALPN. */
export const TLS_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.tls_inspector',
  configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', TlsInspector, {}) },
};

/** Tells HTTP from other plaintext. */
export const HTTP_INSPECTOR: ListenerFilter = {
  name: 'envoy.filters.listener.http_inspector',
  configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.listener.http_inspector.v3.HttpInspector', HttpInspector, {}) },
};

/** Finds where a captured connection was going. */
export const ORIGINAL_DESTINATION: ListenerFilter = {
  name: 'envoy.filters.listener.original_dst',
  configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.listener.original_dst.v3.OriginalDst', OriginalDst, {}) },
};

/** Makes connections to the application come from the client's own address (TPROXY); the mark is that of the capture rules. */
export const ORIGINAL_SOURCE: ListenerFilter = {
  name: 'envoy.filters.listener.original_src',
  configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.listener.original_src.v3.OriginalSrc', OriginalSrc, { mark: 1337 }) },
};
