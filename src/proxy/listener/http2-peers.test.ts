// Our HTTP/2 between peers that are not ours: a client and a server of node:http2 with the data plane between them. Bodies larger than every window, readers that are slow, early answers,
// trailers, informational answers, many streams at once, extended CONNECT.
import { createHash, randomBytes } from 'node:crypto';
import { connect, createServer, type ClientHttp2Session, type ClientHttp2Stream, type IncomingHttpHeaders, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cluster, connectionManager, endpoint, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness, wait } from './testdata/harness.ts';
import type { DataPlane } from './index.ts';

let harness: Harness;
const closing: (() => void)[] = [];
beforeEach(() => {
  harness = new Harness('127.81.1.12');
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await harness.close();
});

/** node:http2 refuses streams when it holds more, and it holds what a test hands it at once. */
const ROOM = { maxSessionMemory: 200 };

/** A server behind the data plane. */
async function between(onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void): Promise<{ session: ClientHttp2Session; plane: DataPlane }> {
  const app = createServer({ settings: { enableConnectProtocol: true }, ...ROOM });
  const sessions = new Set<{ destroy(): void }>();
  app.on('session', (session) => sessions.add(session));
  app.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => app.listen(0, harness.address, resolve));
  closing.push(() => {
    for (const session of sessions) session.destroy();
    app.close();
  });
  return { ...(await planeTo((app.address() as { port: number }).port, 'http2')) };
}

async function planeTo(port: number, http: 'http1' | 'http2'): Promise<{ session: ClientHttp2Session; plane: DataPlane }> {
  const base = cluster('a', [endpoint(harness.address, port)]);
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...base, protocol: { ...base.protocol, http } }], routes: [routeConfig([virtualHost([route(routeAction('a'))])])],
  }));
  const session = connect(`http://${harness.address}:${harness.portOf(plane, 'in')}`, ROOM);
  session.on('error', () => undefined);
  closing.push(() => session.destroy());
  return { session, plane };
}

interface Answer { headers: IncomingHttpHeaders; informational: number[]; trailers: IncomingHttpHeaders; body: Buffer; code: number | undefined }

function collect(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    const answer: Answer = { headers: {}, informational: [], trailers: {}, body: Buffer.alloc(0), code: undefined };
    const pieces: Buffer[] = [];
    stream.on('headers', (headers) => answer.informational.push(Number(headers[':status'])));
    stream.on('response', (headers) => {
      answer.headers = headers;
    });
    stream.on('trailers', (trailers) => {
      answer.trailers = trailers;
    });
    stream.on('data', (data: Buffer) => pieces.push(data));
    stream.on('error', () => undefined);
    stream.on('close', () => resolve({ ...answer, body: Buffer.concat(pieces), code: stream.rstCode }));
  });
}

function ask(session: ClientHttp2Session, headers: OutgoingHttpHeaders, body?: Buffer): Promise<Answer> {
  const stream = session.request({ ':path': '/', ...(body ? { ':method': 'POST' } : {}), ...headers });
  if (body) stream.end(body);
  return collect(stream);
}

