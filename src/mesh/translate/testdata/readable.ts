// Test support: a resource as JSON with the messages inside `Any` opened, so that a golden can be read and reviewed.
import * as cluster from '../../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import * as endpoint from '../../../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import * as listener from '../../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import * as route from '../../../shared/xds/generated/envoy/config/route/v3/route.ts';
import { FilterConfig } from '../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { ZipkinConfig } from '../../../shared/xds/generated/envoy/config/trace/v3/zipkin.ts';
import { FileAccessLog } from '../../../shared/xds/generated/envoy/extensions/access_loggers/file/v3/file.ts';
import { CorsPolicy } from '../../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { HTTPFault } from '../../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { RBAC } from '../../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { HttpConnectionManager } from '../../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { RBAC as NetworkRbac } from '../../../shared/xds/generated/envoy/extensions/filters/network/rbac/v3/rbac.ts';
import { TcpProxy } from '../../../shared/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { DownstreamTlsContext, UpstreamTlsContext } from '../../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { HttpProtocolOptions } from '../../../shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { TYPE_URLS } from '../../../shared/xds/index.ts';
import { decodeBase64 } from '../../../shared/lib/index.ts';
import type { NamedResource } from '../named-resource.ts';

interface Codec {
  decode(input: Uint8Array): unknown;
  toJSON(message: never): unknown;
}

const TOP: Readonly<Record<string, Codec>> = {
  [TYPE_URLS.cluster]: cluster.Cluster, [TYPE_URLS.endpoint]: endpoint.ClusterLoadAssignment, [TYPE_URLS.listener]: listener.Listener, [TYPE_URLS.route]: route.RouteConfiguration,
};

const PACKED: Readonly<Record<string, Codec>> = {
  'envoy.config.route.v3.FilterConfig': FilterConfig,
  'envoy.config.trace.v3.ZipkinConfig': ZipkinConfig,
  'envoy.extensions.access_loggers.file.v3.FileAccessLog': FileAccessLog,
  'envoy.extensions.filters.http.cors.v3.CorsPolicy': CorsPolicy,
  'envoy.extensions.filters.http.fault.v3.HTTPFault': HTTPFault,
  'envoy.extensions.filters.http.rbac.v3.RBAC': RBAC,
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager': HttpConnectionManager,
  'envoy.extensions.filters.network.rbac.v3.RBAC': NetworkRbac,
  'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy': TcpProxy,
  'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext': DownstreamTlsContext,
  'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext': UpstreamTlsContext,
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': HttpProtocolOptions,
};

/** The resource as JSON, from its bytes: what goes over the wire is what is shown. */
export function readable(resource: NamedResource): unknown {
  const codec = TOP[resource.typeUrl];
  if (!codec) throw new Error(`No codec for ${resource.typeUrl}`);
  return opened(codec.toJSON(codec.decode(resource.encode()) as never));
}

function opened(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null) return value;
  const { typeUrl, value: bytes } = value as { typeUrl?: unknown; value?: unknown };
  if (typeof typeUrl === 'string') {
    const name = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
    const codec = PACKED[name];
    if (!codec || typeof bytes !== 'string') return { '@type': name };
    return { '@type': name, ...(opened(codec.toJSON(codec.decode(decodeBase64(bytes)) as never)) as object) };
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, opened(inner)]));
}
