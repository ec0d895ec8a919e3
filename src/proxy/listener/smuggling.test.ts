// Configuration and headers that try to become further requests: what reaches the upstream is always the one request that was routed.
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { block, data, frame, START } from '../codec/http2/testdata/frames.ts';
import type { ClusterConfig } from '../config/runtime-config.ts';
import type { RouteActionConfig } from '../config/route-config.ts';
import { cluster, connectionManager, endpoint, filterChain, listener, NO_MUTATIONS, route, routeAction, routeConfig, runtimeConfig, virtualHost } from './testdata/config-builder.ts';
import { Harness } from './testdata/harness.ts';

let harness: Harness;
let received: string;
/** An empty SETTINGS frame. */
const NO_SETTINGS = Buffer.from('000000040000000000', 'hex');
beforeEach(() => {
  harness = new Harness('127.81.1.9');
  received = '';
});
afterEach(() => harness.close());

/** An upstream that keeps every byte and answers each blank line it sees at the end; `greeting` is what it says first. */
function recorder(greeting: Buffer): Promise<number> {
  return harness.tcpServer((socket: Socket) => {
    socket.write(greeting);
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (/\r\n\r\n(?:.*)$/s.test(received)) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
    });
  });
}

async function gateway(action: Partial<RouteActionConfig>, over: Parameters<typeof route>[1] = {}, protocol: ClusterConfig['protocol']['http'] = 'http1'): Promise<number> {
  const base = cluster('a', [endpoint(harness.address, await recorder(protocol === 'http2' ? NO_SETTINGS : Buffer.alloc(0)))]);
  const plane = await harness.dataPlane(runtimeConfig({
    listeners: [listener('in', harness.address, [filterChain([connectionManager()])])], clusters: [{ ...base, protocol: { ...base.protocol, http: protocol } }],
    routes: [routeConfig([virtualHost([route(routeAction('a', action), over)])])],
  }));
  return harness.portOf(plane, 'in');
}

const SPLIT = '/ HTTP/1.1\r\nhost: a\r\n\r\nGET /admin';
const CUT = '/ HTTP/1.1\u010d\u010ahost: a\u010d\u010a\u010d\u010aGET /admin';

