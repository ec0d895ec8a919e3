// Server and client against each other over real sockets.
import { describe, expect, onTestFinished, test } from 'vitest';
import { CertificateAuthority } from '../pki/index.ts';
import { GrpcClient, GrpcError, GrpcServer, protobufCodec, type Codec, type GrpcMethod, type GrpcPeer, type GrpcServerTls } from './index.ts';
import { IstioCertificateRequest, IstioCertificateResponse } from '../xds/generated/istio/certificate.ts';

const text: Codec<string> = { encode: (value) => Buffer.from(value), decode: (bytes) => Buffer.from(bytes).toString() };
const echo: GrpcMethod<string, string> = { path: '/test.Echo/Stream', request: text, response: text };
const upper: GrpcMethod<string, string> = { path: '/test.Echo/Upper', request: text, response: text };
const HOUR = 3_600_000;

async function serverTls(authority: CertificateAuthority): Promise<GrpcServerTls> {
  return { ...await authority.issueWithNewKey({ dnsNames: ['istiod.istio-system.svc'], lifetimeMilliseconds: HOUR }), clientRootsPem: authority.rootPem };
}

async function serve(tls: GrpcServerTls | undefined, seen: GrpcPeer[] = []): Promise<GrpcServer> {
  const server = new GrpcServer({ name: 'test-grpc', host: '127.0.0.1', port: 0, ...(tls ? { tls } : {}) });
  server.addUnary(upper, async (request, peer) => {
    seen.push(peer);
    if (request === 'deny') throw new GrpcError('PERMISSION_DENIED', 'not you');
    return request.toUpperCase();
  });
  server.addStream(echo, async (stream, peer) => {
    seen.push(peer);
    for await (const message of stream) {
      if (message === 'deny') throw new GrpcError('UNAUTHENTICATED', 'no');
      await stream.send(message);
    }
  });
  await server.start();
  onTestFinished(() => server.stop());
  return server;
}

function clientOf(options: ConstructorParameters<typeof GrpcClient>[0]): GrpcClient {
  const client = new GrpcClient(options);
  onTestFinished(() => client.close());
  return client;
}

