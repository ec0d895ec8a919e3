// Active health checks from outside: configuration and servers in, requests and statistics out.
import { createServer } from 'node:http2';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ClusterConfig, EndpointConfig, HealthCheckConfig, HealthCheckerConfig, RuntimeConfig } from '../config/runtime-config.ts';
import type { DataPlane } from './index.ts';
import { cluster, connectionManager, endpoint, endpoints, filterChain, listener, outliers, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.16');
});
afterEach(() => harness.close());

const HTTP: HealthCheckerConfig = { kind: 'http', host: '', path: '/health', method: 'GET', codec: 'http1', expectedStatuses: [{ start: 200, end: 201 }], retriableStatuses: [], headers: [], removeHeaders: [], receive: [], serviceName: null };

function check(checker: HealthCheckerConfig = HTTP, over: Partial<HealthCheckConfig> = {}): HealthCheckConfig {
  const interval = over.intervalMilliseconds ?? 30;
  return {
    timeoutMilliseconds: 500, intervalMilliseconds: interval, initialJitterMilliseconds: 0, intervalJitterMilliseconds: 0, intervalJitterPercent: 0, unhealthyThreshold: 2, healthyThreshold: 2, reuseConnection: true,
    noTrafficIntervalMilliseconds: interval, noTrafficHealthyIntervalMilliseconds: interval, unhealthyIntervalMilliseconds: interval, unhealthyEdgeIntervalMilliseconds: interval, healthyEdgeIntervalMilliseconds: interval,
    alwaysLogFailures: false, alwaysLogSuccesses: false, eventLogPath: '', altPort: 0, alpnProtocols: [], checker, ...over,
  };
}

interface Server { readonly endpoint: EndpointConfig; status: number; headers: Record<string, string>; readonly seen: { method: string; url: string; headers: Record<string, unknown>; port: number }[] }

async function server(name: string): Promise<Server> {
  const state = { status: 200, headers: {} as Record<string, string>, seen: [] as Server['seen'] };
  const port = await harness.httpServer((request, response) => {
    if (request.url === '/') {
      response.end(name);
      return;
    }
    state.seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, port: request.socket.remotePort ?? 0 });
    response.writeHead(state.status, state.headers).end('well: fine');
  });
  return Object.assign(state, { endpoint: endpoint(harness.address, port) });
}

function config(list: readonly EndpointConfig[], healthCheck: HealthCheckConfig, over: Partial<ClusterConfig> = {}): RuntimeConfig {
  const target = { ...cluster('a', [], { discovery: 'eds', endpointsName: 'a', healthChecks: [healthCheck], ...over }), staticEndpoints: null };
  return runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [target], routes: [routeConfig([virtualHost([route(routeAction('a'))])])], endpoints: { a: endpoints(list) } });
}

async function answers(plane: DataPlane, requests = 6): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (let turn = 0; turn < requests; turn += 1) {
    const { status, body } = await harness.ask(harness.portOf(plane, 'in'));
    const key = status === 200 ? body : String(status);
    found[key] = (found[key] ?? 0) + 1;
  }
  return found;
}

const statistic = (plane: DataPlane, name: string): number => {
  const { counters, gauges } = plane.stats.snapshot();
  return [...counters, ...gauges].find((one) => one.name === `cluster.a.${name}`)?.value ?? -1;
};
const until = (test: () => void | Promise<void>): Promise<void> => vi.waitFor(test, { timeout: 5000, interval: 20 });

