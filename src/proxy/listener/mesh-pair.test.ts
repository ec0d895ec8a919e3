// Two proxies with an application behind them: what they tell each other and the application of workloads, traces and trailers.
import { constants, createServer as createHttp2Server, connect as http2Connect } from 'node:http2';
import { connect } from 'node:net';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CertificateAuthority, KeyPair } from '../../shared/pki/index.ts';
import type { HttpFilterConfig, TracingConfig } from '../config/filter-config.ts';
import { UNKNOWN_PEER } from '../stream/peer-metadata-codec.ts';
import type { PeerMetadata, StreamInfo } from '../stream/stream-info.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';
import { clientTls, MeshIdentities, SERVER_TLS } from './testdata/mesh-identities.ts';

let identities: MeshIdentities;
beforeAll(async () => {
  identities = await MeshIdentities.create({ CertificateAuthority, KeyPair });
});
let harness: Harness;
beforeEach(() => {
  harness = new Harness('127.81.1.5');
});
afterEach(() => harness.close());

const workload = (name: string): PeerMetadata => ({ ...UNKNOWN_PEER, name: `${name}-pod`, namespace: 'test', workloadName: name, canonicalName: name, canonicalRevision: 'v1', clusterId: 'east' });
const routes = [routeConfig([virtualHost([route(routeAction('a'))])])];

interface Pair { readonly port: number; readonly client: StreamInfo[]; readonly server: StreamInfo[] }

async function pair(app: number, tracing: TracingConfig | null, filters: readonly [readonly HttpFilterConfig[], readonly HttpFilterConfig[]] = [[], []]): Promise<Pair> {
  const client: StreamInfo[] = [];
  const server: StreamInfo[] = [];
  const inner = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager({ tracing, filters: filters[1] })])], { direction: 'inbound' })], clusters: [cluster('a', [endpoint(harness.address, app)])], routes }),
    { localWorkload: workload('reviews'), localNodeId: 'sidecar~reviews', observers: () => [{ onStreamEnd: (info) => server.push(info) }] });
  const outer = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager({ tracing, filters: filters[0] })])])], clusters: [cluster('a', [endpoint(harness.address, harness.portOf(inner, 'in'))])], routes }),
    { localWorkload: workload('productpage'), localNodeId: 'sidecar~productpage', observers: () => [{ onStreamEnd: (info) => client.push(info) }] });
  return { port: harness.portOf(outer, 'in'), client, server };
}

function echoHeaders(): Promise<number> {
  return harness.httpServer((request, response) => response.end(JSON.stringify(request.headers)));
}