const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('between a client and a server of node:http2', () => {
  it('passes bodies larger than all windows both ways, many at once, and every byte of them', async () => {
    const { session } = await between((stream) => {
      stream.respond({ ':status': 200 });
      stream.pipe(stream);
    });
    const bodies = Array.from({ length: 6 }, (_none, index) => randomBytes(index === 0 ? 12 * 1024 * 1024 : 700_000 + index));
    const answers = await Promise.all(bodies.map((body) => ask(session, {}, body)));
    expect(answers.map(({ body }) => digest(body))).toEqual(bodies.map(digest));
  }, 30_000);

  it('holds a server back when its client does not read, and no other stream with it', async () => {
    let written = 0;
    const { session } = await between((stream, headers) => {
      stream.respond({ ':status': 200 });
      if (headers[':path'] === '/small') {
        stream.end('small');
        return;
      }
      const more = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += 65_536;
          if (!stream.write(Buffer.alloc(65_536))) {
            stream.once('drain', more);
            return;
          }
        }
      };
      more();
    });
    const slow = session.request({ ':path': '/large' });
    slow.on('error', () => undefined);
    slow.pause();
    await wait(700);
    const held = written;
    expect(held).toBeLessThan(8 * 1024 * 1024);
    expect((await ask(session, { ':path': '/small' })).body.toString()).toBe('small');
    let read = 0;
    slow.on('data', (data: Buffer) => {
      read += data.length;
    });
    slow.resume();
    for (let turn = 0; turn < 100 && read < held + 1_000_000; turn += 1) await wait(20);
    expect(read).toBeGreaterThan(held + 1_000_000 - 1);
    slow.close();
  }, 15_000);

  it('holds a client back when its server does not read', async () => {
    const { session } = await between((stream) => {
      stream.pause();
      setTimeout(() => {
        stream.respond({ ':status': 200 });
        stream.resume();
        stream.on('end', () => stream.end('done'));
      }, 700);
    });
    const stream = session.request({ ':path': '/', ':method': 'POST' });
    const answer = collect(stream);
    let written = 0;
    const more = (): void => {
      while (written < 24 * 1024 * 1024) {
        written += 65_536;
        if (!stream.write(Buffer.alloc(65_536))) {
          stream.once('drain', more);
          return;
        }
      }
      stream.end();
    };
    more();
    await wait(500);
    expect(written).toBeLessThan(12 * 1024 * 1024);
    expect((await answer).body.toString()).toBe('done');
  }, 15_000);

  it('passes trailers both ways, and answers of headers alone', async () => {
    const { session } = await between((stream, headers) => {
      if (headers[':path'] === '/only') {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '5' }, { endStream: true });
        return;
      }
      let received: IncomingHttpHeaders = {};
      stream.on('trailers', (trailers) => {
        received = trailers;
      });
      stream.resume().on('end', () => {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0', 'x-got': String(received['x-sent']) }));
        stream.end('body');
      });
    });
    const stream = session.request({ ':path': '/', ':method': 'POST', te: 'trailers' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sent': 'yes' }));
    stream.end('x');
    const answer = await collect(stream);
    expect([answer.body.toString(), answer.trailers['grpc-status'], answer.trailers['x-got']]).toEqual(['body', '0', 'yes']);
    const only = session.request({ ':path': '/only' });
    const flags = new Promise<number>((resolve) => only.on('response', (_headers, got: number) => resolve(got)));
    expect((await collect(only)).headers['grpc-status']).toBe('5');
    expect((await flags) & 1).toBe(1);
  });

  it('passes informational answers, says itself that a body may come, and answers HEAD without one', async () => {
    const { session } = await between((stream, headers) => {
      if (headers[':path'] === '/hints') stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200, 'content-length': 5, 'x-expect': String(headers.expect) });
      stream.end(headers[':method'] === 'HEAD' ? undefined : 'hello');
    });
    expect((await ask(session, { ':path': '/hints' })).informational).toEqual([103]);
    const expecting = session.request({ ':path': '/', ':method': 'POST', expect: '100-continue' });
    const answer = collect(expecting);
    expecting.on('continue', () => expecting.end('x'));
    expect(await answer).toMatchObject({ headers: { ':status': 200, 'x-expect': 'undefined' } });
    expect(await ask(session, { ':method': 'HEAD' })).toMatchObject({ headers: { ':status': 200, 'content-length': '5' }, body: Buffer.alloc(0) });
  });

  it('tells a client that its answered request needs no rest, and a server that its request is gone', async () => {
    const resets: number[] = [];
    const { session } = await between((stream, headers) => {
      stream.on('close', () => resets.push(stream.rstCode ?? -1));
      if (headers[':path'] === '/early') {
        stream.respond({ ':status': 413 });
        stream.end('too large');
      }
    });
    const early = session.request({ ':path': '/early', ':method': 'POST' });
    early.write('x');
    expect(await collect(early)).toMatchObject({ headers: { ':status': 413 }, code: 0 });
    resets.length = 0;
    const gone = session.request({ ':path': '/gone' });
    gone.on('error', () => undefined);
    await wait(100);
    gone.close(8);
    for (let turn = 0; turn < 50 && resets.length === 0; turn += 1) await wait(20);
    expect(resets).toEqual([8]);
  });

  it('serves a thousand requests with headers of many kinds on one connection', async () => {
    const { session } = await between((stream, headers) => {
      stream.respond({ ':status': 200, 'x-id': String(headers['x-id']), 'set-cookie': ['a=1', 'b=2'], 'x-cookie': String(headers.cookie) });
      stream.end(String(headers['x-long'] ?? '').slice(0, 10));
    });
    for (let round = 0; round < 10; round += 1) {
      const answers = await Promise.all(Array.from({ length: 100 }, (_none, index) => ask(session, { ':path': `/${round}/${index}?q=\u00e9`.replace('\u00e9', '%C3%A9'), 'x-id': `${round}-${index}`, 'x-long': 'y'.repeat(index * 400 % 20_000), cookie: ['c=1', `d=${index}`], authorization: `Bearer ${index}` })));
      expect(answers.map(({ headers }) => headers['x-id'])).toEqual(Array.from({ length: 100 }, (_none, index) => `${round}-${index}`));
      expect(answers[7]?.headers['set-cookie']).toEqual(['a=1', 'b=2']);
      expect(answers[7]?.headers['x-cookie']).toBe('c=1; d=7');
    }
  }, 20_000);

  it('carries a websocket of extended CONNECT to a server that takes it', async () => {
    const { session } = await between((stream, headers) => {
      stream.respond({ ':status': headers[':protocol'] === 'websocket' && headers[':method'] === 'CONNECT' ? 200 : 500 });
      stream.on('data', (data: Buffer) => stream.write(`echo ${data.toString()}`));
    });
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/chat', ':authority': 'a' });
    const said = new Promise<string>((resolve) => stream.on('data', (data: Buffer) => resolve(data.toString())));
    const status = new Promise<unknown>((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    expect(await status).toBe(200);
    stream.write('hello');
    expect(await said).toBe('echo hello');
    stream.close();
  });
});

describe('from HTTP/2 to HTTP/1.1', () => {
  it('turns an extended CONNECT into an upgrade, with the key that HTTP/1.1 asks for', async () => {
    let head = '';
    const port = await harness.tcpServer((socket: Socket) => {
      socket.once('data', (data) => {
        head = data.toString('latin1');
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n');
        socket.on('data', (more) => socket.write(`echo ${more.toString()}`));
      });
    });
    const { session } = await planeTo(port, 'http1');
    await new Promise((resolve) => session.once('remoteSettings', resolve));
    const stream = session.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': '/chat', ':authority': 'a' });
    const response = new Promise<IncomingHttpHeaders>((resolve) => stream.on('response', resolve));
    const said = new Promise<string>((resolve) => stream.on('data', (data: Buffer) => resolve(data.toString())));
    expect(await response).toMatchObject({ ':status': 200 });
    stream.write('hello');
    expect(await said).toBe('echo hello');
    expect(head).toMatch(/^GET \/chat HTTP\/1\.1\r\n/);
    expect(head).toMatch(/connection: Upgrade\r\nupgrade: websocket\r\n/);
    expect(head).toMatch(/sec-websocket-key: [A-Za-z0-9+/]{22}==\r\n/);
    stream.close();
  });
});
