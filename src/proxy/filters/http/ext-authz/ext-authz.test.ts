// External authorization through the data plane: a real service answers over gRPC or HTTP, and requests pass, change or are refused by it.
import type { IncomingMessage } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExtAuthz } from '../../../../shared/xds/generated/envoy/extensions/filters/http/ext_authz/v3/ext_authz.ts';
import type { HeaderValueOption } from '../../../../shared/xds/generated/envoy/config/core/v3/base.ts';
import { CheckRequest, CheckResponse } from '../../../../shared/xds/generated/envoy/service/auth/v3/external_auth.ts';
import { extAuthz } from '../../../config/ext-authz.ts';
import { Findings } from '../../../config/findings.ts';
import type { HttpFilterConfig, HttpFilterOverride } from '../../../config/filter-config.ts';
import type { RouteEntryConfig } from '../../../config/route-config.ts';
import type { DataPlane } from '../../../listener/index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../../listener/testdata/config-builder.ts';
import { Harness, wait } from '../../../listener/testdata/harness.ts';
import { StatsStore } from '../../../stream/stats-store.ts';
import type { StreamInfo } from '../../../stream/stream-info.ts';
import { UnaryService } from '../../testdata/unary-service.ts';

let harness: Harness;
let services: UnaryService[] = [];
let finished: StreamInfo[] = [];
let stats: StatsStore;
beforeEach(() => {
  harness = new Harness('127.81.7.1');
  services = [];
  finished = [];
  stats = new StatsStore();
});
afterEach(async () => {
  await harness.close();
  for (const service of services) service.close();
});

function filter(message: ExtAuthz): HttpFilterConfig {
  const findings = new Findings('Listener', 'in');
  const config = extAuthz(message, 'ext_authz', findings);
  expect(findings.issues).toEqual([]);
  return { name: 'ext', ...config };
}

interface Setup { readonly plane: DataPlane; readonly port: number }

async function proxy(message: ExtAuthz, servicePort: number, options: { routes?: readonly RouteEntryConfig[]; before?: readonly HttpFilterConfig[]; perFilter?: Record<string, HttpFilterOverride> } = {}): Promise<Setup> {
  const app = await harness.httpServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      response.setHeader('x-app', 'yes');
      response.end(JSON.stringify({ url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() }));
    });
  });
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager({ filters: [...options.before ?? [], filter(message)] })])])],
    clusters: [
      cluster('app', [endpoint(harness.address, app)]), cluster('http-auth', [endpoint(harness.address, servicePort)]),
      cluster('grpc-auth', [endpoint(harness.address, servicePort)], { protocol: { http: 'http2', maximumRequestsPerConnection: 0, idleTimeoutMilliseconds: 3_600_000, maximumConcurrentStreams: 100 } }),
    ],
    routes: [routeConfig([virtualHost(options.routes ?? [route(routeAction('app'))], { perFilter: options.perFilter ?? {} })])],
  }), { stats, observers: () => [{ onStreamEnd: (info) => finished.push(info) }] });
  return { plane, port: harness.portOf(plane, 'in') };
}

async function grpcService(handler: (question: CheckRequest) => Promise<CheckResponse | number> | CheckResponse | number): Promise<number> {
  const service = await UnaryService.start(harness.address, async (path, message) => {
    expect(path).toBe('/envoy.service.auth.v3.Authorization/Check');
    const answer = await handler(CheckRequest.decode(message));
    return typeof answer === 'number' ? answer : CheckResponse.encode(answer).finish();
  });
  services.push(service);
  return service.port;
}

const GRPC: ExtAuthz = { services: { $case: 'grpcService', grpcService: { targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'grpc-auth' } }, timeout: { seconds: 2 } } } };
const OK: CheckResponse = { status: { code: 0 } };
const denied = (code: number, body: string, headers: HeaderValueOption[] = []): CheckResponse => ({ status: { code: 7 }, httpResponse: { $case: 'deniedResponse', deniedResponse: { status: { code: code as 403 }, body, headers } } });
const seen = (text: string): { url: string; headers: Record<string, string>; body: string } => JSON.parse(text) as { url: string; headers: Record<string, string>; body: string };
const counter = (what: string): number => stats.counter(`http.test.ext_authz.${what}`).value;

