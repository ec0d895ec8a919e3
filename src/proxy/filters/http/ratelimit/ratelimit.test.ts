// Global rate limits through the data plane: a real service is asked with the descriptors of a request and says whether it may go on.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RateLimit as RouteLimit, RateLimit_Action } from '../../../../shared/xds/generated/envoy/config/route/v3/route_components.ts';
import type { RateLimit } from '../../../../shared/xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit.ts';
import { RateLimitRequest, RateLimitResponse } from '../../../../shared/xds/generated/envoy/service/ratelimit/v3/rls.ts';
import { Findings } from '../../../config/findings.ts';
import type { HttpFilterConfig } from '../../../config/filter-config.ts';
import { rateLimit, rateLimitPerRoute, rateLimits } from '../../../config/rate-limit.ts';
import type { VirtualHostConfig } from '../../../config/route-config.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../../listener/testdata/config-builder.ts';
import { Harness, wait } from '../../../listener/testdata/harness.ts';
import { StatsStore } from '../../../stream/stats-store.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { UnaryService } from '../../testdata/unary-service.ts';
import { networkOf } from './network-of.ts';

let harness: Harness;
let services: UnaryService[] = [];
let finished: StreamInfo[] = [];
let questions: RateLimitRequest[] = [];
let stats: StatsStore;
beforeEach(() => {
  harness = new Harness('127.81.7.2');
  services = [];
  finished = [];
  questions = [];
  stats = new StatsStore();
});
afterEach(async () => {
  await harness.close();
  for (const service of services) service.close();
});

const MESSAGE: RateLimit = { domain: 'shop', timeout: { seconds: 1 }, rateLimitService: { grpcService: { targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'limits' } } } } };
const OK: RateLimitResponse = { overallCode: 1 };
const OVER: RateLimitResponse = { overallCode: 2 };
const generic = (descriptorValue: string): RateLimit_Action => ({ actionSpecifier: { $case: 'genericKey', genericKey: { descriptorValue } } });

function compiled<T>(compile: (findings: Findings) => T): T {
  const findings = new Findings('test', '');
  const value = compile(findings);
  expect(findings.issues).toEqual([]);
  return value;
}

const limits = (...lists: RouteLimit[]) => compiled((findings) => rateLimits(lists, '', findings));

async function service(handler: (question: RateLimitRequest) => Promise<RateLimitResponse | number> | RateLimitResponse | number): Promise<number> {
  const running = await UnaryService.start(harness.address, async (path, message) => {
    expect(path).toBe('/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit');
    const question = RateLimitRequest.decode(message);
    questions.push(question);
    const answer = await handler(question);
    return typeof answer === 'number' ? answer : RateLimitResponse.encode(answer).finish();
  });
  services.push(running);
  return running.port;
}

async function proxy(message: RateLimit, servicePort: number, host: Partial<VirtualHostConfig> & { routes?: VirtualHostConfig['routes'] } = { rateLimits: limits({ actions: [generic('all')] }) }): Promise<number> {
  const app = await harness.httpServer((request, response) => response.end(JSON.stringify(request.headers)));
  const filter: HttpFilterConfig = { name: 'limit', ...compiled((findings) => rateLimit(message, '', findings)) };
  const { routes = [route(routeAction('app'))], ...rest } = host;
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager({ filters: [filter] })])])],
    clusters: [
      cluster('app', [endpoint(harness.address, app)]),
      cluster('limits', [endpoint(harness.address, servicePort)], { protocol: { ...cluster('x', []).protocol, http: 'http2' } }),
    ],
    routes: [routeConfig([virtualHost(routes, rest)])],
  }), { stats, localCluster: 'web.shop', observers: () => [{ onStreamEnd: (info) => finished.push(info) }] });
  return harness.portOf(plane, 'in');
}

const counter = (what: string): number => stats.counter(`cluster.app.ratelimit.${what}`).value;

