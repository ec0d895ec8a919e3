// Which endpoint a request goes to: names, policies, localities and priorities, and destinations that the request itself names.
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterConfig, EndpointConfig, EndpointsConfig } from '../config/runtime-config.ts';
import type { SessionStateConfig } from '../config/stateful-session-config.ts';
import type { DataPlane } from './index.ts';
import { cluster, connectionManager, endpoint, endpoints, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.6');
});
afterEach(() => harness.close());

async function servers(names: readonly string[]): Promise<EndpointConfig[]> {
  return Promise.all(names.map(async (name) => endpoint(harness.address, await harness.httpServer((_request, response) => response.end(name)))));
}

async function serve(target: ClusterConfig): Promise<DataPlane> {
  return harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [target], routes: [routeConfig([virtualHost([route(routeAction('a'))])])] }));
}

async function counts(plane: DataPlane, requests: number, headers: Record<string, string> = {}): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (let turn = 0; turn < requests; turn += 1) {
    const { status, body } = await harness.ask(harness.portOf(plane, 'in'), '/', { headers });
    const key = status === 200 ? body : String(status);
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

function withPolicy(list: readonly EndpointConfig[] | EndpointsConfig, over: Partial<ClusterConfig['loadBalancing']>, rest: Partial<ClusterConfig> = {}): ClusterConfig {
  const base = cluster('a', [], rest);
  return { ...base, staticEndpoints: 'localities' in list ? list : endpoints(list), loadBalancing: { ...base.loadBalancing, ...over } };
}

describe('policies', () => {
  it('takes turns, by weight', async () => {
    const [light, heavy] = await servers(['light', 'heavy']);
    const plane = await serve(withPolicy([{ ...light, weight: 1 } as EndpointConfig, { ...heavy, weight: 3 } as EndpointConfig], { policy: 'round_robin' }));
    expect(await counts(plane, 40)).toEqual({ light: 10, heavy: 30 });
  });

  it('draws at random', async () => {
    const found = await counts(await serve(withPolicy(await servers(['one', 'two']), { policy: 'random' })), 60);
    expect(Object.keys(found).sort()).toEqual(['one', 'two']);
    expect(Math.min(...Object.values(found))).toBeGreaterThan(10);
  });

  it('avoids the endpoint that is busy', async () => {
    const held: (() => void)[] = [];
    const busy = endpoint(harness.address, await harness.httpServer((_request, response) => {
      held.push(() => response.end('busy'));
    }));
    const plane = await serve(withPolicy([...(await servers(['quick'])), busy], { policy: 'least_request', leastRequestChoices: 20 }));
    const burst: Promise<unknown>[] = [];
    while (held.length === 0 && burst.length < 200) {
      burst.push(harness.ask(harness.portOf(plane, 'in')));
      await wait(5);
    }
    expect(await counts(plane, 20)).toEqual({ quick: 20 });
    for (const release of held) release();
    await Promise.all(burst);
  });
});

describe('localities and priorities', () => {
  const local = (list: readonly EndpointConfig[], priority: number, weight = 1, locality = `zone-${priority}`): EndpointsConfig['localities'][number] => ({ locality, priority, weight, endpoints: list });

  it('fails over to the next priority when the first has no healthy endpoint, and comes back', async () => {
    const [near, far] = await servers(['near', 'far']) as [EndpointConfig, EndpointConfig];
    const base = listener('in', harness.address, [filterChain([connectionManager()])]);
    const table = routeConfig([virtualHost([route(routeAction('a'))])]);
    const target = { ...cluster('a', []), discovery: 'eds' as const, endpointsName: 'a', staticEndpoints: null };
    const make = (health: EndpointConfig['health']) => runtimeConfig({ listeners: [base], clusters: [target], routes: [table], endpoints: { a: endpoints([], { localities: [local([{ ...near, health }], 0), local([far], 1)] }) } });
    const plane = await harness.dataPlane(make('healthy'));
    expect(await counts(plane, 10)).toEqual({ near: 10 });
    plane.apply(make('unhealthy'));
    expect(await counts(plane, 10)).toEqual({ far: 10 });
    plane.apply(make('healthy'));
    expect(await counts(plane, 10)).toEqual({ near: 10 });
  });

  it('sends part away when the first priority is partly healthy', async () => {
    const [one, two, three, four, far] = await servers(['near', 'near', 'near', 'near', 'far']) as [EndpointConfig, EndpointConfig, EndpointConfig, EndpointConfig, EndpointConfig];
    const sick = (one_: EndpointConfig): EndpointConfig => ({ ...one_, health: 'unhealthy' });
    // Half healthy with 140 % overprovisioning: 70 % stay.
    const plane = await serve(withPolicy(endpoints([], { localities: [local([one, two, sick(three), sick(four)], 0), local([far], 1)] }), {}));
    const found = await counts(plane, 100);
    expect(found['far']).toBeGreaterThan(12);
    expect(found['near']).toBeGreaterThan(50);
  });

  it('in panic asks whoever there is, and with a threshold of 0 nobody', async () => {
    const [one, two] = await servers(['one', 'two']) as [EndpointConfig, EndpointConfig];
    const sick = [one, two].map((each): EndpointConfig => ({ ...each, health: 'unhealthy' }));
    const plane = await serve(withPolicy(sick, {}, { panicThresholdPercent: 50 }));
    expect(Object.keys(await counts(plane, 6)).sort()).toEqual(['one', 'two']);
    expect(plane.stats.snapshot().counters.find(({ name }) => name === 'cluster.a.lb_healthy_panic')?.value).toBe(6);
    expect(await counts(await serve(withPolicy(sick, {}, { panicThresholdPercent: 0 })), 2)).toEqual({ 503: 2 });
    expect(await counts(await serve(withPolicy(sick, { failTrafficOnPanic: true }, { panicThresholdPercent: 50 })), 2)).toEqual({ 503: 2 });
  });

  it('uses degraded endpoints for what the healthy ones cannot take', async () => {
    const [good, weak] = await servers(['good', 'weak']) as [EndpointConfig, EndpointConfig];
    expect(await counts(await serve(withPolicy([good, { ...weak, health: 'degraded' }], {})), 20)).toMatchObject({ good: expect.any(Number) as number, weak: expect.any(Number) as number });
    expect(await counts(await serve(withPolicy([{ ...good, health: 'unhealthy' }, { ...weak, health: 'degraded' }], {})), 4)).toEqual({ weak: 4 });
    const many = await serve(withPolicy([good, good, good, weak].map((each, index) => ({ ...each, labels: { n: String(index) }, transportSocketMatch: { n: String(index) }, ...(index === 3 ? { health: 'degraded' as const } : {}) })), {}));
    // Three of four healthy carry all, by overprovisioning.
    expect(await counts(many, 12)).toEqual({ good: 12 });
  });

  it('shares by the weights of localities', async () => {
    const [one, two] = await servers(['east', 'west']) as [EndpointConfig, EndpointConfig];
    const found = await counts(await serve(withPolicy(endpoints([], { localities: [local([one], 0, 90, 'east'), local([two], 0, 10, 'west')] }), { localityWeighted: true })), 100);
    expect(found['east']).toBeGreaterThan(75);
    expect(found['west']).toBeGreaterThan(0);
  });
});

describe('subsets', () => {
  const subsets = (over: Partial<NonNullable<ClusterConfig['loadBalancing']['subsets']>> = {}): Partial<ClusterConfig['loadBalancing']> => ({
    subsets: { fallback: 'none', defaultSubset: {}, selectors: [{ keys: ['version'], fallback: 'cluster', fallbackKeys: [], singleHost: false }], localityWeightAware: false, scaleLocalityWeight: false, panicModeAny: false, listAsAny: false, ...over },
  });
  const selector = (keys: readonly string[], over = {}) => ({ keys, fallback: 'cluster' as const, fallbackKeys: [], singleHost: false, ...over });
  const ask = async (target: ClusterConfig, metadataMatch: Record<string, string> | null, requests = 6): Promise<Record<string, number>> => {
    const action = routeAction('a');
    const plane = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [target],
      routes: [routeConfig([virtualHost([route({ ...action, clusters: action.clusters.map((one) => ({ ...one, metadataMatch })) })])])],
    }));
    return counts(plane, requests);
  };
  const world = async (): Promise<EndpointConfig[]> => {
    const [one, two, three] = await servers(['v1', 'v2-blue', 'v2-green']) as [EndpointConfig, EndpointConfig, EndpointConfig];
    return [{ ...one, labels: { version: '1', stage: 'prod' } }, { ...two, labels: { version: '2', stage: 'prod' }, labelLists: { tags: ['x', 'y'] } }, { ...three, labels: { version: '2', stage: 'dev' } }];
  };

  it('takes the endpoints whose metadata fit, by exactly the keys of a selector', async () => {
    const list = await world();
    const both = subsets({ selectors: [selector(['version']), selector(['version', 'stage'])] });
    expect(await ask(withPolicy(list, both), { version: '1' })).toEqual({ v1: 6 });
    expect(await ask(withPolicy(list, both), { version: '2' })).toEqual({ 'v2-blue': 3, 'v2-green': 3 });
    expect(await ask(withPolicy(list, both), { version: '2', stage: 'dev' })).toEqual({ 'v2-green': 6 });
    expect(await ask(withPolicy(list, both), { stage: 'dev' })).toEqual({ 503: 6 });
    expect(await ask(withPolicy(list, both), { version: '9' })).toEqual({ 503: 6 });
    expect(await ask(withPolicy(list, both), null)).toEqual({ 503: 6 });
  });

  it('falls back as the cluster or the selector says', async () => {
    const list = await world();
    const wanted = { version: '9', stage: 'dev' };
    expect(await ask(withPolicy(list, subsets({ fallback: 'any' })), wanted)).toEqual({ v1: 2, 'v2-blue': 2, 'v2-green': 2 });
    expect(await ask(withPolicy(list, subsets({ fallback: 'default_subset', defaultSubset: { version: '1' } })), wanted)).toEqual({ v1: 6 });
    expect(await ask(withPolicy(list, subsets({ panicModeAny: true })), wanted)).toEqual({ v1: 2, 'v2-blue': 2, 'v2-green': 2 });
    const keys = { selectors: [selector(['version', 'stage'], { fallback: 'keys_subset', fallbackKeys: ['stage'] }), selector(['stage'])], fallback: 'any' as const };
    expect(await ask(withPolicy(list, subsets(keys)), wanted)).toEqual({ 'v2-green': 6 });
    expect(await ask(withPolicy(list, subsets({ fallback: 'any', selectors: [selector(['version'], { fallback: 'none' })] })), { version: '9' })).toEqual({ 503: 6 });
  });

  it('are for connections too', async () => {
    const reply = async (name: string, version: string): Promise<EndpointConfig> => ({ ...endpoint(harness.address, await harness.tcpServer((socket) => socket.end(name))), labels: { version } });
    const list = [await reply('one', '1'), await reply('two', '2')];
    const proxy = { kind: 'tcp_proxy' as const, statPrefix: 't', clusters: [{ name: 'a', weight: 1, metadataMatch: { version: '2' } }], totalWeight: 1, idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, accessLogs: [], hashSourceIp: false };
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([proxy])])], clusters: [withPolicy(list, subsets())] }));
    for (let turn = 0; turn < 3; turn += 1) expect((await harness.raw(harness.portOf(plane, 'in'), '')).text).toBe('two');
  });

  it('knows lists, single hosts and health', async () => {
    const list = await world();
    expect(await ask(withPolicy(list, subsets({ listAsAny: true, selectors: [selector(['tags'])] })), { tags: 'y' })).toEqual({ 'v2-blue': 6 });
    expect(await ask(withPolicy(list, subsets({ selectors: [selector(['version'], { singleHost: true })] })), { version: '2' })).toEqual({ 'v2-blue': 6 });
    expect(await ask(withPolicy(list.map((one, index) => (index === 1 ? { ...one, health: 'unhealthy' as const } : one)), subsets()), { version: '2' })).toEqual({ 'v2-green': 6 });
  });
});

