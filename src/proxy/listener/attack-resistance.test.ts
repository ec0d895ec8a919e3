// What a hostile or broken client can make the data plane hold, and for how long: slow heads, slow bodies, silent upstreams, floods of resets, draining.
import { connect, type Socket } from 'node:net';
import { connect as http2Connect, constants } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HttpConnectionManagerConfig } from '../config/filter-config.ts';
import type { StreamInfo } from '../stream/stream-info.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, retryPolicy, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';
import type { DataPlane } from './index.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.3');
});
afterEach(() => harness.close());

const observed: StreamInfo[] = [];

async function plane(appPort: number, over: Partial<HttpConnectionManagerConfig> = {}, action: Parameters<typeof routeAction>[1] = {}): Promise<{ plane: DataPlane; port: number }> {
  observed.length = 0;
  const made = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager({ codec: 'http1', ...over })])])], clusters: [cluster('a', [endpoint(harness.address, appPort)])],
    routes: [routeConfig([virtualHost([route(routeAction('a', action))])])],
  }), { observers: () => [{ onStreamEnd: (info) => observed.push(info) }] });
  return { plane: made, port: harness.portOf(made, 'in') };
}

interface Watched { readonly socket: Socket; text: string; closedAfter: number }

function open(port: number): Watched {
  const started = performance.now();
  const watched: Watched = { socket: connect({ host: harness.address, port, allowHalfOpen: true }), text: '', closedAfter: -1 };
  watched.socket.on('data', (data) => {
    watched.text += data.toString('latin1');
  });
  watched.socket.on('end', () => {
    watched.closedAfter = performance.now() - started;
    watched.socket.end();
  });
  watched.socket.on('error', () => undefined);
  return watched;
}

/** Waits for a state, by turns of the event loop alone; what the state is after a long wait is the caller's to expect. */
async function until(isSo: () => boolean): Promise<void> {
  const start = performance.now();
  while (!isSo() && performance.now() - start < 20_000) await new Promise((resolve) => setImmediate(resolve));
}

