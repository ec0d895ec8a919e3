// Istio's documented rules on tokens, from users' objects to answers over real sockets: translation makes the listeners, our own data plane serves them. What a real Envoy
// answers to the same objects is asked in test/interop/tokens.test.ts.
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { assembleRuntimeConfig, compileCluster, compileListener, EMPTY_RUNTIME_CONFIG } from '../../src/proxy/config/index.ts';
import { createDataPlane, type DataPlane } from '../../src/proxy/listener/index.ts';
import { ISTIO_KINDS, type IstioObject } from '../../src/shared/api/istio-kinds.ts';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { buildSnapshot, createTranslator, parseProxyDescription } from '../../src/mesh/index.ts';
import { tokenIssuer } from '../support/token-issuer.ts';

const POD = '127.95.1.1';
const A = tokenIssuer('RS256', 'a');
const NOW = Math.floor(Date.now() / 1000);
const token = (claims: object = {}): Record<string, string> => ({ authorization: `Bearer ${A.token({ iss: 'testing@secure.istio.io', sub: 'testing@secure.istio.io', exp: NOW + 3600, ...claims })}` });

const AUTHENTICATION = `{ kind: RequestAuthentication, spec: { selector: { matchLabels: { app: httpbin } }, jwtRules: [{ issuer: testing@secure.istio.io, jwks: '${A.jwks}', outputPayloadToHeader: x-jwt-payload }] } }`;
const POLICIES = {
  none: [],
  'any principal': ['{ kind: AuthorizationPolicy, spec: { selector: { matchLabels: { app: httpbin } }, action: ALLOW, rules: [{ from: [{ source: { requestPrincipals: ["testing@secure.istio.io/testing@secure.istio.io"] } }] }] } }'],
  'a group': ['{ kind: AuthorizationPolicy, spec: { selector: { matchLabels: { app: httpbin } }, action: ALLOW, rules: [{ from: [{ source: { requestPrincipals: ["testing@secure.istio.io/testing@secure.istio.io"] } }], when: [{ key: "request.auth.claims[groups]", values: ["group1"] }] }] } }'],
  'nobody without a token': ['{ kind: AuthorizationPolicy, spec: { selector: { matchLabels: { app: httpbin } }, action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }] }] } }'],
  'a path': ['{ kind: AuthorizationPolicy, spec: { selector: { matchLabels: { app: httpbin } }, action: DENY, rules: [{ from: [{ source: { notRequestPrincipals: ["*"] } }], to: [{ operation: { paths: ["/headers"] } }] }] } }'],
} as const;

const bad = { authorization: 'Bearer invalidToken' };
const CASES: readonly (readonly [policy: keyof typeof POLICIES, what: string, path: string, headers: Record<string, string>, status: number])[] = [
  ['none', 'no token', '/headers', {}, 200], ['none', 'an invalid token', '/headers', bad, 401], ['none', 'a good token', '/headers', token(), 200], ['none', 'an expired token', '/headers', token({ exp: NOW - 1000 }), 401], ['none', 'a token of another issuer', '/headers', token({ iss: 'other' }), 401],
  ['any principal', 'no token', '/headers', {}, 403], ['any principal', 'an invalid token', '/headers', bad, 401], ['any principal', 'a good token', '/headers', token(), 200], ['any principal', 'a token of another subject', '/headers', token({ sub: 'other' }), 403],
  ['a group', 'a token without groups', '/headers', token(), 403], ['a group', 'a token of the group', '/headers', token({ groups: ['group1', 'group2'] }), 200], ['a group', 'a token of one group', '/headers', token({ groups: 'group1' }), 200], ['a group', 'a token of other groups', '/headers', token({ groups: ['group2'] }), 403],
  ['nobody without a token', 'no token', '/headers', {}, 403], ['nobody without a token', 'a good token', '/headers', token(), 200], ['nobody without a token', 'an invalid token', '/headers', bad, 401],
  ['a path', 'no token to the path', '/headers', {}, 403], ['a path', 'no token to another path', '/ip', {}, 200], ['a path', 'a good token to the path', '/headers', token(), 200],
];

let application: Server;
let port = 0;
const planes = new Map<string, DataPlane>();

beforeAll(async () => {
  application = createServer((asked, response) => response.end(JSON.stringify(asked.headers)));
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  port = (application.address() as AddressInfo).port;
});
afterAll(() => {
  for (const plane of planes.values()) plane.close();
  application.closeAllConnections();
  application.close();
});

