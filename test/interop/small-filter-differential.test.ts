// Filters that need no service: the same messages in a real Envoy and in our own data plane, the same requests through both, the same answers.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HeaderMutation as Mutation } from '../../src/shared/xds/generated/envoy/config/common/mutation_rules/v3/mutation_rules.ts';
import type { RuntimeFractionalPercent } from '../../src/shared/xds/generated/envoy/config/core/v3/base.ts';
import type { Route, VirtualHost } from '../../src/shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { Buffer as BufferMessage, BufferPerRoute } from '../../src/shared/xds/generated/envoy/extensions/filters/http/buffer/v3/buffer.ts';
import { CsrfPolicy } from '../../src/shared/xds/generated/envoy/extensions/filters/http/csrf/v3/csrf.ts';
import { HeaderMutation, HeaderMutationPerRoute } from '../../src/shared/xds/generated/envoy/extensions/filters/http/header_mutation/v3/header_mutation.ts';
import { HealthCheck } from '../../src/shared/xds/generated/envoy/extensions/filters/http/health_check/v3/health_check.ts';
import { packAny } from '../../src/shared/xds/index.ts';
import { ask, echoServer, type Closable, type Question, type Reply } from './applications.ts';
import { envoyPath } from './envoy-path.ts';
import { comparableReply, filterOf, startFilterPair, type FilterCase, type FilterPair } from './filter-pair.ts';
import { freePort } from './proxy-programs.ts';

const TYPES = 'envoy.extensions.filters.http';
const route = (prefix: string, more: Partial<Route> = {}): Route => ({ match: { pathSpecifier: { $case: 'prefix', prefix } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'app' } } }, ...more });
const ALWAYS: RuntimeFractionalPercent = { defaultValue: { numerator: 100 } };
const NEVER: RuntimeFractionalPercent = { defaultValue: { numerator: 0 } };

const csrf = (message: CsrfPolicy) => filterOf('csrf', `${TYPES}.csrf.v3.CsrfPolicy`, CsrfPolicy, message);
const csrfOn = (message: CsrfPolicy) => ({ typedPerFilterConfig: { csrf: packAny(`${TYPES}.csrf.v3.CsrfPolicy`, CsrfPolicy, message) } });
const buffer = filterOf('buffer', `${TYPES}.buffer.v3.Buffer`, BufferMessage, { maxRequestBytes: 10 });
const bufferOn = (message: BufferPerRoute) => ({ typedPerFilterConfig: { buffer: packAny(`${TYPES}.buffer.v3.BufferPerRoute`, BufferPerRoute, message) } });
const append = (key: string, value: string, appendAction: 0 | 1 | 2 | 3 = 0): Mutation => ({ action: { $case: 'append', append: { header: { key, value }, appendAction } } });
const remove = (name: string): Mutation => ({ action: { $case: 'remove', remove: name } });
const mutation = (message: HeaderMutation) => filterOf('mutation', `${TYPES}.header_mutation.v3.HeaderMutation`, HeaderMutation, message);
const mutationOn = (value: string) => ({ typedPerFilterConfig: { mutation: packAny(`${TYPES}.header_mutation.v3.HeaderMutationPerRoute`, HeaderMutationPerRoute, { mutations: { requestMutations: [append('x-level', value, 2)], responseMutations: [append('x-level', value, 2)] } }) } });
const health = (message: HealthCheck) => filterOf('health', `${TYPES}.health_check.v3.HealthCheck`, HealthCheck, { headers: [{ name: ':path', headerMatchSpecifier: { $case: 'stringMatch', stringMatch: { matchPattern: { $case: 'exact', exact: '/healthz' } } } }], ...message });
const levels: Partial<VirtualHost> = { ...mutationOn('host'), routes: [route('/route', mutationOn('route')), route('/')] };

