// Realistic resources compiled: what the types hold, Envoy's defaults, digests, plain data, and assembly in warming order.
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { packAny } from '../../shared/xds/index.ts';
import { Struct } from '../../shared/xds/generated/google/protobuf/struct.ts';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { FileAccessLog } from '../../shared/xds/generated/envoy/extensions/access_loggers/file/v3/file.ts';
import { ZipkinConfig } from '../../shared/xds/generated/envoy/config/trace/v3/zipkin.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { Cors, CorsPolicy } from '../../shared/xds/generated/envoy/extensions/filters/http/cors/v3/cors.ts';
import { RBAC } from '../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { Router } from '../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { DownstreamTlsContext, UpstreamTlsContext } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import { HttpProtocolOptions } from '../../shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { FilterConfig as Alpn } from '../../shared/xds/generated/istio/alpn.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import { assembleRuntimeConfig, compileCluster, compileEndpoints, compileListener, compileRoute, digestOf, EMPTY_RUNTIME_CONFIG, type ClusterConfig, type ListenerConfig, type RouteConfig } from './index.ts';
import type { Result } from '../../shared/lib/index.ts';

const value = <T>(result: Result<T, unknown>): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};
const typed = (typedConfig: Any): { $case: 'typedConfig'; typedConfig: Any } => ({ $case: 'typedConfig', typedConfig });
const uri = (text: string): { matchPattern: { $case: 'exact'; exact: string } } => ({ matchPattern: { $case: 'exact', exact: text } });

const meshTls = packAny('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', UpstreamTlsContext, {
  sni: 'outbound_.9080_._.reviews.bookinfo.svc.cluster.local',
  commonTlsContext: {
    alpnProtocols: ['istio-peer-exchange', 'istio'],
    tlsCertificateSdsSecretConfigs: [{ name: 'default' }],
    validationContextType: { $case: 'combinedValidationContext', combinedValidationContext: { validationContextSdsSecretConfig: { name: 'ROOTCA' }, defaultValidationContext: { matchTypedSubjectAltNames: [{ sanType: 3, matcher: uri('spiffe://cluster.local/ns/bookinfo/sa/reviews') }] } } },
  },
});

const outboundCluster: Cluster = {
  name: 'outbound|9080||reviews.bookinfo.svc.cluster.local',
  clusterDiscoveryType: { $case: 'type', type: 3 },
  edsClusterConfig: { edsConfig: { configSourceSpecifier: { $case: 'ads', ads: {} } }, serviceName: 'outbound|9080||reviews.bookinfo.svc.cluster.local' },
  connectTimeout: { seconds: 10 },
  lbPolicy: 1,
  circuitBreakers: { thresholds: [{ maxConnections: 4294967295, maxPendingRequests: 4294967295, maxRequests: 4294967295, maxRetries: 4294967295 }] },
  outlierDetection: { consecutive5xx: 7, baseEjectionTime: { seconds: 180 }, maxEjectionPercent: 100 },
  commonLbConfig: { healthyPanicThreshold: { value: 0 } },
  typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packAny('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', HttpProtocolOptions, { upstreamProtocolOptions: { $case: 'explicitHttpConfig', explicitHttpConfig: { protocolConfig: { $case: 'http2ProtocolOptions', http2ProtocolOptions: { maxConcurrentStreams: 77 } } } }, commonHttpProtocolOptions: { maxRequestsPerConnection: 5, idleTimeout: { seconds: 30 } } }) },
  transportSocketMatches: [
    { name: 'tlsMode-istio', match: { tlsMode: 'istio' }, transportSocket: { name: 'envoy.transport_sockets.tls', configType: typed(meshTls) } },
    { name: 'tlsMode-disabled', match: {}, transportSocket: { name: 'envoy.transport_sockets.raw_buffer' } },
  ],
  metadata: { filterMetadata: { istio: { services: [{ host: 'reviews.bookinfo.svc.cluster.local', name: 'reviews', namespace: 'bookinfo' }] } } },
};

