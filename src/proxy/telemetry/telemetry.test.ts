// Telemetry from outside: a finished stream in, text out.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createStreamInfo } from '../stream/create-stream-info.ts';
import { StatsStore } from '../stream/stats-store.ts';
import type { ConnectionInfo, HeaderReader, PeerMetadata, StreamInfo, TlsInfo } from '../stream/stream-info.ts';
import type { FilterChainConfig, HttpConnectionManagerConfig, TcpProxyConfig } from '../config/index.ts';
import { compileFormat } from './access-log-format.ts';
import { prometheusName, renderEnvoyStats } from './envoy-stats.ts';
import { IstioMetrics } from './istio-metrics.ts';
import { mergeTexts } from './prometheus-text.ts';
import { Telemetry } from './telemetry.ts';

const headers = (map: Record<string, string>): HeaderReader => ({ get: (name) => map[name] });
const tls: TlsInfo = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sni: 'outbound_.9080_._.reviews', alpn: 'istio', peerVerified: true, peerUri: 'spiffe://cluster.local/ns/shop/sa/productpage', peerUris: ['spiffe://cluster.local/ns/shop/sa/productpage'], peerDnsNames: [], peerSubject: 'CN=x', peerFingerprint: 'ab', peerCertificatePem: '', localUri: 'spiffe://cluster.local/ns/shop/sa/reviews' };
const peer = (name: string, version: string): PeerMetadata => ({ name: `${name}-1`, namespace: 'shop', workloadName: `${name}-${version}`, clusterId: 'east', app: name, version, canonicalName: name, canonicalRevision: version });
const connection = (fields: Partial<ConnectionInfo> = {}): ConnectionInfo => ({ id: 7, listenerName: 'virtualInbound', direction: 'inbound', remoteAddress: '10.0.0.5:40000', localAddress: '10.0.0.9:9080', startMilliseconds: 0, tls, keptSource: null, peer: null, ...fields });

function stream(fields: Partial<StreamInfo> = {}, protocol: StreamInfo['protocol'] = 'HTTP/1.1', on: ConnectionInfo = connection()): StreamInfo {
  const info = createStreamInfo(on, protocol, 1000);
  return Object.assign(info, {
    startTime: Date.UTC(2026, 10, 20, 12, 34, 56, 789), requestEndMilliseconds: 1001, firstUpstreamByteMilliseconds: 1005, endMilliseconds: 1007, bytesReceived: 12, bytesSent: 345, method: 'GET', authority: 'reviews:9080', path: '/reviews/1',
    requestId: 'id-1', responseCode: 200, responseCodeDetails: 'via_upstream', routeName: 'default', upstreamCluster: 'inbound|9080||', upstreamHost: '127.0.0.1:9080', upstreamLocalAddress: '127.0.0.6:5555', attempts: 1,
    downstreamPeer: peer('productpage', 'v1'), destinationService: { host: 'reviews.shop.svc.cluster.local', name: 'reviews', namespace: 'shop' },
  }, fields);
}

const environment = { hostname: 'pod-1', environment: { STAGE: 'test' } };
const entry = (info = stream()): { info: StreamInfo; requestHeaders: HeaderReader; responseHeaders: HeaderReader } => ({ info, requestHeaders: headers({ 'user-agent': 'curl/8', 'x-forwarded-for': '1.2.3.4', 'x-long': 'abcdef' }), responseHeaders: headers({ 'x-envoy-upstream-service-time': '4', 'content-type': 'text/html' }) });

