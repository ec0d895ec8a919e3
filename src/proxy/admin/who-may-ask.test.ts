// The admin interface against web pages, and against expressions that would hold the traffic up.
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HttpServer } from '../../shared/http/index.ts';
import { StatsStore } from '../stream/stats-store.ts';
import { adminRoutes, ownAddresses, type ProcessView } from './index.ts';

let server: HttpServer;
beforeEach(async () => {
  const stats = new StatsStore();
  stats.counter(`cluster.${'a'.repeat(40)}!.total`).add(1);
  stats.counter('cluster.b.total').add(1);
  // The routes that are asked here need no more of the process.
  const view = { stats, state: () => 'LIVE' } as unknown as ProcessView;
  server = new HttpServer({ name: 'admin-test', host: '127.81.2.1', port: 0, routes: adminRoutes(view) });
  await server.start();
});
afterEach(() => server.stop());

function ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    request({ host: '127.81.2.1', port: server.port, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => {
        text += data.toString();
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    }).on('error', reject).end();
  });
}

describe('the admin interface', () => {
  it.each([['localhost:15000'], ['127.0.0.1:15000'], ['127.9.8.7'], ['[::1]:15000'], ['LOCALHOST']])('takes the host %s', async (host) => expect((await ask('/ready', { host })).status).toBe(200));

  it.each([['evil.example:15000'], ['localhost.evil.example'], ['127.0.0.1.evil.example'], ['10.0.0.1:15000'], ['[::2]']])('refuses the host %s, to which a name of a web page could have been bound', async (host) => {
    expect((await ask('/ready', { host })).status).toBe(403);
    expect((await ask('/quitquitquit', { host }, 'POST')).status).toBe(403);
  });

  it.each<[Record<string, string>, number]>([
    [{ origin: 'https://evil.example' }, 403], [{ origin: 'null' }, 403], [{ 'sec-fetch-site': 'cross-site' }, 403], [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ origin: 'http://localhost:15000', 'sec-fetch-site': 'same-origin' }, 200], [{ 'sec-fetch-site': 'none' }, 200],
  ])('answers a browser that says %j with %d', async (headers, status) => expect((await ask('/ready', { host: 'localhost', ...headers })).status).toBe(status));

  it('searches names in time that grows with the names alone', async () => {
    const start = performance.now();
    expect(await ask('/stats?filter=(a%2B)%2B%24')).toEqual({ status: 200, text: '' });
    expect(performance.now() - start).toBeLessThan(2000);
    expect((await ask('/stats?filter=b.t')).text).toBe('cluster.b.total: 1\n');
    expect((await ask('/stats?filter=(?=a)')).status).toBe(400);
  });
});

describe('a pod\'s own addresses', () => {
  it('are its address and its loopback, but no loopback that several pods share', () => {
    expect([...ownAddresses(['10.1.2.3'], '0.0.0.0')]).toEqual(['10.1.2.3', '127.0.0.1', '::1']);
    expect([...ownAddresses(['127.10.1.5'], '0.0.0.0')]).toEqual(['127.10.1.5']);
  });
});