describe('slow clients', () => {
  it.each([
    { what: 'a head that trickles', over: { requestHeadersTimeoutMilliseconds: 150 }, first: 'GET / HTTP/1.1\r\nHost: a\r\n', drip: 'x-a: b\r\n', answer: /^HTTP\/1\.1 408 / },
    { what: 'a second head that trickles', over: { requestHeadersTimeoutMilliseconds: 150 }, first: 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HT', drip: '', answer: /^HTTP\/1\.1 200 [^]*HTTP\/1\.1 408 / },
    { what: 'a body that trickles', over: { requestTimeoutMilliseconds: 150 }, first: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', drip: 'x', answer: /^HTTP\/1\.1 408 [^]*request timeout$/ },
    { what: 'a stream where nothing moves', over: { streamIdleTimeoutMilliseconds: 150 }, first: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', drip: '', answer: /^HTTP\/1\.1 408 [^]*stream timeout$/ },
    { what: 'a body that stops coming', over: { requestBodyIdleTimeoutMilliseconds: 150 }, first: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx', drip: '', answer: /^HTTP\/1\.1 408 [^]*request timeout$/ },
    { what: 'a stream that lasts too long', over: { maximumStreamDurationMilliseconds: 150 }, first: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n', drip: 'x', answer: /^HTTP\/1\.1 408 [^]*downstream duration timeout$/ },
    { what: 'silence', over: { idleTimeoutMilliseconds: 150 }, first: '', drip: '', answer: /^$/ },
    { what: 'silence before the version is known', over: { idleTimeoutMilliseconds: 150, codec: 'auto' as const }, first: '', drip: '', answer: /^$/ },
  ])('ends $what within its time', async ({ over, first, drip, answer }) => {
    const app = await harness.httpServer((request, response) => {
      request.resume();
      request.on('end', () => response.end('ok'));
    });
    const { port } = await plane(app, over);
    const client = open(port);
    if (first !== '') client.socket.write(first);
    const timer = setInterval(() => {
      if (drip !== '' && client.socket.writable) client.socket.write(drip);
    }, 20);
    await wait(500);
    clearInterval(timer);
    client.socket.destroy();
    expect(client.text).toMatch(answer);
    expect(client.closedAfter).toBeGreaterThan(130);
    expect(client.closedAfter).toBeLessThan(450);
  });

  it('refuses a head that grows beyond its limit in small pieces, at the limit and in linear time', async () => {
    const app = await harness.httpServer((_request, response) => response.end('ok'));
    const { port } = await plane(app, { maximumRequestHeadersKilobytes: 1 });
    const client = open(port);
    client.socket.write('GET / HTTP/1.1\r\nHost: a\r\n');
    let sent = 0;
    while (client.closedAfter < 0 && sent < 5000) {
      client.socket.write('x-a: b\r\n');
      sent += 8;
      await wait(1);
    }
    client.socket.destroy();
    expect(client.text).toMatch(/^HTTP\/1\.1 431 /);
    expect(sent).toBeLessThan(2500);
  });

  it('serves others while a thousand connections hold half a head each, and frees them all', async () => {
    const HEAD_MILLISECONDS = 60_000;
    // The time of heads passes when the test says so: however slow the machine is, all connections are held at once.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const app = await harness.httpServer((_request, response) => response.end('ok'));
      const { plane: made, port } = await plane(app, { requestHeadersTimeoutMilliseconds: HEAD_MILLISECONDS });
      const active = (): number => made.stats.gauge('http.test.downstream_cx_active').value;
      const slow = Array.from({ length: 1000 }, () => open(port));
      await Promise.all(slow.map(({ socket }) => new Promise((resolve) => socket.write('GET / HTTP/1.1\r\nHost: a\r\nx-a: ', resolve))));
      await until(() => active() === 1000);
      vi.advanceTimersByTime(HEAD_MILLISECONDS - 1000);
      expect((await harness.ask(port)).status).toBe(200);
      await until(() => active() === 1000);
      expect([active(), slow.filter(({ closedAfter }) => closedAfter >= 0).length]).toEqual([1000, 0]);
      // A head's time begins with its first bytes, which may have been read since.
      vi.advanceTimersByTime(HEAD_MILLISECONDS);
      await until(() => active() === 0 && slow.every(({ closedAfter }) => closedAfter >= 0));
      expect(active()).toBe(0);
      expect(slow.filter(({ text }) => text.startsWith('HTTP/1.1 408 ')).length).toBe(1000);
      for (const { socket } of slow) socket.destroy();
    } finally {
      vi.useRealTimers();
    }
  }, 60_000);
});

describe('a body that stops coming', () => {
  it.each([
    ['of gRPC, where silence is usual', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['after the answer has begun', 'POST /now HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'],
    ['of a websocket', 'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'],
  ])('is waited for %s', async (_what, first) => {
    const app = await harness.httpServer((request, response) => {
      if (request.url === '/now') response.flushHeaders();
      request.on('end', () => response.end('late'));
      request.resume();
    });
    const { port } = await plane(app, { requestBodyIdleTimeoutMilliseconds: 100 });
    const client = open(port);
    client.socket.write(first);
    await wait(400);
    expect(client.text).not.toContain(' 408 ');
    client.socket.destroy();
  });
});

describe('slow upstreams', () => {
  it('ends a stream by its route\'s maximum duration, whatever the connection manager says', async () => {
    const app = await harness.httpServer(() => undefined);
    const { port } = await plane(app, { maximumStreamDurationMilliseconds: 10_000 }, { maximumStreamDurationMilliseconds: 120 });
    const start = performance.now();
    expect(await harness.ask(port)).toMatchObject({ status: 504, body: 'downstream duration timeout' });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(observed[0]?.flags).toEqual(['UMSDR']);
  });

  it('answers with the route\'s timeout when the same time is given as the maximum duration too', async () => {
    const app = await harness.httpServer(() => undefined);
    const { port } = await plane(app, {}, { timeoutMilliseconds: 120, maximumStreamDurationMilliseconds: 120 });
    expect(await harness.ask(port)).toMatchObject({ status: 504, body: 'upstream request timeout' });
    expect(observed[0]?.flags).toEqual(['UT']);
    // While the request is still coming the maximum duration is the one that counts.
    expect((await harness.raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx', 600)).text).toMatch(/^HTTP\/1\.1 408 [^]*downstream duration timeout$/);
  });

  it('gives a try up in which nothing is heard, and asks another host', async () => {
    const silent = await harness.httpServer(() => undefined);
    const good = await harness.httpServer((_request, response) => response.end('good'));
    const made = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [cluster('a', [endpoint(harness.address, silent), endpoint(harness.address, good)])],
      routes: [routeConfig([virtualHost([route(routeAction('a', { retryPolicy: retryPolicy({ perTryIdleTimeoutMilliseconds: 100 }) }))])])],
    }));
    for (let turn = 0; turn < 3; turn += 1) expect((await harness.ask(harness.portOf(made, 'in'))).body).toBe('good');
    expect(made.stats.counter('cluster.a.upstream_rq_per_try_idle_timeout').value).toBeGreaterThan(0);
  });

  it('cuts a response that stops in the middle', async () => {
    const app = await harness.httpServer((_request, response) => {
      response.write('part');
    });
    const { port } = await plane(app, {}, { retryPolicy: retryPolicy({ perTryIdleTimeoutMilliseconds: 100 }) });
    await expect(harness.ask(port)).rejects.toThrow();
    expect(observed[0]?.flags).toEqual(['UT']);
  });
});

describe('HTTP/2', () => {
  it('closes a connection that opens streams only to reset them', async () => {
    const app = await harness.httpServer(() => undefined);
    const { plane: made, port } = await plane(app, { codec: 'http2' });
    const session = http2Connect(`http://${harness.address}:${port}`);
    let code: number | undefined;
    session.on('goaway', (reason) => {
      code = reason;
    });
    session.on('error', () => undefined);
    let opened = 0;
    while (!session.closed && !session.destroyed && opened < 2000) {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => undefined);
      opened += 1;
      await new Promise((resolve) => setImmediate(resolve));
      stream.close(constants.NGHTTP2_CANCEL);
      if (opened % 20 === 0) await wait(2);
    }
    await wait(50);
    expect(opened).toBeGreaterThan(200);
    expect(opened).toBeLessThan(600);
    expect(code).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    expect(made.stats.gauge('http.test.downstream_cx_active').value).toBe(0);
    expect(made.stats.counter('http2.premature_resets_flood').value).toBe(1);
    session.destroy();
  });

  it('lets a client reset some of many streams', async () => {
    const app = await harness.httpServer((_request, response) => response.end('ok'));
    const { port } = await plane(app, { codec: 'http2' });
    const session = http2Connect(`http://${harness.address}:${port}`);
    session.on('error', () => undefined);
    for (let turn = 0; turn < 700; turn += 1) {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => undefined);
      if (turn % 3 === 0) stream.close(constants.NGHTTP2_CANCEL);
      else await new Promise((resolve) => stream.on('close', resolve).resume());
    }
    expect(session.closed || session.destroyed).toBe(false);
    session.destroy();
  });
});

describe('draining', () => {
  it('serves an idle connection once more, closes it when it stays idle, and lets the active stream end', async () => {
    const app = await harness.httpServer((request, response) => {
      if (request.url === '/slow') setTimeout(() => response.end('slow'), 500);
      else response.end('fast');
    });
    const { plane: made, port } = await plane(app);
    const idle = open(port);
    const used = open(port);
    for (const connection of [idle, used]) connection.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await wait(350);
    const busy = open(port);
    busy.socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
    await wait(50);
    const start = performance.now();
    const drained = made.drain({ timeoutMilliseconds: 8000 });
    await wait(1000);
    expect(idle.closedAfter).toBe(-1);
    expect(busy.text).toMatch(/connection: close[^]*slow$/);
    used.socket.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n');
    await drained;
    expect(used.text).toMatch(/fast[^]*connection: close[^]*fast$/);
    expect(idle.text).toMatch(/fast$/);
    expect(idle.closedAfter).toBeGreaterThan(0);
    expect(performance.now() - start).toBeLessThan(5000);
  });

  it('serves the request that arrives just then', async () => {
    const app = await harness.httpServer((_request, response) => response.end('served'));
    const { plane: made, port } = await plane(app);
    const fresh = open(port);
    await wait(50);
    const drained = made.drain({ timeoutMilliseconds: 3000 });
    await wait(100);
    fresh.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await drained;
    expect(fresh.text).toMatch(/^HTTP\/1\.1 200 [^]*connection: close[^]*served$/);
  });
});
