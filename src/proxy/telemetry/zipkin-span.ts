// A finished request as a Zipkin v2 span, with the tags Envoy and Istio give it.
import type { TracingConfig } from '../config/index.ts';
import type { HeaderReader, PeerMetadata, StreamInfo } from '../stream/stream-info.ts';

/** A span in Zipkin's JSON form, version 2. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind: 'SERVER' | 'CLIENT';
  readonly name: string;
  /** Microseconds. */
  readonly timestamp: number;
  readonly duration: number;
  readonly localEndpoint: { readonly serviceName: string; readonly ipv4?: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** Who reports. */
export interface SpanReporter {
  readonly nodeId: string;
  readonly serviceName: string;
  readonly address: string;
  readonly meshId: string;
  readonly local: PeerMetadata;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The span of a request that is traced; undefined for others. */
export function zipkinSpan(info: StreamInfo, requestHeaders: HeaderReader | null, config: TracingConfig, reporter: SpanReporter): ZipkinSpan | undefined {
  const { trace } = info;
  if (!trace?.sampled) return undefined;
  const inbound = info.connection.direction === 'inbound';
  return {
    traceId: trace.traceId,
    id: trace.spanId,
    ...(trace.parentSpanId === '' ? {} : { parentId: trace.parentSpanId }),
    kind: inbound ? 'SERVER' : 'CLIENT',
    name: (info.route?.decoratorOperation ?? info.authority).toLowerCase() || 'unknown',
    timestamp: Math.round(info.startTime * 1000),
    duration: Math.max(1, Math.round((info.endMilliseconds - info.startMilliseconds) * 1000)),
    localEndpoint: { serviceName: reporter.serviceName, ...(/^\d+\.\d+\.\d+\.\d+$/.test(reporter.address) ? { ipv4: reporter.address } : {}) },
    tags: { ...requestTags(info, requestHeaders, config), ...istioTags(reporter), ...customTags(requestHeaders, config, reporter) },
  };
}

function requestTags(info: StreamInfo, headers: HeaderReader | null, config: TracingConfig): Record<string, string> {
  const tags: Record<string, string> = {
    component: 'proxy',
    'http.method': info.method,
    'http.url': `${headers?.get('x-forwarded-proto') ?? 'http'}://${info.authority}${(info.originalPath || info.path).slice(0, config.maximumPathTagLength)}`,
    'http.protocol': info.protocol,
    'http.status_code': String(info.responseCode),
    'guid:x-request-id': info.requestId,
    'peer.address': info.connection.remoteAddress.replace(/:\d+$/, ''),
    request_size: String(info.bytesReceived),
    response_size: String(info.bytesSent),
    response_flags: info.flags.length === 0 ? '-' : info.flags.join(','),
    upstream_cluster: info.upstreamCluster || '-',
    'upstream_cluster.name': info.upstreamCluster || '-',
    user_agent: headers?.get('user-agent') ?? '-',
    downstream_cluster: '-',
  };
  if (info.grpcStatus !== '') tags['grpc.status_code'] = info.grpcStatus;
  if (info.responseCode >= 500 || info.responseCode === 0) tags['error'] = 'true';
  return tags;
}

function istioTags({ nodeId, local, meshId }: SpanReporter): Record<string, string> {
  return {
    node_id: nodeId,
    'istio.canonical_service': local.canonicalName,
    'istio.canonical_revision': local.canonicalRevision,
    'istio.namespace': local.namespace,
    'istio.mesh_id': meshId,
    'istio.cluster_id': local.clusterId,
  };
}

function customTags(headers: HeaderReader | null, config: TracingConfig, reporter: SpanReporter): Record<string, string> {
  return Object.fromEntries(config.customTags.map(({ name, source }) => {
    if (source.kind === 'literal') return [name, source.value];
    const value = source.kind === 'header' ? headers?.get(source.name) : reporter.environment[source.name];
    return [name, value === undefined || value === '' ? source.defaultValue : value];
  }).filter(([, value]) => value !== ''));
}