describe('aggregates and destinations', () => {
  const sick = (one: EndpointConfig): EndpointConfig => ({ ...one, health: 'unhealthy' });

  it('takes the first cluster of an aggregate that can serve, and counts at that one', async () => {
    const [near, far] = await servers(['near', 'far']) as [EndpointConfig, EndpointConfig];
    const make = async (first: EndpointConfig): Promise<DataPlane> => harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], routes: [routeConfig([virtualHost([route(routeAction('both'))])])],
      clusters: [cluster('both', [], { discovery: 'aggregate', aggregateOf: ['gone', 'first', 'second'], staticEndpoints: null }), cluster('first', [first]), cluster('second', [far])],
    }));
    expect(await counts(await make(near), 4)).toEqual({ near: 4 });
    const plane = await make(sick(near));
    expect(await counts(plane, 4)).toEqual({ far: 4 });
    const value = (name: string): number => plane.stats.snapshot().counters.find((one) => one.name === name)?.value ?? 0;
    expect([value('cluster.second.upstream_rq_total'), value('cluster.both.upstream_rq_total')]).toEqual([4, 0]);
  });

  it('goes where a header says, if the cluster allows it, and to the port that it sets', async () => {
    const [one, two] = await servers(['one', 'two']) as [EndpointConfig, EndpointConfig];
    const portOf = ({ address }: EndpointConfig): number => (address.kind === 'socket' ? address.port : 0);
    const target = (over: ClusterConfig['originalDestination']): ClusterConfig => withPolicy([], { policy: 'cluster_provided' }, { discovery: 'original_dst', staticEndpoints: null, originalDestination: over });
    const plane = await serve(target({ header: 'x-to', portOverride: null }));
    expect(await counts(plane, 1, { 'x-to': `${harness.address}:${portOf(one)}` })).toEqual({ one: 1 });
    for (const bad of ['name:80', harness.address, '1.2.3.4:x']) expect(await counts(plane, 1, { 'x-to': bad })).toEqual({ 503: 1 });
    expect(await counts(await serve(target({ header: 'x-to', portOverride: portOf(two) })), 1, { 'x-to': `${harness.address}:${portOf(one)}` })).toEqual({ two: 1 });
  });
});

