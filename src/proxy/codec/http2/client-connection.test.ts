// The client's side as raw frames: what a server may not do to us, which requests may be sent again, and that any chunking of its bytes gives the same answers.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { HeaderMap, RequestHeaders } from '../../stream/header-map.ts';
import type { RequestEncoder, ResponseDecoder } from '../api.ts';
import { Http2ClientConnection } from './client-connection.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { block, data, frame, readBlocks, TestSocket } from './testdata/frames.ts';
import { ErrorCode, FrameType } from './wire/protocol.ts';

const SETTINGS = frame(FrameType.SETTINGS, 0, 0);

interface Asked {
  readonly socket: TestSocket;
  readonly connection: Http2ClientConnection;
  readonly encoders: RequestEncoder[];
  readonly events: string[];
  readonly errors: string[];
}

function requestHeaders(method = 'GET', items: string[] = []): RequestHeaders {
  const headers = new RequestHeaders(items);
  headers.method = method;
  headers.path = '/p';
  headers.authority = 'a';
  return headers;
}

/** A connection that has sent `methods.length` requests. */
function ask(methods: readonly string[], settings = SETTINGS): Asked {
  const socket = new TestSocket();
  const events: string[] = [];
  const errors: string[] = [];
  const connection = new Http2ClientConnection(socket, {
    onStreamDone: () => events.push('done'), onGoAway: () => events.push('goaway'), onClose: () => events.push('close'), onConfirmed: () => events.push('confirmed'),
    onProtocolError: (detail, endsConnection) => errors.push(`${detail}${endsConnection ? ' whole' : ''}`),
  }, 100, 60_000);
  socket.feed(settings);
  const encoders = methods.map((method, index) => {
    let body = '';
    const number = index + 1;
    const decoder: ResponseDecoder = {
      decode1xx: ({ status }) => events.push(`${number} ${status}`),
      decodeHeaders: ({ status, items }, end) => events.push(`${number} ${status} ${items.join('|')}${end ? ' end' : ''}`),
      decodeData: (piece, end) => {
        body += piece.toString('latin1');
        if (end) events.push(`${number} body ${body}`);
      },
      decodeTrailers: (trailers) => events.push(`${number} body ${body} trailers ${trailers.items.join('|')}`),
      onReset: (reason, detail) => events.push(`${number} reset ${reason} ${detail}`),
      onBlocked: (blocked) => events.push(`${number} blocked ${blocked}`),
    };
    const encoder = connection.newStream(decoder);
    encoder.encodeHeaders(requestHeaders(method), method !== 'POST');
    return encoder;
  });
  // What was gathered goes out with the end of a turn.
  socket.feed(frame(FrameType.PING, 1, 0, '0000000000000000'));
  return { socket, connection, encoders, events, errors };
}

function answer(streamId: number, flags: number, ...fields: readonly (readonly [string, string])[]): Buffer {
  return frame(FrameType.HEADERS, 4 | flags, streamId, block(fields));
}