describe('a gRPC service', () => {
  it('is told of the request and lets it pass', async () => {
    const questions: CheckRequest[] = [];
    const { port } = await proxy(GRPC, await grpcService((question) => {
      questions.push(question);
      return OK;
    }), { perFilter: { ext: { kind: 'ext_authz', contextExtensions: { tenant: 'a', level: 'host' }, disableBody: false, body: null } }, routes: [route(routeAction('app'), { perFilter: { ext: { kind: 'ext_authz', contextExtensions: { level: 'route' }, disableBody: false, body: null } } })] });
    const answer = await harness.ask(port, '/path?q=1', { method: 'PUT', headers: { host: 'shop.example', 'x-two': ['a', 'b'], 'x-envoy-auth-partial-body': 'lie' }, body: 'content' });
    expect(answer.status).toBe(200);
    const attributes = questions[0]?.attributes ?? {};
    const http = attributes.request?.http ?? {};
    expect(http).toMatchObject({ method: 'PUT', path: '/path?q=1', host: 'shop.example', protocol: 'HTTP/1.1', scheme: 'http' });
    expect(http.headers).toMatchObject({ ':path': '/path?q=1', ':method': 'PUT', ':authority': 'shop.example', 'x-two': 'a,b' });
    expect(http.headers).not.toHaveProperty('x-envoy-auth-partial-body');
    expect(http.body ?? '').toBe('');
    expect(attributes.contextExtensions).toEqual({ tenant: 'a', level: 'route' });
    expect(attributes.destination?.address?.address).toMatchObject({ socketAddress: { address: harness.address } });
    expect(http.id).toBe(seen(answer.body).headers['x-request-id']);
    expect(counter('ok')).toBe(1);
    expect(stats.counter('cluster.app.ext_authz.ok').value).toBe(1);
    expect(seen(answer.body).body).toBe('content');
  });

  it('refuses with status, headers and body of its own', async () => {
    const { port } = await proxy(GRPC, await grpcService(() => denied(401, 'who are you?', [{ header: { key: 'www-authenticate', value: 'Basic' } }, { header: { key: 'set-cookie', value: 'a=1' } }, { header: { key: 'set-cookie', value: 'b=2' } }, { header: { key: 'content-length', value: '5' } }, { header: { key: 'bad', value: 'a\r\nx-smuggled: 1' } }])));
    const answer = await harness.ask(port);
    expect(answer).toMatchObject({ status: 401, body: 'who are you?' });
    expect(answer.headers).toMatchObject({ 'www-authenticate': 'Basic', 'set-cookie': ['a=1', 'b=2'], 'content-length': '12' });
    expect(answer.headers).not.toHaveProperty('x-smuggled');
    expect(counter('denied')).toBe(1);
    await wait(10);
    expect(finished[0]).toMatchObject({ responseCodeDetails: 'ext_authz_denied', flags: ['UAEX'] });
  });

  it('refuses with 403 when it gives no status, and gRPC clients in their terms', async () => {
    const { port } = await proxy(GRPC, await grpcService(() => ({ status: { code: 16 } })));
    expect((await harness.ask(port)).status).toBe(403);
    const grpc = await harness.ask(port, '/', { method: 'POST', headers: { 'content-type': 'application/grpc' } });
    expect([grpc.status, grpc.headers['grpc-status']]).toEqual([200, '7']);
  });

  it('changes headers of the request and of the response, and the query', async () => {
    const option = (key: string, value: string, append?: boolean): HeaderValueOption => ({ header: { key, value }, ...(append === undefined ? {} : { append }) });
    const { port } = await proxy(GRPC, await grpcService(() => ({
      status: { code: 0 },
      httpResponse: {
        $case: 'okResponse',
        okResponse: {
          headers: [option('x-set', 'new', false), option('x-join', 'two', true), option('x-join-absent', 'no', true), option('x-replaced', '2'), option('transfer-encoding', 'chunked', false), option('x-bad', 'a\nb', false), option('bad name', 'v', false)],
          headersToRemove: ['x-secret', ':path', 'host'],
          responseHeadersToAdd: [option('x-response', 'r'), option('x-app', 'no', false), { header: { key: 'x-app-absent', value: 'v' }, appendAction: 1 }],
          queryParametersToSet: [{ key: 'b', value: '9' }],
          queryParametersToRemove: ['c'],
        },
      },
    })));
    const answer = await harness.ask(port, '/p?c=3&b=1&a=2', { headers: { 'x-set': 'old', 'x-join': 'one', 'x-replaced': '1', 'x-secret': 's', host: 'h' } });
    const { url, headers } = seen(answer.body);
    expect(url).toBe('/p?a=2&b=9');
    expect(headers).toMatchObject({ 'x-set': 'new', 'x-join': 'one,two', 'x-replaced': '2', host: 'h' });
    for (const absent of ['x-join-absent', 'x-secret', 'x-bad', 'transfer-encoding', 'bad name']) expect(headers).not.toHaveProperty(absent);
    expect(answer.headers).toMatchObject({ 'x-response': 'r', 'x-app': 'no', 'x-app-absent': 'v' });
  });

  it('is held to the rules for its changes', async () => {
    const port = await grpcService(() => ({ status: { code: 0 }, httpResponse: { $case: 'okResponse', okResponse: { headers: [{ header: { key: 'x-envoy-force', value: '1' }, append: false }, { header: { key: 'x-fine', value: '1' }, append: false }, { header: { key: 'host', value: 'evil' }, append: false }] } } }));
    const lenient = await proxy({ ...GRPC, decoderHeaderMutationRules: {} }, port);
    const { headers } = seen((await harness.ask(lenient.port)).body);
    expect(headers).toMatchObject({ 'x-fine': '1' });
    expect(headers).not.toHaveProperty('x-envoy-force');
    expect(headers['host']).not.toBe('evil');
    const strict = await proxy({ ...GRPC, decoderHeaderMutationRules: { disallowIsError: true } }, port);
    expect((await harness.ask(strict.port)).status).toBe(500);
    expect(counter('invalid')).toBe(1);
  });

  it.each<{ what: string; handler: () => Promise<CheckResponse | number> | CheckResponse | number; settings: ExtAuthz; status: number; header?: string | undefined; error: number }>([
    { what: 'an error status', handler: () => 13, settings: GRPC, status: 403, error: 1 },
    { what: 'an error with a status of its own', handler: () => 13, settings: { ...GRPC, statusOnError: { code: 503 } }, status: 503, error: 1 },
    { what: 'an error that is allowed', handler: () => 14, settings: { ...GRPC, failureModeAllow: true }, status: 200, error: 1 },
    { what: 'an error that is allowed and told', handler: () => 14, settings: { ...GRPC, failureModeAllow: true, failureModeAllowHeaderAdd: true }, status: 200, header: 'true', error: 1 },
    { what: 'silence', handler: () => wait(5000).then(() => OK), settings: { services: { $case: 'grpcService', grpcService: { targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'grpc-auth' } }, timeout: { nanos: 1e8 } } } }, status: 403, error: 1 },
    { what: 'a cluster that is not there', handler: () => OK, settings: { services: { $case: 'grpcService', grpcService: { targetSpecifier: { $case: 'envoyGrpc', envoyGrpc: { clusterName: 'absent' } } } } }, status: 403, error: 1 },
  ])('answers $what with $status', async ({ handler, settings, status, header, error }) => {
    const { port } = await proxy(settings, await grpcService(handler));
    const answer = await harness.ask(port);
    expect(answer.status).toBe(status);
    if (status === 200) expect(seen(answer.body).headers['x-envoy-auth-failure-mode-allowed']).toBe(header);
    expect(counter('error')).toBe(error);
    expect(counter('failure_mode_allowed')).toBe(status === 200 ? 1 : 0);
  });

  it.each([
    { what: 'whole', size: 10, settings: { maxRequestBytes: 100 }, status: 200, told: 10, partial: 'false' },
    { what: 'whole and as bytes', size: 10, settings: { maxRequestBytes: 100, packAsBytes: true }, status: 200, told: 10, partial: 'false' },
    { what: 'too large', size: 200_000, settings: { maxRequestBytes: 100 }, status: 413, told: null, partial: '' },
    { what: 'in part', size: 200_000, settings: { maxRequestBytes: 100, allowPartialMessage: true }, status: 200, told: 100, partial: 'true' },
  ])('is told a body $what', async ({ size, settings, status, told, partial }) => {
    const questions: CheckRequest[] = [];
    const { port } = await proxy({ ...GRPC, withRequestBody: settings }, await grpcService((question) => {
      questions.push(question);
      return OK;
    }));
    const body = 'b'.repeat(size);
    const answer = await harness.ask(port, '/', { method: 'POST', body });
    expect(answer.status).toBe(status);
    const http = questions[0]?.attributes?.request?.http;
    if (told === null) expect(questions).toEqual([]);
    else {
      expect(seen(answer.body).body).toBe(body);
      expect(http?.body?.length ?? 0).toBe(settings.packAsBytes ? 0 : told);
      expect(http?.rawBody?.length ?? 0).toBe(settings.packAsBytes ? told : 0);
      expect(http?.headers?.['x-envoy-auth-partial-body']).toBe(partial);
    }
  });

  it('asks only when earlier filters say so, and not where a route turns it off', async () => {
    const shadow: HttpFilterConfig = {
      name: 'rbac', kind: 'rbac', rules: null, shadowStatPrefix: 'istio_ext_authz_',
      shadowRules: { action: 'deny', policies: [{ name: 'istio-ext-authz-p-ns[a]-policy[b]-rule[0]', permissions: [{ kind: 'url_path', match: { kind: 'prefix', value: '/closed', ignoreCase: false } }], principals: [{ kind: 'any' }] }] },
    };
    const settings: ExtAuthz = { ...GRPC, filterEnabledMetadata: { filter: 'envoy.filters.http.rbac', path: [{ segment: { $case: 'key', key: 'istio_ext_authz_shadow_effective_policy_id' } }], value: { matchPattern: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'prefix', prefix: 'istio-ext-authz' } } } } } };
    const { port } = await proxy(settings, await grpcService(() => denied(403, 'no')), { before: [shadow], routes: [route(routeAction('app'), { prefix: '/closed/off', perFilter: { ext: { disabled: true } } }), route(routeAction('app'))] });
    const statuses = [];
    for (const path of ['/open', '/closed', '/closed/off']) statuses.push((await harness.ask(port, path)).status);
    expect(statuses).toEqual([200, 403, 200]);
    expect([counter('disabled'), counter('denied')]).toEqual([1, 1]);
  });

  it('leaves metadata and is asked about headers that it may see', async () => {
    const questions: CheckRequest[] = [];
    const { port } = await proxy({ ...GRPC, allowedHeaders: { patterns: [{ matchPattern: { $case: 'prefix', prefix: 'x-' } }] }, disallowedHeaders: { patterns: [{ matchPattern: { $case: 'exact', exact: 'x-secret' } }] } }, await grpcService((question) => {
      questions.push(question);
      return { status: { code: 0 }, dynamicMetadata: { user: 'jane' } };
    }));
    await harness.ask(port, '/', { headers: { 'x-open': '1', 'x-secret': '2', other: '3' } });
    const headers = questions[0]?.attributes?.request?.http?.headers ?? {};
    expect(headers['x-open']).toBe('1');
    for (const hidden of ['x-secret', 'other', ':path']) expect(headers).not.toHaveProperty(hidden);
    await wait(10);
    expect(finished[0]?.dynamicMetadata.get('envoy.filters.http.ext_authz')).toMatchObject({ user: 'jane' });
  });

  it('is given up when the client leaves', async () => {
    let asked = 0;
    const { port } = await proxy(GRPC, await grpcService(async () => {
      asked += 1;
      await wait(300);
      return OK;
    }));
    await harness.raw(port, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n', 50);
    await wait(400);
    expect(asked).toBe(1);
    expect([counter('ok'), counter('error')]).toEqual([0, 0]);
    expect(stats.gauge('cluster.grpc-auth.upstream_rq_active').value).toBe(0);
  });
});

