// What the proxy refuses, with the path of the field; one row a rule.
import { describe, expect, it } from 'vitest';
import { packAny } from '../../shared/xds/index.ts';
import type { Cluster } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { RBAC as RbacRules } from '../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import type { RouteConfiguration } from '../../shared/xds/generated/envoy/config/route/v3/route.ts';
import type { RouteAction, RouteMatch, Route } from '../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { HTTPFault } from '../../shared/xds/generated/envoy/extensions/filters/http/fault/v3/fault.ts';
import { JwtAuthentication, type JwtProvider } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { RBAC } from '../../shared/xds/generated/envoy/extensions/filters/http/rbac/v3/rbac.ts';
import { Router } from '../../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager, type HttpFilter } from '../../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { TcpProxy } from '../../shared/xds/generated/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.ts';
import { DownstreamTlsContext, UpstreamTlsContext } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/tls.ts';
import type { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { Any } from '../../shared/xds/generated/google/protobuf/any.ts';
import type { Issue, Result } from '../../shared/lib/index.ts';
import { compileCluster } from './cluster.ts';
import { compileEndpoints } from './endpoints.ts';
import { compileListener } from './listener.ts';
import { compileRoute } from './route.ts';
import { compileSecret } from './secret.ts';

const paths = (result: Result<unknown, Issue[]>): string[] => (result.ok ? [] : result.error.map(({ path = '' }) => path));
const typed = (typedConfig: Any): { $case: 'typedConfig'; typedConfig: Any } => ({ $case: 'typedConfig', typedConfig });
const socket = (address: string, port: number): NonNullable<Listener['address']> => ({ address: { $case: 'socketAddress', socketAddress: { address, portSpecifier: { $case: 'portValue', portValue: port } } } });
const router: HttpFilter = { name: 'router', configType: typed(packAny('envoy.extensions.filters.http.router.v3.Router', Router, {})) };
const manager = (fields: Partial<HttpConnectionManager>): Any => packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, {
  statPrefix: 'p', routeSpecifier: { $case: 'rds', rds: { routeConfigName: '80' } }, httpFilters: [router], ...fields,
});
const listener = (filter: Any, fields: Partial<Listener> = {}): Listener => ({ name: 'l', address: socket('127.0.0.1', 80), filterChains: [{ filters: [{ name: 'f', configType: typed(filter) }] }], ...fields });
const route = (fields: Partial<Route>): RouteConfiguration => ({ name: 'r', virtualHosts: [{ name: 'v', domains: ['*'], routes: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'c' } } }, ...fields }] }] });
const action = (fields: Partial<RouteAction>): RouteConfiguration => route({ action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'c' }, ...fields } } });
const match = (fields: Partial<RouteMatch>): RouteConfiguration => route({ match: { pathSpecifier: { $case: 'prefix', prefix: '/' }, ...fields } });
const cluster = (fields: Partial<Cluster>): Cluster => ({ name: 'c', ...fields });
const check = (fields: Partial<NonNullable<Cluster['healthChecks']>[number]>): Cluster => cluster({ healthChecks: [{ interval: { seconds: 1 }, timeout: { seconds: 1 }, healthyThreshold: 1, unhealthyThreshold: 1, healthChecker: { $case: 'tcpHealthCheck', tcpHealthCheck: {} }, ...fields }] });
const CHAIN = 'filter_chains[0].filters[0]';
const ROUTE = 'virtual_hosts[0].routes[0]';