describe('access log operators', () => {
  it.each([
    ['%START_TIME%', '2026-11-20T12:34:56.789Z'], ['%START_TIME(%Y/%m/%d %H:%M:%S.%3f)%', '2026/11/20 12:34:56.789'], ['%START_TIME(%s)%', '1795178096'],
    ['%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%', 'GET /reviews/1 HTTP/1.1'], ['%REQ(:AUTHORITY)%', 'reviews:9080'], ['%REQ(X-REQUEST-ID)%', 'id-1'], ['%REQ(USER-AGENT)%', 'curl/8'], ['%REQ(X-LONG):3%', 'abc'], ['%REQ(ABSENT)%', '-'], ['%REQ(ABSENT?USER-AGENT)%', 'curl/8'],
    ['%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%', '4'], ['%RESPONSE_CODE% %RESPONSE_CODE_DETAILS%', '200 via_upstream'], ['%RESPONSE_FLAGS%', '-'], ['%BYTES_RECEIVED%/%BYTES_SENT%', '12/345'],
    ['%DURATION% %REQUEST_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%', '7 1 5 2'], ['%UPSTREAM_HOST% %UPSTREAM_CLUSTER% %UPSTREAM_LOCAL_ADDRESS%', '127.0.0.1:9080 inbound|9080|| 127.0.0.6:5555'], ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', '-'],
    ['%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%', '10.0.0.5:40000 10.0.0.5 40000'], ['%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%', '10.0.0.9:9080 9080'],
    ['%REQUESTED_SERVER_NAME%', 'outbound_.9080_._.reviews'], ['%ROUTE_NAME%', 'default'], ['%DOWNSTREAM_PEER_URI_SAN%', 'spiffe://cluster.local/ns/shop/sa/productpage'], ['%DOWNSTREAM_LOCAL_URI_SAN%', 'spiffe://cluster.local/ns/shop/sa/reviews'], ['%DOWNSTREAM_TLS_VERSION% %DOWNSTREAM_TLS_CIPHER%', 'TLSv1.3 TLS_AES_128_GCM_SHA256'],
    ['%CONNECTION_ID%', '7'], ['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '1'], ['%HOSTNAME% %ENVIRONMENT(STAGE)% %ENVIRONMENT(NONE)%', 'pod-1 test -'], ['100%% %NO_SUCH_OPERATOR%', '100% -'], ['%CONNECTION_TERMINATION_DETAILS%', '-'], ['plain', 'plain'],
  ])('%s', (format, expected) => expect(compileFormat({ kind: 'text', text: format }, environment)(entry())).toBe(expected));

  it('print flags, gRPC status and filter state when there are any', () => {
    const info = stream({ flags: ['UF', 'URX'], grpcStatus: '14', filterState: new Map([['k', 'v']]) });
    expect(compileFormat({ kind: 'text', text: '%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG% %GRPC_STATUS% %GRPC_STATUS(NUMBER)% %FILTER_STATE(k:PLAIN)%' }, environment)(entry(info)))
      .toBe('UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded Unavailable 14 v');
  });

  it('keep types in JSON and nest', () => {
    const print = compileFormat({ kind: 'json', fields: { code: '%RESPONSE_CODE%', flags: '%RESPONSE_FLAGS%', text: 'code %RESPONSE_CODE%', inner: { ua: '%REQ(USER-AGENT)%' }, fixed: 1 } }, environment);
    expect(JSON.parse(print(entry()))).toEqual({ code: 200, flags: null, text: 'code 200', inner: { ua: 'curl/8' }, fixed: 1 });
  });
});

describe('Istio\'s standard metrics', () => {
  const inbound = { kind: 'istio_stats', reporter: 'destination', disableHostHeaderFallback: false } as const;
  const outbound = { ...inbound, reporter: 'source' } as const;
  const common = (line: string): string => line.replace(/.*?\{/, '').replace(/\}.*/, '');

  it('are written by the destination as Istio writes them', () => {
    const metrics = new IstioMetrics(peer('reviews', 'v2'), '3.1.0');
    metrics.record(stream(), headers({}), inbound);
    metrics.record(stream({ responseCode: 503, flags: ['UF'] }), headers({}), inbound);
    const lines = metrics.render().split('\n');
    expect(lines.find((line) => line.startsWith('istio_requests_total'))).toBe('istio_requests_total{reporter="destination",source_workload="productpage-v1",source_canonical_service="productpage",source_canonical_revision="v1",source_workload_namespace="shop",'
      + 'source_principal="spiffe://cluster.local/ns/shop/sa/productpage",source_app="productpage",source_version="v1",source_cluster="east",destination_workload="reviews-v2",destination_workload_namespace="shop",'
      + 'destination_principal="spiffe://cluster.local/ns/shop/sa/reviews",destination_app="reviews",destination_version="v2",destination_service="reviews.shop.svc.cluster.local",destination_canonical_service="reviews",destination_canonical_revision="v2",'
      + 'destination_service_name="reviews",destination_service_namespace="shop",destination_cluster="east",request_protocol="http",response_code="200",grpc_response_status="",response_flags="-",connection_security_policy="mutual_tls"} 1');
    expect(lines.filter((line) => line.includes('response_code="503"') && line.startsWith('istio_requests_total'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('istio_request_duration_milliseconds_bucket') && line.includes('"200"')).map((line) => line.replace(/.*le="([^"]+)"\} (\d+)/, '$1=$2')).slice(0, 5)).toEqual(['0.5=0', '1=0', '5=0', '10=1', '25=1']);
    expect(lines.filter((line) => line.startsWith('# TYPE'))).toEqual(['# TYPE istio_build gauge', '# TYPE istio_requests_total counter', '# TYPE istio_request_duration_milliseconds histogram', '# TYPE istio_request_bytes histogram', '# TYPE istio_response_bytes histogram']);
  });

  it('take the destination from the peer, the endpoint, or the cluster at the source', () => {
    const metrics = new IstioMetrics(peer('productpage', 'v1'), '3.1.0');
    const on = connection({ direction: 'outbound', tls: null });
    metrics.record(stream({ upstreamPeer: null, downstreamPeer: null, upstreamWorkload: 'reviews-v3;shop;reviews;v3;east' }, 'HTTP/1.1', on), headers({ 'content-type': 'application/grpc' }), outbound);
    metrics.record(stream({ upstreamCluster: 'PassthroughCluster', destinationService: null, authority: 'example.com:443' }, 'HTTP/1.1', on), headers({}), outbound);
    const [mesh = '', passthrough = ''] = metrics.render().split('\n').filter((line) => line.startsWith('istio_requests_total')).map(common);
    expect(mesh).toContain('destination_workload="reviews-v3"');
    expect(mesh).toContain('request_protocol="grpc"');
    expect(mesh).toContain('connection_security_policy="unknown"');
    expect(passthrough).toContain('destination_service="example.com"');
    expect(passthrough).toContain('destination_service_name="PassthroughCluster"');
    expect(passthrough).toContain('destination_workload="unknown"');
  });

  it('count TCP connections and bytes, opened ones at their start', () => {
    const metrics = new IstioMetrics(peer('mysql', 'v1'), '3.1.0');
    const info = stream({}, 'TCP');
    metrics.recordStart(info, inbound);
    expect(metrics.render()).toMatch(/^istio_tcp_connections_opened_total\{.*request_protocol="tcp",response_flags="-",connection_security_policy="mutual_tls"\} 1$/m);
    expect(metrics.render()).toMatch(/^istio_tcp_connections_closed_total\{.*\} 0$/m);
    metrics.record(info, null, inbound);
    expect(metrics.render()).toMatch(/^istio_tcp_connections_opened_total\{.*\} 1$/m);
    expect(metrics.render()).toMatch(/^istio_tcp_sent_bytes_total\{.*\} 345$/m);
  });

  it('stay within their limit of series', () => {
    const metrics = new IstioMetrics(peer('reviews', 'v2'), '3.1.0', 3);
    for (let code = 200; code < 210; code += 1) metrics.record(stream({ responseCode: code }), headers({}), inbound);
    expect(metrics.render().match(/^istio_requests_total/gm)).toHaveLength(3);
    expect(metrics.render()).toContain('mizzen_proxy_series_overflow_total 7');
  });
});

describe('Envoy\'s statistics', () => {
  it.each([
    ['cluster.outbound|9080|v1|reviews.shop.svc.cluster.local.upstream_rq_total', 'envoy_cluster_upstream_rq_total', [['cluster_name', 'outbound|9080|v1|reviews.shop.svc.cluster.local']]],
    ['cluster.a.upstream_rq_503', 'envoy_cluster_upstream_rq', [['cluster_name', 'a'], ['envoy_response_code', '503']]],
    ['http.inbound_0.0.0.0_9080.downstream_rq_5xx', 'envoy_http_downstream_rq_xx', [['http_conn_manager_prefix', 'inbound_0.0.0.0_9080'], ['envoy_response_code_class', '5']]],
    ['listener.0.0.0.0_15006.downstream_cx_active', 'envoy_listener_downstream_cx_active', [['listener_address', '0.0.0.0_15006']]],
    ['server.live', 'envoy_server_live', []],
  ])('%s', (name, family, labels) => expect(prometheusName(name)).toEqual({ family, labels }));

  it('render by family, and only what was used when asked', () => {
    const stats = new StatsStore();
    stats.counter('cluster.a.upstream_rq_total').add(2);
    stats.counter('cluster.b.upstream_rq_total').add(0);
    stats.histogram('cluster.a.upstream_rq_time').record(3);
    expect(renderEnvoyStats(stats.snapshot(), () => true, true).split('\n').slice(0, 6)).toEqual([
      '# TYPE envoy_cluster_upstream_rq_total counter', 'envoy_cluster_upstream_rq_total{cluster_name="a"} 2', '# TYPE envoy_cluster_upstream_rq_time histogram',
      'envoy_cluster_upstream_rq_time_bucket{cluster_name="a",le="0.5"} 0', 'envoy_cluster_upstream_rq_time_bucket{cluster_name="a",le="1"} 0', 'envoy_cluster_upstream_rq_time_bucket{cluster_name="a",le="5"} 1',
    ]);
  });

  it('are joined with the application\'s without telling a type twice', () => {
    expect(mergeTexts(['# TYPE up gauge\nup 1\n# EOF\n', '# TYPE up gauge\nup{a="b"} 1\n'])).toBe('# TYPE up gauge\nup 1\nup{a="b"} 1\n');
  });
});

describe('observers of a connection manager', () => {
  let folder: string | undefined;
  afterEach(() => {
    if (folder) rmSync(folder, { recursive: true, force: true });
  });

  it('log, count and send spans by what the chain is configured with', async () => {
    folder = mkdtempSync(join(tmpdir(), 'telemetry-'));
    const path = join(folder, 'access.log');
    const sent: { cluster: string; path: string; body: string }[] = [];
    const telemetry = new Telemetry({ local: peer('reviews', 'v2'), nodeId: 'sidecar~x', serviceName: 'reviews.shop', address: '10.0.0.9', meshId: 'm', version: '3.1.0', ...environment, send: async (request) => void sent.push(request) });
    const provider = { kind: 'zipkin', cluster: 'zipkin', path: '/api/v2/spans', hostname: 'zipkin', traceId128: true } as const;
    const manager = {
      kind: 'http_connection_manager', accessLogs: [{ path, format: { kind: 'text', text: '%RESPONSE_CODE%\n' } }], httpFilters: [{ name: 'istio.stats', kind: 'istio_stats', reporter: 'destination', disableHostHeaderFallback: false }, { name: 'router', kind: 'router' }],
      tracing: { clientSamplingPercent: 100, randomSamplingPercent: 100, overallSamplingPercent: 100, verbose: false, maximumPathTagLength: 4, customTags: [{ name: 'ua', source: { kind: 'header', name: 'user-agent', defaultValue: '-' } }], provider },
    } as unknown as HttpConnectionManagerConfig;
    const observers = telemetry.observersFor(manager, { filters: [manager] } as unknown as FilterChainConfig);
    const { info, requestHeaders, responseHeaders } = entry(stream({ trace: { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', parentSpanId: '00f067aa0ba902b7', sampled: true } }));
    for (const observer of observers) observer.onStreamEnd(info, requestHeaders, responseHeaders);
    for (const observer of observers) observer.onStreamEnd(stream({ trace: { traceId: 'x', spanId: 'y', parentSpanId: '', sampled: false } }), requestHeaders, responseHeaders);
    await telemetry.close();
    expect(readFileSync(path, 'utf8')).toBe('200\n200\n');
    expect(telemetry.renderPrometheus(new StatsStore().snapshot())).toMatch(/^istio_requests_total\{.*\} 2$/m);
    expect(sent.map(({ cluster, path: to }) => [cluster, to])).toEqual([['zipkin', '/api/v2/spans']]);
    const [span] = JSON.parse(sent[0]?.body ?? '') as Record<string, unknown>[];
    expect(span).toMatchObject({ traceId: '0af7651916cd43dd8448eb211c80319c', id: 'b7ad6b7169203331', parentId: '00f067aa0ba902b7', kind: 'SERVER', name: 'reviews:9080', duration: 7000, timestamp: Date.UTC(2026, 10, 20, 12, 34, 56, 789) * 1000, localEndpoint: { serviceName: 'reviews.shop', ipv4: '10.0.0.9' } });
    expect(span?.['tags']).toMatchObject({ 'http.url': 'http://reviews:9080/rev', 'http.status_code': '200', 'guid:x-request-id': 'id-1', 'istio.canonical_service': 'reviews', 'istio.mesh_id': 'm', ua: 'curl/8' });
  });

  it('are none for a TCP proxy without telemetry', () => {
    const telemetry = new Telemetry({ local: peer('a', 'v1'), nodeId: '', serviceName: '', address: '', meshId: '', version: '', ...environment, send: () => Promise.resolve() });
    expect(telemetry.observersFor({ kind: 'tcp_proxy', accessLogs: [] } as unknown as TcpProxyConfig, { filters: [] } as unknown as FilterChainConfig)).toEqual([]);
  });
});