describe('a request that a rewrite would split', () => {
  it.each<[string, Partial<RouteActionConfig>]>([
    ['by its path', { rewrite: { kind: 'prefix', value: SPLIT } }],
    ['by its path once characters are bytes', { rewrite: { kind: 'prefix', value: CUT } }],
    ['by its path\'s expression', { rewrite: { kind: 'regex', regex: '.+', substitution: SPLIT } }],
    ['by its host', { hostRewrite: { kind: 'literal', value: 'a\r\nx: y' } }],
    ['by the host from a header', { hostRewrite: { kind: 'header', name: 'x-host' } }],
  ])('%s is not sent', async (_name, action) => {
    const port = await gateway(action);
    const { text } = await harness.raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Host: a b\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
    expect(received).toBe('');
  });

  it('is not sent over HTTP/2 either', async () => {
    const port = await gateway({ rewrite: { kind: 'prefix', value: SPLIT } }, {}, 'http2');
    expect((await harness.raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text).toMatch(/^HTTP\/1\.1 502 /);
    expect(received).not.toContain('admin');
  });
});

describe('the framing of a request', () => {
  it('is the codec\'s alone, whatever a configuration sets', async () => {
    const add = (name: string, value: string) => ({ name, value, action: 'overwrite' as const, keepEmptyValue: false });
    const port = await gateway({}, { headerMutations: { ...NO_MUTATIONS, requestRemove: ['content-length'], requestAdd: [add('content-length', '0'), add('transfer-encoding', 'chunked'), add('connection', 'x-request-id'), add(':path', '/admin'), add('x-mine', 'a\u010d\u010ab: c'), add('x-good', 'yes')] } });
    expect((await harness.raw(port, 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc')).text).toMatch(/^HTTP\/1\.1 200 /);
    expect(received).toMatch(/^POST \/x HTTP\/1\.1\r\n/);
    expect(received.match(/^content-length: .*$/gm)).toEqual(['content-length: 3']);
    expect(received).not.toMatch(/transfer-encoding|connection|x-mine/);
    expect(received).toContain('x-good: yes');
  });

  it('is never a length and chunks, from an HTTP/2 client neither', async () => {
    const port = await gateway({});
    const session = connectHttp2(`http://${harness.address}:${port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/', 'content-length': '3' });
    const status = new Promise<number>((resolve) => stream.on('response', (headers) => resolve(Number(headers[':status']))));
    stream.end('abc');
    expect(await status).toBe(200);
    session.destroy();
    expect(received).toMatch(/content-length: 3\r\n/);
    expect(received).not.toContain('transfer-encoding');
  });
});

describe('heads that other readers could take differently', () => {
  it.each([
    ['an upgrade with a length', 'Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc'],
    ['an upgrade with chunks', 'Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['thousands of names in Connection', `Connection: ${Array.from({ length: 6000 }, (_none, index) => `n${index}`).join()}\r\n\r\n`],
    ['many Connection lines', `${'Connection: a, b\r\n'.repeat(17)}\r\n`],
  ])('are refused: %s', async (_name, lines) => {
    const port = await gateway({});
    expect((await harness.raw(port, `GET / HTTP/1.1\r\nHost: a\r\n${lines}`)).text).toMatch(/^HTTP\/1\.1 400 /);
    expect(received).toBe('');
  });

  it('lose every header that Connection names, and nothing else', async () => {
    const port = await gateway({});
    const names = Array.from({ length: 32 }, (_none, index) => `n${index}`);
    await harness.raw(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: ${names.join()}\r\n${names.map((name) => `${name}: 1\r\n`).join('')}kept: yes\r\n\r\n`);
    expect(received).toMatch(/kept: yes/);
    expect(received).not.toMatch(/^n\d/m);
  });
});

describe('an HTTP/2 request that would be more than one to an HTTP/1.1 application', () => {
  const HIDDEN = 'GET /admin HTTP/1.1\r\nhost: a\r\n\r\n';
  const GET = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const;
  const POST = [[':method', 'POST'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const;
  const head = (end: boolean, ...fields: readonly (readonly [string, string])[]): Buffer => frame(1, end ? 5 : 4, 1, block(fields));
  it.each<[string, Buffer]>([
    ['by a line break in a value', head(true, ...GET, ['x-a', `b\r\n\r\n${HIDDEN}`])], ['by a line feed in a value', head(true, ...GET, ['x-a', 'b\n\nGET /admin HTTP/1.1'])], ['by a line break in a name', head(true, ...GET, [`x-a: b\r\n\r\n${HIDDEN}x`, 'c'])],
    ['by a colon in a name', head(true, ...GET, ['transfer-encoding:', 'chunked'])], ['by its path', head(true, [':method', 'GET'], [':scheme', 'http'], [':path', `/ HTTP/1.1\r\nhost: a\r\n\r\n${HIDDEN}`], [':authority', 'a'])],
    ['by its method', head(true, [':method', `GET / HTTP/1.1\r\nhost: a\r\n\r\n${HIDDEN}GET`], [':scheme', 'http'], [':path', '/'], [':authority', 'a'])], ['by its authority', head(true, [':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', `a\r\n\r\n${HIDDEN}`])],
    ['by its scheme', head(true, [':method', 'GET'], [':scheme', `http://a/admin?`], [':path', '/'], [':authority', 'a'])], ['by chunks', Buffer.concat([head(false, ...POST, ['transfer-encoding', 'chunked']), data(1, `0\r\n\r\n${HIDDEN}`, true)])],
    ['by a length that is too small', Buffer.concat([head(false, ...POST, ['content-length', '0']), data(1, HIDDEN, true)])], ['by a length of some of its content', Buffer.concat([head(false, ...POST, ['content-length', '3']), data(1, `abc${HIDDEN}`, true)])],
    ['by two lengths', Buffer.concat([head(false, ...POST, ['content-length', '3'], ['content-length', String(HIDDEN.length)]), data(1, HIDDEN, true)])], ['by a length of its own spelling', Buffer.concat([head(false, ...POST, ['content-length', '0x3']), data(1, HIDDEN, true)])],
    ['by an upgrade', Buffer.concat([head(false, ...GET, ['connection', 'upgrade'], ['upgrade', 'websocket']), data(1, HIDDEN, true)])], ['by another host', head(true, ...GET, ['host', 'admin'])],
  ])('is not passed on: %s', async (_name, bytes) => {
    const port = await gateway({});
    const { text } = await harness.raw(port, Buffer.concat([START, bytes]).toString('latin1'));
    expect(received).not.toContain('admin');
    expect(received.match(/ HTTP\/1\.1\r\n/g)?.length ?? 0).toBeLessThanOrEqual(1);
    // The reset of the stream, or the end of the connection, with its reason.
    expect(text).toMatch(/\0\0\x04\x03\0\0\0\0\x01\0\0\0\x01/);
  });

  it('but with a body that looks like one is passed on as that body', async () => {
    const port = await gateway({});
    await harness.raw(port, Buffer.concat([START, head(false, ...POST), data(1, HIDDEN, true)]).toString('latin1'));
    expect(received).toMatch(/^POST \/ HTTP\/1\.1\r\n/);
    expect(received).toContain(`\r\n\r\n${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`);
  });
});