function objectOf(text: string, index: number): IstioObject {
  const object = parse(text) as { kind: string };
  const kind = ISTIO_KINDS.find((row) => row.kind === object.kind);
  if (!kind) throw new Error(text);
  const value = kind.schema.parse({ apiVersion: `${kind.group}/v1`, metadata: { name: `o${index}`, namespace: 'foo' }, ...object }) as IstioObject;
  expect(kind.validate(value as never).filter(({ level }) => level === 'error')).toEqual([]);
  return value;
}

/** The data plane of a sidecar whose pod is `httpbin`, under the policy. */
async function planeOf(policy: keyof typeof POLICIES): Promise<DataPlane> {
  for (const [other, plane] of planes) if (other !== policy) {
    plane.close();
    planes.delete(other);
  }
  const present = planes.get(policy);
  if (present) return present;
  const mesh = parseMeshConfig({});
  if (!mesh.ok) throw new Error('no mesh configuration');
  const labels = { app: 'httpbin' };
  const { snapshot } = buildSnapshot({
    number: 1, meshConfig: mesh.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', endpointSlices: [], namespaces: [{ metadata: { name: 'foo' } }], nodes: [],
    services: [{ metadata: { name: 'httpbin', namespace: 'foo' }, spec: { clusterIP: '10.0.0.1', selector: labels, ports: [{ name: 'http', port, targetPort: port }] } }],
    pods: [{ metadata: { name: 'httpbin-1', namespace: 'foo', labels }, status: { phase: 'Running', podIP: POD } }], config: [AUTHENTICATION, ...POLICIES[policy]].map(objectOf),
  });
  const proxy = parseProxyDescription({ id: `sidecar~${POD}~httpbin-1.foo~foo.svc.cluster.local`, metadata: { NAMESPACE: 'foo', LABELS: labels, MIZZEN_VERSION: '3.0.0', INTERCEPTION_MODE: 'NONE', BIND_INBOUND: 'true' } });
  if (!proxy.ok) throw new Error(JSON.stringify(proxy.error));
  const translator = createTranslator();
  const unwrap = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T => {
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  };
  const listeners = translator.generate(snapshot, proxy.value, TYPE_URLS.listener, 'wildcard').map((resource) => unwrap(compileListener(Listener.decode(resource.encode())))).filter(({ name }) => name === `${POD}_${port}`);
  const clusters = translator.generate(snapshot, proxy.value, TYPE_URLS.cluster, 'wildcard').map((resource) => unwrap(compileCluster(Cluster.decode(resource.encode())))).filter(({ name }) => name.startsWith('inbound|'));
  const { config } = assembleRuntimeConfig({ listeners: new Map(listeners.map((made) => [made.name, made])), clusters: new Map(clusters.map((made) => [made.name, made])), routes: new Map(), endpoints: new Map(), hasSecret: () => true }, EMPTY_RUNTIME_CONFIG);
  const plane = createDataPlane({});
  planes.set(policy, plane);
  expect(plane.apply(config).rejected).toEqual([]);
  await plane.settled();
  return plane;
}

function ask(path: string, headers: Record<string, string>): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: POD, port, path, headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (part: string) => (body += part)).on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    }).on('error', reject).end();
  });
}

describe.each(Object.keys(POLICIES) as (keyof typeof POLICIES)[])('policy: %s', (policy) => {
  it.each(CASES.filter(([name]) => name === policy).map(([, what, path, headers, status]) => ({ what, path, headers, status })))('$what: $status', async ({ path, headers, status }) => {
    await planeOf(policy);
    expect((await ask(path, headers)).status).toBe(status);
  });
});

it('the application gets the payload and not the token, and nobody else writes the header', async () => {
  await planeOf('none');
  const told = async (headers: Record<string, string>): Promise<Record<string, string>> => JSON.parse((await ask('/headers', headers)).body) as Record<string, string>;
  const good = await told({ ...token(), 'x-jwt-payload': 'mine' });
  expect([good['authorization'], JSON.parse(Buffer.from(good['x-jwt-payload'] ?? '', 'base64url').toString())]).toEqual([undefined, expect.objectContaining({ iss: 'testing@secure.istio.io' })]);
  expect((await told({ 'x-jwt-payload': 'mine' }))['x-jwt-payload']).toBeUndefined();
});