describe('the rate limit service', () => {
  it('is told what requests are counted as', async () => {
    const port = await proxy({ ...MESSAGE, stage: 1 }, await service(() => OK), {
      rateLimits: limits(
        { stage: 1, actions: [{ actionSpecifier: { $case: 'sourceCluster', sourceCluster: {} } }, { actionSpecifier: { $case: 'destinationCluster', destinationCluster: {} } }] },
        { stage: 1, actions: [generic('slow'), { actionSpecifier: { $case: 'requestHeaders', requestHeaders: { headerName: 'X-User', descriptorKey: 'user' } } }, { actionSpecifier: { $case: 'requestHeaders', requestHeaders: { headerName: 'x-absent', descriptorKey: 'absent', skipIfAbsent: true } } }] },
        { stage: 1, actions: [generic('never'), { actionSpecifier: { $case: 'requestHeaders', requestHeaders: { headerName: 'x-absent', descriptorKey: 'absent' } } }] },
        { stage: 1, actions: [{ actionSpecifier: { $case: 'remoteAddress', remoteAddress: {} } }, { actionSpecifier: { $case: 'maskedRemoteAddress', maskedRemoteAddress: { v4PrefixMaskLen: 12 } } }] },
        { stage: 1, actions: [{ actionSpecifier: { $case: 'headerValueMatch', headerValueMatch: { descriptorValue: 'get', headers: [{ name: ':method', headerMatchSpecifier: { $case: 'exactMatch', exactMatch: 'GET' } }] } } }] },
        { stage: 1, actions: [{ actionSpecifier: { $case: 'headerValueMatch', headerValueMatch: { descriptorValue: 'not-get', expectMatch: false, headers: [{ name: ':method', headerMatchSpecifier: { $case: 'exactMatch', exactMatch: 'GET' } }] } } }] },
        { stage: 1, actions: [{ actionSpecifier: { $case: 'queryParameterValueMatch', queryParameterValueMatch: { descriptorValue: 'big', queryParameters: [{ name: 'size', queryParameterMatchSpecifier: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'exact', exact: 'big' } } } }] } } }] },
        { stage: 1, actions: [{ actionSpecifier: { $case: 'metadata', metadata: { descriptorKey: 'plan', metadataKey: { key: 'a.filter', path: [{ segment: { $case: 'key', key: 'plan' } }] }, defaultValue: 'free' } } }] },
        { actions: [generic('another stage')] },
      ),
    });
    expect((await harness.ask(port, '/?size=big', { headers: { 'x-user': 'jane', 'x-forwarded-for': '10.17.3.4' } })).status).toBe(200);
    const entry = (key: string, value: string): object => ({ key, value });
    expect(questions.map(({ domain, descriptors }) => [domain, descriptors?.map(({ entries }) => entries)])).toEqual([['shop', [
      [entry('source_cluster', 'web.shop'), entry('destination_cluster', 'app')],
      [entry('generic_key', 'slow'), entry('user', 'jane')],
      [entry('remote_address', '10.17.3.4'), entry('masked_remote_address', '10.16.0.0/12')],
      [entry('header_match', 'get')],
      [entry('query_match', 'big')],
      [entry('plan', 'free')],
    ]]]);
    expect(counter('ok')).toBe(1);
  });

  it('refuses what is over the limit, in the client\'s terms', async () => {
    const over = { ...OVER, rawBody: Buffer.from('slow down'), responseHeadersToAdd: [{ key: 'retry-after', value: '3' }, { key: 'transfer-encoding', value: 'x' }] };
    const port = await proxy({ ...MESSAGE, rateLimitedAsResourceExhausted: true, responseHeadersToAdd: [{ header: { key: 'x-limited', value: 'yes' } }] }, await service(() => over));
    const answer = await harness.ask(port);
    expect(answer).toMatchObject({ status: 429, body: 'slow down', headers: { 'x-envoy-ratelimited': 'true', 'retry-after': '3', 'x-limited': 'yes' } });
    const grpc = await harness.ask(port, '/', { method: 'POST', headers: { 'content-type': 'application/grpc' } });
    expect([grpc.status, grpc.headers['grpc-status']]).toEqual([200, '8']);
    await wait(10);
    expect(finished[0]).toMatchObject({ responseCodeDetails: 'request_rate_limited', flags: ['RL'] });
    expect(counter('over_limit')).toBe(2);
  });

  it('answers with a status of the configuration\'s, without a mark', async () => {
    const port = await proxy({ ...MESSAGE, rateLimitedStatus: { code: 503 }, disableXEnvoyRatelimitedHeader: true }, await service(() => OVER));
    const answer = await harness.ask(port);
    expect([answer.status, answer.headers['x-envoy-ratelimited']]).toEqual([503, undefined]);
  });

  it('tells clients of their limits', async () => {
    const statuses: RateLimitResponse['statuses'] = [
      { code: 1, currentLimit: { requestsPerUnit: 10, unit: 1, name: 'fast' }, limitRemaining: 4, durationUntilReset: { seconds: 1 } },
      { code: 1, currentLimit: { requestsPerUnit: 100, unit: 2 }, limitRemaining: 2, durationUntilReset: { seconds: 30 } },
      { code: 1 },
    ];
    const port = await proxy({ ...MESSAGE, enableXRatelimitHeaders: 1 }, await service(() => ({ ...OK, statuses, requestHeadersToAdd: [{ key: 'x-quota', value: 'low' }] })));
    const answer = await harness.ask(port);
    expect(answer.headers).toMatchObject({ 'x-ratelimit-limit': '100, 10;w=1;name="fast", 100;w=60', 'x-ratelimit-remaining': '2', 'x-ratelimit-reset': '30' });
    expect(JSON.parse(answer.body)).toMatchObject({ 'x-quota': 'low' });
  });

  it.each([
    { what: 'an error', handler: () => 14, settings: {}, status: 200 },
    { what: 'an error that denies', handler: () => 14, settings: { failureModeDeny: true }, status: 500 },
    { what: 'an error that denies with a status of its own', handler: () => 14, settings: { failureModeDeny: true, statusOnError: { code: 503 as const } }, status: 503 },
    { what: 'silence', handler: () => wait(3000).then(() => OK), settings: { timeout: { nanos: 5e7 } }, status: 200 },
  ])('may fail: $what gives $status', async ({ handler, settings, status }) => {
    const port = await proxy({ ...MESSAGE, ...settings }, await service(handler));
    expect((await harness.ask(port)).status).toBe(status);
    expect([counter('error'), counter('failure_mode_allowed')]).toEqual([1, status === 200 ? 1 : 0]);
  });

  it('counts by the route, by the virtual host where the route says nothing, or by both', async () => {
    const hosts = { rateLimits: limits({ actions: [generic('host')] }) };
    const perRoute = (message: Parameters<typeof rateLimitPerRoute>[0]) => ({ limit: compiled((findings) => rateLimitPerRoute(message, '', findings)) });
    const own = { rateLimits: limits({ actions: [generic('route')] }) };
    const port = await proxy(MESSAGE, await service(() => OK), {
      ...hosts,
      routes: [
        route(routeAction('app', own), { prefix: '/own' }), route(routeAction('app', { ...own, includeVirtualHostRateLimits: true }), { prefix: '/both' }),
        route(routeAction('app'), { prefix: '/ignored', perFilter: perRoute({ vhRateLimits: 2 }) }), route(routeAction('app', own), { prefix: '/included', perFilter: perRoute({ vhRateLimits: 1 }) }),
        route(routeAction('app', own), { prefix: '/else', perFilter: perRoute({ domain: 'else', rateLimits: [{ actions: [{ actionSpecifier: { $case: 'genericKey', genericKey: { descriptorValue: 'filter' } } }] }] }) }),
        route(routeAction('app', own), { prefix: '/off', perFilter: { limit: { disabled: true } } }), route(routeAction('app')),
      ],
    });
    const asked: string[] = [];
    for (const path of ['/own', '/both', '/ignored', '/included', '/else', '/off', '/']) {
      questions = [];
      await harness.ask(port, path);
      asked.push(`${path} ${questions.map(({ domain, descriptors }) => `${domain}: ${descriptors?.map(({ entries }) => entries?.[0]?.value).join(' ')}`).join()}`);
    }
    expect(asked).toEqual(['/own shop: route', '/both shop: route host', '/ignored ', '/included shop: route host', '/else else: filter', '/off ', '/ shop: host']);
  });
});

describe('networkOf', () => {
  it.each([
    ['10.17.3.4', 12, '10.16.0.0/12'], ['10.17.3.4', 32, '10.17.3.4/32'], ['10.17.3.4', 0, '0.0.0.0/0'],
    ['2001:db8:1234:5678::1', 48, '2001:db8:1234::/48'], ['2001:db8::ff', 121, '2001:db8::80/121'], ['::1', 0, '::/0'], ['::ffff:10.1.2.3', 128, '::ffff:10.1.2.3/128'],
  ])('of %s and %d bits is %s', (address, bits, expected) => {
    expect(networkOf(address, bits)).toBe(expected);
  });
});
