// The JWT filter through the data plane: what it lets through, what clients and applications see, and keys behind a cluster.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FILTER_CASES, filterClusters, filterListener, servedKeys, type FilterQuestion } from '../../../test/support/jwt-filter-cases.ts';
import { part, tokenIssuer } from '../../../test/support/token-issuer.ts';
import type { JwtAuthentication } from '../../shared/xds/generated/envoy/extensions/filters/http/jwt_authn/v3/config.ts';
import type { RuntimeConfig } from '../config/runtime-config.ts';
import { assembleRuntimeConfig, compileCluster, compileListener, EMPTY_RUNTIME_CONFIG } from '../config/index.ts';
import type { DataPlane, DataPlaneOptions } from './index.ts';
import { Harness, type Answer } from './testdata/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.44');
});
afterEach(() => harness.close());

interface Running { readonly plane: DataPlane; readonly config: RuntimeConfig; readonly keysAsked: string[]; answer: (path: string) => { readonly status: number; readonly body: string } }

async function start(filter: JwtAuthentication, options: DataPlaneOptions = {}): Promise<Running> {
  const running: Pick<Running, 'keysAsked'> & { answer: Running['answer'] } = { keysAsked: [], answer: servedKeys };
  const echo = await harness.httpServer((request, response) => response.end(JSON.stringify({ url: request.url, headers: request.headers })));
  const keys = await harness.httpServer((request, response) => {
    running.keysAsked.push(request.url ?? '');
    const { status, body } = running.answer(request.url ?? '');
    response.writeHead(status).end(body);
  });
  const config = assembled(filter, { echo, keys });
  const plane = await harness.dataPlane(config, options);
  return Object.assign(running, { plane, config });
}

function assembled(filter: JwtAuthentication, ports: { readonly echo: number; readonly keys: number }): RuntimeConfig {
  const listener = compileListener(filterListener(filter, harness.address, 0));
  if (!listener.ok) throw new Error(JSON.stringify(listener.error));
  const clusters = new Map(filterClusters(harness.address, ports).map((message) => {
    const cluster = compileCluster(message);
    if (!cluster.ok) throw new Error(JSON.stringify(cluster.error));
    return [cluster.value.name, cluster.value];
  }));
  return assembleRuntimeConfig({ listeners: new Map([['port-0', listener.value]]), routes: new Map(), clusters, endpoints: new Map(), hasSecret: () => true }, EMPTY_RUNTIME_CONFIG).config;
}

const ask = ({ plane }: Running, path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Answer> => harness.ask(harness.portOf(plane, 'port-0'), path, { method, headers: { ...headers } });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

describe.each(FILTER_CASES)('$name', ({ filter, questions }) => {
  it('gives each request its status', async () => {
    const running = await start(filter);
    const statuses: number[] = [];
    for (const { path, headers, method } of questions as readonly FilterQuestion[]) statuses.push((await ask(running, path, headers, method)).status);
    expect(statuses).toEqual(questions.map(({ status }) => status));
  });
});

const A = tokenIssuer('ES256', 'a');
const CLAIMS = { iss: 'a', sub: 'me', exp: Math.floor(Date.now() / 1000) + 3600 };
const rules = (providerName: string): JwtAuthentication['rules'] => [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, requirementType: { $case: 'requires', requires: { requiresType: { $case: 'providerName', providerName } } } }];
const inline: JwtAuthentication = { providers: { a: { issuer: 'a', jwksSourceSpecifier: { $case: 'localJwks', localJwks: { specifier: { $case: 'inlineString', inlineString: A.jwks } } }, claimToHeaders: [{ headerName: 'X-Name', claimName: 'name' }] } }, rules: rules('a') };
const fetched = (cacheMilliseconds: number): JwtAuthentication => ({
  providers: { a: { issuer: 'a', jwksSourceSpecifier: { $case: 'remoteJwks', remoteJwks: { httpUri: { uri: 'http://keys.example/own', httpUpstreamType: { $case: 'cluster', cluster: 'keys' }, timeout: { seconds: 2 } }, cacheDuration: { seconds: Math.floor(cacheMilliseconds / 1000), nanos: (cacheMilliseconds % 1000) * 1_000_000 } } } } }, rules: rules('a'),
});

