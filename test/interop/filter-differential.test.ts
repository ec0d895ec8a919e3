// HTTP filters that ask services: the same messages in a real Envoy and in our own data plane, the same requests through both. Status, headers, what reached the application and what the
// service was told are the same. What differs on purpose is a list with reasons.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { UnaryService } from '../../src/proxy/filters/testdata/unary-service.ts';
import type { HeaderValueOption } from '../../src/shared/xds/generated/envoy/config/core/v3/base.ts';
import type { RateLimit_Action, Route } from '../../src/shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { ExtAuthz, ExtAuthzPerRoute } from '../../src/shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import { RateLimit, RateLimitPerRoute } from '../../src/shared/xds/generated/envoy/extensions/filters/http/ratelimit/v3/rate_limit.ts';
import type { ListStringMatcher } from '../../src/shared/xds/generated/envoy/type/matcher/v3/string.ts';
import { CheckRequest, CheckResponse } from '../../src/shared/xds/generated/envoy/service/auth/v3/external_auth.ts';
import { RateLimitRequest, RateLimitResponse } from '../../src/shared/xds/generated/envoy/service/ratelimit/v3/rls.ts';
import { packAny } from '../../src/shared/xds/index.ts';
import { ask, echoServer, type Closable, type Question, type Reply } from './applications.ts';
import { envoyPath } from './envoy-path.ts';
import { comparableHeaders, comparableReply, filterOf, startFilterPair, type FilterCase, type FilterPair } from './filter-pair.ts';
import { freePort } from './proxy-programs.ts';

const EXT = 'envoy.filters.http.ext_authz';
const LIMIT = 'envoy.filters.http.ratelimit';
const extAuthz = (message: ExtAuthz) => filterOf(EXT, 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz', ExtAuthz, { transportApiVersion: 2, ...message });
const rateLimit = (message: RateLimit) => filterOf(LIMIT, 'envoy.extensions.filters.http.ratelimit.v3.RateLimit', RateLimit, { domain: 'shop', rateLimitService: { grpcService: grpc('limits'), transportApiVersion: 2 }, timeout: { seconds: 2 }, ...message });
const grpc = (clusterName: string) => ({ targetSpecifier: { $case: 'envoyGrpc' as const, envoyGrpc: { clusterName } }, timeout: { seconds: 2 } });
const GRPC: ExtAuthz = { services: { $case: 'grpcService', grpcService: grpc('grpc-auth') } };
const names = (...list: string[]): ListStringMatcher => ({ patterns: list.map((exact) => ({ matchPattern: { $case: 'exact', exact } })) });
const http = (more: object = {}): ExtAuthz => ({ services: { $case: 'httpService', httpService: { serverUri: { uri: 'http://auth', timeout: { seconds: 2 }, httpUpstreamType: { $case: 'cluster', cluster: 'http-auth' } }, ...more } } });
const route = (prefix: string, more: Partial<Route> = {}, action: object = {}): Route => ({ match: { pathSpecifier: { $case: 'prefix', prefix } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'app' }, ...action } }, ...more });
const perRoute = (message: ExtAuthzPerRoute) => ({ typedPerFilterConfig: { [EXT]: packAny('envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute', ExtAuthzPerRoute, message) } });
const generic = (descriptorValue: string): RateLimit_Action => ({ actionSpecifier: { $case: 'genericKey', genericKey: { descriptorValue } } });
const header = (headerName: string, descriptorKey: string, skipIfAbsent = false): RateLimit_Action => ({ actionSpecifier: { $case: 'requestHeaders', requestHeaders: { headerName, descriptorKey, skipIfAbsent } } });

