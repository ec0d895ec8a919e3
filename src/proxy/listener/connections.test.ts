// Connections through the data plane: TLS both ways, permissive detection, rotation, TCP, internal listeners, updates and draining.
import { connect } from 'node:net';
import { Agent, createServer as createHttpsServer, request as httpsRequest } from 'node:https';
import { connect as http2Connect, createServer as createHttp2Server } from 'node:http2';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority, KeyPair } from '../../shared/pki/index.ts';
import type { UpstreamTlsConfig } from '../config/runtime-config.ts';
import type { SecretProvider } from '../net/secret-provider.ts';
import type { StreamInfo } from '../stream/stream-info.ts';
import { cluster, connectionManager, endpoint, endpoints, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';
import { clientTls, MeshIdentities, SERVER_TLS } from './testdata/mesh-identities.ts';

let identities: MeshIdentities;
beforeAll(async () => {
  identities = await MeshIdentities.create({ CertificateAuthority, KeyPair });
});

let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.2');
});
afterEach(() => harness.close());

const routes = [routeConfig([virtualHost([route(routeAction('a'))])])];

async function server(appPort: number, secrets: SecretProvider, observed: StreamInfo[] = []) {
  const chain = filterChain([connectionManager()], { name: 'tls', tls: SERVER_TLS, when: { transportProtocol: 'tls' } });
  const plain = filterChain([connectionManager()], { name: 'plain' });
  return harness.dataPlane(runtimeConfig({
    listeners: [listener('strict', harness.address, [chain], { listenerFilters: ['tls_inspector'] }), listener('permissive', harness.address, [chain, plain], { listenerFilters: ['tls_inspector', 'http_inspector'] })],
    clusters: [cluster('a', [endpoint(harness.address, appPort)])], routes,
  }), { secrets, observers: () => [{ onStreamEnd: (info) => observed.push(info) }] });
}

async function client(serverPort: number, secrets: SecretProvider, tls: UpstreamTlsConfig, protocol: 'http1' | 'http2' = 'http1') {
  const target = cluster('a', [endpoint(harness.address, serverPort)], { defaultTls: tls });
  return harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...target, protocol: { ...target.protocol, http: protocol } }], routes }), { secrets });
}