describe('the JWT filter', () => {
  it('tells the client why, as RFC 6750 has it', async () => {
    const running = await start(inline);
    const missing = await ask(running, '/a?b="c"');
    const bad = await ask(running, '/', bearer('x.y.z'));
    const realm = `http://${harness.address}:${harness.portOf(running.plane, 'port-0')}`;
    expect([missing.status, missing.body, missing.headers['www-authenticate']]).toEqual([401, 'Jwt is missing', `Bearer realm="${realm}/a?b=%22c%22"`]);
    expect([bad.status, bad.headers['www-authenticate']]).toEqual([401, `Bearer realm="${realm}/", error="invalid_token"`]);
    expect(running.plane.stats.counter('http.test.jwt_authn.denied').value).toBe(2);
  });

  it('writes no line of its own into a request, whatever a claim says', async () => {
    const running = await start(inline);
    const told = async (name: string): Promise<unknown> => (JSON.parse((await ask(running, '/', { ...bearer(A.token({ ...CLAIMS, name })), 'x-name': 'mine' })).body) as { headers: Record<string, string> }).headers['x-name'];
    expect(await told('Zoë')).toBe(Buffer.from('Zoë').toString('latin1'));
    expect([await told('a\r\nx-admin: yes'), await told('a\0b'), await told('')]).toEqual([undefined, undefined, undefined]);
  });

  it('checks a signature once, and its time at every use', async () => {
    const running = await start(inline);
    const token = A.token(CLAIMS);
    for (let count = 0; count < 3; count += 1) expect((await ask(running, '/', bearer(token))).status).toBe(200);
    expect(['hit', 'miss'].map((what) => running.plane.stats.counter(`http.test.jwt_authn.jwt_cache_${what}`).value)).toEqual([2, 1]);
    const [header = '', , signature = ''] = token.split('.');
    expect((await ask(running, '/', bearer(`${header}.${part({ ...CLAIMS, sub: 'root' })}.${signature}`))).status).toBe(401);
  });

  it('shares one fetch among requests that wait, and keeps the last good keys while the server fails', async () => {
    const running = await start(fetched(200));
    running.answer = () => ({ status: 200, body: A.jwks });
    const token = A.token(CLAIMS);
    const asked = async (headers = bearer(token)): Promise<number> => (await ask(running, '/', headers)).status;
    expect(await Promise.all([asked(), asked(), asked(), asked(), asked()])).toEqual([200, 200, 200, 200, 200]);
    expect(running.keysAsked).toEqual(['/own']);
    running.answer = () => ({ status: 503, body: '' });
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect([await asked(), await asked(), await asked(bearer(tokenIssuer('ES256', 'a').token(CLAIMS)))]).toEqual([200, 200, 401]);
    expect(running.keysAsked).toEqual(['/own', '/own']);
    expect(running.plane.stats.counter('http.test.jwt_authn.jwks_fetch_failed').value).toBe(1);
  });

  it('believes no token of a key that its server has taken back', async () => {
    const next = tokenIssuer('ES256', 'next');
    const running = await start(fetched(100));
    running.answer = () => ({ status: 200, body: A.jwks });
    const token = A.token(CLAIMS);
    expect((await ask(running, '/', bearer(token))).status).toBe(200);
    running.answer = () => ({ status: 200, body: next.jwks });
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect([(await ask(running, '/', bearer(token))).status, (await ask(running, '/', bearer(next.token(CLAIMS)))).status]).toEqual([401, 200]);
  });

  it('does not ask a failing key server once a request', async () => {
    const running = await start(fetched(100));
    running.answer = () => ({ status: 500, body: '' });
    for (let count = 0; count < 5; count += 1) expect((await ask(running, '/', bearer(A.token(CLAIMS)))).body).toBe('Jwks remote fetch is failed');
    expect(running.keysAsked).toHaveLength(1);
  });

  it('takes no secret that comes over the network', async () => {
    const shared = tokenIssuer('HS256', 'a');
    const running = await start(fetched(60_000));
    running.answer = () => ({ status: 200, body: shared.jwks });
    expect((await ask(running, '/', bearer(shared.token(CLAIMS)))).status).toBe(401);
  });

  it('holds the body of a request until the keys are there', async () => {
    const running = await start(fetched(60_000));
    running.answer = () => ({ status: 200, body: A.jwks });
    const answer = await harness.ask(harness.portOf(running.plane, 'port-0'), '/', { method: 'POST', headers: bearer(A.token(CLAIMS)), body: Buffer.alloc(300_000, 'x') });
    expect(answer.status).toBe(200);
  });
});
