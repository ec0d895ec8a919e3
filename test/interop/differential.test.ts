// The same configuration in a real Envoy and in our own data plane gives the same answers: each request of the tables goes through both, as a
// gateway's client and through the explicit HTTP proxy of a sidecar, and status, headers and what reached the application are compared.
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask, echoServer, type Closable, type Echo, type Question, type Reply } from './applications.ts';
import { InteropControlPlane } from './control-plane.ts';
import { envoyPath } from './envoy-path.ts';
import { startPairs, type RunningProxy } from './proxy-programs.ts';
import { meshPod, registryOf, type MeshService } from './small-mesh.ts';

const GATEWAY_PORTS = { envoy: 28_081, mizzen: 28_082 } as const;
type Kind = keyof typeof GATEWAY_PORTS;
const KINDS: readonly Kind[] = ['envoy', 'mizzen'];

const gatewayOf = (kind: Kind): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: public-${kind} }
spec: { selector: { gateway: ${kind} }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example"] }] }
`;

const ROUTES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: routes }
spec:
  hosts: [echo, api.example]
  gateways: [mesh, public-envoy, public-mizzen]
  http:
    - { match: [{ uri: { exact: /exact } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { exact: /CaseLess }, ignoreUriCase: true }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { prefix: /pre } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { regex: "/re/[a-z]+" } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ headers: { x-exact: { exact: a } } }, { headers: { x-prefix: { prefix: b } } }, { headers: { x-regex: { regex: "c[0-9]" } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { prefix: /absent }, withoutHeaders: { x-skip: {}, x-not: { exact: "no" } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ queryParams: { q: { exact: "1" } } }, { queryParams: { r: { regex: "[0-9]+" } } }, { queryParams: { s: { prefix: x } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ method: { regex: "PUT|PATCH" } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { exact: /redirect } }], redirect: { uri: /there } }
    - { match: [{ uri: { exact: /redirect-host } }], redirect: { authority: other.example, redirectCode: 302 } }
    - { match: [{ uri: { exact: /redirect-https } }], redirect: { scheme: https, redirectCode: 307 } }
    - { match: [{ uri: { exact: /redirect-port } }], redirect: { scheme: https, port: 8443, redirectCode: 308 } }
    - { match: [{ uri: { exact: /redirect-default } }], redirect: { scheme: https, derivePort: FROM_PROTOCOL_DEFAULT, redirectCode: 303 } }
    - { match: [{ uri: { exact: /direct } }], directResponse: { status: 418, body: { string: "a teapot" } }, headers: { response: { set: { x-direct: "yes" } } } }
    - { match: [{ uri: { prefix: /rewrite/ } }], rewrite: { uri: /new/ }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /strip } }], rewrite: { uri: / }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /swap } }], rewrite: { uriRegexRewrite: { match: "^/swap/([0-9]+)/([a-z]+)", rewrite: "/\\\\2/\\\\1" } }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /host } }], rewrite: { authority: rewritten.example }, route: [{ destination: { host: echo, subset: v1 } }] }
    - match: [{ uri: { prefix: /headers } }]
      headers: { request: { set: { x-set: s, x-client: "%REQ(x-in)%" }, add: { x-add: a }, remove: [x-remove] }, response: { set: { x-upstream: replaced, x-code: "%RESPONSE_CODE%" }, add: { x-more: m }, remove: [x-app] } }
      route: [{ destination: { host: echo, subset: v1 }, headers: { request: { add: { x-add: inner } }, response: { add: { x-more: inner } } } }]
    - { match: [{ uri: { prefix: /abort } }], fault: { abort: { httpStatus: 555, percentage: { value: 100 } } }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /grpc-abort } }], fault: { abort: { grpcStatus: RESOURCE_EXHAUSTED, percentage: { value: 100 } } }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /slow } }], timeout: 0.3s, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /flaky } }], retries: { attempts: 2, retryOn: 5xx, backoff: 10ms }, route: [{ destination: { host: echo, subset: v1 } }] }
    - { match: [{ uri: { prefix: /gone } }], route: [{ destination: { host: gone.example } }] }
    - { match: [{ uri: { prefix: /empty } }], route: [{ destination: { host: echo, subset: none } }] }
    - { match: [{ uri: { prefix: /refused } }], route: [{ destination: { host: refused } }] }
    - match: [{ uri: { prefix: /cors } }]
      corsPolicy: { allowOrigins: [{ exact: "https://a.example" }, { regex: "https://[a-z]+\\\\.b\\\\.example" }], allowMethods: [GET, POST], allowHeaders: [x-a], exposeHeaders: [x-c], maxAge: 1h, allowCredentials: true }
      route: [{ destination: { host: echo, subset: v1 } }]
    - { route: [{ destination: { host: echo, subset: v1 } }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec: { host: echo, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }, { name: none, labels: { version: v9 } }] }
`;

const GET = (path: string, headers: Record<string, string> = {}): Question => ({ path, headers });
const QUESTIONS: readonly Question[] = [
  GET('/'), GET('/exact'), GET('/exact/'), GET('/exact?x=1'), GET('/caseless'), GET('/CASELESS'), GET('/prefix'), GET('/pre'), GET('/Pre'), GET('/re/abc'), GET('/re/abc1'), GET('/re/abc?z'),
  GET('/h', { 'x-exact': 'a' }), GET('/h', { 'x-exact': 'A' }), GET('/h', { 'x-prefix': 'bcd' }), GET('/h', { 'x-regex': 'c1' }), GET('/h', { 'x-regex': 'c12' }),
  GET('/absent'), GET('/absent', { 'x-skip': '' }), GET('/absent', { 'x-skip': '1' }), GET('/absent', { 'x-not': 'no' }), GET('/absent', { 'x-not': 'yes' }),
  GET('/q?q=1'), GET('/q?q=2'), GET('/q?r=77'), GET('/q?r=7a'), GET('/q?s=xyz'), GET('/q?q=%31'), GET('/q?a=b&q=1'),
  { method: 'PUT', path: '/put', body: 'x' }, { method: 'PATCH', path: '/p', body: '' }, { method: 'POST', path: '/post', body: 'some text' }, { method: 'DELETE', path: '/d' }, { method: 'HEAD', path: '/head' }, { method: 'OPTIONS', path: '/o' },
  GET('/redirect'), GET('/redirect?a=b'), GET('/redirect-host?a=b'), GET('/redirect-https'), GET('/redirect-port'), GET('/redirect-default'),
  GET('/direct'), { method: 'POST', path: '/direct', body: 'abc' }, GET('/rewrite/a/b?c=d'), GET('/strip/a'), GET('/strip'), GET('/swap/12/ab?q=r'), GET('/swap/none'), GET('/host/x'),
  GET('/headers', { 'x-set': 'mine', 'x-add': 'mine', 'x-remove': 'mine', 'x-in': 'told' }), GET('/headers'),
  GET('/abort'), GET('/grpc-abort'), GET('/grpc-abort', { 'content-type': 'application/grpc', te: 'trailers' }), GET('/slow/1000'), GET('/slow/10'), GET('/gone'), GET('/empty'), GET('/refused'), GET('/refused', { 'content-type': 'application/grpc', te: 'trailers' }),
  GET('/cors', { origin: 'https://a.example' }), GET('/cors', { origin: 'https://x.b.example' }), GET('/cors', { origin: 'https://evil.example' }), GET('/cors'),
  { method: 'OPTIONS', path: '/cors', headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' } }, { method: 'OPTIONS', path: '/cors', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } },
  { method: 'OPTIONS', path: '/cors', headers: { origin: 'https://a.example' } },
  GET('/status/404'), GET('/status/500'), GET('/status/204'), GET('/status/304'), GET('/a/../b'), GET('/a/./b'), GET('/a//b'), GET('/a%2fb'), GET('/%7euser'), GET('/a/%2e%2e/b'), GET('/x#fragment'),
  GET('/', { 'x-forwarded-for': '192.0.2.7' }), GET('/', { 'x-forwarded-proto': 'https' }), GET('/', { 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '1' }), GET('/', { 'x-request-id': 'not-an-id' }), GET('/', { connection: 'x-hop', 'x-hop': '1' }),
  GET('/', { 'x-envoy-internal': 'true' }), GET('/', { 'x-forwarded-client-cert': 'By=spiffe://a/b' }), GET('/slow/800', { 'x-envoy-upstream-rq-timeout-ms': '100' }), GET('/slow/800', { 'grpc-timeout': '100m', 'content-type': 'application/grpc', te: 'trailers' }),
];

const PODS = {
  'sidecar-envoy': meshPod('caller', 'v1', 31), 'sidecar-mizzen': meshPod('caller', 'v2', 32),
  'gateway-envoy': meshPod('gateway', 'v1', 33, { namespace: 'istio-system', labels: { gateway: 'envoy' } }), 'gateway-mizzen': meshPod('gateway', 'v2', 34, { namespace: 'istio-system', labels: { gateway: 'mizzen' } }),
  echo1: meshPod('echo', 'v1', 35, { meshed: false }), echo2: meshPod('echo', 'v2', 36, { meshed: false }), refused: meshPod('refused', 'v1', 37, { meshed: false }),
};
const SERVICES: readonly MeshService[] = [
  { app: 'echo', namespace: 'shop', last: 31, ports: [{ name: 'http', port: 8000 }] }, { app: 'refused', namespace: 'shop', last: 32, ports: [{ name: 'http', port: 8000 }] },
  ...KINDS.map((kind, index): MeshService => ({ app: `gateway-${kind}`, namespace: 'istio-system', last: 33 + index, selector: { gateway: kind }, ports: [{ name: 'http', port: 80, targetPort: GATEWAY_PORTS[kind] }] })),
];

let directory: string;
let plane: InteropControlPlane;
const applications: Closable[] = [];
const proxies = new Map<string, RunningProxy>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'interop-'));
  plane = await InteropControlPlane.start(directory, 2);
  plane.publish(registryOf(SERVICES, Object.values(PODS)), [...KINDS.map(gatewayOf), ROUTES]);
  applications.push(await echoServer('v1', PODS.echo1.ip, 8000), await echoServer('v2', PODS.echo2.ip, 8000));
  await startPairs(proxies, plane, Object.fromEntries(Object.entries(PODS).filter(([name]) => /-(envoy|mizzen)$/.test(name))), await envoyPath());
  expect(await plane.settled(4)).toEqual([]);
});
afterAll(async () => {
  await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  await Promise.all(applications.map((application) => application.close()));
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Headers that differ by nature (times, identifiers), or without meaning: how a body that is empty or not sent would be framed, and the length of a text that differs. */
const VARYING = new Set(['date', 'x-request-id', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'traceparent', 'tracestate', 'x-envoy-upstream-service-time', 'x-envoy-peer-metadata', 'x-envoy-peer-metadata-id', 'keep-alive', 'connection', 'x-envoy-decorator-operation', 'transfer-encoding', 'content-length']);

/** What differs on purpose or without meaning, in the form that both are brought to before they are compared. */
const KNOWN: readonly { readonly what: string; readonly pattern: RegExp; readonly as: string }[] = [
  { what: 'a Location without the port that its scheme implies, as the Gateway API wants it', pattern: /^https:\/\/([^/:]+):443\//, as: 'https://$1/' },
  { what: 'our own proxy tells why a connection failed', pattern: /upstream connect error or disconnect\/reset before headers\..*/, as: 'upstream connect error' },
];

/** Envoy writes an address of the machine for a client on loopback. */
const OWN_ADDRESSES = Object.values(networkInterfaces()).flatMap((list) => list ?? []).map(({ address }) => address);

const alike = (text: string): string => KNOWN.reduce((value, { pattern, as }) => value.replace(pattern, as), text.split(',').map((part) => (OWN_ADDRESSES.includes(part) ? '127.0.0.1' : part)).join(','));

function comparable({ status, headers, body }: Reply): unknown {
  return { status, headers: without(headers), body: body.startsWith('{"name"') ? reached(body) : alike(body) };
}

function without(headers: Reply['headers']): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !VARYING.has(name)).map(([name, value]) => [name, alike(String(value).replaceAll(/2808[12]/g, '2808x'))]));
}

