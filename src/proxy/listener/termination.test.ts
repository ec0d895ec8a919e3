// The end of a proxy as its callers meet it: told to drain, later to finish, then closed, while requests keep coming from another proxy that learns of it late. Nothing may be lost, however short the
// drain is.
import { connect as connectHttp2 } from 'node:http2';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { ClusterConfig, EndpointConfig, RuntimeConfig } from '../config/runtime-config.ts';
import type { DataPlane } from './index.ts';
import { cluster, connectionManager, endpoint, endpoints, filterChain, listener, retryPolicy, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness } from './testdata/harness.ts';

const harness = new Harness('127.77.31.1');
afterAll(() => harness.close());

type Protocol = ClusterConfig['protocol']['http'];

function forwarding(name: string, target: ClusterConfig, list?: readonly EndpointConfig[]): RuntimeConfig {
  const policy = retryPolicy({ retryOn: ['connect-failure', 'refused-stream'] });
  return runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager({ routes: { kind: 'inline', config: routeConfig([virtualHost([route(routeAction(name, { retryPolicy: policy }))])]) } })])])],
    clusters: [target], ...(list ? { endpoints: { [name]: endpoints(list) } } : {}),
  });
}

/** Two proxies with an application behind each, and one before both. */
async function mesh(protocol: Protocol, drainGraceMilliseconds: number): Promise<{ leaving: DataPlane; port: number; told: () => void }> {
  const app = await harness.httpServer((request, response) => {
    request.resume();
    setTimeout(() => response.end('done'), 120);
  });
  const backs = await Promise.all([0, 1].map(() => harness.dataPlane(forwarding('app', cluster('app', [endpoint(harness.address, app)])), { drainGraceMilliseconds })));
  const ends = backs.map((back) => endpoint(harness.address, harness.portOf(back, 'in')));
  const target = { ...cluster('backs', []), discovery: 'eds' as const, endpointsName: 'backs', staticEndpoints: null, protocol: { http: protocol, maximumRequestsPerConnection: 0, idleTimeoutMilliseconds: 3_600_000, maximumConcurrentStreams: 100 } };
  const config = forwarding('backs', target, ends);
  const front = await harness.dataPlane(config);
  const [leaving] = backs;
  if (!leaving) throw new Error('no proxy');
  return { leaving, port: harness.portOf(front, 'in'), told: () => void front.apply({ ...config, endpoints: { backs: endpoints(ends.slice(1)) } }) };
}

/** Ends a proxy as its process does after SIGTERM. */
async function end(plane: DataPlane, drainMilliseconds: number): Promise<void> {
  void plane.drain({ timeoutMilliseconds: 0 });
  await wait(drainMilliseconds);
  await plane.finish(5000);
  plane.close();
}

async function underLoad(port: number, method: string, work: () => Promise<void>): Promise<{ asked: number; failures: unknown[] }> {
  const outcome = { asked: 0, failures: [] as unknown[] };
  let going = true;
  const senders = Array.from({ length: 6 }, async () => {
    while (going) {
      outcome.asked += 1;
      const answer = await harness.ask(port, '/', { method, ...(method === 'POST' ? { body: 'x'.repeat(2000) } : {}) }).catch((error: unknown) => ({ status: 0, body: String(error) }));
      if (answer.status !== 200) outcome.failures.push(answer);
    }
  });
  await wait(300);
  await work();
  await wait(300);
  going = false;
  await Promise.all(senders);
  return outcome;
}

describe('a proxy that ends under load', () => {
  it.each<[Protocol, string, number]>([['http1', 'POST', 1000], ['http1', 'POST', 2000], ['http2', 'POST', 1000], ['http1', 'GET', 1000], ['http2', 'GET', 500]])('loses no %s %s with a drain of %i ms', async (protocol, method, drain) => {
    const { leaving, port, told } = await mesh(protocol, drain * 0.6);
    const { asked, failures } = await underLoad(port, method, async () => {
      const ended = end(leaving, drain);
      await wait(drain / 4);
      told();
      await ended;
    });
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThan(20);
  }, 20_000);

  it('loses no GET even when nobody tells its callers', async () => {
    const { leaving, port } = await mesh('http1', 300);
    const { failures } = await underLoad(port, 'GET', () => end(leaving, 500));
    expect(failures).toEqual([]);
  }, 20_000);

  it('waits for the answer under way when its drain is over, and takes nothing new', async () => {
    const app = await harness.httpServer((_request, response) => void setTimeout(() => response.end('late'), 700));
    const plane = await harness.dataPlane(forwarding('app', cluster('app', [endpoint(harness.address, app)])));
    const port = harness.portOf(plane, 'in');
    const answer = harness.ask(port);
    await wait(200);
    const finished = plane.finish(5000).then(() => performance.now());
    await wait(100);
    await expect(harness.ask(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(await answer).toMatchObject({ status: 200, body: 'late', headers: { connection: 'close' } });
    const answered = performance.now();
    expect(await finished).toBeGreaterThan(answered - 50);
  });

  it('tells HTTP/2 clients which stream was the last, so that they may repeat what crossed it', async () => {
    const app = await harness.httpServer((_request, response) => response.end('served'));
    const plane = await harness.dataPlane(forwarding('app', cluster('app', [endpoint(harness.address, app)])), { drainGraceMilliseconds: 300 });
    const session = connectHttp2(`http://${harness.address}:${harness.portOf(plane, 'in')}`);
    session.on('error', () => undefined);
    const lastStreams: (number | undefined)[] = [];
    session.on('goaway', (_code, last) => lastStreams.push(last));
    const ask = (): Promise<string> => new Promise((done) => {
      const stream = session.request({ ':path': '/' });
      stream.on('response', (headers) => done(String(headers[':status'])));
      stream.on('error', (error) => done(error.message));
      stream.resume().end();
    });
    expect(await ask()).toBe('200');
    const told = performance.now();
    void plane.drain({ timeoutMilliseconds: 0 });
    // The notice admits every stream, so what crosses it is served; the last call names the last one.
    expect(await ask()).toBe('200');
    await new Promise((resolve) => session.once('close', resolve));
    expect(lastStreams).toEqual([2 ** 31 - 1, 3]);
    expect(performance.now() - told).toBeLessThan(5000);
  });
});
