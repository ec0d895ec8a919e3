// Servers that speak first, through listeners that look at first bytes: the client says nothing until it has heard the server, so the listener may not wait for it for ever.
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { TcpProxyConfig } from '../config/filter-config.ts';
import type { ListenerConfig } from '../config/runtime-config.ts';
import { SERVER_TLS } from './testdata/mesh-identities.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness } from './testdata/harness.ts';

const harness = new Harness('127.77.32.1');
afterAll(() => harness.close());

const tcp: TcpProxyConfig = { kind: 'tcp_proxy', statPrefix: 't', clusters: [{ name: 'db', weight: 1 }], totalWeight: 1, idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, hashSourceIp: false, accessLogs: [] };
const http = connectionManager({ routes: { kind: 'inline', config: routeConfig([virtualHost([route(routeAction('db'))])]) } });

/** An inbound port in PERMISSIVE mode, detected: mesh TLS, plain HTTP, and whatever else as bytes. */
async function permissive(over: Partial<ListenerConfig>): Promise<number> {
  const database = await harness.tcpServer((socket) => {
    socket.write('greetings\n');
    socket.on('data', (data) => socket.write(data));
  });
  const chains = [
    filterChain([tcp], { name: 'mesh', tls: SERVER_TLS, when: { transportProtocol: 'tls', applicationProtocols: ['istio'] } }), filterChain([http], { name: 'http', when: { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.1'] } }),
    filterChain([tcp], { name: 'bytes', when: { transportProtocol: 'raw_buffer' } }),
  ];
  const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, chains, { direction: 'inbound', listenerFilters: ['tls_inspector', 'http_inspector'], listenerFiltersTimeoutMilliseconds: 300, ...over })], clusters: [cluster('db', [endpoint(harness.address, database)])] }));
  return harness.portOf(plane, 'in');
}

/** What a silent client hears within a time, and when. */
async function listen(port: number, milliseconds: number, say = ''): Promise<{ heard: string; after: number; closed: boolean }> {
  const start = performance.now();
  const outcome = { heard: '', after: -1, closed: false };
  const socket = connect({ host: harness.address, port });
  socket.on('data', (data) => {
    if (outcome.after < 0) outcome.after = performance.now() - start;
    outcome.heard += data.toString();
    if (say !== '' && outcome.heard === 'greetings\n') socket.write(say);
  });
  socket.on('close', () => {
    outcome.closed = true;
  });
  socket.on('error', () => undefined);
  await wait(milliseconds);
  socket.destroy();
  return outcome;
}

describe('a server that speaks first', () => {
  it('is heard when the listener has waited long enough for the client, which then goes on', async () => {
    const { heard, after } = await listen(await permissive({}), 1500, 'and now you\n');
    expect(heard).toBe('greetings\nand now you\n');
    expect(after).toBeGreaterThan(250);
  });

  it('is heard at once on a port where nobody looks at first bytes', async () => {
    const everywhere = { kind: 'or', rules: [{ kind: 'range', start: 1, end: 65_536 }] } as const;
    const { heard, after } = await listen(await permissive({ listenerFiltersTimeoutMilliseconds: 60_000, disabledInspectors: { tls_inspector: everywhere, http_inspector: everywhere } }), 700);
    expect(heard).toBe('greetings\n');
    expect(after).toBeLessThan(600);
  });

  it('is not heard where a listener must know who is there', async () => {
    const { heard, closed } = await listen(await permissive({ continueOnListenerFiltersTimeout: false }), 900);
    expect([heard, closed]).toEqual(['', true]);
  });
});

describe('a listener with several addresses', () => {
  it('serves all of them, and none when one cannot be had', async () => {
    const app = await harness.httpServer((_request, response) => response.end('ok'));
    const free = await harness.tcpServer(() => undefined);
    const make = (port: number): Parameters<typeof runtimeConfig>[0] => ({
      listeners: [listener('in', harness.address, [filterChain([http])], { port, additionalAddresses: [{ kind: 'socket', address: '127.77.32.2', port }] })], clusters: [cluster('db', [endpoint(harness.address, app)])],
    });
    const plane = await harness.dataPlane(runtimeConfig(make(free + 1 > 65_535 ? 20_000 : free + 1)));
    expect(plane.isReady()).toBe(true);
    for (const host of [harness.address, '127.77.32.2']) expect(await (await fetch(`http://${host}:${harness.portOf(plane, 'in')}/`)).text()).toBe('ok');
    const refused: string[] = [];
    const other = await harness.dataPlane(runtimeConfig(make(free)), { onBindError: ({ name }) => refused.push(name) });
    expect([other.isReady(), refused]).toEqual([false, ['in']]);
    await expect(fetch(`http://127.77.32.2:${free}/`)).rejects.toThrow();
  });
});