describe('an answer', () => {
  const BYTES = Buffer.concat([
    answer(1, 0, [':status', '103'], ['link', 'x']), answer(3, 1, [':status', '200'], ['grpc-status', '5']), answer(1, 0, [':status', '200'], ['content-length', '10']), data(1, 'hello', false),
    answer(5, 0, [':status', '200'], ['content-length', '99']), frame(FrameType.DATA, 8, 1, Buffer.from('\x02world\0\0', 'latin1')), data(1, '', true), answer(7, 0, [':status', '200']), data(7, 'x', false), answer(7, 1, ['x-t', 'y']), data(5, '', true),
  ]);
  const EVENTS = ['confirmed', '1 103', 'done', '2 200 grpc-status|5 end', '1 200 content-length|10', '3 200 content-length|99', 'done', '1 body helloworld', '4 200 ', 'done', '4 body x trailers x-t|y', 'done', '3 body '];

  it('is read the same however it is cut', () => {
    fc.assert(fc.property(fc.array(fc.nat(BYTES.length), { maxLength: 30 }), (cuts) => {
      const { socket, events } = ask(['GET', 'GET', 'HEAD', 'GET']);
      let position = 0;
      for (const cut of [...cuts.sort((left, right) => left - right), BYTES.length]) {
        if (cut > position) socket.feed(BYTES.subarray(position, cut));
        position = Math.max(position, cut);
      }
      expect(events).toEqual(EVENTS);
    }), { numRuns: 100 });
  });

  it('that is changed anywhere is answered once or not at all, without an exception', () => {
    const one = Buffer.concat([SETTINGS, answer(1, 0, [':status', '200'], ['content-length', '5']), data(1, 'hello', true)]);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(one.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), (changes) => {
      const bytes = Buffer.from(one);
      for (const [at, value] of changes) bytes[at] = value;
      const { socket, events } = ask(['GET']);
      socket.feed(bytes);
      expect(events.filter((event) => /^1 (?:[2-5]\d\d|reset)/.test(event)).length).toBeLessThanOrEqual(2);
      expect(events.filter((event) => /^1 (?:body|reset|.* end$)/.test(event)).length).toBeLessThanOrEqual(1);
    }), { numRuns: 1000 });
  });

  it.each<[string, Buffer]>([
    ['without a status', answer(1, 1, ['x', 'y'])], ['with a status that is none', answer(1, 1, [':status', '20'])], ['with 101', answer(1, 0, [':status', '101'])], ['with two statuses', answer(1, 1, [':status', '200'], [':status', '200'])],
    ['with a request\'s pseudo-header', answer(1, 1, [':status', '200'], [':path', '/'])], ['informational with an end', answer(1, 1, [':status', '100'])], ['with content before its head', data(1, 'x', true)],
    ['with Connection', answer(1, 1, [':status', '200'], ['connection', 'close'])], ['with chunks', answer(1, 1, [':status', '200'], ['transfer-encoding', 'chunked'])], ['with two lengths', answer(1, 1, [':status', '200'], ['content-length', '1'], ['content-length', '1'])],
    ['shorter than its length', Buffer.concat([answer(1, 0, [':status', '200'], ['content-length', '5']), data(1, 'four', true)])], ['longer than its length', Buffer.concat([answer(1, 0, [':status', '200'], ['content-length', '3']), data(1, 'four', false)])],
    ['of headers alone with a length', answer(1, 1, [':status', '200'], ['content-length', '3'])], ['without content that has some', Buffer.concat([answer(1, 0, [':status', '204']), data(1, 'x', true)])],
    ['with a line break', answer(1, 1, [':status', '200'], ['x', 'a\r\nb: c'])], ['with a pseudo-header in trailers', Buffer.concat([answer(1, 0, [':status', '200']), answer(1, 1, [':status', '200'])])],
  ])('ends its request: %s', (_name, bytes) => {
    const { socket, events, errors } = ask(['GET', 'GET']);
    socket.frames();
    socket.feed(bytes);
    expect(errors).toEqual([expect.stringMatching(/^http2\.[a-z_]+$/)]);
    expect(events.at(-1)).toMatch(/^1 reset protocol_error http2\./);
    expect(socket.frames()).toMatchObject([{ type: FrameType.RST_STREAM, streamId: 1 }]);
    socket.feed(answer(3, 1, [':status', '200']));
    expect(events.at(-1)).toBe('2 200  end');
  });

  it.each<[string, Buffer]>([
    ['on a stream that nobody opened', answer(9, 1, [':status', '200'])], ['on a stream of its own', answer(2, 1, [':status', '200'])], ['that is pushed', frame(FrameType.PUSH_PROMISE, 4, 1, '00000002')],
    ['after its end', Buffer.concat([answer(1, 1, [':status', '200']), answer(1, 1, [':status', '200'])])], ['that HTTP/1.1 gives', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ])('ends the connection: %s', (_name, bytes) => {
    const { socket, events, errors } = ask(['GET', 'GET']);
    socket.feed(bytes);
    expect(errors).toEqual([expect.stringMatching(/^http2\.[a-z_]+ whole$/)]);
    expect(events).toContain('close');
    expect(events.filter((event) => event.startsWith('2 '))).toEqual([expect.stringMatching(/^2 reset protocol_error http2\./)]);
  });
});