describe('peer metadata', () => {
  it('is known on both sides over HTTP, and leaks to neither the client nor the application', async () => {
    const metadata = { name: 'metadata', kind: 'peer_metadata' } as const;
    const { port, client, server } = await pair(await echoHeaders(), null, [
      [{ ...metadata, discoverDownstream: false, discoverUpstream: true, propagateUpstream: true, propagateDownstream: false }], [{ ...metadata, discoverDownstream: true, discoverUpstream: false, propagateUpstream: false, propagateDownstream: true }],
    ]);
    const answer = await harness.ask(port, '/', { headers: { 'x-envoy-peer-metadata': 'Zm9yZ2Vk', 'x-envoy-peer-metadata-id': 'forged' } });
    expect(server[0]?.downstreamPeer).toMatchObject({ workloadName: 'productpage', namespace: 'test', canonicalRevision: 'v1', clusterId: 'east' });
    expect(client[0]?.upstreamPeer).toMatchObject({ workloadName: 'reviews', canonicalName: 'reviews' });
    expect(answer.headers['x-envoy-peer-metadata']).toBeUndefined();
    expect(answer.body).not.toContain('x-envoy-peer-metadata');
  });

  it.each([{ serverAlpn: ['istio-peer-exchange', 'istio'], known: true }, { serverAlpn: ['istio'], known: false }])('is exchanged over TCP when both sides can ($known)', async ({ serverAlpn, known }) => {
    const app = await harness.tcpServer((socket) => {
      socket.write('hello ');
      socket.on('data', (data) => socket.write(`echo ${data.toString()}`));
      socket.on('end', () => socket.end());
    });
    const client: StreamInfo[] = [];
    const server: StreamInfo[] = [];
    const tcp = { kind: 'tcp_proxy', statPrefix: 't', clusters: [{ name: 'a', weight: 1 }], totalWeight: 1, idleTimeoutMilliseconds: 0, maximumConnectAttempts: 1, accessLogs: [], hashSourceIp: false } as const;
    const inner = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([{ kind: 'metadata_exchange', alpnProtocol: 'istio-peer-exchange' }, tcp], { tls: { ...SERVER_TLS, alpnProtocols: serverAlpn } })])], clusters: [cluster('a', [endpoint(harness.address, app)])],
    }), { secrets: await identities.secretsOf('server'), localWorkload: workload('tcp-echo'), observers: () => [{ onStreamEnd: (info) => server.push(info) }] });
    const outer = await harness.dataPlane(runtimeConfig({
      listeners: [listener('in', harness.address, [filterChain([tcp])])], clusters: [cluster('a', [endpoint(harness.address, harness.portOf(inner, 'in'))], { defaultTls: clientTls('server', { alpnProtocols: ['istio-peer-exchange', 'istio'] }) })],
    }), { secrets: await identities.secretsOf('client'), localWorkload: workload('sleep'), observers: () => [{ onStreamEnd: (info) => client.push(info) }] });
    const socket = connect({ host: harness.address, port: harness.portOf(outer, 'in') });
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
    });
    socket.write('first');
    for (let turn = 0; turn < 50 && !text.includes('first'); turn += 1) await wait(10);
    socket.end();
    for (let turn = 0; turn < 50 && (client.length === 0 || server.length === 0); turn += 1) await wait(10);
    expect(text).toBe('hello echo first');
    expect(client[0]?.upstreamPeer?.workloadName).toBe(known ? 'tcp-echo' : undefined);
    expect(server[0]?.connection.peer?.workloadName).toBe(known ? 'sleep' : undefined);
    // Each side knows the other by its certificate.
    expect([client[0]?.upstreamTls?.peerUri, server[0]?.connection.tls?.peerUri]).toEqual(['spiffe://cluster.local/ns/test/sa/server', 'spiffe://cluster.local/ns/test/sa/client']);
  });
});

