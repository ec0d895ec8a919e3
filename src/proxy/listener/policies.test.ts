// Policies on requests through the data plane: access rules by certificate, path and method, CORS, rate limits, the forwarded client certificate.
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority, KeyPair } from '../../shared/pki/index.ts';
import type { HttpConnectionManagerConfig, HttpFilterConfig, PermissionConfig, PrincipalConfig, RbacRulesConfig } from '../config/filter-config.ts';
import type { HeaderMatchConfig, StringMatchConfig } from '../config/match-config.ts';
import type { DataPlane } from './index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';
import { clientTls, MeshIdentities, SERVER_TLS } from './testdata/mesh-identities.ts';

let identities: MeshIdentities;
beforeAll(async () => {
  identities = await MeshIdentities.create({ CertificateAuthority, KeyPair });
});
let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.4');
});
afterEach(() => harness.close());

const exact = (value: string): StringMatchConfig => ({ kind: 'exact', value, ignoreCase: false });
const method = (value: string): PermissionConfig => ({ kind: 'header', header: { name: ':method', match: exact(value), invert: false, treatMissingAsEmpty: false } satisfies HeaderMatchConfig });
const path = (value: string): PermissionConfig => ({ kind: 'url_path', match: { kind: 'prefix', value, ignoreCase: false } });
const account = (name: string): PrincipalConfig => ({ kind: 'authenticated', match: exact(`spiffe://cluster.local/ns/test/sa/${name}`) });
const rules = (action: RbacRulesConfig['action'], permission: PermissionConfig, principal: PrincipalConfig): RbacRulesConfig => ({ action, policies: [{ name: 'policy', permissions: [permission], principals: [principal] }] });
const ANY = { kind: 'any' } as const;

async function appPort(): Promise<number> {
  return harness.httpServer((request, response) => response.end(JSON.stringify(request.headers)));
}

/** A server side proxy with mutual TLS and, before it, one proxy for each client account and one plain listener. */
async function mesh(manager: HttpConnectionManagerConfig, accounts: readonly string[], routes = [route(routeAction('a'))]): Promise<{ plane: DataPlane; plain: number; ports: Map<string, number> }> {
  const app = await appPort();
  const chains = [filterChain([manager], { name: 'tls', tls: SERVER_TLS, when: { transportProtocol: 'tls' } }), filterChain([manager], { name: 'plain' })];
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('server', harness.address, chains, { listenerFilters: ['tls_inspector'], direction: 'inbound' })], clusters: [cluster('a', [endpoint(harness.address, app)])], routes: [routeConfig([virtualHost(routes)])],
  }), { secrets: await identities.secretsOf('server') });
  const ports = new Map<string, number>();
  for (const name of accounts) {
    const client = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager({ forwardClientCertificate: 'always_forward_only' })])])], clusters: [cluster('a', [endpoint(harness.address, harness.portOf(plane, 'server'))], { defaultTls: clientTls('server') })],
      routes: [routeConfig([virtualHost([route(routeAction('a'))])])],
    }), { secrets: await identities.secretsOf(name) });
    ports.set(name, harness.portOf(client, 'in'));
  }
  return { plane, plain: harness.portOf(plane, 'server'), ports };
}

function rbac(own: RbacRulesConfig | null, shadowRules: RbacRulesConfig | null = null): HttpFilterConfig {
  return { name: 'rbac', kind: 'rbac', rules: own, shadowRules };
}

