// HTTP/2 clients: with TLS, towards applications that speak HTTP/1.1 alone, and clients that leave: nothing of them stays behind.
import { connect as connectHttp2 } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../config/runtime-config.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { clientTls, MeshIdentities, SERVER_TLS } from './testdata/mesh-identities.ts';
import { CertificateAuthority, KeyPair } from '../../shared/pki/index.ts';
import { Harness, wait } from './testdata/harness.ts';
import type { DataPlane } from './index.ts';

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.10');
});
afterEach(() => harness.close());

async function planeTo(app: number, http: ClusterConfig['protocol']['http'], timeoutMilliseconds = 0): Promise<{ plane: DataPlane; port: number }> {
  const base = cluster('a', [endpoint(harness.address, app)]);
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...base, connectTimeoutMilliseconds: 500, protocol: { ...base.protocol, http } }],
    routes: [routeConfig([virtualHost([route(routeAction('a', { timeoutMilliseconds }))])])],
  }));
  return { plane, port: harness.portOf(plane, 'in') };
}

function ask(port: number, path: string, scheme: 'http' | 'https' = 'http'): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`${scheme}://${harness.address}:${port}`, { rejectUnauthorized: false });
    setTimeout(() => session.destroy(new Error('no answer in time')), 5_000).unref();
    session.on('error', reject);
    const stream = session.request({ ':path': path });
    let status = 0;
    let body = '';
    stream.on('response', (headers) => {
      status = Number(headers[':status']);
    });
    stream.on('data', (data: Buffer) => {
      body += data.toString();
    });
    stream.on('error', reject);
    stream.on('close', () => {
      session.destroy();
      resolve({ status, body });
    });
  });
}

const GAUGES = ['http.test.downstream_rq_active', 'http.test.downstream_cx_active', 'cluster.a.upstream_rq_active'];

async function allGone(plane: DataPlane): Promise<Record<string, number>> {
  const read = (): Record<string, number> => Object.fromEntries(GAUGES.map((name) => [name, plane.stats.gauge(name).value]));
  for (let turn = 0; turn < 60 && Object.values(read()).some((value) => value !== 0); turn += 1) await wait(50);
  return read();
}

const NONE = Object.fromEntries(GAUGES.map((name) => [name, 0]));

describe('an HTTP/2 client of a gateway', () => {
  it('is served through the other proxy in the protocol that the cluster speaks', async () => {
    const identities = await MeshIdentities.create({ CertificateAuthority, KeyPair });
    const app = await harness.httpServer((request, response) => response.end(request.httpVersion));
    const routes = [routeConfig([virtualHost([route(routeAction('a'))])])];
    const sidecar = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager()], { tls: { ...SERVER_TLS, alpnProtocols: ['istio-h2', 'h2', 'istio-http/1.1', 'http/1.1'] } })])], clusters: [cluster('a', [endpoint(harness.address, app)])], routes,
    }), { secrets: await identities.secretsOf('server') });
    const alpn = { name: 'alpn', kind: 'istio_alpn' as const, http10: ['istio-http/1.0', 'istio'], http11: ['istio-http/1.1', 'istio'], http2: ['istio-h2', 'istio'] };
    const gateway = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([connectionManager({ filters: [alpn] })])])], clusters: [cluster('a', [endpoint(harness.address, harness.portOf(sidecar, 'in'))], { defaultTls: clientTls('server') })], routes,
    }), { secrets: await identities.secretsOf('client') });
    expect(await ask(harness.portOf(gateway, 'in'), '/')).toEqual({ status: 200, body: '1.1' });
  });

  it.each(['tls_inspector', undefined] as const)('is served over TLS (listener filter %s)', async (filter) => {
    const identities = await MeshIdentities.create({ CertificateAuthority, KeyPair });
    const app = await harness.httpServer((request, response) => response.end(request.url));
    const chain = filterChain([connectionManager()], { tls: { ...SERVER_TLS, validation: null, requireClientCertificate: false, alpnProtocols: ['h2', 'http/1.1'] } });
    const gateway = await harness.dataPlane(runtimeConfig({
      listeners: [{ ...listener('in', harness.address, [chain]), listenerFilters: filter ? [filter] : [] }], clusters: [cluster('a', [endpoint(harness.address, app)])],
      routes: [routeConfig([virtualHost([route(routeAction('a'))])])],
    }), { secrets: await identities.secretsOf('server') });
    expect(await ask(harness.portOf(gateway, 'in'), '/path', 'https')).toEqual({ status: 200, body: '/path' });
  });
});

describe('an HTTP/2 client', () => {
  it.each(['http1', 'downstream'] as const)('of an HTTP/1.1 application is served, when the cluster says %s', async (http) => {
    const app = await harness.httpServer((request, response) => response.end(`${request.httpVersion} ${request.url}`));
    const { plane, port } = await planeTo(app, http);
    for (const path of ['/1', '/2', '/3']) expect(await ask(port, path)).toEqual({ status: 200, body: `1.1 ${path}` });
    expect(await allGone(plane)).toEqual(NONE);
  });

  it('of a service that never begins to speak HTTP/2 gets an answer in time', async () => {
    const app = await harness.tcpServer(() => undefined);
    const { plane, port } = await planeTo(app, 'http2');
    expect(await ask(port, '/')).toMatchObject({ status: 503 });
    expect(await allGone(plane)).toEqual(NONE);
  });

  it.each([['http1', false], ['http1', true], ['downstream', false], ['http2', true]] as const)('that leaves takes its streams with it (%s, politely: %s)', async (http, politely) => {
    const app = http === 'http2' ? await harness.tcpServer((socket) => void socket.write(Buffer.from('000000040000000000', 'hex'))) : await harness.httpServer(() => undefined);
    const { plane, port } = await planeTo(app, http);
    const session = connectHttp2(`http://${harness.address}:${port}`);
    session.on('error', () => undefined);
    const streams = [0, 1, 2].map(() => session.request({ ':path': '/', ':method': 'POST' }).on('error', () => undefined));
    for (const stream of streams) stream.write('x');
    for (let turn = 0; turn < 40 && plane.stats.gauge(GAUGES[2] ?? '').value < 3; turn += 1) await wait(25);
    expect(plane.stats.gauge(GAUGES[0] ?? '').value).toBe(3);
    if (politely) session.destroy();
    else session.socket.destroy();
    expect(await allGone(plane)).toEqual(NONE);
  });
});