describe('stateful sessions', () => {
  const world = async (session: SessionStateConfig, strict: boolean, health: EndpointConfig['health'] = 'healthy', overrideStatuses: ClusterConfig['loadBalancing']['overrideStatuses'] = ['healthy', 'degraded']) => {
    const list = (await servers(['one', 'two', 'three'])).map((one, index) => (index === 0 ? { ...one, health } : one));
    const plane = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager({ filters: [{ name: 'session', kind: 'stateful_session', session, strict }] })])])], clusters: [withPolicy(list, { overrideStatuses })],
      routes: [routeConfig([virtualHost([route(routeAction('a'), { prefix: '/off', perFilter: { session: { disabled: true } } }), route(routeAction('a'))])])],
    }));
    const addressOf = (index: number): string => {
      const address = list[index]?.address;
      return address?.kind === 'socket' ? `${address.address}:${address.port}` : '';
    };
    return { plane, addressOf };
  };
  const COOKIE: SessionStateConfig = { kind: 'cookie', name: 'stay', path: '/shop', ttlSeconds: 60 };

  it('stay with the endpoint that a cookie names, and get one when it names none', async () => {
    const { plane } = await world(COOKIE, false);
    const port = harness.portOf(plane, 'in');
    const first = await harness.ask(port, '/shop/cart');
    const line = String(first.headers['set-cookie']);
    expect(line).toMatch(/^stay="[A-Za-z0-9+/=]+"; Max-Age=60; Path=\/shop; HttpOnly$/);
    const cookie = line.split(';')[0] ?? '';
    for (let turn = 0; turn < 5; turn += 1) {
      const next = await harness.ask(port, '/shop/cart?x=1', { headers: { cookie: `a=b; ${cookie}` } });
      expect([next.body, next.headers['set-cookie']]).toEqual([first.body, undefined]);
    }
    expect((await harness.ask(port, '/shopping', { headers: { cookie } })).headers['set-cookie']).toBeUndefined();
    expect((await harness.ask(port, '/off')).headers['set-cookie']).toBeUndefined();
  });

  it('read what Envoy writes, and not what is over', async () => {
    const { plane, addressOf } = await world(COOKIE, false);
    const ask = async (value: string): Promise<string> => (await harness.ask(harness.portOf(plane, 'in'), '/shop', { headers: { cookie: `stay=${value}` } })).body;
    const message = (address: string, tail: readonly number[]): string => Buffer.from([0x0a, address.length, ...Buffer.from(address), ...tail]).toString('base64');
    for (let turn = 0; turn < 4; turn += 1) expect([await ask(message(addressOf(1), [])), await ask(Buffer.from(addressOf(2)).toString('base64'))]).toEqual(['two', 'three']);
    expect(new Set(await Promise.all([1, 2, 3].map(() => ask(message(addressOf(1), [0x10, 0x05])))))).toEqual(new Set(['one', 'two', 'three']));
    for (const bad of ['', '!!!', 'Cg==', Buffer.from('no address').toString('base64')]) expect(['one', 'two', 'three']).toContain(await ask(bad));
  });

  it.each([['unhealthy', false, [], ['two', 'three']], ['unhealthy', true, [], ['503']], ['draining', true, [], ['503']], ['draining', true, ['draining'], ['one']]] as const)('of an endpoint that is %s, strict %s, allowed besides %j, are served by %j', async (health, strict, allowed, by) => {
    const { plane, addressOf } = await world({ kind: 'header', name: 'x-host' }, strict, health, ['healthy', ...allowed]);
    const found = new Set<string>();
    for (let turn = 0; turn < 4; turn += 1) {
      const { status, body } = await harness.ask(harness.portOf(plane, 'in'), '/', { headers: { 'x-host': Buffer.from(addressOf(0)).toString('base64') } });
      found.add(status === 200 ? body : String(status));
    }
    expect([...found].sort()).toEqual([...by].sort());
  });
});