describe('a cluster of the mesh', () => {
  it('keeps everything that decides about traffic', () => {
    const config = value(compileCluster(outboundCluster));
    expect(config).toMatchObject({
      statName: 'outbound|9080||reviews.bookinfo.svc.cluster.local', discovery: 'eds', connectTimeoutMilliseconds: 10_000, panicThresholdPercent: 0,
      loadBalancing: { policy: 'least_request', leastRequestChoices: 2 },
      circuitBreakers: { default: { maximumConnections: 4294967295, maximumRetries: 4294967295 }, high: { maximumConnections: 1024, maximumRetries: 3 } },
      outlierDetection: { consecutive5xx: 7, enforcingConsecutive5xxPercent: 100, consecutiveGatewayFailure: 5, enforcingConsecutiveGatewayFailurePercent: 0, baseEjectionMilliseconds: 180_000, maximumEjectionMilliseconds: 300_000, intervalMilliseconds: 10_000 },
      protocol: { http: 'http2', maximumConcurrentStreams: 77, maximumRequestsPerConnection: 5, idleTimeoutMilliseconds: 30_000 },
      destinationService: { host: 'reviews.bookinfo.svc.cluster.local', name: 'reviews', namespace: 'bookinfo' },
      defaultTls: null,
    });
    expect(config.transportSocketMatches).toEqual([
      { name: 'tlsMode-istio', criteria: { tlsMode: 'istio' }, tls: {
        sni: 'outbound_.9080_._.reviews.bookinfo.svc.cluster.local', certificateSecretName: 'default', inlineCertificate: null, alpnProtocols: ['istio-peer-exchange', 'istio'], minimumVersion: 'TLSv1.2', maximumVersion: 'TLSv1.3',
        validation: { secretName: 'ROOTCA', trustedCaPem: null, subjectAltNames: [{ type: 'uri', match: { kind: 'exact', value: 'spiffe://cluster.local/ns/bookinfo/sa/reviews', ignoreCase: false } }] },
      } },
      { name: 'tlsMode-disabled', criteria: {}, tls: null },
    ]);
  });

  it('has Envoy\'s defaults when nothing is said', () => {
    expect(value(compileCluster({ name: 'c' }))).toMatchObject({
      discovery: 'static', connectTimeoutMilliseconds: 5000, panicThresholdPercent: 50, dnsRefreshMilliseconds: 5000, dnsFamilies: 'ipv6_else_ipv4', perConnectionBufferLimitBytes: 1_048_576, outlierDetection: null,
      loadBalancing: { policy: 'round_robin', ringMinimumSize: 1024, ringMaximumSize: 8_388_608, maglevTableSize: 65_537, ringHashFunction: 'xx_hash', hashByHostname: false, hashBalancePercent: 0, activeRequestBias: 1, slowStart: null, subsets: null, localityWeighted: false, overrideStatuses: ['healthy', 'degraded'] },
      healthChecks: [], ignoreHealthOnHostRemoval: false, respectDnsTtl: false, dnsFailureRefresh: null,
      circuitBreakers: { default: { retryBudget: null, trackRemaining: false, maximumConnections: 1024, maximumPendingRequests: 1024, maximumRequests: 1024, maximumRetries: 3 } },
      protocol: { http: 'http1', maximumRequestsPerConnection: 0, idleTimeoutMilliseconds: 3_600_000 },
    });
  });
});