describe('GrpcServer', () => {
  test('serves unary calls and gives failures their codes', async () => {
    const server = await serve(undefined);
    const client = clientOf({ address: `127.0.0.1:${server.port}` });
    expect(await client.unary(upper, 'hello')).toBe('HELLO');
    await expect(client.unary(upper, 'deny')).rejects.toMatchObject({ code: 'PERMISSION_DENIED', message: 'not you' });
    await expect(client.unary({ ...upper, path: '/test.Echo/None' }, 'x')).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
  });

  test('streams both ways, more than buffers hold, in order', async () => {
    const server = await serve(undefined);
    const stream = await clientOf({ address: `127.0.0.1:${server.port}` }).openStream(echo);
    const messages = Array.from({ length: 300 }, (_, index) => `${index}:${'x'.repeat(5_000)}`);
    const sending = (async () => {
      for (const message of messages) await stream.send(message);
      stream.end();
    })();
    const received: string[] = [];
    for await (const message of stream) received.push(message);
    await sending;
    expect(received).toEqual(messages);
  });

  test('ends a stream with the code its handler throws', async () => {
    const server = await serve(undefined);
    const stream = await clientOf({ address: `127.0.0.1:${server.port}` }).openStream(echo);
    await stream.send('deny');
    await expect((async () => { for await (const message of stream) expect(message).toBe('never'); })()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('knows the client by its certificate and its token', async () => {
    const authority = await CertificateAuthority.createSelfSigned();
    const seen: GrpcPeer[] = [];
    const server = await serve(await serverTls(authority), seen);
    const uri = 'spiffe://cluster.local/ns/default/sa/sleep';
    const own = await authority.issueWithNewKey({ uris: [uri], lifetimeMilliseconds: HOUR });
    const base = { address: `127.0.0.1:${server.port}`, token: async () => 'abc' };
    expect(await clientOf({ ...base, tls: { rootsPem: authority.rootPem, serverName: 'istiod.istio-system.svc', ...own } }).unary(upper, 'a')).toBe('A');
    expect(await clientOf({ ...base, tls: { rootsPem: authority.rootPem, serverName: 'istiod.istio-system.svc' } }).unary(upper, 'b')).toBe('B');
    const stranger = await (await CertificateAuthority.createSelfSigned()).issueWithNewKey({ uris: [uri], lifetimeMilliseconds: HOUR });
    expect(await clientOf({ ...base, tls: { rootsPem: authority.rootPem, serverName: 'istiod.istio-system.svc', ...stranger } }).unary(upper, 'c')).toBe('C');
    expect(seen.map((peer) => peer.names.uris)).toEqual([[uri], [], []]);
    expect(seen.map((peer) => peer.bearerToken?.reveal())).toEqual(['abc', 'abc', 'abc']);
  });

  test('is refused by a client that trusts another root or expects another name', async () => {
    const authority = await CertificateAuthority.createSelfSigned();
    const server = await serve(await serverTls(authority));
    const address = `127.0.0.1:${server.port}`;
    const other = await CertificateAuthority.createSelfSigned();
    await expect(clientOf({ address, tls: { rootsPem: other.rootPem, serverName: 'istiod.istio-system.svc' } }).unary(upper, 'x', { timeoutMilliseconds: 1_000 })).rejects.toMatchObject({ code: expect.stringMatching(/UNAVAILABLE|DEADLINE_EXCEEDED/) as string });
    await expect(clientOf({ address, tls: { rootsPem: authority.rootPem, serverName: 'else.example' } }).unary(upper, 'x', { timeoutMilliseconds: 1_000 })).rejects.toMatchObject({ code: expect.stringMatching(/UNAVAILABLE|DEADLINE_EXCEEDED/) as string });
  });

  test('serves new connections with a renewed certificate while old streams go on', async () => {
    const [before, after] = await Promise.all([CertificateAuthority.createSelfSigned(), CertificateAuthority.createSelfSigned()]);
    const server = await serve(await serverTls(before));
    const address = `127.0.0.1:${server.port}`;
    const old = await clientOf({ address, tls: { rootsPem: before.rootPem, serverName: 'istiod.istio-system.svc' } }).openStream(echo);
    const oldMessages = old[Symbol.asyncIterator]();
    await old.send('one');
    expect((await oldMessages.next()).value).toBe('one');
    server.setTls(await serverTls(after));
    expect(await clientOf({ address, tls: { rootsPem: after.rootPem, serverName: 'istiod.istio-system.svc' } }).unary(upper, 'new')).toBe('NEW');
    await old.send('two');
    expect((await oldMessages.next()).value).toBe('two');
    old.end();
  });

  test('carries generated protobuf messages', async () => {
    const method = { path: '/istio.v1.auth.IstioCertificateService/CreateCertificate', request: protobufCodec(IstioCertificateRequest), response: protobufCodec(IstioCertificateResponse) };
    const server = new GrpcServer({ name: 'test-ca', host: '127.0.0.1', port: 0 }).addUnary(method, async (request) => ({ certChain: [request.csr ?? '', String(request.validityDuration)] }));
    await server.start();
    onTestFinished(() => server.stop());
    expect(await clientOf({ address: `127.0.0.1:${server.port}` }).unary(method, { csr: 'pem', validityDuration: 60 })).toEqual({ certChain: ['pem', '60'] });
  });

  test('tells a handler when its client has gone', async () => {
    let markGone = (): void => undefined;
    const gone = new Promise<void>((resolve) => { markGone = resolve; });
    const server = new GrpcServer({ name: 'test-gone', host: '127.0.0.1', port: 0 }).addStream(echo, async (stream, peer) => {
      peer.signal.addEventListener('abort', () => markGone());
      for await (const message of stream) await stream.send(message);
    });
    await server.start();
    onTestFinished(() => server.stop());
    const stream = await clientOf({ address: `127.0.0.1:${server.port}` }).openStream(echo);
    await stream.send('x');
    await stream[Symbol.asyncIterator]().next();
    stream.cancel();
    await gone;
    await expect(stream.send('y')).rejects.toBeInstanceOf(GrpcError);
  });
});
