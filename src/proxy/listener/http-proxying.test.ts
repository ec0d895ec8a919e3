// HTTP through the data plane, real sockets on both sides.
import { connect } from 'node:net';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, connectionManager, endpoint, filterChain, listener, outliers, retryPolicy, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.1');
});
afterEach(() => harness.close());

function simple(routes: Parameters<typeof virtualHost>[0], clusters: readonly ReturnType<typeof cluster>[], manager = connectionManager()) {
  return runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([manager])])], clusters, routes: [routeConfig([virtualHost(routes)])] });
}

describe('HTTP proxying', () => {
  it('forwards requests and responses with Envoy\'s headers', async () => {
    const port = await harness.httpServer((request, response) => {
      response.setHeader('x-seen', JSON.stringify(request.headers));
      response.end(`${request.method} ${request.url}`);
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const answer = await harness.ask(harness.portOf(plane, 'in'), '/x?y=1', { headers: { 'x-mine': 'yes', connection: 'x-hop', 'x-hop': 'gone' } });
    expect(answer.status).toBe(200);
    expect(answer.body).toBe('GET /x?y=1');
    expect(answer.headers['server']).toBe('istio-envoy');
    expect(answer.headers['x-envoy-upstream-service-time']).toMatch(/^\d+$/);
    const seen = JSON.parse(String(answer.headers['x-seen'])) as Record<string, string>;
    expect(seen['x-mine']).toBe('yes');
    expect(seen['x-hop']).toBeUndefined();
    expect(seen['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(seen['x-forwarded-proto']).toBe('http');
    expect(seen['x-envoy-attempt-count']).toBe('1');
  });

  it('passes the upstream\'s server header through when it has no name of its own', async () => {
    const port = await harness.httpServer((request, response) => {
      if (request.url === '/named') response.setHeader('server', 'app/1');
      response.end();
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])], connectionManager({ serverName: '' })));
    expect((await harness.ask(harness.portOf(plane, 'in'), '/named')).headers['server']).toBe('app/1');
    expect((await harness.ask(harness.portOf(plane, 'in'), '/')).headers['server']).toBeUndefined();
  });

  it('keeps connections on both sides and serves pipelined requests in order', async () => {
    const connections = new Set<number>();
    const port = await harness.httpServer((request, response) => {
      connections.add(request.socket.remotePort ?? 0);
      response.end(`<${request.url}>`);
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const { text, closed } = await harness.raw(harness.portOf(plane, 'in'), 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n');
    expect([...text.matchAll(/<(.*?)>/g)].map((match) => match[1])).toEqual(['/1', '/2', '/3']);
    expect(closed).toBe(false);
    expect(connections.size).toBe(1);
  });

  it('streams large bodies both ways unchanged', async () => {
    const port = await harness.httpServer((request, response) => request.pipe(response));
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const body = Buffer.alloc(5_000_000, 'abcdefghij');
    const answer = await harness.ask(harness.portOf(plane, 'in'), '/', { method: 'POST', body });
    expect(answer.status).toBe(200);
    expect(createHash('sha256').update(answer.body).digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
  });

  it('holds the upstream back while the client does not read', async () => {
    let sent = 0;
    const port = await harness.httpServer((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const push = (): void => {
        while (sent < 200_000_000 && response.write(chunk)) sent += chunk.length;
        if (sent < 200_000_000) response.once('drain', push);
      };
      push();
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in') });
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await wait(400);
    const afterWait = sent;
    await wait(300);
    expect(sent).toBe(afterWait);
    expect(sent).toBeLessThan(30_000_000);
    socket.destroy();
  });

  it('answers what has no route, no cluster or no endpoint as Envoy does', async () => {
    const plane = await harness.dataPlane(simple([route(routeAction('none'), { prefix: '/cluster' }), route(routeAction('empty'), { prefix: '/empty' }), route(routeAction('dead'), { prefix: '/dead' })], [cluster('empty', []), cluster('dead', [endpoint(harness.address, 1)])]));
    const port = harness.portOf(plane, 'in');
    expect((await harness.ask(port, '/other')).status).toBe(404);
    expect((await harness.ask(port, '/cluster')).status).toBe(503);
    expect(await harness.ask(port, '/empty')).toMatchObject({ status: 503, body: 'no healthy upstream' });
    const dead = await harness.ask(port, '/dead');
    expect(dead.status).toBe(503);
    expect(dead.body).toMatch(/^upstream connect error or disconnect\/reset before headers\. reset reason: remote connection failure, transport failure reason: /);
  });

  it('retries by policy on another host, and never a request that may have been carried out', async () => {
    let calls = 0;
    const bad = await harness.httpServer((_request, response) => {
      calls += 1;
      response.statusCode = 503;
      response.end('bad');
    });
    const good = await harness.httpServer((request, response) => response.end(`good ${request.headers['x-envoy-attempt-count']}`));
    const plane = await harness.dataPlane(simple([route(routeAction('a', { retryPolicy: retryPolicy() }))], [cluster('a', [endpoint(harness.address, bad), endpoint(harness.address, good)])]));
    const port = harness.portOf(plane, 'in');
    for (let turn = 0; turn < 4; turn += 1) expect((await harness.ask(port)).body).toMatch(/^good [12]$/);
    const before = calls;
    const posts = [await harness.ask(port, '/', { method: 'POST', body: 'x' }), await harness.ask(port, '/', { method: 'POST', body: 'x' })];
    expect(posts.map(({ status }) => status).sort()).toEqual([200, 503]);
    expect(calls).toBe(before + 1);
  });

  it('repeats a POST when the connection could not be made', async () => {
    const good = await harness.httpServer((request, response) => request.pipe(response));
    const plane = await harness.dataPlane(simple([route(routeAction('a', { retryPolicy: retryPolicy({ retryOn: ['connect-failure'] }) }))], [cluster('a', [endpoint(harness.address, 1), endpoint(harness.address, good)])]));
    for (let turn = 0; turn < 3; turn += 1) expect(await harness.ask(harness.portOf(plane, 'in'), '/', { method: 'POST', body: 'again' })).toMatchObject({ status: 200, body: 'again' });
  });

  it('does not fail a request whose kept connection the upstream closes', async () => {
    let count = 0;
    const port = await harness.tcpServer((socket) => {
      socket.on('data', () => {
        count += 1;
        // Answer, and close at the next request without a byte.
        if (count % 2 === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.destroy();
      });
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const inPort = harness.portOf(plane, 'in');
    for (let turn = 0; turn < 4; turn += 1) expect((await harness.ask(inPort)).status).toBe(200);
    expect(count).toBeGreaterThan(4);
  });

  it('times out with 504', async () => {
    const port = await harness.httpServer(() => undefined);
    const plane = await harness.dataPlane(simple([route(routeAction('a', { timeoutMilliseconds: 100 }))], [cluster('a', [endpoint(harness.address, port)])]));
    expect(await harness.ask(harness.portOf(plane, 'in'))).toMatchObject({ status: 504, body: 'upstream request timeout' });
  });

  it('splits traffic by weight and mirrors it', async () => {
    const seen: string[] = [];
    const servers = await Promise.all(['one', 'two', 'shadow'].map((name) => harness.httpServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => {
        body += part.toString();
      });
      request.on('end', () => {
        if (name === 'shadow') seen.push(`${request.headers.host} ${body}`);
        response.end(name);
      });
    })));
    const clusters = ['one', 'two', 'shadow'].map((name, index) => cluster(name, [endpoint(harness.address, servers[index] ?? 0)]));
    const plane = await harness.dataPlane(simple([route(routeAction([['one', 80], ['two', 20]], { mirrors: [{ cluster: 'shadow', perMillion: 1_000_000, disableShadowSuffix: false }] }))], clusters));
    let ones = 0;
    for (let turn = 0; turn < 100; turn += 1) if ((await harness.ask(harness.portOf(plane, 'in'), '/', { method: 'POST', headers: { host: 'shop:80' }, body: 'b' })).body === 'one') ones += 1;
    expect(ones).toBeGreaterThan(60);
    expect(ones).toBeLessThan(97);
    await wait(50);
    expect(seen.length).toBe(100);
    expect(seen[0]).toBe('shop-shadow:80 b');
  });

  it('puts in delays and aborts', async () => {
    const port = await harness.httpServer((request, response) => request.pipe(response));
    const fault = { name: 'fault', kind: 'fault', delay: { milliseconds: 150, perMillion: 1_000_000 }, abort: null, headers: [], maximumActive: null } as const;
    const abort = { ...fault, delay: null, abort: { httpStatus: 555, grpcStatus: null, perMillion: 1_000_000 } } as const;
    const plane = await harness.dataPlane(simple([route(routeAction('a'), { prefix: '/abort', perFilter: { fault: abort } }), route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])], connectionManager({ filters: [fault] })));
    const inPort = harness.portOf(plane, 'in');
    const start = performance.now();
    expect(await harness.ask(inPort, '/', { method: 'POST', body: 'late' })).toMatchObject({ status: 200, body: 'late' });
    expect(performance.now() - start).toBeGreaterThan(140);
    expect(await harness.ask(inPort, '/abort')).toMatchObject({ status: 555, body: 'fault filter abort' });
  });

  it('stops at circuit breakers', async () => {
    const port = await harness.httpServer((_request, response) => {
      setTimeout(() => response.end('ok'), 150);
    });
    const limits = { maximumConnections: 1, maximumPendingRequests: 1, maximumRequests: 1000, maximumRetries: 3, retryBudget: null, maximumConnectionsPerHost: 4_294_967_295, trackRemaining: false };
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)], { circuitBreakers: { default: limits, high: limits } })]));
    const answers = await Promise.all(Array.from({ length: 6 }, () => harness.ask(harness.portOf(plane, 'in'))));
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(1);
    const refused = answers.find(({ status }) => status === 503);
    expect(refused?.headers['x-envoy-overloaded']).toBe('true');
  });

  it('limits the connections to one endpoint', async () => {
    const slow = async (name: string): Promise<number> => harness.httpServer((_request, response) => {
      setTimeout(() => response.end(name), 100);
    });
    const limits = { maximumConnections: 1000, maximumPendingRequests: 1000, maximumRequests: 1000, maximumRetries: 3, retryBudget: null, maximumConnectionsPerHost: 2, trackRemaining: true };
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, await slow('one')), endpoint(harness.address, await slow('two'))], { circuitBreakers: { default: limits, high: limits } })]));
    const answers = await Promise.all(Array.from({ length: 12 }, () => harness.ask(harness.portOf(plane, 'in'))));
    expect(answers.map(({ body }) => body).sort()).toEqual([...Array.from({ length: 6 }, () => 'one'), ...Array.from({ length: 6 }, () => 'two')]);
    const { counters, gauges } = plane.stats.snapshot();
    expect(counters.find(({ name }) => name === 'cluster.a.upstream_cx_total')?.value).toBe(4);
    expect(gauges.find(({ name }) => name === 'cluster.a.circuit_breakers.default.remaining_cx')?.value).toBe(996);
  });

  it('ejects an endpoint that fails, and takes it back', async () => {
    let broken = true;
    const bad = await harness.httpServer((_request, response) => {
      response.statusCode = broken ? 500 : 200;
      response.end('bad');
    });
    const good = await harness.httpServer((_request, response) => response.end('good'));
    const outlierDetection = outliers({ consecutive5xx: 3, intervalMilliseconds: 50, baseEjectionMilliseconds: 300, maximumEjectionMilliseconds: 1000 });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, bad), endpoint(harness.address, good)], { outlierDetection })]));
    const inPort = harness.portOf(plane, 'in');
    for (let turn = 0; turn < 6; turn += 1) await harness.ask(inPort);
    for (let turn = 0; turn < 6; turn += 1) expect((await harness.ask(inPort)).body).toBe('good');
    broken = false;
    await wait(450);
    const bodies = new Set<string>();
    for (let turn = 0; turn < 4; turn += 1) bodies.add((await harness.ask(inPort)).body);
    expect(bodies).toEqual(new Set(['good', 'bad']));
  });

  it('passes a websocket upgrade through', async () => {
    const port = await harness.tcpServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello');
        socket.on('data', (data) => socket.write(`echo ${data.toString()}`));
      });
    });
    const plane = await harness.dataPlane(simple([route(routeAction('a'))], [cluster('a', [endpoint(harness.address, port)])]));
    const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in') });
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.write('GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await wait(80);
    socket.write('ping');
    await wait(80);
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    expect(text).toContain('hello');
    expect(text).toContain('echo ping');
    socket.destroy();
  });

  it('ends CONNECT into bytes', async () => {
    const port = await harness.tcpServer((socket) => socket.on('data', (data) => socket.write(`echo ${data.toString()}`)));
    const connectRoute = { ...route(routeAction('a', { upgrades: [{ type: 'CONNECT', enabled: true, terminateConnect: true }] })), match: { path: { kind: 'connect' as const }, headers: [], queryParameters: [], grpcOnly: false, runtimeFractionPerMillion: null } };
    const plane = await harness.dataPlane(simple([connectRoute], [cluster('a', [endpoint(harness.address, port)])]));
    const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in') });
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      if (text.endsWith('\r\n\r\n')) socket.write('ping');
    });
    socket.write('CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n');
    await wait(150);
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text.endsWith('echo ping')).toBe(true);
    socket.destroy();
  });
});