describe('names', () => {
  it.each(['strict_dns', 'logical_dns'] as const)('resolves them (%s), and has nobody for a name that does not exist', async (discovery) => {
    const onLoopback = new Harness('127.0.0.1');
    const port = await onLoopback.httpServer((_request, response) => response.end('named'));
    const plane = await serve(withPolicy([endpoint('localhost', port)], {}, { discovery }));
    for (let turn = 0; turn < 50 && !plane.isReady(); turn += 1) await wait(20);
    const found = await counts(plane, 4);
    // localhost may have an IPv6 address too, where nobody listens.
    expect(found['named']).toBeGreaterThan(0);
    await onLoopback.close();
    const nobody = await serve(withPolicy([endpoint('does-not-exist.invalid', port)], {}, { discovery }));
    for (let turn = 0; turn < 50 && !nobody.isReady(); turn += 1) await wait(20);
    expect(await counts(nobody, 1)).toEqual({ 503: 1 });
  });

  it('goes to the host that the request names, at the port it names', async () => {
    const [one, two] = await servers(['one', 'two']) as [EndpointConfig, EndpointConfig];
    const plane = await serve(withPolicy([], {}, { discovery: 'dynamic_forward_proxy', staticEndpoints: null }));
    const portOf = ({ address }: EndpointConfig): number => (address.kind === 'socket' ? address.port : 0);
    expect(await counts(plane, 2, { host: `${harness.address}:${portOf(one)}` })).toEqual({ one: 2 });
    expect(await counts(plane, 2, { host: `${harness.address}:${portOf(two)}` })).toEqual({ two: 2 });
    expect(await counts(plane, 1, { host: 'does-not-exist.invalid' })).toEqual({ 503: 1 });
  });
});