describe('access rules', () => {
  it.each<{ what: string; rules: RbacRulesConfig; good: number; bad: number; plain: number; get?: string }>([
    { what: 'allow by principal', rules: rules('allow', ANY, account('good')), good: 200, bad: 403, plain: 403 },
    { what: 'allow any authenticated', rules: rules('allow', ANY, { kind: 'authenticated', match: null }), good: 200, bad: 200, plain: 403 },
    { what: 'deny by principal', rules: rules('deny', ANY, account('bad')), good: 200, bad: 403, plain: 200 },
    { what: 'deny all but a principal', rules: rules('deny', ANY, { kind: 'not', id: account('good') }), good: 200, bad: 403, plain: 403 },
    { what: 'allow a path of a principal', rules: rules('allow', path('/open'), account('good')), good: 200, bad: 403, plain: 403, get: '/open/x?y=/closed' },
    { what: 'allow a path, asked for another', rules: rules('allow', path('/open'), ANY), good: 403, bad: 403, plain: 403, get: '/closed?x=/open' },
    { what: 'a path spelled with dots', rules: rules('deny', path('/closed'), ANY), good: 403, bad: 403, plain: 403, get: '/open/../closed' },
    { what: 'a path spelled with escapes', rules: rules('deny', path('/closed'), ANY), good: 403, bad: 403, plain: 403, get: '/%63losed' },
    { what: 'allow a method', rules: rules('allow', method('GET'), ANY), good: 200, bad: 200, plain: 200 },
    { what: 'allow another method', rules: rules('allow', method('POST'), ANY), good: 403, bad: 403, plain: 403 },
    { what: 'not a method', rules: rules('allow', { kind: 'not', rule: method('DELETE') }, ANY), good: 200, bad: 200, plain: 200 },
    { what: 'and of both', rules: rules('allow', { kind: 'and', rules: [method('GET'), path('/open')] }, { kind: 'or', ids: [account('good'), account('nobody')] }), good: 200, bad: 403, plain: 403, get: '/open' },
    { what: 'no policy at all', rules: { action: 'allow', policies: [] }, good: 403, bad: 403, plain: 403 },
    { what: 'log only', rules: rules('log', ANY, ANY), good: 200, bad: 200, plain: 200 },
  ])('$what', async ({ rules: own, good, bad, plain: plainStatus, get = '/' }) => {
    const { plain, ports } = await mesh(connectionManager({ filters: [rbac(own)] }), ['good', 'bad']);
    const statuses = [];
    for (const port of [ports.get('good') ?? 0, ports.get('bad') ?? 0, plain]) statuses.push((await rawGet(port, get)).status);
    expect(statuses).toEqual([good, bad, plainStatus]);
  });

  it('takes the rules of a route instead, and counts what shadow rules would do', async () => {
    const closed = rules('deny', ANY, ANY);
    const routes = [route(routeAction('a'), { prefix: '/open', perFilter: { rbac: { kind: 'rbac', rules: null } } }), route(routeAction('a'), { prefix: '/own', perFilter: { rbac: { kind: 'rbac', rules: rules('allow', method('GET'), ANY) } } }), route(routeAction('a'))];
    const { plane, plain } = await mesh(connectionManager({ filters: [rbac(closed, closed)] }), [], routes);
    expect((await harness.ask(plain, '/open')).status).toBe(200);
    expect((await harness.ask(plain, '/own')).status).toBe(200);
    expect((await harness.ask(plain, '/own', { method: 'PUT' })).status).toBe(403);
    expect(await harness.ask(plain, '/')).toMatchObject({ status: 403, body: 'RBAC: access denied' });
    expect(plane.stats.counter('http.rbac.shadow_denied').value).toBe(4);
  });

  it('takes rules that it cannot decide the safe way: a denial holds, a permission does not, and other policies stay in force', async () => {
    const unknown = { kind: 'undecidable' } as const;
    const tried: [string, Parameters<typeof rbac>[0], number, number][] = [
      ['a denial', rules('deny', method('DELETE'), unknown), 200, 403],
      ['a denial by not', rules('deny', method('DELETE'), { kind: 'not', id: unknown }), 200, 403],
      ['a denial by what is asked', rules('deny', { kind: 'not', rule: { kind: 'or', rules: [unknown] } }, ANY), 403, 403],
      ['a permission', rules('allow', ANY, unknown), 403, 403],
      ['a permission by not', rules('allow', ANY, { kind: 'not', id: unknown }), 403, 403],
      ['a permission with another way', rules('allow', { kind: 'or', rules: [unknown, method('GET')] }, ANY), 200, 403],
    ];
    for (const [what, made, get, remove] of tried) {
      const { plane, plain } = await mesh(connectionManager({ filters: [rbac(made)] }), []);
      expect([what, (await harness.ask(plain)).status, (await harness.ask(plain, '/', { method: 'DELETE' })).status]).toEqual([what, get, remove]);
      expect(plane.stats.counter('http.rbac.undecidable_policies').value).toBe(2); // once for each chain
      plane.close();
    }
  });
});

/** Node's client would tidy the path up. */
async function rawGet(port: number, target: string): Promise<{ status: number }> {
  const { text } = await harness.raw(port, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, 2000);
  return { status: Number(/^HTTP\/1\.1 ([0-9]+)/.exec(text)?.[1] ?? 0) };
}