describe('a cluster with everything said', () => {
  it('keeps health checks, subsets, slow start, hashing and limits', () => {
    const config = value(compileCluster({
      name: 'c', lbPolicy: 1, respectDnsTtl: true, dnsFailureRefreshRate: { baseInterval: { seconds: 2 } }, ignoreHealthOnHostRemoval: true,
      lbConfig: { $case: 'leastRequestLbConfig', leastRequestLbConfig: { choiceCount: 5, activeRequestBias: { defaultValue: 2 }, slowStartConfig: { slowStartWindow: { seconds: 60 }, aggression: { defaultValue: 2 }, minWeightPercent: { value: 20 } } } },
      commonLbConfig: { localityConfigSpecifier: { $case: 'localityWeightedLbConfig', localityWeightedLbConfig: {} }, consistentHashingLbConfig: { useHostnameForHashing: true, hashBalanceFactor: 120 } },
      lbSubsetConfig: { fallbackPolicy: 2, defaultSubset: { version: 1, list: ['x'] }, subsetSelectors: [{ keys: ['b', 'a', 'b'], fallbackPolicy: 4, fallbackKeysSubset: ['a'] }], scaleLocalityWeight: true, listAsAny: true },
      circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 25 } }, trackRemaining: true }], perHostThresholds: [{ maxConnections: 7 }] },
      outlierDetection: { maxEjectionTimeJitter: { seconds: 1 }, alwaysEjectOneHost: true, enforcingFailurePercentage: 50, successRateStdevFactor: 1500, successfulActiveHealthCheckUnejectHost: false },
      healthChecks: [{ interval: { seconds: 5 }, timeout: { seconds: 1 }, healthyThreshold: 2, unhealthyThreshold: 3, unhealthyInterval: { seconds: 1 }, healthChecker: { $case: 'httpHealthCheck', httpHealthCheck: { path: '/h', method: 2, codecClientType: 1, requestHeadersToAdd: [{ header: { key: 'X-A', value: 'b' } }] } } }],
    }));
    expect(config).toMatchObject({
      respectDnsTtl: true, dnsFailureRefresh: { baseMilliseconds: 2000, maximumMilliseconds: 20_000 }, ignoreHealthOnHostRemoval: true,
      loadBalancing: {
        leastRequestChoices: 5, activeRequestBias: 2, slowStart: { windowMilliseconds: 60_000, aggression: 2, minimumPercent: 20 }, localityWeighted: true, hashByHostname: true, hashBalancePercent: 120,
        subsets: { fallback: 'default_subset', defaultSubset: { version: '1' }, selectors: [{ keys: ['b', 'a'], fallback: 'keys_subset', fallbackKeys: ['a'], singleHost: false }], scaleLocalityWeight: true, listAsAny: true },
      },
      circuitBreakers: { default: { retryBudget: { percent: 25, minimumConcurrency: 3 }, maximumConnectionsPerHost: 7, trackRemaining: true }, high: { retryBudget: null, maximumConnectionsPerHost: 4294967295 } },
      outlierDetection: { ejectionJitterMilliseconds: 1000, alwaysEjectOne: true, successfulHealthCheckUnejects: false, successRate: { enforcingPercent: 100, standardDeviationFactor: 1.5, minimumHosts: 5, requestVolume: 100 }, failurePercentage: { enforcingPercent: 50, thresholdPercent: 85, requestVolume: 50 } },
      healthChecks: [{
        intervalMilliseconds: 5000, timeoutMilliseconds: 1000, unhealthyIntervalMilliseconds: 1000, unhealthyEdgeIntervalMilliseconds: 1000, healthyEdgeIntervalMilliseconds: 5000, noTrafficIntervalMilliseconds: 60_000, noTrafficHealthyIntervalMilliseconds: 60_000, reuseConnection: true,
        checker: { kind: 'http', path: '/h', method: 'HEAD', codec: 'http2', expectedStatuses: [{ start: 200, end: 201 }], headers: [{ name: 'x-a', value: 'b', append: true }] },
      }],
    });
  });

  it('merges a route\'s criteria with its clusters\'', () => {
    const config = value(compileRoute({ name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, action: { $case: 'route', route: {
      metadataMatch: { filterMetadata: { 'envoy.lb': { version: '1', stage: 'prod' } } },
      clusterSpecifier: { $case: 'weightedClusters', weightedClusters: { clusters: [{ name: 'a', weight: 1 }, { name: 'b', weight: 1, metadataMatch: { filterMetadata: { 'envoy.lb': { version: 2 } } } }] } },
    } } }] }] }));
    const action = config.virtualHosts[0]?.routes[0]?.action;
    expect(action?.kind === 'route' && action.clusters.map(({ metadataMatch }) => metadataMatch)).toEqual([{ version: '1', stage: 'prod' }, { version: '2', stage: 'prod' }]);
  });
});

