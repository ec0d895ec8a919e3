// What Envoy's JWT filter is asked to do in tests: configurations beyond those that the mesh writes, requests, and the status of each. Ring 1 gives them to our own
// data plane, the ring of peers to a real Envoy beside it.
import { packAny } from '../../src/shared/xds/index.ts';
import type { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { Address } from '../../src/shared/xds/generated/envoy/config/core/v3/address.ts';
import type { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { Route } from '../../src/shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { JwtAuthentication, PerRouteConfig, type JwtProvider, type JwtRequirement, type RemoteJwks } from '../../src/shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import { Router } from '../../src/shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager } from '../../src/shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { part, tokenIssuer } from './token-issuer.ts';

/** A request. */
export interface FilterQuestion { readonly method?: string; readonly path: string; readonly headers?: Readonly<Record<string, string>>; readonly status: number }
/** A configuration with its requests. */
export interface FilterCase { readonly name: string; /** Envoy does not take the listener. */ readonly envoyRefuses?: true; readonly filter: JwtAuthentication; readonly questions: readonly FilterQuestion[] }

const A = tokenIssuer('RS256', 'a');
const B = tokenIssuer('PS384', 'b');
const C = tokenIssuer('EdDSA', 'c');
const H = tokenIssuer('HS512', 'h');
/** What the key server has under `/jwks`. */
export const SERVED_KEYS = JSON.stringify({ keys: [A.jwk, C.jwk] });

const NOW = Math.floor(Date.now() / 1000);
const claims = (iss: string, more: object = {}): Record<string, unknown> => ({ iss, sub: 'spiffe://x/me', aud: ['one'], exp: NOW + 3600, ...more });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const tokenA = A.token(claims('a'));
const tokenB = B.token(claims('b'));
const local = (issuer: string, jwks: string, more: JwtProvider = {}): JwtProvider => ({ issuer, jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString: jwks } } }, ...more });
const remote = (path: string, more: RemoteJwks = {}): JwtProvider['jwksSourceSpecifier'] => ({ $case: 'remoteJwks', remoteJwks: { httpUri: { uri: `http://keys.example${path}`, httpUpstreamType: { $case: 'cluster', cluster: 'keys' }, timeout: { seconds: 2 } }, ...more } });
const named = (providerName: string): JwtRequirement => ({ requiresType: { $case: 'providerName', providerName } });
const any = (...requirements: JwtRequirement[]): JwtRequirement => ({ requiresType: { $case: 'requiresAny', requiresAny: { requirements } } });
const all = (...requirements: JwtRequirement[]): JwtRequirement => ({ requiresType: { $case: 'requiresAll', requiresAll: { requirements } } });
const MISSING: JwtRequirement = { requiresType: { $case: 'allowMissing', allowMissing: {} } };
const FAILED: JwtRequirement = { requiresType: { $case: 'allowMissingOrFailed', allowMissingOrFailed: {} } };
const everywhere = (requires: JwtRequirement): JwtAuthentication['rules'] => [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, requirementType: { $case: 'requires', requires } }];
const HEADER_B: JwtProvider = { fromHeaders: [{ name: 'x-b' }] };

const ask = (status: number, path = '/', headers: Record<string, string> = {}, method = 'GET'): FilterQuestion => ({ method, path, headers, status });