const CASES: readonly FilterCase[] = [
  { name: 'grpc', filters: [extAuthz(GRPC)], virtualHost: { routes: [route('/off', perRoute({ override: { $case: 'disabled', disabled: true } })), route('/told', perRoute({ override: { $case: 'checkSettings', checkSettings: { contextExtensions: { a: 'route' } } } })), route('/')], ...perRoute({ override: { $case: 'checkSettings', checkSettings: { contextExtensions: { a: 'host', b: 'host' } } } }) } },
  { name: 'grpc-body', filters: [extAuthz({ ...GRPC, withRequestBody: { maxRequestBytes: 20 } })] },
  { name: 'grpc-partial', filters: [extAuthz({ ...GRPC, withRequestBody: { maxRequestBytes: 20, allowPartialMessage: true, packAsBytes: true } })] },
  { name: 'grpc-strict', filters: [extAuthz({ ...GRPC, validateMutations: true, allowedHeaders: names('x-ask', ':path'), disallowedHeaders: names('x-secret') })] },
  { name: 'grpc-rules', filters: [extAuthz({ ...GRPC, decoderHeaderMutationRules: {} })] },
  { name: 'grpc-open', filters: [extAuthz({ ...GRPC, failureModeAllow: true, failureModeAllowHeaderAdd: true })] },
  { name: 'grpc-status', filters: [extAuthz({ ...GRPC, statusOnError: { code: 503 } })] },
  { name: 'http', filters: [extAuthz(http({ pathPrefix: '/check', authorizationRequest: { headersToAdd: [{ key: 'x-from', value: 'proxy' }], allowedHeaders: names('x-ask', 'x-tell') }, authorizationResponse: { allowedUpstreamHeaders: names('x-user'), allowedUpstreamHeadersToAppend: names('x-more'), allowedClientHeadersOnSuccess: names('x-client') } }))] },
  { name: 'http-client', filters: [extAuthz({ ...http({ authorizationRequest: { allowedHeaders: names('x-ask') }, authorizationResponse: { allowedClientHeaders: names('x-client') } }), withRequestBody: { maxRequestBytes: 100 } })] },
  {
    name: 'limits', filters: [rateLimit({ enableXRatelimitHeaders: 1 })],
    virtualHost: {
      rateLimits: [{ actions: [generic('host'), header('x-ask', 'ask', true)] }],
      routes: [
        route('/own', {}, { rateLimits: [{ actions: [header('x-ask', 'ask'), { actionSpecifier: { $case: 'sourceCluster', sourceCluster: {} } }, { actionSpecifier: { $case: 'destinationCluster', destinationCluster: {} } }] }] }),
        route('/both', {}, { rateLimits: [{ actions: [generic('route')] }], includeVhRateLimits: true }),
        route('/match', {}, { rateLimits: [{ actions: [{ actionSpecifier: { $case: 'headerValueMatch', headerValueMatch: { descriptorValue: 'get', headers: [{ name: ':method', headerMatchSpecifier: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'exact', exact: 'GET' } } } }] } } }, { actionSpecifier: { $case: 'queryParameterValueMatch', queryParameterValueMatch: { descriptorValue: 'big', expectMatch: false, queryParameters: [{ name: 'size', queryParameterMatchSpecifier: { $case: 'presentMatch', presentMatch: true } }] } } }] }, { actions: [{ actionSpecifier: { $case: 'maskedRemoteAddress', maskedRemoteAddress: { v4PrefixMaskLen: 9 } } }, { actionSpecifier: { $case: 'remoteAddress', remoteAddress: {} } }] }] }),
        route('/ignored', { typedPerFilterConfig: { [LIMIT]: packAny('envoy.extensions.filters.http.ratelimit.v3.RateLimitPerRoute', RateLimitPerRoute, { vhRateLimits: 2, domain: 'else' }) } }), route('/'),
      ],
    },
  },
  { name: 'limits-strict', filters: [rateLimit({ failureModeDeny: true, rateLimitedAsResourceExhausted: true, rateLimitedStatus: { code: 503 }, disableXEnvoyRatelimitedHeader: true, responseHeadersToAdd: [{ header: { key: 'x-limited', value: 'yes' } }] })], virtualHost: { rateLimits: [{ actions: [header('x-ask', 'ask')] }] } },
];