describe('endpoints', () => {
  it('carry address, weight, health, locality and Istio\'s metadata', () => {
    const config = value(compileEndpoints({ clusterName: 'c', endpoints: [{
      locality: { region: 'eu', zone: 'a' }, priority: 1, loadBalancingWeight: 3,
      lbEndpoints: [{
        hostIdentifier: { $case: 'endpoint', endpoint: { address: { address: { $case: 'socketAddress', socketAddress: { address: '10.0.0.1', portSpecifier: { $case: 'portValue', portValue: 80 } } } } } }, loadBalancingWeight: 2, healthStatus: 3,
        metadata: { filterMetadata: { 'envoy.transport_socket_match': { tlsMode: 'istio' }, istio: { workload: 'reviews-v1;bookinfo;reviews;v1;east' }, 'envoy.lb': { hash_key: 'k' } } },
      }],
    }] }));
    expect(config.localities).toEqual([{ locality: 'eu/a', priority: 1, weight: 3, endpoints: [{
      address: { kind: 'socket', address: '10.0.0.1', port: 80 }, hostname: '', weight: 2, health: 'draining', transportSocketMatch: { tlsMode: 'istio' }, workload: 'reviews-v1;bookinfo;reviews;v1;east', labels: { hash_key: 'k' },
    }] }]);
  });
});

/** `xds.type.v3.TypedStruct`, as Istio wraps its own filters. */
function typedStruct(type: string, fields: Record<string, unknown>): Any {
  const bytes = new BinaryWriter().uint32(10).string(`type.googleapis.com/${type}`).uint32(18).bytes(Struct.encode(Struct.wrap(fields)).finish()).finish();
  return { typeUrl: 'type.googleapis.com/udpa.type.v1.TypedStruct', value: bytes };
}

