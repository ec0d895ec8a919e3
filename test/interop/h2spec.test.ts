// The conformance suite of HTTP/2 that others wrote, every case of it and strictly, against our data plane in front of applications of both versions.
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDataPlane, type DataPlane } from '../../src/proxy/listener/index.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../src/proxy/listener/testdata/config-builder.ts';
import { provideGoProgram, runToEnd } from '../../tools/peers/index.ts';

const ADDRESS = '127.81.1.13';
const BODY = 'a body long enough to be cut into frames';

let program = '';
const closing: (() => void)[] = [];
const planes: DataPlane[] = [];

beforeAll(async () => {
  const found = await provideGoProgram('h2spec');
  if (!found.found) throw new Error(found.reason);
  program = found.path;
});
afterAll(() => {
  for (const plane of planes) plane.close();
  for (const close of closing) close();
});

/** The port of an application that answers when it has the whole request. */
async function application(http: 'http1' | 'http2'): Promise<number> {
  const server = http === 'http1' ? createServer((request, response) => void request.resume().on('end', () => response.end(BODY))) : createHttp2Server((request, response) => void request.resume().on('end', () => response.end(BODY)));
  await new Promise<void>((resolve) => server.listen(0, ADDRESS, resolve));
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe.each(['http1', 'http2'] as const)('h2spec before an application of %s', (http) => {
  test('passes every case', async () => {
    const base = cluster('app', [endpoint(ADDRESS, await application(http))]);
    const plane = createDataPlane();
    planes.push(plane);
    plane.apply(runtimeConfig({
      listeners: [listener('in', ADDRESS, [filterChain([connectionManager({ codec: 'http2' })])])], clusters: [{ ...base, protocol: { ...base.protocol, http } }], routes: [routeConfig([virtualHost([route(routeAction('app'))])])],
    }));
    await plane.settled();
    const port = plane.listeners()[0]?.port ?? 0;
    const { status, output } = await runToEnd([program, '-h', ADDRESS, '-p', String(port), '--strict', '--timeout', '5']);
    const failures = /^Failures:[^]*$/m.exec(output)?.[0] ?? '';
    expect({ status, failures }).toEqual({ status: 0, failures: '' });
    expect(output).toMatch(/^146 tests, 146 passed, 0 skipped, 0 failed$/m);
  });
});