const option = (key: string, value: string, more: Partial<HeaderValueOption> = {}): HeaderValueOption => ({ header: { key, value }, ...more });
const ok = (okResponse: object): CheckResponse => ({ status: { code: 0 }, httpResponse: { $case: 'okResponse', okResponse } });
const denied = (deniedResponse: object): CheckResponse => ({ status: { code: 7 }, httpResponse: { $case: 'deniedResponse', deniedResponse } });
/** Answers of the gRPC service, chosen by the header x-ask. */
const CHECKS: Readonly<Record<string, CheckResponse | number>> = {
  ok: { status: { code: 0 } }, denied: { status: { code: 7 } }, fails: 13,
  'denied-own': denied({ status: { code: 401 }, body: 'who?', headers: [option('www-authenticate', 'Basic'), option('set-cookie', 'a=1'), option('set-cookie', 'b=2'), option('content-type', 'text/html')] }),
  'denied-bad': denied({ status: { code: 401 }, headers: [option('x-bad', 'a\nb')] }),
  set: ok({ headers: [option('x-present', 'new', { append: false }), option('x-absent', 'new', { append: false })] }),
  join: ok({ headers: [option('x-present', 'new', { append: true }), option('x-absent', 'new', { append: true })] }),
  actions: ok({ headers: [option('x-present', 'added'), option('x-absent', 'added'), option('x-present-2', 'no', { appendAction: 1 }), option('x-absent-2', 'yes', { appendAction: 1 }), option('x-present-3', 'yes', { appendAction: 3 }), option('x-absent-3', 'no', { appendAction: 3 })] }),
  remove: ok({ headersToRemove: ['x-present', ':path', 'host', 'x-none'] }),
  response: ok({ responseHeadersToAdd: [option('x-app', 'added'), option('x-upstream', 'set', { append: false }), option('x-new', 'if absent', { appendAction: 1 }), option('x-none', 'no', { appendAction: 3 })] }),
  query: ok({ queryParametersToSet: [{ key: 'b', value: '9' }, { key: 'new', value: 'x%20y' }], queryParametersToRemove: ['c'] }),
  envoy: ok({ headers: [option('x-envoy-mine', '1', { append: false }), option('x-fine', '1', { append: false })] }),
  path: ok({ headers: [option(':path', '/changed', { append: false }), option(':authority', 'changed.example', { append: false })] }),
};
const LIMITED: Readonly<Record<string, RateLimitResponse | number>> = {
  ok: { overallCode: 1, responseHeadersToAdd: [{ key: 'x-quota', value: '7' }], requestHeadersToAdd: [{ key: 'x-told', value: 'yes' }] }, fails: 13, nothing: {},
  over: { overallCode: 2, rawBody: Buffer.from('slow down'), responseHeadersToAdd: [{ key: 'x-quota', value: '0' }] },
  statuses: { overallCode: 1, statuses: [{ code: 1, currentLimit: { requestsPerUnit: 10, unit: 1, name: 'fast' }, limitRemaining: 4, durationUntilReset: { seconds: 1 } }, { code: 1, currentLimit: { requestsPerUnit: 100, unit: 2 }, limitRemaining: 2, durationUntilReset: { seconds: 30 } }] },
};

const to = (name: string, question: Question): { readonly name: string; readonly question: Question } => ({ name, question });
const GET = (path: string, headers: Record<string, string> = {}): Question => ({ path, headers });
const present = { 'x-present': 'old', 'x-present-2': 'old', 'x-present-3': 'old' };
const post = (answer: string, body: string): Question => ({ method: 'POST', path: '/', headers: { 'x-ask': answer }, body });
const GRPC_REQUEST = { 'content-type': 'application/grpc', te: 'trailers' };
const QUESTIONS: readonly { readonly name: string; readonly question: Question }[] = [
  ...Object.keys(CHECKS).filter((answer) => answer !== 'denied-bad').map((answer) => to('grpc', GET('/p?c=3&b=1&a=2&flag', { 'x-ask': answer, ...present }))),
  ...['denied', 'denied-own', 'fails'].map((answer) => to('grpc', { method: 'POST', path: '/', headers: { ...GRPC_REQUEST, 'x-ask': answer }, body: '' })),
  to('grpc', GET('/off', { 'x-ask': 'denied' })), to('grpc', GET('/told', { 'x-ask': 'ok' })), to('grpc', post('ok', 'body')), to('grpc', { method: 'HEAD', path: '/', headers: { 'x-ask': 'denied-own' } }), to('grpc', GET('/', { 'x-ask': 'ok', 'x-envoy-auth-partial-body': 'lie' })),
  to('grpc-body', post('ok', 'short')), to('grpc-body', post('ok', 'exactly twenty bytes')), to('grpc-body', post('ok', 'more than twenty bytes')), to('grpc-body', GET('/', { 'x-ask': 'ok' })), to('grpc-body', post('denied', 'short')),
  to('grpc-partial', post('ok', 'short')), to('grpc-partial', post('ok', 'more than twenty bytes')), to('grpc-partial', post('denied', 'more than twenty bytes')),
  ...['ok', 'denied-bad', 'set'].map((answer) => to('grpc-strict', GET('/', { 'x-ask': answer, 'x-secret': 's', 'x-other': 'o' }))),
  ...['envoy', 'path', 'remove', 'actions'].map((answer) => to('grpc-rules', GET('/', { 'x-ask': answer, ...present }))),
  ...['ok', 'fails', 'denied'].flatMap((answer) => [to('grpc-open', GET('/', { 'x-ask': answer })), to('grpc-status', GET('/', { 'x-ask': answer }))]),
  ...['/status/200', '/status/302', '/status/401', '/status/500', '/status/204'].flatMap((path) => [to('http', GET('/x', { 'x-ask': path, 'x-tell': '1', 'x-user': 'forged', 'x-more': 'old', authorization: 'Bearer t', 'x-hidden': 'h' })), to('http-client', GET('/x', { 'x-ask': path }))]),
  to('http-client', post('/status/200', 'told')), to('http', post('/status/200', 'not told')),
  ...['ok', 'over', 'fails', 'statuses', 'nothing'].flatMap((answer) => [to('limits', GET('/', { 'x-ask': answer })), to('limits-strict', GET('/', { 'x-ask': answer }))]),
  to('limits', GET('/')), to('limits', GET('/own', { 'x-ask': 'ok' })), to('limits', GET('/own')), to('limits', GET('/both', { 'x-ask': 'ok' })), to('limits', GET('/match', { 'x-ask': 'ok', 'x-forwarded-for': '10.200.3.4' })), to('limits', GET('/match?size=1')), to('limits', GET('/ignored', { 'x-ask': 'over' })),
  to('limits', { method: 'POST', path: '/', headers: { ...GRPC_REQUEST, 'x-ask': 'over' }, body: '' }), to('limits-strict', { method: 'POST', path: '/', headers: { ...GRPC_REQUEST, 'x-ask': 'over' }, body: '' }), to('limits-strict', GET('/')),
];