const inboundListener = (): Parameters<typeof compileListener>[0] => ({
  name: 'virtualInbound',
  address: { address: { $case: 'socketAddress', socketAddress: { address: '0.0.0.0', portSpecifier: { $case: 'portValue', portValue: 15006 } } } },
  trafficDirection: 1,
  listenerFiltersTimeout: { seconds: 0 },
  continueOnListenerFiltersTimeout: true,
  listenerFilters: [{ name: 'envoy.filters.listener.original_dst' }, { name: 'envoy.filters.listener.tls_inspector', configType: typed({ typeUrl: 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector', value: new Uint8Array() }) }],
  filterChains: [{
    name: '0.0.0.0_9080',
    filterChainMatch: { destinationPort: 9080, transportProtocol: 'tls', applicationProtocols: ['istio-http/1.1'], prefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] },
    transportSocket: { name: 'tls', configType: typed(packAny('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', DownstreamTlsContext, { requireClientCertificate: true, commonTlsContext: { tlsParams: { tlsMinimumProtocolVersion: 3, cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'] }, alpnProtocols: ['h2', 'http/1.1'], tlsCertificateSdsSecretConfigs: [{ name: 'default' }], validationContextType: { $case: 'combinedValidationContext', combinedValidationContext: { validationContextSdsSecretConfig: { name: 'ROOTCA' }, defaultValidationContext: { matchTypedSubjectAltNames: [{ sanType: 3, matcher: { matchPattern: { $case: 'prefix', prefix: 'spiffe://cluster.local/' } } }] } } } } })) },
    filters: [{ name: 'hcm', configType: typed(packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, {
      statPrefix: 'inbound_0.0.0.0_9080', serverName: 'istio-envoy', normalizePath: true, streamIdleTimeout: { seconds: 0 }, forwardClientCertDetails: 2, setCurrentClientCertDetails: { subject: true, uri: true },
      upgradeConfigs: [{ upgradeType: 'websocket' }],
      routeSpecifier: { $case: 'routeConfig', routeConfig: { name: 'inbound|9080||', virtualHosts: [{ name: 'inbound|http|9080', domains: ['*'], routes: [{ name: 'default', match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'inbound|9080||' }, timeout: { seconds: 0 }, maxStreamDuration: { maxStreamDuration: {}, grpcTimeoutHeaderMax: {} } } }, decorator: { operation: 'reviews.bookinfo.svc.cluster.local:9080/*' } }] }] } },
      accessLog: [{ name: 'file', configType: typed(packAny('envoy.extensions.access_loggers.file.v3.FileAccessLog', FileAccessLog, { path: '/dev/stdout', accessLogFormat: { $case: 'logFormat', logFormat: { format: { $case: 'textFormat', textFormat: '%PROTOCOL%\n' } } } })) }],
      tracing: { clientSampling: { value: 100 }, randomSampling: { value: 1 }, overallSampling: { value: 100 }, customTags: [{ tag: 'istio.mesh_id', type: { $case: 'literal', literal: { value: 'm' } } }], provider: { name: 'zipkin', configType: typed(packAny('envoy.config.trace.v3.ZipkinConfig', ZipkinConfig, { collectorCluster: 'outbound|9411||zipkin', collectorEndpoint: '/api/v2/spans', traceId128bit: true })) } },
      httpFilters: [
        { name: 'istio.metadata_exchange', configType: typed(typedStruct('io.istio.http.peer_metadata.Config', { downstream_discovery: [{ istio_headers: {} }], downstream_propagation: [{ istio_headers: {} }] })) },
        { name: 'envoy.filters.http.rbac', configType: typed(packAny('envoy.extensions.filters.http.rbac.v3.RBAC', RBAC, { rules: { action: 1, policies: { 'ns[b]-policy[p]-rule[0]': { permissions: [{ rule: { $case: 'andRules', andRules: { rules: [{ rule: { $case: 'any', any: true } }] } } }], principals: [{ identifier: { $case: 'notId', notId: { identifier: { $case: 'authenticated', authenticated: { principalName: uri('spiffe://cluster.local/ns/a/sa/b') } } } } }] } } } })) },
        { name: 'istio.alpn', configType: typed(packAny('istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig', Alpn, { alpnOverride: [{ upstreamProtocol: 1, alpnOverride: ['istio-http/1.1', 'istio'] }, { upstreamProtocol: 2, alpnOverride: ['istio-h2', 'h2'] }] })) },
        { name: 'envoy.filters.http.fault', configType: typed(packAny('envoy.extensions.filters.http.fault.v3.HTTPFault', HTTPFault, {})) },
        { name: 'envoy.filters.http.cors', configType: typed(packAny('envoy.extensions.filters.http.cors.v3.Cors', Cors, {})) },
        { name: 'istio.stats', configType: typed(typedStruct('stats.PluginConfig', { disable_host_header_fallback: true })) },
        { name: 'router', configType: typed(packAny('envoy.extensions.filters.http.router.v3.Router', Router, {})) },
      ],
    })) }],
  }],
});

describe('an inbound listener of the mesh', () => {
  const config = value(compileListener(inboundListener()));

  it('keeps match, TLS and filters', () => {
    expect(config).toMatchObject({ direction: 'inbound', bindToPort: true, listenerFilters: ['original_dst', 'tls_inspector'], listenerFiltersTimeoutMilliseconds: 0, continueOnListenerFiltersTimeout: true });
    const [chain] = config.filterChains;
    expect(chain?.match).toEqual({ destinationPort: 9080, destinationRanges: ['10.0.0.0/8'], serverNames: [], transportProtocol: 'tls', applicationProtocols: ['istio-http/1.1'], directSourceRanges: [], sourceType: 'any', sourceRanges: [], sourcePorts: [] });
    expect(chain?.tls).toMatchObject({ certificateSecretNames: ['default'], requireClientCertificate: true, minimumVersion: 'TLSv1.2', maximumVersion: 'TLSv1.3', cipherSuites: ['ECDHE-RSA-AES128-GCM-SHA256'], validation: { secretName: 'ROOTCA', subjectAltNames: [{ type: 'uri', match: { kind: 'prefix' } }] } });
    const [manager] = chain?.filters ?? [];
    if (manager?.kind !== 'http_connection_manager') throw new Error('no connection manager');
    expect(manager.httpFilters).toEqual([
      { name: 'istio.metadata_exchange', kind: 'peer_metadata', discoverDownstream: true, discoverUpstream: false, propagateUpstream: false, propagateDownstream: true },
      { name: 'envoy.filters.http.rbac', kind: 'rbac', shadowRules: null, rules: { action: 'deny', policies: [{ name: 'ns[b]-policy[p]-rule[0]', permissions: [{ kind: 'and', rules: [{ kind: 'any' }] }], principals: [{ kind: 'not', id: { kind: 'authenticated', match: { kind: 'exact', value: 'spiffe://cluster.local/ns/a/sa/b', ignoreCase: false } } }] }] } },
      { name: 'istio.alpn', kind: 'istio_alpn', http10: [], http11: ['istio-http/1.1', 'istio'], http2: ['istio-h2', 'h2'] },
      { name: 'envoy.filters.http.fault', kind: 'fault', delay: null, abort: null, headers: [], maximumActive: null },
      { name: 'envoy.filters.http.cors', kind: 'cors' },
      { name: 'istio.stats', kind: 'istio_stats', reporter: 'destination', disableHostHeaderFallback: true },
      { name: 'router', kind: 'router' },
    ]);
    expect(manager).toMatchObject({
      serverName: 'istio-envoy', normalizePath: true, streamIdleTimeoutMilliseconds: 0, requestBodyIdleTimeoutMilliseconds: 300_000, idleTimeoutMilliseconds: 3_600_000, drainTimeoutMilliseconds: 5000, maximumRequestHeadersKilobytes: 60, maximumHeadersCount: 100, generateRequestId: true,
      forwardClientCertificate: 'append_forward', clientCertificateDetails: { subject: true, uri: true, dns: false }, upgrades: [{ type: 'websocket', enabled: true }], appendForwardedFor: true,
      accessLogs: [{ path: '/dev/stdout', format: { kind: 'text', text: '%PROTOCOL%\n' } }],
      tracing: { randomSamplingPercent: 1, customTags: [{ name: 'istio.mesh_id', source: { kind: 'literal', value: 'm' } }], provider: { kind: 'zipkin', cluster: 'outbound|9411||zipkin', path: '/api/v2/spans', traceId128: true } },
    });
    expect(manager.routes).toMatchObject({ kind: 'inline', config: { virtualHosts: [{ routes: [{ decoratorOperation: 'reviews.bookinfo.svc.cluster.local:9080/*', action: { kind: 'route', timeoutMilliseconds: 0, grpcTimeoutMaximumMilliseconds: 0, maximumStreamDurationMilliseconds: 0 } }] }] } });
  });

  it('is plain data that can be cloned, and its digest follows its content alone', () => {
    expect(structuredClone(config)).toEqual(config);
    expect(value(compileListener(inboundListener())).digest).toBe(config.digest);
    expect(value(compileListener({ ...inboundListener(), perConnectionBufferLimitBytes: 1 })).digest).not.toBe(config.digest);
  });
});

describe('a route configuration of the mesh', () => {
  it('keeps weights, retries, hashing, mirrors, rewrites and overrides, with the nearest mirrors', () => {
    const config = value(compileRoute({ name: '9080', requestMirrorPolicies: [{ cluster: 'shadow' }], virtualHosts: [{ name: 'reviews:9080', domains: ['reviews', 'reviews:9080'], includeRequestAttemptCount: true, routes: [{
      name: 'canary',
      match: { pathSpecifier: { $case: 'safeRegex', safeRegex: { regex: '/api/.*' } }, headers: [{ name: 'End-User', headerMatchSpecifier: { $case: 'stringMatch', stringMatch: uri('jason') } }, { name: 'x', headerMatchSpecifier: { $case: 'presentMatch', presentMatch: false } }], queryParameters: [{ name: 'q' }] },
      typedPerFilterConfig: { 'envoy.filters.http.fault': packAny('envoy.extensions.filters.http.fault.v3.HTTPFault', HTTPFault, { delay: { faultDelaySecifier: { $case: 'fixedDelay', fixedDelay: { seconds: 7 } }, percentage: { numerator: 1000000, denominator: 2 } } }), 'envoy.filters.http.cors': packAny('envoy.extensions.filters.http.cors.v3.CorsPolicy', CorsPolicy, { allowOriginStringMatch: [uri('https://a')], allowMethods: 'GET', allowCredentials: true }) },
      responseHeadersToAdd: [{ header: { key: 'X-A', value: '1' }, append: false }],
      action: { $case: 'route', route: {
        clusterSpecifier: { $case: 'weightedClusters', weightedClusters: { clusters: [{ name: 'v1', weight: 90 }, { name: 'v2', weight: 10, requestHeadersToAdd: [{ header: { key: 'b', value: '2' }, appendAction: 2 }] }] } },
        timeout: { nanos: 500_000_000 }, prefixRewrite: '/x', hostRewriteSpecifier: { $case: 'hostRewriteLiteral', hostRewriteLiteral: 'h' },
        retryPolicy: { retryOn: 'connect-failure,refused-stream, unavailable,bogus', numRetries: 2, retryHostPredicate: [{ name: 'envoy.retry_host_predicates.previous_hosts' }], hostSelectionRetryMaxAttempts: 5, retriableStatusCodes: [503] },
        hashPolicy: [{ policySpecifier: { $case: 'cookie', cookie: { name: 's', ttl: { seconds: 60 } } }, terminal: true }, { policySpecifier: { $case: 'connectionProperties', connectionProperties: { sourceIp: true } } }],
      } },
    }] }] }));
    expect(config.virtualHosts[0]?.routes[0]).toEqual({
      name: 'canary', decoratorOperation: null,
      match: { path: { kind: 'regex', regex: '/api/.*' }, grpcOnly: false, runtimeFractionPerMillion: null, queryParameters: [{ name: 'q', match: { kind: 'present' } }], headers: [
        { name: 'end-user', match: { kind: 'exact', value: 'jason', ignoreCase: false }, invert: false, treatMissingAsEmpty: false }, { name: 'x', match: { kind: 'present' }, invert: true, treatMissingAsEmpty: false },
      ] },
      headerMutations: { requestAdd: [], requestRemove: [], responseRemove: [], responseAdd: [{ name: 'x-a', value: '1', action: 'overwrite', keepEmptyValue: false }] },
      perFilter: {
        'envoy.filters.http.fault': { kind: 'fault', delay: { milliseconds: 7000, perMillion: 1_000_000 }, abort: null, headers: [], maximumActive: null },
        'envoy.filters.http.cors': { kind: 'cors_policy', allowOrigins: [{ kind: 'exact', value: 'https://a', ignoreCase: false }], allowMethods: 'GET', allowHeaders: '', exposeHeaders: '', maxAge: '', allowCredentials: true, forwardNotMatchingPreflights: true },
      },
      action: {
        kind: 'route', totalWeight: 100, clusterHeader: null, timeoutMilliseconds: 500, idleTimeoutMilliseconds: null, maximumStreamDurationMilliseconds: null, grpcTimeoutMaximumMilliseconds: null, priority: 'default', upgrades: [], clusterNotFoundStatus: 503,
        clusters: [
          { name: 'v1', weight: 90, headerMutations: { requestAdd: [], requestRemove: [], responseAdd: [], responseRemove: [] }, hostRewriteLiteral: null, perFilter: {} },
          { name: 'v2', weight: 10, headerMutations: { requestAdd: [{ name: 'b', value: '2', action: 'overwrite', keepEmptyValue: false }], requestRemove: [], responseAdd: [], responseRemove: [] }, hostRewriteLiteral: null, perFilter: {} },
        ],
        retryPolicy: { retryOn: ['connect-failure', 'refused-stream', 'unavailable'], retries: 2, perTryTimeoutMilliseconds: 0, perTryIdleTimeoutMilliseconds: 0, retriableStatusCodes: [503], backoffBaseMilliseconds: 25, backoffMaximumMilliseconds: 250, avoidPreviousHosts: true, hostSelectionAttempts: 5, retriableHeaders: [] },
        hashPolicies: [{ terminal: true, kind: 'cookie', name: 's', path: '', ttlSeconds: 60 }, { terminal: false, kind: 'source_ip' }],
        mirrors: [{ cluster: 'shadow', perMillion: 1_000_000, disableShadowSuffix: false }],
        rewrite: { kind: 'prefix', value: '/x' }, hostRewrite: { kind: 'literal', value: 'h' },
      },
    });
  });
});

describe('digests', () => {
  it('do not depend on the order of keys, and differ for different data', () => {
    fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (record) => {
      const turned = Object.fromEntries(Object.entries(record).reverse());
      expect(digestOf(turned)).toBe(digestOf(record));
      expect(digestOf({ ...record, added: 'x' })).not.toBe(digestOf({ ...record, added: 'y' }));
    }));
  });
});

describe('assembly', () => {
  const cluster = value(compileCluster(outboundCluster));
  const listener = { ...value(compileListener(inboundListener())), name: 'l' };
  const needsRoutes: ListenerConfig = { ...listener, filterChains: listener.filterChains.map((chain) => ({ ...chain, filters: chain.filters.map((filter) => (filter.kind === 'http_connection_manager' ? { ...filter, routes: { kind: 'rds' as const, name: '80' } } : filter)) })) };
  const none = { listeners: new Map<string, ListenerConfig>(), routes: new Map<string, RouteConfig>(), clusters: new Map<string, ClusterConfig>(), endpoints: new Map(), hasSecret: () => true };
  const endpoints = new Map([[cluster.endpointsName, value(compileEndpoints({ clusterName: cluster.endpointsName }))]]);

  it('holds back what is not whole and keeps its predecessor', () => {
    const waiting = assembleRuntimeConfig({ ...none, clusters: new Map([[cluster.name, cluster]]), listeners: new Map([['l', needsRoutes]]) }, EMPTY_RUNTIME_CONFIG);
    expect(waiting).toMatchObject({ warmingClusters: [cluster.name], warmingListeners: ['l'], config: { number: 1, clusters: {}, listeners: {} } });
    const whole = assembleRuntimeConfig({ ...none, clusters: new Map([[cluster.name, cluster]]), endpoints, listeners: new Map([['l', listener]]) }, waiting.config);
    expect(whole.config.listeners['l']).toBe(listener);
    const changed = assembleRuntimeConfig({ ...none, clusters: new Map([[cluster.name, cluster]]), endpoints, listeners: new Map([['l', needsRoutes]]) }, whole.config);
    expect(changed.config.listeners['l']).toBe(listener);
    expect(changed.warmingListeners).toEqual(['l']);
  });

  it('waits for secrets', () => {
    const resources = { ...none, clusters: new Map([[cluster.name, cluster]]), endpoints, listeners: new Map([['l', listener]]) };
    expect(assembleRuntimeConfig({ ...resources, hasSecret: (name) => name !== 'ROOTCA' }, EMPTY_RUNTIME_CONFIG)).toMatchObject({ warmingClusters: [cluster.name], warmingListeners: ['l'] });
  });
});