describe('HTTP health checks', () => {
  it('keep traffic from a host until it is healthy, and bring it back after the threshold', async () => {
    const [good, bad] = [await server('good'), await server('bad')];
    bad.status = 503;
    const plane = await harness.dataPlane(config([good.endpoint, bad.endpoint], check()));
    await until(() => expect(plane.isReady()).toBe(true));
    await until(() => expect(statistic(plane, 'health_check.healthy')).toBe(1));
    expect(await answers(plane)).toEqual({ good: 6 });
    expect([statistic(plane, 'membership_total'), statistic(plane, 'membership_healthy')]).toEqual([2, 1]);
    bad.status = 200;
    await until(async () => expect(await answers(plane, 2)).toEqual({ good: 1, bad: 1 }));
    good.status = 500;
    await until(async () => expect(await answers(plane, 4)).toEqual({ bad: 4 }));
    expect(statistic(plane, 'health_check.attempt')).toBeGreaterThanOrEqual(statistic(plane, 'health_check.success') + statistic(plane, 'health_check.failure'));
    expect(statistic(plane, 'health_check.failure')).toBeGreaterThan(1);
    expect(statistic(plane, 'health_check.network_failure')).toBe(-1);
  });

  it('ask as they are told, over one connection', async () => {
    const one = await server('one');
    one.status = 204;
    one.headers = { 'x-envoy-upstream-healthchecked-cluster': 'shop-v1' };
    const plane = await harness.dataPlane(config([{ ...one.endpoint, healthCheck: { address: null, port: 0, hostname: 'checked.example', disabled: false } }], check({
      ...HTTP, method: 'HEAD', path: '/ready?deep=1', expectedStatuses: [{ start: 202, end: 205 }], headers: [{ name: 'x-check', value: 'yes', append: false }], removeHeaders: ['user-agent'],
      serviceName: { kind: 'prefix', value: 'shop', ignoreCase: false },
    } as HealthCheckerConfig)));
    await until(() => expect(one.seen.length).toBeGreaterThan(2));
    expect(one.seen[0]).toMatchObject({ method: 'HEAD', url: '/ready?deep=1', headers: { host: 'checked.example', 'x-check': 'yes' } });
    expect(one.seen[0]?.headers['user-agent']).toBeUndefined();
    expect(new Set(one.seen.map(({ port }) => port)).size).toBe(1);
    expect(await answers(plane, 2)).toEqual({ one: 2 });
  });

  it('make a new connection each time where they may not reuse one', async () => {
    const one = await server('one');
    await harness.dataPlane(config([one.endpoint], check(HTTP, { reuseConnection: false })));
    await until(() => expect(one.seen.length).toBeGreaterThan(2));
    expect(new Set(one.seen.map(({ port }) => port)).size).toBe(one.seen.length);
  });

  it('look at the body, and go to the port that is meant for checks', async () => {
    const [one, other] = [await server('one'), await server('other')];
    const portOf = ({ endpoint: { address } }: Server): number => (address.kind === 'socket' ? address.port : 0);
    const withBody = (text: string): HealthCheckConfig => check({ ...HTTP, receive: [Buffer.from('well').toString('hex'), Buffer.from(text).toString('hex')] });
    const elsewhere = { ...one.endpoint, healthCheck: { address: null, port: portOf(other), hostname: '', disabled: false } };
    expect(await answers(await ready(await harness.dataPlane(config([elsewhere], withBody('fine')))), 2)).toEqual({ one: 2 });
    expect([one.seen.length, other.seen.length > 0]).toEqual([0, true]);
    expect(await answers(await ready(await harness.dataPlane(config([one.endpoint], withBody('bad')))), 2)).toEqual({ 503: 2 });
    const unchecked = { ...one.endpoint, healthCheck: { address: null, port: 0, hostname: '', disabled: true } };
    expect(await answers(await harness.dataPlane(config([unchecked], withBody('bad'))), 2)).toEqual({ one: 2 });
  });

  it('count retriable statuses and silence towards the threshold', async () => {
    const one = await server('one');
    const plane = await ready(await harness.dataPlane(config([one.endpoint], check({ ...HTTP, retriableStatuses: [{ start: 500, end: 600 }] } as HealthCheckerConfig, { unhealthyThreshold: 4, intervalMilliseconds: 80 }))));
    const before = statistic(plane, 'health_check.failure');
    one.status = 503;
    await until(() => expect(statistic(plane, 'health_check.failure')).toBeGreaterThan(Math.max(0, before)));
    expect(await answers(plane, 1)).toEqual({ one: 1 });
    await until(async () => expect(await answers(plane, 1)).toEqual({ 503: 1 }));
    expect(statistic(plane, 'health_check.failure')).toBeGreaterThanOrEqual(4);
  });

  it('know degraded hosts and those that ask to be left out', async () => {
    const [good, weak] = [await server('good'), await server('weak')];
    weak.headers = { 'x-envoy-degraded': 'true' };
    const plane = await ready(await harness.dataPlane(config([good.endpoint, weak.endpoint], check())));
    await until(() => expect(statistic(plane, 'health_check.degraded')).toBe(1));
    // One of two healthy takes 70 %, the degraded one the rest.
    expect((await answers(plane, 30))['good']).toBeGreaterThan(12);
    expect(statistic(plane, 'membership_degraded')).toBe(1);
    const leaving = endpoint(harness.address, await harness.httpServer((request, response) => response.writeHead(200, request.url === '/' ? { 'x-envoy-immediate-health-check-fail': 'true' } : {}).end('leaving')));
    const second = await ready(await harness.dataPlane(config([leaving], check(HTTP, { intervalMilliseconds: 60_000 }))));
    expect(await answers(second, 3)).toEqual({ leaving: 1, 503: 2 });
    expect([statistic(second, 'membership_excluded'), statistic(second, 'health_check.passive_failure')]).toEqual([1, 1]);
  });

  it('keep a host that discovery leaves out until it fails, unless told otherwise', async () => {
    const [one, two] = [await server('one'), await server('two')];
    const first = config([one.endpoint, two.endpoint], check());
    const without = (over: Partial<ClusterConfig> = {}): RuntimeConfig => ({ ...config([one.endpoint], check(), over), clusters: { a: { ...first.clusters['a'] as ClusterConfig, ...over } }, listeners: first.listeners });
    const plane = await ready(await harness.dataPlane(first));
    plane.apply(without());
    expect(await answers(plane, 4)).toEqual({ one: 2, two: 2 });
    two.status = 500;
    await until(() => expect(statistic(plane, 'membership_total')).toBe(1));
    expect(await answers(plane, 4)).toEqual({ one: 4 });
    const strict = await ready(await harness.dataPlane({ ...first, clusters: { a: { ...first.clusters['a'] as ClusterConfig, ignoreHealthOnHostRemoval: true, digest: 'strict' } } }));
    strict.apply({ ...without({ ignoreHealthOnHostRemoval: true, digest: 'strict' }) });
    expect(statistic(strict, 'membership_total')).not.toBe(2);
  });

  it('bring an ejected host back, and write what changes to a log', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'health-'));
    try {
      let status = 500;
      const port = await harness.httpServer((request, response) => response.writeHead(request.url === '/' ? status : 200).end('x'));
      const log = join(folder, 'events');
      const plane = await ready(await harness.dataPlane(config([endpoint(harness.address, port)], check(HTTP, { eventLogPath: log, intervalMilliseconds: 300 }), { outlierDetection: outliers({ consecutive5xx: 2 }) })));
      expect(await answers(plane, 3)).toEqual({ 500: 2, 503: 1 });
      status = 200;
      await until(async () => expect(await answers(plane, 1)).toEqual({ x: 1 }));
      await until(() => expect(JSON.parse(readFileSync(log, 'utf8').split('\n')[0] ?? '')).toMatchObject({ health_checker_type: 'HTTP', cluster_name: 'a', host: { socket_address: { port_value: port } }, add_healthy_event: { first_check: true } }));
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

async function ready(plane: DataPlane): Promise<DataPlane> {
  await until(() => expect(plane.isReady()).toBe(true));
  return plane;
}

describe('TCP health checks', () => {
  it('are content with a connection, and fail without one', async () => {
    const one = await server('one');
    const plane = await ready(await harness.dataPlane(config([one.endpoint, endpoint(harness.address, 1)], check({ kind: 'tcp', send: '', receive: [] }))));
    expect(await answers(plane, 4)).toEqual({ one: 4 });
    expect(statistic(plane, 'health_check.network_failure')).toBeGreaterThan(0);
  });

  it('wait for the bytes that they want', async () => {
    const ping = await harness.tcpServer((socket) => {
      socket.on('data', (data) => socket.write(data.toString() === 'PING' ? '+PO' : 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
      setTimeout(() => socket.write('NG'), 20);
    });
    const checker = (receive: string): HealthCheckConfig => check({ kind: 'tcp', send: Buffer.from('PING').toString('hex'), receive: [Buffer.from(receive).toString('hex')] }, { timeoutMilliseconds: 150, unhealthyThreshold: 1 });
    expect(await answers(await ready(await harness.dataPlane(config([endpoint(harness.address, ping)], checker('+PONG')))), 1)).not.toEqual({ 503: 1 });
    expect(await answers(await ready(await harness.dataPlane(config([endpoint(harness.address, ping)], checker('NEVER')))), 1)).toEqual({ 503: 1 });
  });
});

describe('gRPC health checks', () => {
  it('ask for a service and want it to be serving', async () => {
    let answer = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);
    let grpcStatus = '0';
    const asked: string[] = [];
    const grpc = createServer();
    grpc.on('stream', (stream, headers) => {
      const body: Buffer[] = [];
      stream.on('data', (data: Buffer) => body.push(data));
      stream.on('end', () => {
        if (headers[':path'] === '/') {
          stream.respond({ ':status': 200 });
          stream.end('served');
          return;
        }
        asked.push(`${headers[':method'] ?? ''} ${headers[':path'] ?? ''} ${headers[':authority'] ?? ''} ${Buffer.concat(body).toString('hex')}`);
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': grpcStatus }));
        stream.end(answer);
      });
    });
    await new Promise<void>((resolve) => grpc.listen(0, harness.address, resolve));
    const address = grpc.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const sessions = new Set<{ destroy(): void }>();
    grpc.on('session', (session) => sessions.add(session));
    try {
      const protocol = { http: 'http2' as const, maximumRequestsPerConnection: 0, idleTimeoutMilliseconds: 3_600_000, maximumConcurrentStreams: 100 };
      const plane = await ready(await harness.dataPlane(config([endpoint(harness.address, port)], check({ kind: 'grpc', serviceName: 'shop', authority: '', headers: [] }), { protocol })));
      expect(await answers(plane, 1)).toEqual({ served: 1 });
      expect(asked[0]).toBe('POST /grpc.health.v1.Health/Check a 00000000060a0473686f70');
      answer = Buffer.from([0, 0, 0, 0, 2, 0x08, 2]);
      await until(async () => expect(await answers(plane, 1)).toEqual({ 503: 1 }));
      answer = Buffer.from([0, 0, 0, 0, 2, 0x08, 1]);
      await until(async () => expect(await answers(plane, 1)).toEqual({ served: 1 }));
      grpcStatus = '12';
      await until(async () => expect(await answers(plane, 1)).toEqual({ 503: 1 }));
    } finally {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => grpc.close(resolve));
    }
    await wait(1);
  });
});