describe('TLS', () => {
  it('carries requests over mutual TLS, tells both identities, and refuses strangers', async () => {
    const app = await harness.httpServer((request, response) => response.end(String(request.headers['x-forwarded-client-cert'])));
    const observed: StreamInfo[] = [];
    const behind = await server(app, await identities.secretsOf('server'), observed);
    const strict = harness.portOf(behind, 'strict');
    const good = await client(strict, await identities.secretsOf('client'), clientTls('server'));
    const answer = await harness.ask(harness.portOf(good, 'in'));
    expect(answer.status).toBe(200);
    expect(answer.body).toMatch(/^By=spiffe:\/\/cluster\.local\/ns\/test\/sa\/server;Hash=[0-9a-f]{64};Subject=".*";URI=spiffe:\/\/cluster\.local\/ns\/test\/sa\/client$/);
    expect(observed[0]?.connection.tls).toMatchObject({ peerVerified: true, peerUri: 'spiffe://cluster.local/ns/test/sa/client', sni: 'outbound_.80_._.a.test.svc' });
    const wrongName = await client(strict, await identities.secretsOf('client'), clientTls('somebody-else'));
    const refused = await harness.ask(harness.portOf(wrongName, 'in'));
    expect(refused.status).toBe(503);
    expect(refused.body).toContain('subject_alt_name_mismatch');
    const fake = await client(strict, await identities.secretsOf('client', identities.stranger), clientTls('server'));
    expect((await harness.ask(harness.portOf(fake, 'in'))).status).toBe(503);
    expect((await harness.raw(strict, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text).toBe('');
  });

  it('lets strangers in where untrusted certificates are accepted, and believes nothing of theirs', async () => {
    const app = await harness.httpServer((request, response) => response.end(String(request.headers['x-forwarded-client-cert'])));
    const observed: StreamInfo[] = [];
    const chain = filterChain([connectionManager()], { tls: { ...SERVER_TLS, requireClientCertificate: false, validation: { ...SERVER_TLS.validation, secretName: 'ROOTCA', trustedCaPem: null, subjectAltNames: [], acceptUntrusted: true } } });
    const behind = await harness.dataPlane(runtimeConfig({ listeners: [listener('open', harness.address, [chain], { listenerFilters: ['tls_inspector'] })], clusters: [cluster('a', [endpoint(harness.address, app)])], routes }), {
      secrets: await identities.secretsOf('server'), observers: () => [{ onStreamEnd: (info) => observed.push(info) }],
    });
    for (const authority of [identities.stranger, identities.authority]) {
      const asker = await client(harness.portOf(behind, 'open'), await identities.secretsOf('client', authority), { ...clientTls('server'), validation: null });
      expect((await harness.ask(harness.portOf(asker, 'in'))).status).toBe(200);
    }
    expect(observed.map(({ connection }) => connection.tls?.peerVerified)).toEqual([false, true]);
  });

  it('refuses peers of two identities, on both sides', async () => {
    const app = await harness.httpServer((_request, response) => response.end('ok'));
    const two = await identities.secretsOf('server');
    two.set('default', await identities.certificate('server', identities.authority, ['spiffe://cluster.local/ns/test/sa/admin']));
    const behind = await server(app, await identities.secretsOf('server'));
    const asClient = await client(harness.portOf(behind, 'strict'), two, clientTls('server'));
    expect((await harness.ask(harness.portOf(asClient, 'in'))).status).toBe(503);
    const asServer = await server(app, two);
    const asker = await client(harness.portOf(asServer, 'strict'), await identities.secretsOf('client'), clientTls('server'));
    expect(await harness.ask(harness.portOf(asker, 'in'))).toMatchObject({ status: 503, body: expect.stringContaining('more_than_one_uri') as string });
  });

  it('takes plain and TLS connections on one port when permissive', async () => {
    const app = await harness.httpServer((_request, response) => response.end('app'));
    const behind = await server(app, await identities.secretsOf('server'));
    const port = harness.portOf(behind, 'permissive');
    expect((await harness.ask(port)).body).toBe('app');
    const good = await client(port, await identities.secretsOf('client'), clientTls('server'));
    expect((await harness.ask(harness.portOf(good, 'in'))).body).toBe('app');
  });

  it('rotates certificates: kept connections go on, new ones show the new certificate', async () => {
    const app = await harness.httpServer((_request, response) => response.end('app'));
    const secrets = await identities.secretsOf('server');
    const behind = await server(app, secrets);
    const own = await identities.certificate('client');
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: identities.authority.rootPem, cert: own.certificateChainPem, key: own.privateKeyPem, checkServerIdentity: () => undefined });
    const ask = (using: Agent): Promise<string> => new Promise((resolve, reject) => {
      httpsRequest({ host: harness.address, port: harness.portOf(behind, 'strict'), agent: using }, (response) => {
        const name = (response.socket as unknown as { getPeerCertificate(): { subjectaltname: string } }).getPeerCertificate().subjectaltname;
        response.resume().on('end', () => resolve(name));
      }).on('error', reject).end();
    });
    expect(await ask(agent)).toContain('sa/server');
    secrets.set('default', await identities.certificate('rotated'));
    expect(await ask(agent)).toContain('sa/server');
    const fresh = new Agent({ ca: identities.authority.rootPem, cert: own.certificateChainPem, key: own.privateKeyPem, checkServerIdentity: () => undefined });
    expect(await ask(fresh)).toContain('sa/rotated');
    agent.destroy();
  });

  it('verifies a plain TLS upstream by its roots', async () => {
    const own = await identities.certificate('server');
    const upstream = createHttpsServer({ cert: own.certificateChainPem, key: own.privateKeyPem }, (_request, response) => response.end('tls'));
    await new Promise<void>((resolve) => upstream.listen(0, harness.address, resolve));
    const { port } = upstream.address() as { port: number };
    const good = await client(port, await identities.secretsOf('client'), clientTls('server'));
    expect((await harness.ask(harness.portOf(good, 'in'))).body).toBe('tls');
    upstream.close();
    upstream.closeAllConnections();
  });
});

