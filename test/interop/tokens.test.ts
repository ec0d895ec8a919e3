// JSON Web Tokens in a real Envoy and in our own data plane, from the same RequestAuthentications and AuthorizationPolicies: the same answers to a table of requests, and
// the same of each request reaches the application. Servers are sidecars; gateways choose routes by claims.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { part, tokenIssuer } from '../support/token-issuer.ts';
import { ask, echoServer, type Closable, type Echo, type Question, type Reply } from './applications.ts';
import { InteropControlPlane } from './control-plane.ts';
import { envoyPath } from './envoy-path.ts';
import { startPairs, type RunningProxy } from './proxy-programs.ts';
import { meshPod, registryOf, type MeshService } from './small-mesh.ts';

const PORT = 28_130;
const GATEWAY_PORTS = { envoy: 28_131, mizzen: 28_132 } as const;
type Kind = keyof typeof GATEWAY_PORTS;
const KINDS: readonly Kind[] = ['envoy', 'mizzen'];

const PODS = {
  'server-envoy': meshPod('web', 'v1', 71), 'server-mizzen': meshPod('web', 'v2', 72), echo1: meshPod('echo', 'v1', 73, { meshed: false }), echo2: meshPod('echo', 'v2', 74, { meshed: false }),
  'gateway-envoy': meshPod('gateway', 'v1', 75, { namespace: 'istio-system', labels: { gateway: 'envoy', edge: 'yes' } }), 'gateway-mizzen': meshPod('gateway', 'v2', 76, { namespace: 'istio-system', labels: { gateway: 'mizzen', edge: 'yes' } }),
};
const SERVICES: readonly MeshService[] = [
  { app: 'web', namespace: 'shop', last: 71, ports: [{ name: 'http', port: PORT }] }, { app: 'echo', namespace: 'shop', last: 72, ports: [{ name: 'http', port: 8000 }] },
  ...KINDS.map((kind, index): MeshService => ({ app: `gateway-${kind}`, namespace: 'istio-system', last: 73 + index, selector: { gateway: kind }, ports: [{ name: 'http', port: 80, targetPort: GATEWAY_PORTS[kind] }] })),
];

const A = tokenIssuer('RS256', 'a');
const B = tokenIssuer('ES256', 'b');
const NOW = Math.floor(Date.now() / 1000);
const CLAIMS = { iss: 'a@example', sub: 'me', exp: NOW + 3600, aud: ['web', 'https://other/'], groups: ['dev', 'ops'], scope: 'read write', nested: { deep: { role: 'admin' } }, level: 7, share: -1.5, admin: true, 'https://example/claim': 'url', list: ['x'], azp: 'app' };
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const good = A.token(CLAIMS);
const other = B.token({ iss: 'b@example', sub: 'you', exp: NOW + 3600, groups: 'dev' });
const [header = '', payload = '', signature = ''] = good.split('.');

const RULES = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: tokens }
spec:
  selector: { matchLabels: { app: web } }
  jwtRules:
    - issuer: a@example
      jwks: '${A.jwks}'
      outputPayloadToHeader: x-payload
      outputClaimToHeaders: [{ header: x-sub, claim: sub }, { header: x-role, claim: nested.deep.role }, { header: x-level, claim: level }, { header: x-share, claim: share }, { header: x-admin, claim: admin }, { header: x-groups, claim: groups }, { header: x-nested, claim: nested }, { header: x-gone, claim: gone }]
