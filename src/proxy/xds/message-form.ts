// Protobuf messages as Envoy's admin interface shows them: snake_case, `Any` opened with its @type, durations as text, secrets redacted.
import { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { TypedExtensionConfig } from '../../shared/xds/generated/envoy/config/core/v3/extension.ts';
import { ClusterLoadAssignment } from '../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { FilterConfig } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { ZipkinConfig } from '../../shared/xds/generated/envoy/config/trace/v3/zipkin.ts';
import { FileAccessLog } from '../../shared/xds/generated/envoy/extensions/access_loggers/file/v3/file.ts';
import { Cors, CorsPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { FilterConfig as GrpcStats } from '../../shared/xds/generated/envoy/extensions/filters/http/grpc_stats/v3/config.ts';
import { JwtAuthentication, PerRouteConfig as JwtPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { LocalRateLimit } from '../../shared/xds/generated/envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.ts';
import { RBAC as HttpRbac, RBACPerRoute } from '../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { Router } from '../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { RBAC as NetworkRbac } from '../../shared/xds/generated/envoy/extensions/filters/network/rbac/v3/rbac.ts';
import { TcpProxy } from '../../shared/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { DownstreamTlsContext, UpstreamTlsContext } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { HttpProtocolOptions } from '../../shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { FilterConfig as Alpn } from '../../shared/xds/generated/istio/alpn.ts';
import { MetadataExchange } from '../../shared/xds/generated/istio/metadata_exchange.ts';
import { Config as PeerMetadata } from '../../shared/xds/generated/istio/peer_metadata.ts';
import { PluginConfig } from '../../shared/xds/generated/istio/stats.ts';

interface Codec {
  decode(bytes: Uint8Array): unknown;
  toJSON(message: never): unknown;
}

const CODECS: Readonly<Record<string, Codec>> = {
  'envoy.config.cluster.v3.Cluster': Cluster,
  'envoy.config.core.v3.TypedExtensionConfig': TypedExtensionConfig,
  'envoy.config.endpoint.v3.ClusterLoadAssignment': ClusterLoadAssignment,
  'envoy.config.listener.v3.Listener': Listener,
  'envoy.config.route.v3.RouteConfiguration': RouteConfiguration,
  'envoy.config.route.v3.FilterConfig': FilterConfig,
  'envoy.config.trace.v3.ZipkinConfig': ZipkinConfig,
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': FileAccessLog,
  'envoy.extensions.filters.http.cors.v3.Cors': Cors,
  'envoy.extensions.filters.http.cors.v3.CorsPolicy': CorsPolicy,
  'envoy.extensions.filters.http.fault.v3.HTTPFault': HTTPFault,
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig': GrpcStats,
  'envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication': JwtAuthentication,
  'envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig': JwtPerRoute,
  'envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit': LocalRateLimit,
  'envoy.extensions.filters.http.rbac.v3.RBAC': HttpRbac,
  'envoy.extensions.filters.http.rbac.v3.RBACPerRoute': RBACPerRoute,
  'envoy.extensions.filters.http.router.v3.Router': Router,
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': HttpConnectionManager,
  'envoy.extensions.filters.network.rbac.v3.RBAC': NetworkRbac,
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': TcpProxy,
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': DownstreamTlsContext,
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': UpstreamTlsContext,
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': HttpProtocolOptions,
  'istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig': Alpn,
  'envoy.tcp.metadataexchange.config.MetadataExchange': MetadataExchange,
  'io.istio.http.peer_metadata.Config': PeerMetadata,
  'stats.PluginConfig': PluginConfig,
};

/** The message of a type URL, as JSON with its @type. */
export function messageForm(typeUrl: string, bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const codec = CODECS[typeUrl.slice(typeUrl.lastIndexOf('/') + 1)];
  if (!codec) return { '@type': typeUrl, value: Buffer.from(bytes).toString('base64') };
  return { '@type': typeUrl, ...(expand(codec.toJSON(codec.decode(bytes) as never), '') as Readonly<Record<string, unknown>>) };
}

/** Fields whose content is a user's own (structs), shown as it is. */
const VERBATIM = new Set(['filterMetadata', 'jsonFormat', 'typedJsonFormat', 'defaultSubset']);
/** Fields that are maps: their keys are names. */
const MAPS = new Set(['policies', 'typedPerFilterConfig', 'typedExtensionProtocolOptions', 'dimensions', 'namedEndpoints', 'providers', 'requirementMap']);

/** Opens `Any`s, writes durations as text and names in snake_case, keeps keys to itself. `key` is the field that holds `value`. */
function expand(value: unknown, key: string, inMap = false): unknown {
  if (Array.isArray(value)) return value.map((item) => expand(item, key));
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Readonly<Record<string, unknown>>;
  if (key === 'privateKey' || key === 'password') return { inline_string: '[redacted]' };
  if (key === 'localJwks' && typeof record['inlineString'] === 'string') return { inline_string: publicKeysIn(record['inlineString']) };
  const keys = Object.keys(record);
  const { typeUrl } = record;
  if (typeof typeUrl === 'string' && keys.every((name) => name === 'typeUrl' || name === 'value')) return messageForm(typeUrl, Buffer.from(String(record['value'] ?? ''), 'base64'));
  if (keys.length > 0 && keys.every((name) => name === 'seconds' || name === 'nanos')) return `${Number(record['seconds'] ?? 0) + Number(record['nanos'] ?? 0) / 1e9}s`;
  const names = !inMap && MAPS.has(key);
  return Object.fromEntries(Object.entries(record).map(([name, inner]) => {
    if (VERBATIM.has(name) || (key === 'transportSocketMatches' && name === 'match')) return [snakeCase(name), inner];
    return names ? [name, expand(inner, name, true)] : [snakeCase(name), expand(inner, name)];
  }));
}

/** Members of a key in JSON Web Key form that are nobody else's business (RFC 7518 section 6). */
const SECRET_MEMBERS = new Set(['k', 'd', 'p', 'q', 'dp', 'dq', 'qi', 'oth']);

/** A key set without its secrets; text that is none is not shown. */
function publicKeysIn(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (name, value: unknown) => (SECRET_MEMBERS.has(name) ? '[redacted]' : value));
  } catch {
    return '[redacted]';
  }
}

function snakeCase(name: string): string {
  return name.startsWith('@') ? name : name.replace(/^consecutive5xx$/, 'consecutive_5xx').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