describe('HTTP/2', () => {
  it('goes in and out as HTTP/2 with trailers, and between the versions', async () => {
    const app = createHttp2Server();
    app.on('stream', (stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'x-path': String(headers[':path']) }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'grpc-message': 'fine' }));
      stream.pipe(stream);
    });
    await new Promise<void>((resolve) => app.listen(0, harness.address, resolve));
    const { port } = app.address() as { port: number };
    const target = cluster('a', [endpoint(harness.address, port)]);
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...target, protocol: { ...target.protocol, http: 'http2' } }], routes }));
    const session = http2Connect(`http://${harness.address}:${harness.portOf(plane, 'in')}`);
    const stream = session.request({ ':method': 'POST', ':path': '/svc/method', 'content-type': 'application/grpc', te: 'trailers' });
    const got = await new Promise<{ body: string; trailers: Record<string, unknown>; path: unknown }>((resolve, reject) => {
      let body = '';
      let trailers = {};
      let path: unknown;
      stream.on('response', (headers) => {
        path = headers['x-path'];
      });
      stream.on('data', (data: Buffer) => {
        body += data.toString();
      });
      stream.on('trailers', (headers) => {
        trailers = { ...headers };
      });
      stream.on('end', () => resolve({ body, trailers, path }));
      stream.on('error', reject);
      stream.end('echo');
    });
    expect(got.body).toBe('echo');
    expect(got.path).toBe('/svc/method');
    expect(got.trailers).toMatchObject({ 'grpc-status': '0', 'grpc-message': 'fine' });
    session.close();
    expect(await harness.ask(harness.portOf(plane, 'in'), '/one', { method: 'POST', body: 'from http1' })).toMatchObject({ status: 200, body: 'from http1' });
    await harness.close();
    app.close();
  });
});

describe('TCP', () => {
  it('forwards bytes both ways with half-close', async () => {
    const port = await harness.tcpServer((socket) => {
      let text = '';
      socket.on('data', (data) => {
        text += data.toString();
      });
      socket.on('end', () => socket.end(`got ${text}`));
    });
    const tcp = filterChain([{ kind: 'tcp_proxy', statPrefix: 't', clusters: [{ name: 'a', weight: 1 }], totalWeight: 1, idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, accessLogs: [], hashSourceIp: false }]);
    const observed: StreamInfo[] = [];
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [tcp])], clusters: [cluster('a', [endpoint(harness.address, port)])] }), { observers: () => [{ onStreamEnd: (info) => observed.push(info) }] });
    const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in') });
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.write('one ');
    await wait(30);
    socket.end('two');
    await new Promise((resolve) => socket.on('close', resolve));
    expect(text).toBe('got one two');
    await wait(20);
    expect(observed[0]).toMatchObject({ protocol: 'TCP', bytesReceived: 7, bytesSent: 11, upstreamCluster: 'a' });
  });

  it('tells that a connection is open, and ends it in time when its chain is taken away', async () => {
    const app = await harness.tcpServer((socket) => socket.on('data', (data) => socket.write(data)));
    const started: string[] = [];
    const make = (statPrefix: string) => runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([{ kind: 'tcp_proxy', statPrefix, clusters: [{ name: 'a', weight: 1 }], totalWeight: 1, accessLogs: [], idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, hashSourceIp: false }])])],
      clusters: [cluster('a', [endpoint(harness.address, app)])],
    });
    const plane = await harness.dataPlane(make('one'), { drainMilliseconds: 200, observers: () => [{ onConnectionStart: (info) => started.push(info.upstreamHost), onStreamEnd: () => undefined }] });
    const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in') });
    socket.write('hello');
    await new Promise((resolve) => socket.once('data', resolve));
    expect(started).toEqual([`${harness.address}:${app}`]);
    const closed = new Promise<string>((resolve) => socket.once('close', () => resolve('closed')));
    socket.on('error', () => undefined);
    plane.apply(make('two'));
    expect(await Promise.race([closed, wait(50)])).toBeUndefined();
    expect(await Promise.race([closed, wait(2000)])).toBe('closed');
  });

  it('re-enters through an internal listener', async () => {
    const app = await harness.httpServer((_request, response) => response.end('inner'));
    const inner = listener('inner', '', [filterChain([connectionManager({ routes: { kind: 'inline', config: routeConfig([virtualHost([route(routeAction('app'))])]) } })])], { address: { kind: 'internal', listener: 'inner' } });
    const reenter = cluster('a', [{ ...endpoint('', 0), address: { kind: 'internal', listener: 'inner' } }]);
    const tunnel = route(routeAction('a', { upgrades: [{ type: 'CONNECT', enabled: true, terminateConnect: true }] }));
    const connectRoute = { ...tunnel, match: { ...tunnel.match, path: { kind: 'connect' as const } } };
    const outer = [routeConfig([virtualHost([connectRoute, route(routeAction('a'))])])];
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])]), inner], clusters: [reenter, cluster('app', [endpoint(harness.address, app)])], routes: outer }));
    const port = harness.portOf(plane, 'in');
    expect((await harness.ask(port)).body).toBe('inner');
    const { text } = await harness.raw(port, 'CONNECT app:80 HTTP/1.1\r\nHost: app:80\r\n\r\nGET / HTTP/1.1\r\nHost: app\r\nConnection: close\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nHTTP\/1\.1 200 OK[^]*inner$/);
  });
});