`;
const SECOND = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: more }
spec:
  selector: { matchLabels: { app: web } }
  jwtRules: [{ issuer: b@example, jwks: '${B.jwks}', forwardOriginalToken: true, audiences: [], fromHeaders: [{ name: x-token, prefix: "Token " }, { name: authorization, prefix: "Bearer " }], fromParams: [token], fromCookies: [session] }]
`;
const policy = (name: string, spec: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: ${name} }
spec: { selector: { matchLabels: { app: web } }, ${spec} }
`;

const GET = (path: string, headers: Record<string, string> = {}): Question => ({ path, headers });
const TOKENS: readonly Question[] = [
  GET('/none'), GET('/spoofed', { 'x-payload': 'mine', 'x-sub': 'mine', 'x-role': 'mine', 'x-gone': 'mine' }), GET('/good', bearer(good)), GET('/again', bearer(good)), GET(`/param?x=1&access_token=${good}&y=2`), GET(`/param?access_token=${good}`), GET('/lower', { authorization: `bearer ${good}` }),
  GET('/bare', { authorization: good }), GET('/basic', { authorization: 'Basic abc' }), GET('/empty', { authorization: 'Bearer ' }), GET('/nothing', { authorization: 'Bearer' }), GET('/inside', { authorization: `x Bearer ${good}` }), GET('/spaces', { authorization: `Bearer   ${good}` }),
  GET('/expired', bearer(A.token({ ...CLAIMS, exp: NOW - 100 }))), GET('/skew', bearer(A.token({ ...CLAIMS, exp: NOW - 30 }))), GET('/early', bearer(A.token({ ...CLAIMS, nbf: NOW + 100 }))), GET('/soon', bearer(A.token({ ...CLAIMS, nbf: NOW + 30 }))), GET('/no-exp', bearer(A.token({ iss: 'a@example', sub: 'me' }))),
  GET('/foreign', bearer(other)), GET('/issuer', bearer(A.token({ ...CLAIMS, iss: 'c@example' }))), GET('/no-issuer', bearer(A.token({ sub: 'me' }))), GET('/key', bearer(tokenIssuer('RS256', 'a').token(CLAIMS))), GET('/kid', bearer(A.token(CLAIMS, { kid: 'z' }))), GET('/no-kid', bearer(A.token(CLAIMS, { kid: '' }))), GET('/alg', bearer(tokenIssuer('RS512', 'a').token(CLAIMS))),
  GET('/none-alg', bearer(`${part({ alg: 'none' })}.${payload}.`)), GET('/none-alg', bearer(`${part({ alg: 'none' })}.${payload}.AAAA`)), GET('/hs', bearer(tokenIssuer('HS256', 'a').token(CLAIMS))), GET('/changed', bearer(`${header}.${part({ ...CLAIMS, sub: 'root' })}.${signature}`)), GET('/cut', bearer(`${header}.${payload}`)), GET('/more', bearer(`${good}.x`)),
  GET('/b64', bearer(`*.${payload}.${signature}`)), GET('/json', bearer(`${part('x')}.${payload}.${signature}`)), GET('/alg', bearer(`${part({})}.${payload}.${signature}`)), GET('/kid', bearer(`${part({ alg: 'RS256', kid: 1 })}.${payload}.${signature}`)), GET('/payload', bearer(`${header}.*.${signature}`)), GET('/payload', bearer(`${header}.${part('x')}.${signature}`)), GET('/signature', bearer(`${header}.${payload}.*`)),
  ...[{ iss: 1 }, { sub: 1 }, { exp: 'x' }, { exp: -1 }, { nbf: 'x' }, { iat: {} }, { jti: 1 }, { aud: 1 }, { aud: [1] }].map((claims) => GET(`/type/${Object.keys(claims)[0]}`, bearer(A.token({ ...CLAIMS, ...claims })))),
  GET(`/both?access_token=${good}`, bearer(good)), GET('/both?access_token=bad', bearer(good)), GET(`/both?access_token=${good}`, bearer('bad')),
  { method: 'OPTIONS', path: '/preflight', headers: { origin: 'https://a.example', 'access-control-request-method': 'GET' } }, { method: 'OPTIONS', path: '/preflight', headers: { origin: 'https://a.example', 'access-control-request-method': 'GET', ...bearer('bad') } }, { method: 'OPTIONS', path: '/options', headers: bearer('bad') },
  { method: 'POST', path: '/post', headers: bearer(good), body: 'some text' }, { method: 'POST', path: '/post', headers: bearer('bad'), body: 'some text' }, { method: 'HEAD', path: '/head', headers: bearer('bad') }, GET('/grpc', { 'content-type': 'application/grpc', te: 'trailers', ...bearer('bad') }), GET(`/${'long'.repeat(100)}?x=y`, bearer('bad')),
];
const TWO: readonly Question[] = [
  GET('/none'), GET('/a', bearer(good)), GET('/b', bearer(other)), GET('/token', { 'x-token': `Token ${other}` }), GET('/token', { 'x-token': other }), GET('/param?token=x'), GET(`/param?token=${other}&z=1`), GET('/cookie', { cookie: `a=b; session=${other}; c=d` }), GET('/cookie', { cookie: `session="${other}"` }), GET('/cookie', { cookie: 'session=bad' }),
  GET('/both', { ...bearer(good), 'x-token': `Token ${other}` }), GET('/both', { ...bearer(good), 'x-token': 'Token bad' }), GET('/swapped', { 'x-token': `Token ${good}` }), GET('/foreign', bearer(A.token({ ...CLAIMS, iss: 'c@example' }))), GET('/bad', bearer('bad')), GET('/expired', bearer(B.token({ iss: 'b@example', exp: NOW - 100 }))),
];
const CASES: readonly { readonly name: string; readonly yaml: readonly string[]; readonly questions: readonly Question[]; /** Statuses that are known beforehand. */ readonly statuses?: readonly number[] }[] = [
  { name: 'one issuer', yaml: [RULES], questions: TOKENS },
  { name: 'two issuers', yaml: [RULES, SECOND], questions: TWO },
  {
    name: 'audiences', yaml: [RULES.replace('jwks:', 'audiences: [web, "http://plain"]\n      jwks:')],
    questions: [GET('/', bearer(good)), GET('/', bearer(A.token({ ...CLAIMS, aud: 'web' }))), GET('/', bearer(A.token({ ...CLAIMS, aud: 'https://plain/' }))), GET('/', bearer(A.token({ ...CLAIMS, aud: 'x' }))), GET('/', bearer(A.token({ iss: 'a@example' }))), GET('/')], statuses: [200, 200, 200, 403, 403, 200],
  },
  { name: 'keys that could not be fetched', yaml: [RULES.replace(/jwks: .*/, 'jwksUri: https://keys.example/jwks')], questions: [GET('/'), GET('/', bearer(good)), GET('/', bearer(A.token(CLAIMS, { kid: '' }))), GET('/', bearer('bad'))], statuses: [200, 401, 401, 401] },
  { name: 'a token is needed', yaml: [RULES, policy('need', 'action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }]')], questions: [GET('/'), GET('/', bearer(good)), GET('/', bearer(A.token({ iss: 'a@example' }))), GET('/', bearer('bad'))], statuses: [403, 200, 403, 401] },
  { name: 'a token is needed by path', yaml: [RULES, policy('need', 'action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }], to: [{ operation: { paths: ["/private*"] } }] }]')], questions: [GET('/'), GET('/private'), GET('/private/x?y'), GET('/private', bearer(good))], statuses: [200, 403, 403, 200] },
  { name: 'principals', yaml: [RULES, SECOND, policy('who', 'rules: [{ from: [{ source: { requestPrincipals: ["a@example/*"] } }] }, { from: [{ source: { requestPrincipals: ["*/you"] } }], to: [{ operation: { methods: [GET] } }] }]')], questions: [GET('/'), GET('/', bearer(good)), GET('/', bearer(other)), { method: 'POST', path: '/', headers: bearer(other), body: '' }, GET('/', bearer(B.token({ iss: 'b@example', sub: 'he' })))], statuses: [403, 200, 200, 403, 403] },
  { name: 'claims', yaml: [RULES, SECOND, policy('claims', 'rules: [{ when: [{ key: "request.auth.claims[groups]", values: [ops, "dev*"] }, { key: "request.auth.claims[groups]", notValues: [banned] }] }]')], questions: [GET('/'), GET('/', bearer(good)), GET('/', bearer(other)), GET('/', bearer(A.token({ ...CLAIMS, groups: ['x', 'developers'] }))), GET('/', bearer(A.token({ ...CLAIMS, groups: ['x'] }))), GET('/', bearer(A.token({ ...CLAIMS, groups: ['ops', 'banned'] }))), GET('/', bearer(A.token({ ...CLAIMS, groups: { ops: true } })))], statuses: [403, 200, 200, 200, 403, 403, 403] },
  { name: 'nested claims', yaml: [RULES, policy('claims', 'rules: [{ when: [{ key: "request.auth.claims[nested][deep][role]", values: [admin] }] }]')], questions: [GET('/', bearer(good)), GET('/', bearer(A.token({ ...CLAIMS, nested: { deep: { role: ['x', 'admin'] } } }))), GET('/', bearer(A.token({ ...CLAIMS, nested: { role: 'admin' } }))), GET('/', bearer(A.token({ ...CLAIMS, nested: 'admin' })))], statuses: [200, 200, 403, 403] },
  { name: 'words in claims', yaml: [RULES, policy('claims', 'rules: [{ when: [{ key: "request.auth.claims[scope]", values: [write] }] }]')], questions: [GET('/', bearer(good)), GET('/', bearer(A.token({ ...CLAIMS, scope: 'read' }))), GET('/', bearer(A.token({ ...CLAIMS, scope: ['write'] })))], statuses: [200, 403, 200] },
  { name: 'audience and presenter', yaml: [RULES, policy('claims', 'action: DENY, rules: [{ when: [{ key: "request.auth.audiences", values: [web] }, { key: "request.auth.presenter", notValues: [app] }] }]')], questions: [GET('/'), GET('/', bearer(good)), GET('/', bearer(A.token({ ...CLAIMS, azp: 'x' }))), GET('/', bearer(A.token({ ...CLAIMS, azp: 'x', aud: 'y' })))], statuses: [200, 200, 403, 200] },
];

const ROUTES = `
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: { name: edge, namespace: istio-system }
spec: { selector: { matchLabels: { edge: "yes" } }, jwtRules: [{ issuer: a@example, jwks: '${A.jwks}', forwardOriginalToken: true }] }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: echo }
spec: { host: echo, subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: claims }
spec:
  hosts: [api.example]
  gateways: [edge-envoy, edge-mizzen]
  http:
    - { match: [{ uri: { prefix: /role }, headers: { "@request.auth.claims[nested][deep][role]": { exact: admin } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { prefix: /group }, headers: { "@request.auth.claims.groups": { prefix: op } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { prefix: /without }, withoutHeaders: { "@request.auth.claims.sub": { exact: me } } }], route: [{ destination: { host: echo, subset: v2 } }] }
    - { match: [{ uri: { prefix: /fault }, headers: { "@request.auth.claims.sub": { regex: "m." } } }], fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }, route: [{ destination: { host: echo, subset: v2 } }] }
    - { route: [{ destination: { host: echo, subset: v1 } }] }
`;
const gatewayOf = (kind: Kind): string => `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: edge-${kind} }
spec: { selector: { gateway: ${kind} }, servers: [{ port: { number: 80, name: http, protocol: HTTP }, hosts: ["*.example"] }] }
`;
const ROUTED: readonly { readonly question: Question; readonly by: string }[] = [
  { question: GET('/role'), by: 'v1' }, { question: GET('/role', bearer(good)), by: 'v2' }, { question: GET('/role', bearer(A.token({ ...CLAIMS, nested: {} }))), by: 'v1' }, { question: GET('/role', bearer('bad')), by: '401' },
  { question: GET('/group', bearer(good)), by: 'v2' }, { question: GET('/group', bearer(A.token({ ...CLAIMS, groups: 'operators' }))), by: 'v2' }, { question: GET('/group', bearer(A.token({ ...CLAIMS, groups: ['x'] }))), by: 'v1' }, { question: GET('/without'), by: 'v2' }, { question: GET('/without', bearer(good)), by: 'v1' }, { question: GET('/fault', bearer(good)), by: '418' }, { question: GET('/fault'), by: 'v1' },
];

let directory: string;
let plane: InteropControlPlane;
const applications: Closable[] = [];
const proxies = new Map<string, RunningProxy>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'interop-'));
  plane = await InteropControlPlane.start(directory, 7);
  publish([]);
  applications.push(await echoServer('web', '127.0.0.1', PORT), await echoServer('v1', PODS.echo1.ip, 8000), await echoServer('v2', PODS.echo2.ip, 8000));
  await startPairs(proxies, plane, Object.fromEntries(Object.entries(PODS).filter(([name]) => /-(envoy|mizzen)$/.test(name))), await envoyPath());
  expect(await plane.settled(4)).toEqual([]);
});
afterAll(async () => {
  await Promise.all([...proxies.values()].map((proxy) => proxy.stop()));
  await Promise.all(applications.map((application) => application.close()));
  await plane?.stop();
  rmSync(directory, { recursive: true, force: true });
});

function publish(yaml: readonly string[]): void {
  plane.publish(registryOf(SERVICES, Object.values(PODS)), [...KINDS.map(gatewayOf), ROUTES, ...yaml]);
}

/** What a client and the application see of tokens, without what differs by nature. */
function seen({ status, headers, body }: Reply): unknown {
  const asked = status === 200 && body !== '' ? (JSON.parse(body) as Echo) : undefined;
  const told = asked && Object.fromEntries(Object.entries(asked.headers).filter(([name]) => /^(authorization|cookie|x-(payload|sub|role|level|share|admin|groups|nested|gone|token))$/.test(name)));
  return { status, challenge: headers['www-authenticate']?.replaceAll(/127\.93\.1\.7[12]/g, 'SERVER'), type: headers['content-type'], grpc: [headers['grpc-status'], headers['grpc-message']], text: asked ? undefined : body, told, url: asked?.url };
}
const askServer = (kind: Kind, question: Question): Promise<Reply> => ask(PODS[`server-${kind}`].ip, PORT, question);
const label = ({ method = 'GET', path, headers = {} }: Question, index: number): string => `${index}: ${method} ${path} ${Object.keys(headers).join(', ')}`.slice(0, 100);

describe.each(CASES)('$name', ({ yaml, questions, statuses }) => {
  beforeAll(async () => {
    publish(yaml);
    expect(await plane.settled(4)).toEqual([]);
  });
  test.each(questions.map((question, index) => ({ question, index, name: label(question, index) })))('$name', async ({ question, index }) => {
    const [envoy, mizzen] = await Promise.all(KINDS.map((kind) => askServer(kind, question)));
    expect(seen(mizzen as Reply)).toEqual(seen(envoy as Reply));
    if (statuses) expect(mizzen?.status).toBe(statuses[index]);
  });
});

describe('our own data plane is stricter', () => {
  const weak = tokenIssuer('RS256', 'weak', 1024);
  const rows: readonly (readonly [string, Question, number, number])[] = [
    ['what follows a token', GET('/', bearer(`${good} x`)), 401, 401], ['padding', GET('/', bearer(`${good}==`)), 200, 401], ['an extension that must be understood', GET('/', bearer(A.token(CLAIMS, { crit: ['exp'] }))), 200, 401],
    ['a key of 1024 bits', GET('/', bearer(weak.token({ iss: 'w@example' }))), 200, 401],
  ];
  beforeAll(async () => {
    publish([RULES, SECOND.replace('b@example', 'w@example').replace(B.jwks, weak.jwks)]);
    expect(await plane.settled(4)).toEqual([]);
  });
  test.each(rows)('with %s', async (_what, question, envoy, mizzen) => {
    expect((await Promise.all(KINDS.map((kind) => askServer(kind, question)))).map(({ status }) => status)).toEqual([envoy, mizzen]);
  });
});

describe('gateways choose routes by claims', () => {
  test.each(ROUTED.map((row, index) => ({ ...row, name: label(row.question, index) })))('$name', async ({ question, by }) => {
    const replies = await Promise.all(KINDS.map((kind) => ask('127.0.0.1', GATEWAY_PORTS[kind], { ...question, headers: { host: 'api.example', ...question.headers } }).catch((error: unknown) => String(error))));
    const chosen = replies.map((reply) => (typeof reply === 'string' ? reply : reply.status === 200 ? (JSON.parse(reply.body) as Echo).name : String(reply.status)));
    expect(chosen).toEqual([by, by]);
  });
});