/** The cases. */
export const FILTER_CASES: readonly FilterCase[] = [
  {
    name: 'a provider that is needed', filter: { providers: { a: local('a', A.jwks) }, rules: everywhere(named('a')) },
    questions: [ask(401), ask(200, '/', bearer(tokenA)), ask(401, '/', bearer(tokenB)), ask(401, '/x?y=z', bearer('bad')), ask(401, '/', { origin: 'https://a', 'access-control-request-method': 'GET' }, 'OPTIONS')],
  },
  {
    name: 'rules by path, header and method', filter: {
      providers: { a: local('a', A.jwks), b: local('b', B.jwks) }, bypassCorsPreflight: true,
      rules: [
        { match: { pathSpecifier: { $case: 'path', path: '/open' } } }, { match: { pathSpecifier: { $case: 'safeRegex', safeRegex: { regex: '/b/[0-9]+' } } }, requirementType: { $case: 'requires', requires: named('b') } },
        { match: { pathSpecifier: { $case: 'prefix', prefix: '/' }, headers: [{ name: 'x-free', headerMatchSpecifier: { $case: 'presentMatch', presentMatch: true } }] } },
        { match: { pathSpecifier: { $case: 'prefix', prefix: '/a' }, queryParameters: [{ name: 'q', queryParameterMatchSpecifier: { $case: 'presentMatch', presentMatch: true } }] }, requirementType: { $case: 'requirementName', requirementName: 'strict' } },
      ],
      requirementMap: { strict: named('a') },
    },
    questions: [ask(200, '/open'), ask(401, '/b/1'), ask(200, '/b/1', bearer(tokenB)), ask(401, '/b/1', bearer(tokenA)), ask(200, '/b/x'), ask(200, '/b/1x'), ask(401, '/a?q=1'), ask(200, '/a'), ask(200, '/a?q=1', { 'x-free': '' }), ask(200, '/a?q', bearer(tokenA)), ask(200, '/a?q=1', { origin: 'https://a', 'access-control-request-method': 'GET' }, 'OPTIONS')],
  },
  {
    name: 'routes of their own choice', filter: { providers: { a: local('a', A.jwks), b: local('b', B.jwks) }, rules: everywhere(named('a')), requirementMap: { second: named('b'), first: named('a') } },
    questions: [ask(401, '/other'), ask(200, '/disabled'), ask(200, '/disabled', bearer('bad')), ask(401, '/second', bearer(tokenA)), ask(200, '/second', bearer(tokenB)), ask(403, '/unknown', bearer(tokenA)), ask(403, '/unknown')],
  },
  {
    name: 'any of two', filter: { providers: { a: local('a', A.jwks), b: local('b', B.jwks, HEADER_B) }, rules: everywhere(any(named('a'), named('b'))) },
    questions: [ask(401), ask(200, '/', bearer(tokenA)), ask(200, '/', { 'x-b': tokenB }), ask(401, '/', { 'x-b': tokenA }), ask(401, '/', { ...bearer(tokenB), 'x-b': 'bad' }), ask(200, '/', { ...bearer('bad'), 'x-b': tokenB }), ask(401, '/', { ...bearer(A.token(claims('x'))), 'x-b': 'bad' })],
  },
  {
    name: 'all of two', filter: { providers: { a: local('a', A.jwks), b: local('b', B.jwks, HEADER_B) }, rules: everywhere(all(named('a'), named('b'))) },
    questions: [ask(401), ask(401, '/', bearer(tokenA)), ask(401, '/', { 'x-b': tokenB }), ask(200, '/', { ...bearer(tokenA), 'x-b': tokenB }), ask(401, '/', { ...bearer(tokenA), 'x-b': 'bad' })],
  },
  {
    name: 'any, or none', filter: { providers: { a: local('a', A.jwks), b: local('b', B.jwks, HEADER_B) }, rules: everywhere(any(named('a'), all(named('a'), named('b')), MISSING)) },
    questions: [ask(200), ask(200, '/', bearer(tokenA)), ask(401, '/', bearer('bad')), ask(401, '/', bearer(tokenB)), ask(200, '/', { 'x-b': 'bad' })],
  },
  { name: 'none, or a good one', filter: { providers: { a: local('a', A.jwks), b: local('b', B.jwks, HEADER_B) }, rules: everywhere(MISSING) }, questions: [ask(200), ask(200, '/', bearer(tokenA)), ask(401, '/', bearer('bad')), ask(401, '/', bearer(tokenB)), ask(200, '/', { 'x-b': tokenB }), ask(401, '/', bearer(A.token(claims('x'))))] },
  { name: 'even a bad one', filter: { providers: { a: local('a', A.jwks, { forwardPayloadHeader: 'x-payload' }) }, rules: everywhere(FAILED) }, questions: [ask(200), ask(200, '/', bearer(tokenA)), ask(200, '/', bearer('bad')), ask(200, '/', { 'x-payload': 'mine', ...bearer('bad') })] },
  {
    name: 'audiences of the rule instead of the provider\'s', filter: { providers: { a: local('a', A.jwks, { audiences: ['other'] }) }, rules: everywhere({ requiresType: { $case: 'providerAndAudiences', providerAndAudiences: { providerName: 'a', audiences: ['https://one/'] } } }) },
    questions: [ask(200, '/', bearer(tokenA)), ask(403, '/', bearer(A.token(claims('a', { aud: 'other' })))), ask(200, '/', bearer(A.token(claims('a', { aud: 'http://one' }))))],
  },
  {
    name: 'any issuer, subjects and life', filter: { providers: { a: { ...local('', A.jwks), subjects: { matchPattern: { $case: 'prefix', prefix: 'spiffe://x/' } }, maxLifetime: { seconds: 4000 }, clockSkewSeconds: 5 } }, rules: everywhere(named('a')) },
    questions: [ask(200, '/', bearer(A.token(claims('whoever')))), ask(401, '/', bearer(A.token(claims('a', { sub: 'spiffe://y/me' })))), ask(401, '/', bearer(A.token(claims('a', { exp: NOW + 9000 })))), ask(401, '/', bearer(A.token(claims('a', { exp: undefined })))), ask(401, '/', bearer(A.token(claims('a', { exp: NOW - 20 }))))],
  },
  { name: 'an end that is needed', filter: { providers: { a: local('a', A.jwks, { requireExpiration: true }) }, rules: everywhere(named('a')) }, questions: [ask(200, '/', bearer(tokenA)), ask(401, '/', bearer(A.token(claims('a', { exp: undefined }))))] },
  { name: 'answers without reasons', filter: { providers: { a: local('a', A.jwks) }, rules: everywhere(named('a')), stripFailureResponse: true }, questions: [ask(401), ask(401, '/', bearer('bad')), ask(403, '/unknown')] },
  { name: 'a padded payload that is kept apart from the token', filter: { providers: { a: local('a', A.jwks, { forwardPayloadHeader: 'x-payload', padForwardPayloadHeader: true, forward: true }) }, rules: everywhere(named('a')) }, questions: [...['', 'x', 'xy', 'xyz'].map((jti) => ask(200, '/', bearer(A.token(claims('a', { jti })))))] },
  {
    name: 'a secret shared in the configuration', filter: { providers: { h: local('h', H.jwks) }, rules: everywhere(named('h')) },
    questions: [ask(200, '/', bearer(H.token(claims('h')))), ask(401, '/', bearer(tokenIssuer('HS512', 'h').token(claims('h')))), ask(401, '/', bearer(`${part({ alg: 'HS256', kid: 'h' })}.${part(claims('h'))}.AAAA`))],
  },
  { name: 'keys that are none', envoyRefuses: true, filter: { providers: { a: local('a', '{"keys":[]}') }, rules: everywhere(named('a')) }, questions: [ask(401, '/', bearer(tokenA)), ask(401)] },
  { name: 'keys of a server', filter: { providers: { a: { issuer: 'a', jwksSourceSpecifier: remote('/jwks') } }, rules: everywhere(named('a')) }, questions: [ask(200, '/', bearer(tokenA)), ask(200, '/again', bearer(tokenA)), ask(401, '/', bearer(A.token(claims('a'), { kid: 'z' }))), ask(401)] },
  { name: 'keys of a server, fetched early', filter: { providers: { c: { issuer: 'c', jwksSourceSpecifier: remote('/jwks?early', { asyncFetch: {}, cacheDuration: { seconds: 300 } }) } }, rules: everywhere(named('c')) }, questions: [ask(200, '/', bearer(C.token(claims('c')))), ask(401, '/', bearer(tokenA))] },
  { name: 'keys of a server that fails', filter: { providers: { a: { issuer: 'a', jwksSourceSpecifier: remote('/broken') } }, rules: everywhere(named('a')) }, questions: [ask(401, '/', bearer(tokenA)), ask(401)] },
  { name: 'keys of a server that has none', filter: { providers: { a: { issuer: 'a', jwksSourceSpecifier: remote('/garbage') } }, rules: everywhere(any(named('a'), MISSING)) }, questions: [ask(401, '/', bearer(tokenA)), ask(200)] },
];