describe('a request', () => {
  it('may be sent again exactly when its server says that it was not looked at', () => {
    const { socket, events } = ask(['POST', 'GET', 'GET', 'GET']);
    socket.feed(Buffer.concat([frame(FrameType.RST_STREAM, 0, 3, '00000007'), frame(FrameType.RST_STREAM, 0, 1, '00000002'), frame(FrameType.GOAWAY, 0, 0, '0000000500000000')]));
    expect(events.filter((event) => event.includes('reset'))).toEqual(['2 reset refused_stream http2 reset 7', '1 reset remote_reset http2 reset 2', '4 reset refused_stream http2.goaway']);
    expect(events).toContain('goaway');
    expect(events).not.toContain('close');
    socket.feed(answer(5, 1, [':status', '200']));
    expect(events.slice(-3)).toEqual(['done', 'close', '3 200  end']);
  });

  it('is not sent over a connection that goes away, and its owner hears of it later', async () => {
    const { socket, connection, events } = ask(['GET']);
    socket.feed(frame(FrameType.GOAWAY, 0, 0, '0000000100000000'));
    expect(connection.availableStreams).toBe(0);
    const reasons: string[] = [];
    const encoder = connection.newStream({ onReset: (reason: string) => reasons.push(reason) } as never);
    encoder.encodeHeaders(requestHeaders(), true);
    expect(reasons).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(reasons).toEqual(['refused_stream']);
    expect(events).not.toContain('close');
  });

  it('that was answered whole loses nothing of that when its server wants no more of it, though nobody reads yet', async () => {
    const { socket, encoders, events } = ask(['POST']);
    encoders[0]?.readDisable(true);
    socket.feed(Buffer.concat([answer(1, 0, [':status', '413']), data(1, 'too large', true), frame(FrameType.RST_STREAM, 0, 1, '00000000')]));
    socket.frames();
    expect(encoders[0]?.encodeData(Buffer.from('more'), true)).toBe(true);
    encoders[0]?.readDisable(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(events).toEqual(['confirmed', '1 413 ', 'done', '1 body too large']);
    expect(socket.frames()).toEqual([]);
  });

  it('that may not be sent sends nothing of its body either', async () => {
    const { socket, connection } = ask([]);
    socket.frames();
    const reasons: string[] = [];
    const encoder = connection.newStream({ onReset: (_reason: string, detail: string) => reasons.push(detail), onBlocked: () => undefined } as never);
    const headers = requestHeaders('POST');
    headers.path = '/ HTTP/1.1';
    encoder.encodeHeaders(headers, false);
    encoder.encodeData(Buffer.from('body'), false);
    encoder.encodeData(Buffer.alloc(0), true);
    encoder.encodeTrailers(new HeaderMap(['a', 'b']));
    await new Promise((resolve) => setImmediate(resolve));
    expect([reasons, socket.frames()]).toEqual([['http2.unwritable_request'], []]);
  });

  it('keeps within the streams that its server takes', () => {
    const { connection } = ask(['GET'], frame(FrameType.SETTINGS, 0, 0, '000300000002'));
    expect(connection.availableStreams).toBe(1);
  });

  it('is written with its trailers, without what belongs to a connection, and its secrets are marked', () => {
    const { socket, connection } = ask([]);
    socket.frames();
    const headers = requestHeaders('POST', ['connection', 'x', 'te', 'trailers', 'x-secret', 'y', 'authorization', 'z', 'host', 'b']);
    headers.neverIndexed = ['x-secret'];
    const encoder = connection.newStream({} as never);
    encoder.encodeHeaders(headers, false);
    encoder.encodeData(Buffer.from('body'), false);
    encoder.encodeTrailers(new HeaderMap(['x-t', 'u']));
    socket.feed(frame(FrameType.PING, 1, 0, '0000000000000000'));
    const frames = socket.frames();
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([[FrameType.HEADERS, 4], [FrameType.DATA, 0], [FrameType.HEADERS, 5]]);
    expect(readBlocks(frames)).toEqual([':method|POST|:scheme|http|:path|/p|:authority|a|te|trailers|x-secret|y|authorization|z', 'x-t|u']);
    const decoder = new HpackDecoder();
    const payload = frames[0]?.payload ?? Buffer.alloc(0);
    decoder.decode(payload, 0, payload.length, { maximumBytes: 1000, maximumFields: 20 });
    expect(decoder.neverIndexed).toEqual(['x-secret', 'authorization']);
  });

  it('that is an upgrade asks as extended CONNECT, of servers that take it', async () => {
    const upgrade = requestHeaders();
    upgrade.upgrade = 'websocket';
    const plain = ask([]);
    const refused: string[] = [];
    plain.connection.newStream({ onReset: (_reason: string, detail: string) => refused.push(detail) } as never).encodeHeaders(upgrade, false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toEqual(['http2.peer_takes_no_extended_connect']);
    const { socket, connection } = ask([], frame(FrameType.SETTINGS, 0, 0, '000800000001'));
    socket.frames();
    const answered: unknown[] = [];
    connection.newStream({ decodeHeaders: ({ status, items }: { status: number; items: string[] }) => answered.push(status, items) } as never).encodeHeaders(upgrade, false);
    socket.feed(answer(1, 0, [':status', '200']));
    expect(readBlocks(socket.frames())).toEqual([':method|CONNECT|:scheme|http|:path|/p|:authority|a|:protocol|websocket']);
    expect(answered).toEqual([101, ['upgrade', 'websocket']]);
  });
});

describe('a server', () => {
  it('that does not begin is given up in time, and so is one that stops answering pings', () => {
    vi.useFakeTimers();
    try {
      const events: string[] = [];
      const errors: string[] = [];
      const callbacks = { onStreamDone: () => undefined, onGoAway: () => undefined, onClose: () => events.push('close'), onConfirmed: () => events.push('confirmed'), onProtocolError: (detail: string) => errors.push(detail) };
      void new Http2ClientConnection(new TestSocket(), callbacks, 100, 500);
      vi.advanceTimersByTime(501);
      expect(events).toEqual(['close']);
      const socket = new TestSocket();
      void new Http2ClientConnection(socket, callbacks, 100, 500, { tuning: { keepalive: { intervalMilliseconds: 1000, timeoutMilliseconds: 100 } } });
      socket.feed(SETTINGS);
      vi.advanceTimersByTime(1200);
      expect(events).toEqual(['close', 'confirmed', 'close']);
      expect(errors).toEqual(['http2.keepalive_timeout']);
    } finally {
      vi.useRealTimers();
    }
  });

  it('that floods is cut off', () => {
    const { socket, events } = ask(['GET']);
    socket.feed(Buffer.concat(Array.from({ length: 1500 }, () => frame(FrameType.PING, 0, 0, '0000000000000000'))));
    expect(events.slice(-2)).toEqual(['1 reset protocol_error http2.control_frame_flood', 'close']);
    expect(socket.frames().at(-1)?.payload.readUInt32BE(4)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });
});