function reached(body: string): unknown {
  const { name, method, url, headers, body: sent } = JSON.parse(body) as Echo;
  return { name, method, url, body: sent, headers: without(headers), identified: headers['x-request-id'] !== undefined };
}

const label = ({ method = 'GET', path, headers = {} }: Question): string => `${method} ${path} ${Object.entries(headers).map(([name, value]) => `${name}: ${value}`).join(', ')}`.trim();

describe('Envoy and our own data plane answer alike', () => {
  test.each(QUESTIONS.map((question) => ({ question, name: label(question) })))('at the gateway: $name', async ({ question }) => {
    const [envoy, mizzen] = await Promise.all(KINDS.map((kind) => ask('127.0.0.1', GATEWAY_PORTS[kind], { ...question, path: question.path.replace('/flaky/', `/flaky/${kind}`), headers: { host: 'api.example', ...question.headers } })));
    expect(comparable(mizzen as Reply)).toEqual(comparable(envoy as Reply));
  });

  test.each(QUESTIONS.map((question) => ({ question, name: label(question) })))('through the sidecar: $name', async ({ question }) => {
    const [envoy, mizzen] = await Promise.all(KINDS.map((kind) => {
      const proxy = proxies.get(`sidecar-${kind}`);
      return ask('127.0.0.1', proxy?.outboundPort ?? 0, { ...question, path: `http://echo:8000${question.path}`, headers: { host: 'echo:8000', ...question.headers } });
    }));
    expect(comparable(mizzen as Reply)).toEqual(comparable(envoy as Reply));
  });

  test('a failed attempt is repeated where the route says so', async () => {
    const replies = await Promise.all(KINDS.map((kind) => ask('127.0.0.1', GATEWAY_PORTS[kind], { path: `/flaky/again-${kind}`, headers: { host: 'api.example' } })));
    expect(replies.map(({ status }) => status)).toEqual([200, 200]);
  });

  test('hosts that nobody routes', async () => {
    const replies = await Promise.all(KINDS.map((kind) => ask('127.0.0.1', GATEWAY_PORTS[kind], { path: '/', headers: { host: 'nobody.test' } })));
    expect(comparable(replies[1] as Reply)).toEqual(comparable(replies[0] as Reply));
    expect(replies[0]?.status).toBe(404);
  });
});