describe('changes under load', () => {
  it('loses no request while endpoints, routes and listeners change, or while it drains', async () => {
    const apps = await Promise.all(['one', 'two'].map((name) => harness.httpServer((_request, response) => {
      setTimeout(() => response.end(name), 5);
    })));
    const base = listener('in', harness.address, [filterChain([connectionManager()])]);
    const target = { ...cluster('a', []), discovery: 'eds' as const, endpointsName: 'a', staticEndpoints: null };
    const make = (which: number) => runtimeConfig({
      listeners: [{ ...base, digest: `listener ${Math.random()}` }], clusters: [{ ...target, digest: `cluster ${which}` }], routes: [routeConfig([virtualHost([route(routeAction('a'))])])],
      endpoints: { a: endpoints([endpoint(harness.address, apps[which] ?? 0)]) },
    });
    const plane = await harness.dataPlane(make(0));
    const port = harness.portOf(plane, 'in');
    let stop = false;
    let asked = 0;
    const failures: unknown[] = [];
    const load = Array.from({ length: 8 }, async () => {
      while (!stop) {
        asked += 1;
        const answer = await harness.ask(port).catch((error: unknown) => ({ status: 0, body: String(error) }));
        if (answer.status !== 200) failures.push(answer);
      }
    });
    for (let turn = 1; turn < 20; turn += 1) {
      await wait(25);
      expect(plane.apply(make(turn % 2)).rejected).toEqual([]);
    }
    const draining = plane.drain({ timeoutMilliseconds: 200 });
    await wait(50);
    stop = true;
    await Promise.all(load);
    await draining;
    expect(failures).toEqual([]);
    expect(asked).toBeGreaterThan(100);
  });

  it('keeps the last good listener and says what was wrong with the new one', async () => {
    const app = await harness.httpServer((_request, response) => response.end('ok'));
    const base = listener('in', harness.address, [filterChain([connectionManager()])]);
    const clusters = [cluster('a', [endpoint(harness.address, app)])];
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [base], clusters, routes }));
    const bad = { ...base, digest: 'bad', filterChains: [filterChain([connectionManager()], { when: { destinationRanges: ['not-an-address'] } })] };
    const { rejected } = plane.apply(runtimeConfig({ listeners: [bad], clusters, routes: [routeConfig([virtualHost([{ ...route(routeAction('a')), match: { path: { kind: 'regex', regex: '(' }, headers: [], queryParameters: [], grpcOnly: false, runtimeFractionPerMillion: null } }])])] }));
    expect(rejected.map(({ kind, name }) => `${kind} ${name}`)).toEqual(['route routes', 'listener in']);
    expect((await harness.ask(harness.portOf(plane, 'in'))).body).toBe('ok');
  });

  it('reports a port that is taken, and goes on', async () => {
    const taken = await harness.tcpServer((socket) => socket.destroy());
    const errors: string[] = [];
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])], { port: taken })], clusters: [], routes }), { onBindError: ({ name, error }) => errors.push(`${name}: ${error}`) });
    expect(errors[0]).toMatch(/^in: cannot listen on .*EADDRINUSE/);
    expect(plane.isReady()).toBe(false);
  });
});