describe('an HTTP service', () => {
  const http = (more: Partial<Extract<ExtAuthz['services'], { $case: 'httpService' }>['httpService']> = {}): ExtAuthz => ({ services: { $case: 'httpService', httpService: { serverUri: { uri: 'http://auth', timeout: { seconds: 2 }, httpUpstreamType: { $case: 'cluster', cluster: 'http-auth' } }, ...more } } });
  const only = (...names: string[]): { patterns: { matchPattern: { $case: 'exact'; exact: string } }[] } => ({ patterns: names.map((exact) => ({ matchPattern: { $case: 'exact', exact } })) });

  it('is asked with the head and its own path before the path', async () => {
    const asked: IncomingMessage[] = [];
    const service = await harness.httpServer((request, response) => {
      asked.push(request);
      response.writeHead(200, { 'x-user': 'jane', 'x-other': 'o', 'x-auth-client': 'c', 'x-envoy-auth-headers-to-remove': 'x-secret, authorization' });
      response.end('ignored');
    });
    const { port } = await proxy(http({
      pathPrefix: '/check',
      authorizationRequest: { allowedHeaders: only('x-tell'), headersToAdd: [{ key: 'x-from', value: 'proxy' }] },
      authorizationResponse: { allowedUpstreamHeaders: only('x-user'), allowedClientHeadersOnSuccess: only('x-auth-client') },
    }), service);
    const answer = await harness.ask(port, '/a?b=c', { method: 'POST', headers: { host: 'shop.example', authorization: 'Bearer t', 'x-tell': '1', 'x-secret': 's', 'x-user': 'forged' }, body: 'body' });
    expect(asked[0]).toMatchObject({ method: 'POST', url: '/check/a?b=c' });
    expect(asked[0]?.headers).toMatchObject({ host: 'shop.example', authorization: 'Bearer t', 'x-tell': '1', 'x-from': 'proxy', 'content-length': '0' });
    expect(asked[0]?.headers).not.toHaveProperty('x-secret');
    const { headers, body } = seen(answer.body);
    expect(headers).toMatchObject({ 'x-user': 'jane' });
    expect(body).toBe('body');
    for (const absent of ['x-secret', 'authorization', 'x-other']) expect(headers).not.toHaveProperty(absent);
    expect(answer.headers['x-auth-client']).toBe('c');
  });

  it.each([
    { what: 'a redirect', status: 302, expected: 302, allowed: false },
    { what: 'a refusal', status: 401, expected: 401, allowed: false },
    { what: 'a refusal with chosen headers', status: 401, expected: 401, allowed: true },
    { what: 'an error', status: 500, expected: 403, allowed: false },
  ])('answers with $what', async ({ status, expected, allowed }) => {
    const service = await harness.httpServer((_request, response) => {
      response.writeHead(status, { location: 'http://login', 'x-why': 'because', 'content-type': 'text/html' });
      response.end('<p>no</p>');
    });
    const { port } = await proxy(http(allowed ? { authorizationResponse: { allowedClientHeaders: only('x-else') } } : {}), service);
    const answer = await harness.ask(port);
    expect(answer.status).toBe(expected);
    expect(answer.body).toBe(status === 500 ? '' : '<p>no</p>');
    expect(answer.headers['location']).toBe(status === 500 ? undefined : 'http://login');
    expect(answer.headers['x-why']).toBe(status === 500 || allowed ? undefined : 'because');
  });

  it('gets the body when it is to', async () => {
    let body = '';
    const service = await harness.httpServer((request, response) => {
      request.on('data', (part: Buffer) => {
        body += part.toString();
      });
      request.on('end', () => response.end());
    });
    const { port } = await proxy({ ...http(), withRequestBody: { maxRequestBytes: 1000 } }, service);
    const answer = await harness.ask(port, '/', { method: 'POST', body: 'told' });
    expect([body, seen(answer.body).body]).toEqual(['told', 'told']);
  });
});