describe('trace context', () => {
  const tracing = (percent: number): TracingConfig => ({ clientSamplingPercent: 100, randomSamplingPercent: percent, overallSamplingPercent: 100, verbose: false, maximumPathTagLength: 256, customTags: [], provider: null });
  const trace = '80f198ee56343ba864fe8b2a57d3eff7';
  const span = 'e457b5a2e4d86bd1';
  it.each<{ what: string; headers: Record<string, string>; percent: number; traceId?: string; parent: string; sampled: boolean; single?: true }>([
    { what: 'nothing, all sampled', headers: {}, percent: 100, parent: '', sampled: true },
    { what: 'nothing, none sampled', headers: {}, percent: 0, parent: '', sampled: false },
    { what: 'B3 in several headers', headers: { 'x-b3-traceid': trace, 'x-b3-spanid': span, 'x-b3-sampled': '1' }, percent: 0, traceId: trace, parent: span, sampled: true },
    { what: 'B3 in several headers, decided against', headers: { 'x-b3-traceid': trace, 'x-b3-spanid': span, 'x-b3-sampled': '0' }, percent: 100, traceId: trace, parent: span, sampled: false },
    { what: 'B3 in several headers, undecided', headers: { 'x-b3-traceid': trace, 'x-b3-spanid': span }, percent: 100, traceId: trace, parent: span, sampled: true },
    { what: 'B3 debug', headers: { 'x-b3-traceid': trace, 'x-b3-spanid': span, 'x-b3-flags': '1' }, percent: 0, traceId: trace, parent: span, sampled: true },
    { what: 'B3 in one header', headers: { b3: `${trace}-${span}-1` }, percent: 0, traceId: trace, parent: span, sampled: true, single: true },
    { what: 'B3 in one header with parent', headers: { b3: `${trace}-${span}-0-05e3ac9a4f6e3b90` }, percent: 100, traceId: trace, parent: span, sampled: false, single: true },
    { what: 'only a decision against', headers: { b3: '0' }, percent: 100, parent: '', sampled: false, single: true },
    { what: 'only a decision against, as x-b3-sampled', headers: { 'x-b3-sampled': '0' }, percent: 100, parent: '', sampled: false },
    { what: 'W3C', headers: { traceparent: `00-${trace}-${span}-01`, tracestate: 'a=b' }, percent: 0, traceId: trace, parent: span, sampled: true },
    { what: 'W3C, decided against', headers: { traceparent: `00-${trace}-${span}-00` }, percent: 100, traceId: trace, parent: span, sampled: false },
    { what: 'W3C of a later version', headers: { traceparent: `01-${trace}-${span}-01-more` }, percent: 0, traceId: trace, parent: span, sampled: true },
    { what: 'W3C that is malformed', headers: { traceparent: `00-${'0'.repeat(32)}-${span}-01` }, percent: 0, parent: '', sampled: false },
  ])('goes on through two proxies: $what', async ({ headers, percent, traceId, parent, sampled, single }) => {
    const { port, client, server } = await pair(await echoHeaders(), tracing(percent));
    const seen = JSON.parse((await harness.ask(port, '/', { headers })).body) as Record<string, string>;
    const none = { traceId: '', spanId: '', parentSpanId: '', sampled: false };
    const outer = client[0]?.trace ?? none;
    const inner = server[0]?.trace ?? none;
    const flag = sampled ? '1' : '0';
    expect(outer).toMatchObject({ parentSpanId: parent, sampled, ...(traceId === undefined ? {} : { traceId }) });
    expect(outer.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(inner).toMatchObject({ traceId: outer.traceId, parentSpanId: outer.spanId, sampled });
    expect(new Set([inner.spanId, outer.spanId, parent]).size).toBe(3);
    expect(seen).toMatchObject({ 'x-b3-traceid': inner.traceId, 'x-b3-spanid': inner.spanId, 'x-b3-parentspanid': outer.spanId, 'x-b3-sampled': flag, traceparent: `00-${inner.traceId}-${inner.spanId}-0${flag}` });
    expect(seen['b3']).toBe(single ? `${inner.traceId}-${inner.spanId}-${flag}-${outer.spanId}` : undefined);
    expect(seen['tracestate']).toBe(headers['tracestate']);
  });
});

describe('trailers', () => {
  async function chunked(contentType: string): Promise<number> {
    const app = await harness.tcpServer((socket) => {
      socket.on('data', (data) => {
        if (data.includes('\r\n\r\n')) socket.write(`HTTP/1.1 200 OK\r\ncontent-type: ${contentType}\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 7\r\ngrpc-status: 5\r\ncontent-length: 1\r\n\r\n`);
      });
    });
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [cluster('a', [endpoint(harness.address, app)])], routes }));
    return harness.portOf(plane, 'in');
  }

  it.each([
    { what: 'a client that asks for them', te: 'TE: trailers\r\nConnection: TE\r\n', contentType: 'text/plain', passed: true },
    { what: 'a client that does not', te: '', contentType: 'text/plain', passed: false },
    { what: 'gRPC', te: '', contentType: 'application/grpc', passed: true },
  ])('over HTTP/1.1: $what', async ({ te, contentType, passed }) => {
    const { text } = await harness.raw(await chunked(contentType), `GET / HTTP/1.1\r\nHost: a\r\n${te}\r\n`);
    expect(text.includes('0\r\nx-sum: 7\r\ngrpc-status: 5\r\n\r\n')).toBe(passed);
    expect(text.endsWith(passed ? 'grpc-status: 5\r\n\r\n' : '2\r\nok\r\n0\r\n\r\n')).toBe(true);
  });

  it('from an HTTP/1.1 upstream to HTTP/2', async () => {
    const session = http2Connect(`http://${harness.address}:${await chunked('application/grpc')}`);
    const stream = session.request({ ':path': '/' });
    const trailers = await new Promise((resolve) => stream.on('trailers', resolve).resume());
    expect(trailers).toMatchObject({ 'x-sum': '7', 'grpc-status': '5' });
    session.destroy();
  });

  it('that are all there is of a response stay its only headers over HTTP/2, as gRPC tells errors', async () => {
    const app = createHttp2Server();
    app.on('stream', (stream) => stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' }, { endStream: true }));
    await new Promise<void>((resolve) => app.listen(0, harness.address, resolve));
    const target = cluster('a', [endpoint(harness.address, (app.address() as { port: number }).port)]);
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...target, protocol: { ...target.protocol, http: 'http2' } }], routes }));
    const session = http2Connect(`http://${harness.address}:${harness.portOf(plane, 'in')}`);
    const stream = session.request({ ':path': '/', ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' }).end('x').resume();
    const [headers, flags] = await new Promise<[Record<string, unknown>, number]>((resolve) => stream.on('response', (received, flags: number) => resolve([received, flags])));
    expect([headers['grpc-status'], flags & constants.NGHTTP2_FLAG_END_STREAM]).toEqual(['12', constants.NGHTTP2_FLAG_END_STREAM]);
    session.destroy();
    await harness.close();
    app.close();
  });

  it('of requests and responses between HTTP/1.1 and an HTTP/2 upstream', async () => {
    const app = createHttp2Server();
    app.on('stream', (stream) => {
      let got = '';
      stream.on('trailers', (headers) => {
        got = String(headers['x-sum']);
      });
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-got': got }));
        stream.end('data');
      });
    });
    await new Promise<void>((resolve) => app.listen(0, harness.address, resolve));
    const target = cluster('a', [endpoint(harness.address, (app.address() as { port: number }).port)]);
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...target, protocol: { ...target.protocol, http: 'http2' } }], routes }));
    const { text } = await harness.raw(harness.portOf(plane, 'in'), 'POST /svc/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 9\r\n\r\n');
    expect(text).toMatch(/\r\n4\r\ndata\r\n0\r\ngrpc-status: 0\r\nx-got: 9\r\n\r\n$/);
    await harness.close();
    app.close();
  });
});

describe('internal listeners', () => {
  it('never carry two clients over one connection', async () => {
    const app = await harness.httpServer((request, response) => response.end(String(request.headers['x-forwarded-for'])));
    const manager = connectionManager({ useRemoteAddress: true, routes: { kind: 'inline', config: routeConfig([virtualHost([route(routeAction('app'))])]) } });
    const inner = listener('inner', '', [filterChain([manager])], { address: { kind: 'internal', listener: 'inner' } });
    const reenter = cluster('a', [{ ...endpoint('', 0), address: { kind: 'internal', listener: 'inner' } }]);
    const plane = await harness.dataPlane(runtimeConfig({ listeners: [listener('in', harness.address, [filterChain([connectionManager()])]), inner], clusters: [reenter, cluster('app', [endpoint(harness.address, app)])], routes }));
    const from = (localAddress: string): Promise<string> => new Promise((resolve) => {
      const socket = connect({ host: harness.address, port: harness.portOf(plane, 'in'), localAddress });
      socket.on('data', (data) => resolve(data.toString().split('\r\n\r\n')[1] ?? ''));
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
    for (const address of ['127.81.1.51', '127.81.1.52', '127.81.1.51']) expect(await from(address)).toBe(address);
  });
});