describe('CORS', () => {
  const policy = { kind: 'cors_policy', allowOrigins: [exact('https://shop.test'), { kind: 'suffix', value: '.shop.test', ignoreCase: false }], allowMethods: 'GET,PUT', allowHeaders: 'x-a', exposeHeaders: 'x-b', maxAge: '600', allowCredentials: true, forwardNotMatchingPreflights: false } as const;
  it.each([
    { what: 'a preflight of an allowed origin', method: 'OPTIONS', headers: { origin: 'https://shop.test', 'access-control-request-method': 'PUT' }, body: '', allowed: 'https://shop.test', methods: 'GET,PUT' },
    { what: 'a preflight of a stranger', method: 'OPTIONS', headers: { origin: 'https://evil.test', 'access-control-request-method': 'PUT' }, body: '', allowed: undefined, methods: undefined },
    { what: 'a request of an allowed origin', method: 'GET', headers: { origin: 'https://www.shop.test' }, body: '{', allowed: 'https://www.shop.test', methods: undefined },
    { what: 'a request of a stranger', method: 'GET', headers: { origin: 'https://evil.test' }, body: '{', allowed: undefined, methods: undefined },
    { what: 'a request without origin', method: 'GET', headers: {}, body: '{', allowed: undefined, methods: undefined },
    { what: 'OPTIONS that is no preflight', method: 'OPTIONS', headers: { origin: 'https://shop.test' }, body: '{', allowed: 'https://shop.test', methods: undefined },
  ])('$what', async ({ method: verb, headers, body, allowed, methods }) => {
    const { plain } = await mesh(connectionManager({ filters: [{ name: 'cors', kind: 'cors' }] }), [], [route(routeAction('a'), { perFilter: { cors: policy } })]);
    const answer = await harness.ask(plain, '/', { method: verb, headers: headers as Record<string, string> });
    expect(answer.status).toBe(200);
    expect(answer.body.slice(0, 1)).toBe(body);
    expect(answer.headers['access-control-allow-origin']).toBe(allowed);
    expect(answer.headers['access-control-allow-methods']).toBe(methods);
    expect(answer.headers['access-control-allow-credentials']).toBe(allowed === undefined ? undefined : 'true');
  });

  it.each([{ credentials: true, methods: 'PUT', names: 'x-a, x-b' }, { credentials: false, methods: '*', names: '*' }])('a star with credentials $credentials', async ({ credentials, methods, names }) => {
    const wide = { ...policy, allowMethods: '*', allowHeaders: '*', allowCredentials: credentials };
    const { plain } = await mesh(connectionManager({ filters: [{ name: 'cors', kind: 'cors' }] }), [], [route(routeAction('a'), { perFilter: { cors: wide } })]);
    const answer = await harness.ask(plain, '/', { method: 'OPTIONS', headers: { origin: 'https://shop.test', 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-a, x-b' } });
    expect([answer.headers['access-control-allow-methods'], answer.headers['access-control-allow-headers']]).toEqual([methods, names]);
  });
});

describe('local rate limit', () => {
  const limit = (over: object = {}) => ({ name: 'limit', kind: 'local_ratelimit' as const, statPrefix: 'limit', status: 429, bucket: { maximumTokens: 3, tokensPerFill: 1, fillIntervalMilliseconds: 300 }, enabledPerMillion: 1_000_000, enforcedPerMillion: 1_000_000, ...over });
  it('lets a burst pass, then one request an interval', async () => {
    const { plane, plain } = await mesh(connectionManager({ filters: [limit()] }), []);
    const statuses = [];
    for (let turn = 0; turn < 5; turn += 1) statuses.push((await harness.ask(plain)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    await wait(320);
    expect([(await harness.ask(plain)).status, (await harness.ask(plain)).status]).toEqual([200, 429]);
    expect(plane.stats.counter('limit.http_local_rate_limit.rate_limited').value).toBe(3);
  });

  it('only counts while it is not enforced, and follows a route\'s own limit', async () => {
    const { plain } = await mesh(connectionManager({ filters: [limit({ enforcedPerMillion: 0 })] }), [], [route(routeAction('a'), { prefix: '/tight', perFilter: { limit: limit({ bucket: { maximumTokens: 1, tokensPerFill: 1, fillIntervalMilliseconds: 60_000 } }) } }), route(routeAction('a'))]);
    for (let turn = 0; turn < 6; turn += 1) expect((await harness.ask(plain)).status).toBe(200);
    expect((await harness.ask(plain, '/tight')).status).toBe(200);
    expect((await harness.ask(plain, '/tight')).status).toBe(429);
  });
});

describe('forwarded client certificate', () => {
  const own = /^By=spiffe:\/\/cluster\.local\/ns\/test\/sa\/server;Hash=[0-9a-f]{64};Subject=".*";URI=spiffe:\/\/cluster\.local\/ns\/test\/sa\/good$/;
  it.each<{ mode: HttpConnectionManagerConfig['forwardClientCertificate']; overTls: RegExp | undefined; plain: RegExp | undefined }>([
    { mode: 'sanitize', overTls: undefined, plain: undefined },
    { mode: 'forward_only', overTls: /^Hash=forged$/, plain: undefined },
    { mode: 'append_forward', overTls: new RegExp(`^Hash=forged,${own.source.slice(1)}`), plain: undefined },
    { mode: 'sanitize_set', overTls: own, plain: undefined },
    { mode: 'always_forward_only', overTls: /^Hash=forged$/, plain: /^Hash=forged$/ },
  ])('$mode', async ({ mode, overTls, plain: overPlain }) => {
    const { plain, ports } = await mesh(connectionManager({ forwardClientCertificate: mode }), ['good']);
    const headers = { 'x-forwarded-client-cert': 'Hash=forged' };
    const seen = async (port: number): Promise<string | undefined> => (JSON.parse((await harness.ask(port, '/', { headers })).body) as Record<string, string>)['x-forwarded-client-cert'];
    const check = (value: string | undefined, expected: RegExp | undefined): void => (expected ? expect(value).toMatch(expected) : expect(value).toBeUndefined());
    check(await seen(ports.get('good') ?? 0), overTls);
    check(await seen(plain), overPlain);
  });
});