const typed = <T>(typedConfig: T): { $case: 'typedConfig'; typedConfig: T } => ({ $case: 'typedConfig', typedConfig });
const socket = (address: string, port: number): Address => ({ address: { $case: 'socketAddress', socketAddress: { address, portSpecifier: { $case: 'portValue', portValue: port } } } });
const FILTER = 'envoy.filters.http.jwt_authn';

/** A listener with the filter; `/disabled`, `/second` and `/unknown` are routes with a choice of their own. */
export function filterListener(filter: JwtAuthentication, address: string, port: number): Listener {
  const route = (prefix: string, own?: PerRouteConfig): Route => ({
    match: { pathSpecifier: { $case: 'prefix', prefix } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'echo' } } },
    ...(own ? { typedPerFilterConfig: { [FILTER]: packAny('envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig', PerRouteConfig, own) } } : {}),
  });
  const choose = (requirementName: string): PerRouteConfig => ({ requirementSpecifier: { $case: 'requirementName', requirementName } });
  const manager: HttpConnectionManager = {
    statPrefix: 'test',
    routeSpecifier: { $case: 'routeConfig', routeConfig: { name: 'routes', virtualHosts: [{ name: 'all', domains: ['*'], routes: [route('/disabled', { requirementSpecifier: { $case: 'disabled', disabled: true } }), route('/second', choose('second')), route('/unknown', choose('unknown')), route('/')] }] } },
    httpFilters: [
      { name: FILTER, configType: typed(packAny('envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication', JwtAuthentication, filter)) }, { name: 'envoy.filters.http.router', configType: typed(packAny('envoy.extensions.filters.http.router.v3.Router', Router, {})) },
    ],
  };
  return { name: `port-${port}`, address: socket(address, port), filterChains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', configType: typed(packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, manager)) }] }] };
}

/** The clusters `echo` and `keys` at two ports of `address`. */
export function filterClusters(address: string, ports: { readonly echo: number; readonly keys: number }): Cluster[] {
  return (['echo', 'keys'] as const).map((name): Cluster => ({
    name, connectTimeout: { seconds: 1 }, clusterDiscoveryType: { $case: 'type', type: 0 },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: socket(address, ports[name]) } } }] }] },
  }));
}

/** What the key server answers. */
export function servedKeys(path: string): { readonly status: number; readonly body: string } {
  if (path.startsWith('/jwks')) return { status: 200, body: SERVED_KEYS };
  return path === '/garbage' ? { status: 200, body: '<html>' } : { status: 500, body: 'broken' };
}