describe('the explicit proxy', () => {
  it('serves absolute-form requests and plain HTTP inside CONNECT by the same routes, over one tunnel', async () => {
    const [a, b] = await servers(['shop', 'bank']) as [EndpointConfig, EndpointConfig];
    const inside = routeConfig([virtualHost([route(routeAction('shop'))], { name: 'shop', domains: ['shop', 'shop:*'] }), virtualHost([route(routeAction('bank'))], { name: 'bank', domains: ['bank'] })]);
    const connectRoute = { ...route(routeAction('loop', { upgrades: [{ type: 'CONNECT', enabled: true, terminateConnect: true }] })), match: { path: { kind: 'connect' as const }, headers: [], queryParameters: [], grpcOnly: false, runtimeFractionPerMillion: null } };
    const outside = { ...inside, name: 'outside', digest: 'outside', virtualHosts: inside.virtualHosts.map((host) => ({ ...host, routes: [connectRoute, ...host.routes] })) };
    const plane = await harness.dataPlane(runtimeConfig({
      listeners: [
        listener('in', harness.address, [filterChain([connectionManager({ routes: { kind: 'inline', config: outside } })])]),
        listener('inner', '', [filterChain([connectionManager({ routes: { kind: 'inline', config: inside } })])], { address: { kind: 'internal', listener: 'inner' } }),
      ],
      clusters: [cluster('shop', [a]), cluster('bank', [b]), cluster('loop', [{ ...endpoint('', 0), address: { kind: 'internal', listener: 'inner' } }])],
    }));
    const port = harness.portOf(plane, 'in');
    expect((await harness.raw(port, 'GET http://shop/x HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n\r\n')).text).toMatch(/shop$/);
    const socket = connect({ host: harness.address, port });
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    const until = async (end: string): Promise<void> => {
      for (let turn = 0; turn < 100 && !text.endsWith(end); turn += 1) await wait(5);
      expect(text.endsWith(end)).toBe(true);
    };
    socket.write('CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n');
    await until('\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    await until('shop');
    socket.write('GET / HTTP/1.1\r\nHost: bank\r\n\r\n');
    await until('bank');
    socket.destroy();
    expect((await harness.raw(port, 'CONNECT nobody:80 HTTP/1.1\r\nHost: nobody:80\r\n\r\n')).text).toMatch(/^HTTP\/1\.1 404 /);
  });
});