let told: Record<string, unknown[]> = {};
const services: Closable[] = [];
let pair: FilterPair;

beforeAll(async () => {
  const ports = { app: await freePort(), auth: await freePort() };
  services.push(await echoServer('app', '127.0.0.1', ports.app), await authorizer(ports.auth));
  const check = await UnaryService.start('127.0.0.1', (_path, message) => {
    const question = CheckRequest.decode(message);
    const request = question.attributes?.request?.http ?? {};
    tell({ ...request, id: '', host: request.host?.replace(/:\d+$/, ''), headers: comparableHeaders(request.headers ?? {}), rawBody: Buffer.from(request.rawBody ?? []).toString(), extensions: question.attributes?.contextExtensions });
    const answer = CHECKS[request.headers?.['x-ask'] ?? 'ok'] ?? 2;
    return typeof answer === 'number' ? answer : CheckResponse.encode(answer).finish();
  });
  const limits = await UnaryService.start('127.0.0.1', (_path, message) => {
    const question = RateLimitRequest.decode(message);
    tell(RateLimitRequest.toJSON(question));
    const asked = question.descriptors?.flatMap(({ entries }) => entries ?? []).find(({ key }) => key === 'ask')?.value;
    const answer = LIMITED[asked ?? 'ok'] ?? 2;
    return typeof answer === 'number' ? answer : RateLimitResponse.encode(answer).finish();
  });
  for (const service of [check, limits]) services.push({ close: () => Promise.resolve(service.close()) });
  pair = await startFilterPair(await envoyPath(), CASES, [{ name: 'app', port: ports.app }, { name: 'http-auth', port: ports.auth }, { name: 'grpc-auth', port: check.port, http2: true }, { name: 'limits', port: limits.port, http2: true }]);
});

afterAll(async () => {
  await pair?.stop();
  for (const service of services) await service.close();
});

/** An HTTP service that answers with the status that x-ask names. */
async function authorizer(port: number): Promise<Closable> {
  const { createServer } = await import('node:http');
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      tell({ method: request.method, url: request.url, headers: comparableHeaders(request.headers), length: request.headers['content-length'], body });
      const status = Number(String(request.headers['x-ask'] ?? '').replace('/status/', '')) || 200;
      response.writeHead(status, { 'x-user': 'jane', 'x-more': 'two', 'x-client': 'c', 'x-other': 'o', location: 'http://login.example/', 'content-type': 'text/html', 'x-envoy-auth-headers-to-remove': 'x-hidden' });
      response.end(status === 204 ? undefined : '<p>answer</p>');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return { close: () => new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  }) };
}

let side = '';
function tell(what: unknown): void {
  (told[side] ??= []).push(what);
}

describe('Envoy and our own data plane answer alike, and tell the services alike', () => {
  const label = ({ name, question }: typeof QUESTIONS[number]): string => `${name}: ${question.method ?? 'GET'} ${question.path} ${Object.entries(question.headers ?? {}).map((pair_) => pair_.join('=')).join(' ')} ${question.body ?? ''}`;
  test.each(QUESTIONS.map((one) => ({ one, text: label(one) })))('$text', async ({ one: { name, question } }) => {
    told = {};
    const replies: Reply[] = [];
    for (const kind of ['envoy', 'mizzen'] as const) {
      side = kind;
      replies.push(await ask('127.0.0.1', pair[kind].get(name) ?? 0, question));
    }
    const [envoy, mizzen] = replies;
    expect(comparableReply(mizzen as Reply)).toEqual(comparableReply(envoy as Reply));
    expect(told['mizzen']).toEqual(told['envoy']);
  });
});