describe('refused clusters', () => {
  it.each<[string, Cluster, string]>([
    ['no name', { name: '' }, 'name'],
    ['a health check that never comes', check({ interval: {} }), 'health_checks[0].interval'],
    ['a health check without a threshold', check({ healthyThreshold: undefined }), 'health_checks[0].healthy_threshold'],
    ['a health check of Redis', check({ healthChecker: { $case: 'customHealthCheck', customHealthCheck: { name: 'redis' } } }), 'health_checks[0]'],
    ['a health check without a path', check({ healthChecker: { $case: 'httpHealthCheck', httpHealthCheck: { path: 'x' } } }), 'health_checks[0].http_health_check.path'],
    ['statuses that are no range', check({ healthChecker: { $case: 'httpHealthCheck', httpHealthCheck: { path: '/', expectedStatuses: [{ start: 200, end: 200 }] } } }), 'health_checks[0].http_health_check.expected_statuses[0]'],
    ['a payload that is not hexadecimal', check({ healthChecker: { $case: 'tcpHealthCheck', tcpHealthCheck: { send: { payload: { $case: 'text', text: 'PING' } } } } }), 'health_checks[0].tcp_health_check.send.text'],
    ['a health check with another socket', check({ transportSocketMatchCriteria: { a: 'b' } }), 'health_checks[0].transport_socket_match_criteria'],
    ['lists of metadata to fall back to', cluster({ lbSubsetConfig: { metadataFallbackPolicy: 1 } }), 'lb_subset_config.metadata_fallback_policy'],
    ['a fallback to keys that are not the selector\'s', cluster({ lbSubsetConfig: { subsetSelectors: [{ keys: ['a', 'b'], fallbackPolicy: 4, fallbackKeysSubset: ['c'] }] } }), 'lb_subset_config.subset_selectors[0].fallback_keys_subset'],
    ['a single host for two keys', cluster({ lbSubsetConfig: { subsetSelectors: [{ keys: ['a', 'b'], singleHostPerSubset: true }] } }), 'lb_subset_config.subset_selectors[0].single_host_per_subset'],
    ['an aggregate of nothing', cluster({ clusterDiscoveryType: { $case: 'clusterType', clusterType: { name: 'envoy.clusters.aggregate' } } }), 'cluster_type.typed_config.clusters'],
    ['a destination from metadata', cluster({ lbConfig: { $case: 'originalDstLbConfig', originalDstLbConfig: { metadataKey: { key: 'a' } } } }), 'original_dst_lb_config.metadata_key'],
    ['a balance under its least', cluster({ commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 99 } } }), 'common_lb_config.consistent_hashing_lb_config.hash_balance_factor'],
    ['a limit of pools', cluster({ circuitBreakers: { thresholds: [{ maxConnectionPools: 1 }] } }), 'circuit_breakers.thresholds[0].max_connection_pools'],
    ['requests limited by host', cluster({ circuitBreakers: { perHostThresholds: [{ maxRequests: 1 }] } }), 'circuit_breakers.per_host_thresholds.max_requests'],
    ['EDS without its configuration', cluster({ clusterDiscoveryType: { $case: 'type', type: 3 } }), 'eds_cluster_config'],
    ['another cluster type', cluster({ clusterDiscoveryType: { $case: 'clusterType', clusterType: { name: 'envoy.clusters.redis' } } }), 'cluster_type'],
    ['a policy of its own', cluster({ lbPolicy: 7 }), 'lb_policy'],
    ['a ring that is smaller than its least', cluster({ lbPolicy: 2, lbConfig: { $case: 'ringHashLbConfig', ringHashLbConfig: { minimumRingSize: 9, maximumRingSize: 8 } } }), 'ring_hash_lb_config'],
    ['an unknown transport socket', cluster({ transportSocket: { name: 'x', configType: typed({ typeUrl: 'type.googleapis.com/x.Y', value: new Uint8Array() }) } }), 'transport_socket.typed_config'],
    ['TLS 1.1', cluster({ transportSocket: { name: 't', configType: typed(packAny('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', UpstreamTlsContext, { commonTlsContext: { tlsParams: { tlsMinimumProtocolVersion: 2 } } })) } }), 'transport_socket.typed_config.common_tls_context.tls_params.tls_minimum_protocol_version'],
    ['a certificate pin', cluster({ transportSocket: { name: 't', configType: typed(packAny('envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext', UpstreamTlsContext, { commonTlsContext: { validationContextType: { $case: 'validationContext', validationContext: { verifyCertificateHash: ['aa'] } } } })) } }), 'transport_socket.typed_config.common_tls_context.validation_context.verify_certificate_hash'],
  ])('%s', (_name, message, path) => expect(paths(compileCluster(message))).toEqual([path]));
});