const CASES: readonly FilterCase[] = [
  { name: 'buffer', filters: [buffer], virtualHost: { routes: [route('/more', bufferOn({ override: { $case: 'buffer', buffer: { maxRequestBytes: 100 } } })), route('/off', bufferOn({ override: { $case: 'disabled', disabled: true } })), route('/')] } },
  { name: 'csrf', filters: [csrf({ filterEnabled: ALWAYS, additionalOrigins: [{ matchPattern: { $case: 'suffix', suffix: '.friend.example' } }] })], virtualHost: { routes: [route('/off', csrfOn({ filterEnabled: NEVER })), route('/shadow', csrfOn({ filterEnabled: NEVER, shadowEnabled: ALWAYS })), route('/')] } },
  { name: 'mutation', filters: [mutation({ mutations: { requestMutations: [append('x-a', '1'), append('x-present', 'two'), append('x-present', 'no', 1), append('x-client', '%REQ(x-in)%', 2), remove('x-gone'), append('x-late', 'kept'), remove('x-order'), append('x-order', 'after'), append('x-none', 'no', 3)], responseMutations: [append('x-b', '%RESPONSE_CODE%'), remove('x-upstream'), append('x-app', 'set', 2)] } })], virtualHost: levels },
  { name: 'mutation-specific', filters: [mutation({ mostSpecificHeaderMutationsWins: true, mutations: { requestMutations: [append('x-level', 'filter', 2)] } })], virtualHost: levels },
  { name: 'health', filters: [health({ passThroughMode: false })] },
  { name: 'health-clusters', filters: [health({ passThroughMode: false, clusterMinHealthyPercentages: { app: { value: 50 } } })] },
  { name: 'health-absent', filters: [health({ passThroughMode: false, clusterMinHealthyPercentages: { absent: { value: 1 } } })] },
  { name: 'health-through', filters: [health({ passThroughMode: true })] },
];

const to = (name: string, question: Question): { readonly name: string; readonly question: Question } => ({ name, question });
const from = (path: string, headers: Record<string, string>, method = 'POST'): Question => ({ method, path, headers: { host: 'shop.example:8080', ...headers }, body: 'x' });
const QUESTIONS = [
  to('buffer', { method: 'POST', path: '/', body: 'ten bytes!' }), to('buffer', { method: 'POST', path: '/', body: 'eleven byte' }), to('buffer', { method: 'POST', path: '/more', body: 'eleven byte' }), to('buffer', { method: 'POST', path: '/off', body: 'x'.repeat(200) }), to('buffer', { path: '/' }), to('buffer', { method: 'POST', path: '/', body: '' }),
  to('buffer', { method: 'POST', path: '/', headers: { 'transfer-encoding': 'chunked' }, body: 'chunks' }),
  ...['http://shop.example:8080', 'https://shop.example:8080', 'http://shop.example', 'http://evil.example:8080', 'null', 'http://a.friend.example', 'http://afriend.example', 'shop.example:8080'].map((origin) => to('csrf', from('/', { origin }))),
  to('csrf', from('/', {})), to('csrf', from('/', { referer: 'http://shop.example:8080/page?x' })), to('csrf', from('/', { referer: 'http://evil.example/shop.example:8080' })), to('csrf', from('/', { origin: 'http://evil.example', referer: 'http://shop.example:8080/' })),
  ...['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => to('csrf', from('/', { origin: 'http://evil.example' }, method))), to('csrf', from('/off', { origin: 'http://evil.example' })), to('csrf', from('/shadow', { origin: 'http://evil.example' })),
  ...['mutation', 'mutation-specific'].flatMap((name) => ['/', '/route', '/status/404'].map((path) => to(name, { path, headers: { 'x-present': 'one', 'x-gone': 'g', 'x-in': 'told', 'x-order': 'before' } }))),
  ...['health', 'health-clusters', 'health-absent', 'health-through'].flatMap((name) => [to(name, { path: '/healthz' }), to(name, { path: '/healthz?x' }), to(name, { path: '/other' }), to(name, { method: 'HEAD', path: '/healthz' })]),
];

let app: Closable;
let pair: FilterPair;

beforeAll(async () => {
  const port = await freePort();
  app = await echoServer('app', '127.0.0.1', port);
  pair = await startFilterPair(await envoyPath(), CASES, [{ name: 'app', port }]);
});

afterAll(async () => {
  await pair?.stop();
  await app?.close();
});

describe('Envoy and our own data plane answer alike', () => {
  test.each(QUESTIONS.map((one, index) => ({ one, text: `${index} ${one.name}: ${one.question.method ?? 'GET'} ${one.question.path}` })))('$text', async ({ one: { name, question } }) => {
    const [envoy, mizzen] = await Promise.all((['envoy', 'mizzen'] as const).map((kind) => ask('127.0.0.1', pair[kind].get(name) ?? 0, question)));
    expect(comparableReply(mizzen as Reply)).toEqual(comparableReply(envoy as Reply));
  });
});
