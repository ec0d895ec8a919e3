// The small server, and the client for neighbours, from outside.
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { CertificateAuthority, parseCertificateDer } from '../pki/index.ts';
import type { TLSSocket } from 'node:tls';
import { healthRoute, HttpError, HttpServer, metricsRoute, requestText, type HttpRoute, type HttpServerOptions } from './index.ts';
import { MetricsRegistry } from '../observability/index.ts';

async function serve(routes: readonly HttpRoute[], options: Partial<HttpServerOptions> = {}): Promise<{ server: HttpServer; url: string }> {
  const server = new HttpServer({ name: 'test-http', host: '127.0.0.1', port: 0, routes, ...options });
  await server.start();
  onTestFinished(() => server.stop());
  return { server, url: `http://127.0.0.1:${server.port}` };
}

test('HttpServer answers by its table: exact before prefix, 404, 405, HEAD', async () => {
  const { url } = await serve([
    { path: '/debug/*', handler: ({ rest }) => ({ body: { rest } }) },
    { method: 'GET', path: '/debug/exact', handler: () => ({ body: 'exact' }) },
    { method: 'POST', path: '/echo', handler: (incoming) => ({ status: 201, body: { got: incoming.json() } }) },
  ]);
  expect(await (await fetch(`${url}/debug/exact`)).text()).toBe('exact');
  expect(await (await fetch(`${url}/debug/a/b?x=1`)).json()).toEqual({ rest: 'a/b' });
  expect(await (await fetch(`${url}/echo`, { method: 'POST', body: '{"a":1}' })).json()).toEqual({ got: { a: 1 } });
  expect((await fetch(`${url}/echo`, { method: 'POST', body: '{' })).status).toBe(400);
  expect((await fetch(`${url}/none`)).status).toBe(404);
  const refused = await fetch(`${url}/echo`);
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'POST']);
  const head = await fetch(`${url}/debug/exact`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
});

test('HttpServer refuses bodies over the limit, with and without a declared length', async () => {
  const { url } = await serve([{ path: '/', handler: () => ({ body: 'taken' }) }], { bodyLimitBytes: 10 });
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(11) })).status).toBe(413);
  const streamed = new ReadableStream({ start: (controller) => { controller.enqueue(Buffer.from('x'.repeat(11))); controller.close(); } });
  expect((await fetch(url, { method: 'POST', body: streamed, duplex: 'half' } as RequestInit)).status).toBe(413);
  expect((await fetch(url, { method: 'POST', body: 'x'.repeat(10) })).status).toBe(200);
});

test('HttpServer hides the text of unexpected failures and gives that of HttpError', async () => {
  const { url } = await serve([
    { path: '/secret', handler: () => { throw new Error('password=1'); } },
    { path: '/known', handler: () => { throw new HttpError(409, 'busy'); } },
  ]);
  const [secret, known] = [await fetch(`${url}/secret`), await fetch(`${url}/known`)];
  expect([secret.status, await secret.text()]).toEqual([500, 'internal error\n']);
  expect([known.status, await known.text()]).toEqual([409, 'busy\n']);
});

test('HttpServer stops after the request under way and not before', async () => {
  const { server, url } = await serve([{ path: '/slow', handler: async () => { await sleep(200); return { body: 'done' }; } }]);
  const idle = connect(server.port, '127.0.0.1');
  await once(idle, 'connect');
  const answer = fetch(`${url}/slow`);
  await sleep(50);
  await server.stop();
  expect(await (await answer).text()).toBe('done');
  idle.destroy();
  await expect(fetch(url)).rejects.toThrow();
});

test('HttpServer serves a renewed certificate', async () => {
  const authority = await CertificateAuthority.createSelfSigned();
  const identity = (name: string) => authority.issueWithNewKey({ dnsNames: ['webhook.example', name], lifetimeMilliseconds: 3_600_000 });
  const { server } = await serve([healthRoute('/healthz')], { identity: await identity('one.example') });
  const names = async (): Promise<readonly string[]> => {
    const outgoing = request({ host: '127.0.0.1', port: server.port, path: '/healthz', servername: 'webhook.example', ca: authority.rootPem, agent: new Agent({ keepAlive: false, maxCachedSessions: 0 }) });
    outgoing.end();
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    response.resume();
    return parseCertificateDer((response.socket as TLSSocket).getPeerCertificate().raw).dnsNames;
  };
  expect(await names()).toContain('one.example');
  server.setIdentity(await identity('two.example'));
  expect(await names()).toContain('two.example');
});

test('metricsRoute and healthRoute say how the program is', async () => {
  const registry = new MetricsRegistry();
  registry.counter('test_events_total', 'Events.', ['kind']).add({ kind: 'a' }, 2);
  let problem: string | undefined = 'not synced';
  const { url } = await serve([metricsRoute(registry), healthRoute('/readyz', () => problem)]);
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('test_events_total{kind="a"} 2');
  expect((await fetch(`${url}/readyz`)).status).toBe(503);
  problem = undefined;
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test('requestText gives a body, and refuses what is not 200, too long or too slow', async () => {
  const server = createServer((request, response) => {
    if (request.url === '/slow') return;
    response.statusCode = request.url === '/absent' ? 404 : 200;
    response.end(`${request.method} ${request.headers['accept'] ?? ''}`);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  onTestFinished(() => { server.closeAllConnections(); server.close(); });
  const to = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, timeoutMilliseconds: 300, limitBytes: 64 };
  await expect(requestText({ ...to, path: '/', method: 'POST', headers: { accept: 'text/plain' } })).resolves.toBe('POST text/plain');
  await expect(requestText({ ...to, path: '/absent' })).rejects.toThrow('status 404');
  await expect(requestText({ ...to, path: '/', limitBytes: 3 })).rejects.toThrow('longer than 3 bytes');
  await expect(requestText({ ...to, path: '/slow' })).rejects.toThrow('no answer in time');
});