describe('refused endpoints', () => {
  it.each([
    ['no name', { endpoints: [] }, 'cluster_name'],
    ['a host name from EDS', { clusterName: 'c', endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint' as const, endpoint: { address: socket('example.com', 80) } } }] }] }, 'endpoints[0].lb_endpoints[0].endpoint.address'],
    ['a port out of range', { clusterName: 'c', endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint' as const, endpoint: { address: socket('10.0.0.1', 70000) } } }] }] }, 'endpoints[0].lb_endpoints[0].endpoint.address.socket_address.port_value'],
    ['dropped load', { clusterName: 'c', policy: { dropOverloads: [{ category: 'x' }] } }, 'policy.drop_overloads'],
  ])('%s', (_name, message, path) => expect(paths(compileEndpoints(message))).toEqual([path]));
});

describe('refused routes', () => {
  it.each<[string, RouteConfiguration, string]>([
    ['virtual host discovery', { ...route({}), vhds: { configSource: {} } }, 'vhds'],
    ['a domain twice', { name: 'r', virtualHosts: [{ name: 'a', domains: ['x.com'] }, { name: 'b', domains: ['X.com'] }] }, 'virtual_hosts[1].domains[0]'],
    ['no domain', { name: 'r', virtualHosts: [{ name: 'a' }] }, 'virtual_hosts[0].domains'],
    ['no match', match({ pathSpecifier: undefined }), `${ROUTE}.match`],
    ['a regular expression that RE2 does not take', match({ pathSpecifier: { $case: 'safeRegex', safeRegex: { regex: '(?=x)' } } }), `${ROUTE}.match.safe_regex.regex`],
    ['a test on the client certificate', match({ tlsContext: { presented: true } }), `${ROUTE}.match.tls_context`],
    ['a test on metadata of no filter', match({ dynamicMetadata: [{ path: [{ segment: { $case: 'key', key: 'a' } }], value: { matchPattern: { $case: 'presentMatch', presentMatch: true } } }] }), `${ROUTE}.match.dynamic_metadata[0].filter`],
    ['an empty prefix test', match({ headers: [{ name: 'a', headerMatchSpecifier: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'prefix', prefix: '' } } } }] }), `${ROUTE}.match.headers[0].string_match.prefix`],
    ['no action', route({ action: undefined }), ROUTE],
    ['weights that sum to nothing', action({ clusterSpecifier: { $case: 'weightedClusters', weightedClusters: { clusters: [{ name: 'a' }] } } }), `${ROUTE}.route.weighted_clusters.clusters`],
    ['an internal redirect', action({ internalRedirectPolicy: { maxInternalRedirects: 1 } }), `${ROUTE}.route.internal_redirect_policy`],
    ['an unknown retry predicate', action({ retryPolicy: { retryHostPredicate: [{ name: 'x' }] } }), `${ROUTE}.route.retry_policy.retry_host_predicate[0]`],
    ['a change of the method', route({ requestHeadersToAdd: [{ header: { key: ':method', value: 'GET' } }] }), `${ROUTE}.request_headers_to_add[0].header.key`],
    ['a line break in a header', route({ responseHeadersToAdd: [{ header: { key: 'a', value: 'b\r\nc: d' } }] }), `${ROUTE}.response_headers_to_add[0].header.value`],
    ['a header name that is none', route({ requestHeadersToAdd: [{ header: { key: 'a: b\r\nc', value: 'd' } }] }), `${ROUTE}.request_headers_to_add[0].header.key`],
    ['a change of the path as a header', route({ requestHeadersToAdd: [{ header: { key: ':path', value: '/' } }] }), `${ROUTE}.request_headers_to_add[0].header.key`],
    ['a change of the host as a header', route({ requestHeadersToAdd: [{ header: { key: ':authority', value: 'a' } }] }), `${ROUTE}.request_headers_to_add[0].header.key`],
    ['a line break in a host rewrite', action({ hostRewriteSpecifier: { $case: 'hostRewriteLiteral', hostRewriteLiteral: 'a\r\nb: c' } }), `${ROUTE}.route.host_rewrite_literal`],
    ['a line break in a prefix rewrite', action({ prefixRewrite: '/ HTTP/1.1\r\nx: y\r\n\r\nGET /' }), `${ROUTE}.route.prefix_rewrite`],
    ['a letter in a prefix rewrite that would be cut down to a line break', action({ prefixRewrite: '/\u010a' }), `${ROUTE}.route.prefix_rewrite`],
    ['a blank in a regex rewrite', action({ regexRewrite: { pattern: { regex: '.*' }, substitution: '/a b' } }), `${ROUTE}.route.regex_rewrite.substitution`],
    ['a line break in a redirect\'s host', route({ action: { $case: 'redirect', redirect: { hostRedirect: 'a\r\nb' } } }), `${ROUTE}.redirect.host_redirect`],
    ['a line break in a redirect\'s path', route({ action: { $case: 'redirect', redirect: { pathRewriteSpecifier: { $case: 'pathRedirect', pathRedirect: '/\n' } } } }), `${ROUTE}.redirect.path_redirect`],
    ['a status out of range', route({ action: { $case: 'directResponse', directResponse: { status: 99 } } }), `${ROUTE}.direct_response.status`],
    ['an override that is not known', route({ typedPerFilterConfig: { 'x.y': { typeUrl: 'type.googleapis.com/x.Y', value: new Uint8Array() } } }), `${ROUTE}.typed_per_filter_config["x.y"]`],
    ['a fault that the client chooses', route({ typedPerFilterConfig: { fault: packAny('envoy.extensions.filters.http.fault.v3.HTTPFault', HTTPFault, { abort: { errorType: { $case: 'headerAbort', headerAbort: {} } } }) } }), `${ROUTE}.typed_per_filter_config["fault"].abort.header_abort`],
  ])('%s', (_name, message, path) => expect(paths(compileRoute(message))).toEqual([path]));
});

describe('changes of headers that the codecs own', () => {
  it('are listed and have no effect, and values are kept as their bytes', () => {
    const warnings: Issue[] = [];
    const own = ['content-length', 'Transfer-Encoding', 'connection', 'keep-alive', 'te', 'upgrade', 'proxy-connection', 'trailer'];
    const result = compileRoute(route({ requestHeadersToAdd: [...own.map((key) => ({ header: { key, value: '1' } })), { header: { key: 'city', value: 'Z\u00fcrich \u010a' } }], responseHeadersToRemove: [...own, 'x-a'] }), warnings);
    expect(result.ok && result.value.virtualHosts[0]?.routes[0]?.headerMutations).toMatchObject({ requestAdd: [{ name: 'city', value: 'Z\u00c3\u00bcrich \u00c4\u008a' }], responseRemove: ['x-a'] });
    expect(warnings.map(({ path }) => path)).toEqual([...own.map((_name, index) => `${ROUTE}.request_headers_to_add[${index}].header.key`), ...own.map((_name, index) => `${ROUTE}.response_headers_to_remove[${index}]`)]);
  });
});

describe('refused listeners', () => {
  const ANYWHERE: RouteMatch = { pathSpecifier: { $case: 'prefix', prefix: '/' } };
  const KEYS: JwtProvider = { jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString: '{}' } } } };
  const rbac = (rules: RbacRules): Any => manager({ httpFilters: [{ name: 'rbac', configType: typed(packAny('envoy.extensions.filters.http.rbac.v3.RBAC', RBAC, { rules })) }, router] });
  it.each<[string, Listener, string]>([
    ['no name', listener(manager({}), { name: '' }), 'name'],
    ['no chain', { name: 'l', address: socket('127.0.0.1', 80) }, 'filter_chains'],
    ['an additional address without a port', listener(manager({}), { additionalAddresses: [{ address: socket('::1', -1) }] }), 'additional_addresses[0].address.socket_address.port_value'],
    ['an unknown listener filter', listener(manager({}), { listenerFilters: [{ name: 'x' }] }), 'listener_filters[0]'],
    ['an unknown network filter', listener({ typeUrl: 'type.googleapis.com/x.Y', value: new Uint8Array() }), CHAIN],
    ['an unknown HTTP filter', listener(manager({ httpFilters: [{ name: 'lua', configType: typed({ typeUrl: 'type.googleapis.com/x.Lua', value: new Uint8Array() }) }, router] })), `${CHAIN}.typed_config.http_filters[0]`],
    ...([['no keys', { providers: { a: {} } }, 'providers["a"]'], ['an unknown provider', { rules: [{ match: ANYWHERE, requirementType: { $case: 'requires', requires: { requiresType: { $case: 'providerName', providerName: 'a' } } } }] }, 'rules[0].requires'], ['an unknown requirement', { rules: [{ match: ANYWHERE, requirementType: { $case: 'requirementName', requirementName: 'a' } }] }, 'rules[0].requirement_name'],
      ['a claim that would frame the message', { providers: { a: { ...KEYS, claimToHeaders: [{ headerName: 'Content-Length', claimName: 'x' }] } } }, 'providers["a"].claim_to_headers[0].header_name'], ['a payload that would say where the request goes', { providers: { a: { ...KEYS, forwardPayloadHeader: 'Host' } } }, 'providers["a"].forward_payload_header'],
      ['a token header that is none', { providers: { a: { ...KEYS, fromHeaders: [{ name: 'a b' }] } } }, 'providers["a"].from_headers[0].name'], ['keys of a file', { providers: { a: { jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'filename', filename: '/keys' } } } } } }, 'providers["a"].local_jwks.filename'], ['keys at no address', { providers: { a: { jwksSourceSpecifier: { $case: 'remoteJwks', remoteJwks: { httpUri: { uri: 'ftp://x', httpUpstreamType: { $case: 'cluster', cluster: 'c' } } } } } } }, 'providers["a"].remote_jwks.http_uri.uri'],
      ['tokens by filter state', { filterStateRules: { name: 'x' } }, 'filter_state_rules'],
    ] as const satisfies readonly (readonly [string, JwtAuthentication, string])[]).map(([name, message, path]): [string, Listener, string] => [`tokens: ${name}`, listener(manager({ httpFilters: [{ name: 'jwt', configType: typed(packAny('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', JwtAuthentication, message)) }, router] })), `${CHAIN}.typed_config.http_filters[0].typed_config.${path}`]),
    ['a discovered filter from elsewhere', listener(manager({ httpFilters: [{ name: 'found', configType: { $case: 'configDiscovery', configDiscovery: { typeUrls: ['x/y'] } } }, router] })), `${CHAIN}.typed_config.http_filters[0].config_discovery.config_source`],
    ['a discovered filter of no type', listener(manager({ httpFilters: [{ name: 'found', configType: { $case: 'configDiscovery', configDiscovery: { configSource: { configSourceSpecifier: { $case: 'ads', ads: {} } } } } }, router] })), `${CHAIN}.typed_config.http_filters[0].config_discovery.type_urls`],
    ['a delay of MongoDB', listener(manager({}), { filterChains: [{ filters: [{ name: 'mongo', configType: typed({ typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy', value: new Uint8Array([26, 0]) }) }, { name: 'f', configType: typed(manager({})) }] }] }), `${CHAIN}.typed_config.delay`],
    ['no router', listener(manager({ httpFilters: [] })), `${CHAIN}.typed_config.http_filters`],
    ['no routes', listener(manager({ routeSpecifier: undefined })), `${CHAIN}.typed_config`],
    ['HTTP/3', listener(manager({ codecType: 3 })), `${CHAIN}.typed_config.codec_type`],
    ['local reply rewriting', listener(manager({ localReplyConfig: { mappers: [{ statusCode: 500 }] } })), `${CHAIN}.typed_config.local_reply_config`],
    ['an address that is none', listener(rbac({ policies: { p: { permissions: [], principals: [{ identifier: { $case: 'remoteIp', remoteIp: { addressPrefix: 'x', prefixLen: 8 } } }] } } })), `${CHAIN}.typed_config.http_filters[0].typed_config.rules.policies["p"].principals[0].remote_ip.address_prefix`],
    ['tunnelling', listener(packAny('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', TcpProxy, { clusterSpecifier: { $case: 'cluster', cluster: 'c' }, tunnelingConfig: { hostname: 'x' } })), `${CHAIN}.typed_config.tunneling_config`],
    ['two chains for the same connections', listener(manager({}), { filterChains: [0, 1].map(() => ({ filters: [{ name: 'f', configType: typed(manager({})) }] })) }), 'filter_chains[1].filter_chain_match'],
    ['a server without a certificate', listener(manager({}), { filterChains: [{ filters: [{ name: 'f', configType: typed(manager({})) }], transportSocket: { name: 't', configType: typed(packAny('envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext', DownstreamTlsContext, {})) } }] }), 'filter_chains[0].transport_socket.typed_config.common_tls_context'],
    ['a wildcard in the middle of a server name', listener(manager({}), { filterChains: [{ filterChainMatch: { serverNames: ['a.*.com'] }, filters: [{ name: 'f', configType: typed(manager({})) }] }] }), 'filter_chains[0].filter_chain_match.server_names[0]'],
  ])('%s', (_name, message, path) => expect(paths(compileListener(message))).toEqual([path]));

  it('are none for access rules that cannot be decided: those are listed, since later policies must come into force', () => {
    const any = [{ rule: { $case: 'any' as const, any: true } }];
    const everybody = [{ identifier: { $case: 'any' as const, any: true } }];
    const warnings: Issue[] = [];
    const result = compileListener(listener(rbac({ action: 1, policies: {
      cel: { permissions: any, principals: everybody, condition: { id: 1 } },
      jwt: { permissions: any, principals: [{ identifier: { $case: 'notId', notId: { identifier: { $case: 'metadata', metadata: { filter: 'jwt', path: [] } } } } }] },
      other: { permissions: [{ rule: { $case: 'matcher', matcher: { name: 'x' } } }], principals: everybody },
    } })), warnings);
    const at = `${CHAIN}.typed_config.http_filters[0].typed_config.rules.policies`;
    expect(warnings.map(({ path }) => path)).toEqual([`${at}["cel"].condition`, `${at}["jwt"].principals[0].not_id.metadata`, `${at}["other"].permissions[0]`]);
    const manager = result.ok ? result.value.filterChains[0]?.filters[0] : undefined;
    expect(manager?.kind === 'http_connection_manager' ? manager.httpFilters[0] : undefined).toMatchObject({ rules: { action: 'deny', policies: [
      { name: 'cel', permissions: [{ kind: 'and', rules: [{ kind: 'any' }, { kind: 'undecidable' }] }] }, { name: 'jwt', principals: [{ kind: 'not', id: { kind: 'undecidable' } }] }, { name: 'other', permissions: [{ kind: 'undecidable' }] },
    ] } });
  });

  it('name the resource and say what to do', () => {
    const result = compileListener(listener(manager({}), { apiListener: { apiListener: { typeUrl: 'x' } } }));
    expect(result).toEqual({ ok: false, error: [{ code: 'PROXY_CONFIG_REFUSED', level: 'error', path: 'api_listener', message: 'This field is not supported by this proxy. Remove it.', object: { kind: 'Listener', name: 'l' } }] });
  });

  it('take an optional filter that is not known, and list it', () => {
    const warnings: Issue[] = [];
    const result = compileListener(listener(manager({ httpFilters: [{ name: 'lua', isOptional: true, configType: typed({ typeUrl: 'type.googleapis.com/x.Lua', value: new Uint8Array() }) }, router] })), warnings);
    expect(result.ok).toBe(true);
    expect(warnings.map(({ path }) => path)).toEqual([`${CHAIN}.typed_config.http_filters[0]`]);
  });
});

describe('refused secrets', () => {
  it('never print what they hold', () => {
    const result = compileSecret({ name: 's', type: { $case: 'tlsCertificate', tlsCertificate: { certificateChain: { specifier: { $case: 'inlineString', inlineString: 'CHAIN' } }, privateKey: { specifier: { $case: 'filename', filename: '/key' } } } } });
    expect(paths(result)).toEqual(['tls_certificate.private_key.filename', 'tls_certificate']);
    expect(JSON.stringify(result)).not.toContain('CHAIN');
  });
});
