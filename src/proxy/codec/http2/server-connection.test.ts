// The server's side as raw frames: any chunking gives the same events, no mutation gives a second request or an exception, each misuse its own error, each flood its end.
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { HeaderMap, ResponseHeaders } from '../../stream/header-map.ts';
import { block, data, frame, readBlocks, request, serve, START, type Served } from './testdata/frames.ts';
import { ErrorCode, FrameType } from './wire/protocol.ts';

afterEach(() => {
  vi.useRealTimers();
});

const VALID = Buffer.concat([
  START, request(1, false, [['x-a', '1']]), data(1, 'hello ', false), frame(FrameType.PING, 0, 0, '0102030405060708'), frame(FrameType.DATA, 8 | 1, 1, Buffer.from('\x03world\0\0\0', 'latin1')),
  request(3, true, [], 'GET'), frame(FrameType.PRIORITY, 0, 7, '0000000510'), frame(0x55, 0xff, 9, 'ffffffff'), frame(FrameType.WINDOW_UPDATE, 0, 0, '00010000'),
  frame(FrameType.HEADERS, 0, 5, block([[':method', 'POST'], [':scheme', 'https'], [':path', '/five']])), frame(FrameType.CONTINUATION, 0, 5, block([[':authority', 'b'], ['cookie', 'a=1']])), frame(FrameType.CONTINUATION, 4, 5, block([['cookie', 'b=2']])),
  data(5, '', false), data(5, 'five', false), frame(FrameType.HEADERS, 5, 5, block([['x-trailer', 'yes']])), request(7, false), frame(FrameType.RST_STREAM, 0, 7, '00000008'),
]);

function feed(bytes: Buffer, cuts: readonly number[]): Served {
  const served = serve();
  let position = 0;
  for (const cut of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((left, right) => left - right), bytes.length]) {
    if (cut > position) served.socket.feed(bytes.subarray(position, cut));
    position = Math.max(position, cut);
  }
  return served;
}

describe('a stream of bytes', () => {
  it('gives the same events for any chunking', () => {
    const whole = feed(VALID, []);
    expect(whole.events).toEqual([
      '1 POST / a x-a|1', '1 body hello world', '2 GET / a ', '2 body ', '3 POST /five b cookie|a=1; b=2', '3 trailers x-trailer|yes', '3 body five', '4 POST / a ', '4 reset remote_reset http2.remote_reset',
    ]);
    const written = whole.socket.written;
    fc.assert(fc.property(fc.array(fc.nat(2000), { maxLength: 40 }), (cuts) => {
      const { events, errors, socket } = feed(VALID, cuts);
      expect(events).toEqual(whole.events);
      expect(errors).toEqual([]);
      expect(socket.written.equals(written)).toBe(true);
    }), { numRuns: 200 });
    expect(feed(VALID, Array.from({ length: VALID.length }, (_none, index) => index)).events).toEqual(whole.events);
  });

  it('that is changed anywhere gives no further request and no exception', () => {
    const one = Buffer.concat([START, request(1, false, [['x-a', '1'], ['content-length', '11']]), data(1, 'hello ', false), data(1, 'world', true)]);
    fc.assert(fc.property(fc.array(fc.tuple(fc.nat(one.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.array(fc.nat(2000), { maxLength: 3 }), (changes, cuts) => {
      const bytes = Buffer.from(one);
      for (const [at, value] of changes) bytes[at] = value;
      const { events, errors, closed, socket } = feed(bytes, cuts);
      expect(events.filter((event) => /^\d+ [A-Z]+ /.test(event)).length).toBeLessThanOrEqual(1);
      // Whoever is cut off is told so.
      if (closed) expect([errors.length > 0, socket.frames().some(({ type }) => type === FrameType.GOAWAY)]).toEqual([true, true]);
    }), { numRuns: 1500 });
  });
});

describe('frames in any order', () => {
  it('neither raise an exception nor leave a stream behind, whatever the answers do meanwhile', () => {
    // Mostly what is allowed: a connection that ends at once shows nothing.
    const id = fc.constantFrom(1, 3, 5, 7, 9, 11, 13, 15);
    const anyFrame = fc.oneof(
      { weight: 20, arbitrary: fc.tuple(id, fc.boolean()).map(([streamId, end]) => request(streamId, end)) }, { weight: 20, arbitrary: fc.tuple(id, fc.boolean(), fc.integer({ min: 1, max: 40 })).map(([streamId, end, size]) => data(streamId, 'x'.repeat(size), end)) },
      { weight: 5, arbitrary: fc.tuple(id, fc.constantFrom('00000000', '00000007', '00000008')).map(([streamId, value]) => frame(FrameType.RST_STREAM, 0, streamId, value)) },
      { weight: 8, arbitrary: fc.tuple(fc.oneof(id, fc.constant(0)), fc.constantFrom('00000001', '00000100', '00001000')).map(([streamId, value]) => frame(FrameType.WINDOW_UPDATE, 0, streamId, value)) },
      { weight: 8, arbitrary: fc.constantFrom('000400000000', '000400000005', '000400010000', '000100000000', '000100001000', '').map((payload) => frame(FrameType.SETTINGS, 0, 0, payload)) },
      { weight: 5, arbitrary: id.map((streamId) => frame(FrameType.HEADERS, 5, streamId, block([['x-t', 'y']]))) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(12), fc.nat(255), fc.nat(9), fc.uint8Array({ maxLength: 20 })).map(([type, flags, streamId, payload]) => frame(type, flags, streamId, Buffer.from(payload))) },
    );
    const answer = fc.tuple(fc.nat(8), fc.constantFrom('headers', 'headers', 'end', 'data', 'data', 'data', 'last', 'trailers', 'reset', 'hold', 'free', 'informational', 'shutdown'));
    fc.assert(fc.property(fc.array(fc.oneof(anyFrame, answer), { maxLength: 80, size: 'max' }), (steps) => {
      const served = serve({ maximumConcurrentStreams: 4 }, false);
      served.socket.feed(Buffer.concat([START, request(1, false), request(3, true)]));
      for (const step of steps) {
        if (Buffer.isBuffer(step)) served.socket.feed(step);
        else act(served, step[0], step[1]);
      }
      served.socket.feed(frame(FrameType.PING, 1, 0, '0000000000000000'));
      served.connection.close();
      expect([served.closed, served.connection.activeStreams]).toEqual([true, 0]);
      // Each request heard of one end at most, and nothing after.
      for (const number of served.encoders.keys()) {
        const ends = served.events.filter((event) => event.startsWith(`${number + 1} reset`) || event.startsWith(`${number + 1} body`));
        expect(ends.filter((event) => event.includes('reset')).length).toBeLessThanOrEqual(1);
      }
    }), { numRuns: 400 });
  });
});

function act(served: Served, which: number, what: string): void {
  const encoder = served.encoders[which];
  if (what === 'shutdown') served.connection.shutdown();
  else if (what === 'headers' || what === 'end') encoder?.encodeHeaders(new ResponseHeaders(['x-a', 'b']), what === 'end');
  else if (what === 'data' || what === 'last') encoder?.encodeData(Buffer.alloc(30), what === 'last');
  else if (what === 'trailers') encoder?.encodeTrailers(new HeaderMap(['grpc-status', '0']));
  else if (what === 'informational') encoder?.encode1xx(Object.assign(new ResponseHeaders(), { status: 103 }));
  else if (what === 'reset') encoder?.reset('local_reset');
  else encoder?.readDisable(what === 'hold');
}

/** What comes of `bytes` after a connection's start: its error, and the code that the peer is told, for the stream or the connection. */
function outcome(...bytes: readonly Buffer[]): { error: string | undefined; stream: number | undefined; connection: number | undefined; events: string[] } {
  const { socket, errors, events } = serve();
  socket.feed(Buffer.concat([START, ...bytes]));
  const frames = socket.frames();
  return {
    error: errors[0], events,
    stream: frames.find(({ type }) => type === FrameType.RST_STREAM)?.payload.readUInt32BE(0), connection: frames.find(({ type }) => type === FrameType.GOAWAY)?.payload.readUInt32BE(4),
  };
}

describe('a request that is none', () => {
  const of = (...fields: readonly (readonly [string, string])[]): Buffer => frame(FrameType.HEADERS, 5, 1, block(fields));
  const GOOD = [[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a']] as const;
  it.each<[string, Buffer]>([
    ['without a method', of([':scheme', 'http'], [':path', '/'])], ['without a path', of([':method', 'GET'], [':scheme', 'http'])], ['without a scheme', of([':method', 'GET'], [':path', '/'])],
    ['with an empty path', of([':method', 'GET'], [':scheme', 'http'], [':path', ''])], ['with an absolute path', of([':method', 'GET'], [':scheme', 'http'], [':path', 'http://b/'])],
    ['with a blank in the path', of([':method', 'GET'], [':scheme', 'http'], [':path', '/ HTTP/1.1'])], ['with another scheme', of([':method', 'GET'], [':scheme', 'ftp'], [':path', '/'])],
    ['with a blank in the method', of([':method', 'GET /'], [':scheme', 'http'], [':path', '/'])], ['with two paths', of(...GOOD, [':path', '/b'])], ['with a status', of(...GOOD, [':status', '200'])],
    ['with a pseudo-header at the end', of([':method', 'GET'], [':scheme', 'http'], ['x-a', 'b'], [':path', '/'])], ['with an unknown pseudo-header', of(...GOOD, [':proto', 'x'])],
    ['with Connection', of(...GOOD, ['connection', 'close'])], ['with Transfer-Encoding', of(...GOOD, ['transfer-encoding', 'chunked'])], ['with Keep-Alive', of(...GOOD, ['keep-alive', 'x'])],
    ['with Upgrade', of(...GOOD, ['upgrade', 'h2c'])], ['with Proxy-Connection', of(...GOOD, ['proxy-connection', 'x'])], ['with another TE', of(...GOOD, ['te', 'gzip'])],
    ['with another host', of(...GOOD, ['host', 'b'])], ['with two hosts', of([':method', 'GET'], [':scheme', 'http'], [':path', '/'], ['host', 'a'], ['host', 'a'])],
    ['with a host that is none', of([':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a/b'])], ['with a user in its host', of([':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'u@a'])],
    ['with an upper-case name', of(...GOOD, ['X-A', 'b'])], ['with a line break', of(...GOOD, ['x-a', 'b\r\nc: d'])], ['with a zero', of(...GOOD, ['x-a', 'b\0'])], ['with a colon in a name', of(...GOOD, ['x:a', 'b'])],
    ['with a length and no content', of(...GOOD, ['content-length', '5'])], ['with two lengths', of(...GOOD, ['content-length', '0'], ['content-length', '0'])], ['with a signed length', of(...GOOD, ['content-length', '+0'])],
    ['CONNECT with a path', of([':method', 'CONNECT'], [':scheme', 'http'], [':path', '/'], [':authority', 'a:1'])], ['CONNECT without a port', of([':method', 'CONNECT'], [':authority', 'a'])],
    ['with a protocol and no CONNECT', of(...GOOD, [':protocol', 'websocket'])],
    ['with more content than its length', Buffer.concat([request(1, false, [['content-length', '3']]), data(1, 'four', false)])],
    ['with less content than its length', Buffer.concat([request(1, false, [['content-length', '3']]), data(1, 'ab', true)])],
    ['with trailers before the end of its length', Buffer.concat([request(1, false, [['content-length', '3']]), frame(FrameType.HEADERS, 5, 1, block([['x-a', 'b']]))])],
    ['with a pseudo-header in trailers', Buffer.concat([request(1, false), frame(FrameType.HEADERS, 5, 1, block([[':path', '/b']]))])],
    ['with trailers that are no end', Buffer.concat([request(1, false), frame(FrameType.HEADERS, 4, 1, block([['x-a', 'b']]))])],
  ])('is reset: %s', (_name, bytes) => {
    const { error, stream, connection, events } = outcome(bytes);
    expect(error).toMatch(/^http2\./);
    expect([stream, connection]).toEqual([ErrorCode.PROTOCOL_ERROR, undefined]);
    expect(events.filter((event) => event.includes(' body '))).toEqual([]);
  });

  it.each<[string, readonly (readonly [string, string])[]]>([
    ['bytes', [['x-a', 'v'.repeat(62_000)]]],
    ['fields', Array.from({ length: 120 }, (_none, index) => [`x-${index}`, 'v'])],
  ])('is answered with 431 when it has too many %s', (_name, fields) => {
    const { socket, errors, encoders } = serve();
    const whole = block([[':method', 'GET'], [':scheme', 'http'], [':path', '/'], [':authority', 'a'], ...fields]);
    const parts = Array.from({ length: Math.ceil(whole.length / 16_384) }, (_none, index) => whole.subarray(index * 16_384, (index + 1) * 16_384));
    socket.feed(Buffer.concat([START, ...parts.map((part, index) => frame(index === 0 ? FrameType.HEADERS : FrameType.CONTINUATION, (index === 0 ? 1 : 0) | (index === parts.length - 1 ? 4 : 0), 1, part)), request(3, true)]));
    expect(errors).toEqual(['http2.headers_too_large']);
    expect(readBlocks(socket.frames())).toEqual([':status|431', ':status|200|content-length|2']);
    expect(encoders.length).toBe(1);
  });
});

describe('a cookie in pieces', () => {
  it('is one header, however many they are', () => {
    const served = serve();
    served.socket.feed(Buffer.concat([START, request(1, true, Array.from({ length: 300 }, (_none, index) => ['cookie', `c${index}=1`] as const))]));
    expect(served.errors).toEqual([]);
    expect(served.events[0]).toContain('cookie|c0=1; c1=1; ');
    expect(served.events[0]?.match(/cookie/g)?.length).toBe(1);
  });
});

describe('frames that break the protocol', () => {
  const CLOSES = 'the connection';
  it.each<[string, Buffer, number, string?]>([
    ['a frame that is too large', frame(FrameType.DATA, 0, 1, Buffer.alloc(16_385)), ErrorCode.FRAME_SIZE_ERROR], ['DATA on stream 0', data(0, 'x', false), ErrorCode.PROTOCOL_ERROR],
    ['DATA on an idle stream', data(1, 'x', false), ErrorCode.PROTOCOL_ERROR], ['padding beyond the frame', Buffer.concat([request(1, false), frame(FrameType.DATA, 8, 1, '0561')]), ErrorCode.PROTOCOL_ERROR],
    ['HEADERS with an even number', request(2, true), ErrorCode.PROTOCOL_ERROR], ['HEADERS with a smaller number', Buffer.concat([request(5, true), request(3, true)]), ErrorCode.PROTOCOL_ERROR],
    ['HEADERS on an ended stream', Buffer.concat([request(1, true), request(1, true)]), ErrorCode.STREAM_CLOSED], ['DATA on an ended stream', Buffer.concat([request(1, true), data(1, 'x', true)]), ErrorCode.STREAM_CLOSED],
    ['CONTINUATION alone', frame(FrameType.CONTINUATION, 4, 1), ErrorCode.PROTOCOL_ERROR], ['a frame inside a header block', Buffer.concat([frame(FrameType.HEADERS, 0, 1, '82'), frame(FrameType.PING, 0, 0, '0000000000000000')]), ErrorCode.PROTOCOL_ERROR],
    ['DATA inside a header block', Buffer.concat([request(1, false), frame(FrameType.HEADERS, 1, 1, '82'), data(1, 'x', false)]), ErrorCode.PROTOCOL_ERROR],
    ['CONTINUATION of another stream', Buffer.concat([frame(FrameType.HEADERS, 0, 1, '82'), frame(FrameType.CONTINUATION, 4, 3)]), ErrorCode.PROTOCOL_ERROR],
    ['RST_STREAM on an idle stream', frame(FrameType.RST_STREAM, 0, 1, '00000008'), ErrorCode.PROTOCOL_ERROR], ['WINDOW_UPDATE on an idle stream', frame(FrameType.WINDOW_UPDATE, 0, 1, '00000008'), ErrorCode.PROTOCOL_ERROR],
    ['a WINDOW_UPDATE of 0', frame(FrameType.WINDOW_UPDATE, 0, 0, '00000000'), ErrorCode.PROTOCOL_ERROR], ['a window that overflows', frame(FrameType.WINDOW_UPDATE, 0, 0, '7fffffff'), ErrorCode.FLOW_CONTROL_ERROR],
    ['SETTINGS on a stream', frame(FrameType.SETTINGS, 0, 1), ErrorCode.PROTOCOL_ERROR], ['SETTINGS of an odd size', frame(FrameType.SETTINGS, 0, 0, '00'), ErrorCode.FRAME_SIZE_ERROR], ['an ACK with settings', frame(FrameType.SETTINGS, 1, 0, '000300000001'), ErrorCode.FRAME_SIZE_ERROR],
    ['a frame size below the least', frame(FrameType.SETTINGS, 0, 0, '000500000001'), ErrorCode.PROTOCOL_ERROR], ['an initial window beyond the most', frame(FrameType.SETTINGS, 0, 0, '000480000000'), ErrorCode.FLOW_CONTROL_ERROR],
    ['a push that is neither', frame(FrameType.SETTINGS, 0, 0, '000200000002'), ErrorCode.PROTOCOL_ERROR], ['PING of seven bytes', frame(FrameType.PING, 0, 0, '00000000000000'), ErrorCode.FRAME_SIZE_ERROR], ['PUSH_PROMISE', frame(FrameType.PUSH_PROMISE, 4, 1, '00000002'), ErrorCode.PROTOCOL_ERROR],
    ['GOAWAY on a stream', frame(FrameType.GOAWAY, 0, 1, '0000000000000000'), ErrorCode.PROTOCOL_ERROR], ['a block that cannot be read', frame(FrameType.HEADERS, 5, 1, '80'), ErrorCode.COMPRESSION_ERROR],
    ['many more bytes of a block than a head may have', Buffer.concat([frame(FrameType.HEADERS, 1, 1, Buffer.alloc(16_000)), ...Array.from({ length: 9 }, () => frame(FrameType.CONTINUATION, 0, 1, Buffer.alloc(16_000)))]), ErrorCode.ENHANCE_YOUR_CALM],
    ['too many settings', frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(65 * 6)), ErrorCode.ENHANCE_YOUR_CALM],
    ['a window update of 0 on a stream', Buffer.concat([request(1, false), frame(FrameType.WINDOW_UPDATE, 0, 1, '00000000')]), ErrorCode.PROTOCOL_ERROR, 'the stream'],
    ['a stream\'s window that overflows', Buffer.concat([request(1, false), frame(FrameType.WINDOW_UPDATE, 0, 1, '7fffffff')]), ErrorCode.FLOW_CONTROL_ERROR, 'the stream'],
  ])('end what they concern: %s', (_name, bytes, code, ends = CLOSES) => {
    const { error, stream, connection } = outcome(bytes);
    expect(error).toMatch(/^http2\./);
    expect(ends === CLOSES ? connection : stream).toBe(code);
    expect(ends === CLOSES ? stream : connection).toBeUndefined();
  });

  it('end a connection whose first bytes or first frame are not those of HTTP/2', () => {
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.concat([START.subarray(0, 24), frame(FrameType.PING, 0, 0, '0000000000000000')]), Buffer.concat([START.subarray(0, 24), frame(FrameType.SETTINGS, 1, 0)])]) {
      const served = serve();
      served.socket.feed(bytes);
      expect([served.closed, served.errors.length]).toEqual([true, 1]);
    }
  });

  it('let what crossed our reset pass, and count it in the connection\'s window', () => {
    const served = serve({}, false);
    served.socket.feed(Buffer.concat([START, request(1, false)]));
    served.encoders[0]?.reset('local_reset');
    served.socket.feed(Buffer.concat([data(1, 'late', false), frame(FrameType.HEADERS, 5, 1, block([['x-a', 'b']])), frame(FrameType.WINDOW_UPDATE, 0, 1, '00000001'), request(3, true)]));
    expect([served.closed, served.events.at(-1)]).toEqual([false, '2 body ']);
  });
});

describe('floods', () => {
  const many = (count: number, make: (index: number) => Buffer): Buffer => Buffer.concat(Array.from({ length: count }, (_none, index) => make(index)));
  it.each<[string, string, Buffer]>([
    ['PING', 'http2.control_frame_flood', many(1500, () => frame(FrameType.PING, 0, 0, '0000000000000000'))],
    ['SETTINGS', 'http2.control_frame_flood', many(1500, () => frame(FrameType.SETTINGS, 0, 0, '000400010000'))],
    ['answers to SETTINGS', 'http2.control_frame_flood', many(1500, () => frame(FrameType.SETTINGS, 1, 0))],
    ['unknown frames', 'http2.control_frame_flood', many(1500, () => frame(0x44, 0, 0, '00'))],
    ['resets of a stream that is gone', 'http2.control_frame_flood', Buffer.concat([request(1, true), many(1500, () => frame(FrameType.RST_STREAM, 0, 1, '00000000'))])],
    ['empty DATA', 'http2.empty_frame_flood', Buffer.concat([request(1, false), many(2, () => data(1, '', false))])],
    ['empty DATA with padding', 'http2.empty_frame_flood', Buffer.concat([request(1, false), many(2, () => frame(FrameType.DATA, 8, 1, '020000'))])],
    ['empty CONTINUATION', 'http2.empty_frame_flood', Buffer.concat([frame(FrameType.HEADERS, 1, 1), many(2, () => frame(FrameType.CONTINUATION, 0, 1))])],
    ['CONTINUATION', 'http2.continuation_flood', Buffer.concat([frame(FrameType.HEADERS, 1, 1, '82'), many(100, () => frame(FrameType.CONTINUATION, 0, 1, '86'))])],
    ['PRIORITY', 'http2.priority_flood', many(150, (index) => frame(FrameType.PRIORITY, 0, 1 + 2 * index, '0000000010'))],
    ['WINDOW_UPDATE', 'http2.window_update_flood', many(20, () => frame(FrameType.WINDOW_UPDATE, 0, 0, '00000001'))],
    ['requests that are reset', 'http2.too_many_premature_resets', many(400, (index) => Buffer.concat([request(1 + 2 * index, false), frame(FrameType.RST_STREAM, 0, 1 + 2 * index, '00000008')]))],
    ['requests that make us reset them', 'http2.too_many_premature_resets', many(400, (index) => Buffer.concat([request(1 + 2 * index, false), frame(FrameType.WINDOW_UPDATE, 0, 1 + 2 * index, '00000000')]))],
    ['requests that are malformed', 'http2.too_many_premature_resets', many(400, (index) => frame(FrameType.HEADERS, 5, 1 + 2 * index, block([['x', 'y']])))],
    ['requests beyond the streams', 'http2.too_many_premature_resets', many(400, (index) => request(1 + 2 * index, false))],
  ])('of %s end the connection', (_name, reason, bytes) => {
    const served = serve({}, false);
    served.socket.feed(Buffer.concat([START, bytes]));
    expect([served.errors.at(-1), served.closed]).toEqual([reason, true]);
    expect(served.socket.frames().findLast(({ type }) => type === FrameType.GOAWAY)?.payload.readUInt32BE(4)).toBe(ErrorCode.ENHANCE_YOUR_CALM);
  });

  it.each<[string, string, (index: number) => Buffer]>([
    ['control frames', 'http2.outbound_control_flood', (index) => Buffer.concat([frame(FrameType.PING, 0, 0, '0000000000000000'), ...(index % 500 === 0 ? [request(1 + 2 * index, false)] : [])])],
    ['frames', 'http2.outbound_flood', (index) => request(1 + 2 * index, true)],
  ])('of answers to a peer that does not read end the connection: %s', (_name, reason, make) => {
    const served = serve({}, false);
    served.socket.feed(START);
    served.socket.stuck = true;
    // The socket's own buffer takes some before it says that it is full.
    for (let index = 0; index < 20_000 && !served.closed; index += 1) {
      served.socket.feed(make(index));
      if (reason === 'http2.outbound_flood') served.encoders.at(-1)?.encodeHeaders(new ResponseHeaders(), true);
    }
    expect([served.errors.at(-1), served.closed]).toEqual([reason, true]);
  });

  it('are not what honest peers do: pings with their requests, resets now and then', () => {
    const served = serve();
    served.socket.feed(START);
    for (let index = 0; index < 3000; index += 1) {
      const id = 1 + 2 * index;
      served.socket.feed(Buffer.concat([request(id, index % 3 !== 0), frame(FrameType.PING, 0, 0, '0000000000000000'), frame(FrameType.WINDOW_UPDATE, 0, 0, '00000001'), ...(index % 3 === 0 ? [frame(FrameType.RST_STREAM, 0, id, '00000008')] : [])]));
    }
    expect([served.errors, served.closed]).toEqual([[], false]);
  });
});

describe('time', () => {
  it('ends a header block that stalls in the middle, and an unfinished frame', () => {
    for (const bytes of [frame(FrameType.HEADERS, 1, 1, '82'), request(1, true).subarray(0, 12), START.subarray(0, 5)]) {
      vi.useFakeTimers();
      const served = serve({ headersTimeoutMilliseconds: 1000 });
      served.socket.feed(bytes.equals(START.subarray(0, 5)) ? bytes : Buffer.concat([START, bytes]));
      vi.advanceTimersByTime(900);
      expect(served.closed).toBe(false);
      vi.advanceTimersByTime(200);
      expect([served.closed, served.errors]).toEqual([true, ['request_header_timeout']]);
      vi.useRealTimers();
    }
  });

  it('lets a connection go on that owes the rest of a frame after every piece, each time of another', () => {
    vi.useFakeTimers();
    const served = serve({ headersTimeoutMilliseconds: 1000 });
    const frames = [START, ...Array.from({ length: 20 }, (_none, index) => request(1 + 2 * index, true))];
    let rest = Buffer.alloc(0);
    for (const one of frames) {
      // Each piece ends in the middle of the frame that began last.
      served.socket.feed(Buffer.concat([rest, one.subarray(0, one.length - 5)]));
      rest = Buffer.from(one.subarray(one.length - 5));
      vi.advanceTimersByTime(600);
    }
    expect([served.closed, served.encoders.length]).toEqual([false, 19]);
    vi.advanceTimersByTime(1001);
    expect(served.errors).toEqual(['request_header_timeout']);
    vi.useRealTimers();
  });

  it('ends an answer that a peer with a shut window never takes', () => {
    vi.useFakeTimers();
    const served = serve({ flushTimeoutMilliseconds: 1000 });
    served.socket.feed(Buffer.concat([START, frame(FrameType.SETTINGS, 0, 0, '000400000000'), request(1, true)]));
    expect(served.connection.activeStreams).toBe(1);
    vi.advanceTimersByTime(2500);
    expect([served.connection.activeStreams, served.errors]).toEqual([0, ['http2.flush_timeout']]);
    vi.useRealTimers();
  });

  it('ends a connection whose peer does not answer its pings', async () => {
    vi.useFakeTimers();
    const served = serve({ tuning: { keepalive: { intervalMilliseconds: 1000, timeoutMilliseconds: 500 } } });
    served.socket.feed(START);
    vi.advanceTimersByTime(1100);
    await new Promise((resolve) => process.nextTick(resolve));
    const ping = served.socket.frames().find(({ type }) => type === FrameType.PING);
    served.socket.feed(frame(FrameType.PING, 1, 0, ping?.payload ?? ''));
    vi.advanceTimersByTime(850);
    expect(served.closed).toBe(false);
    vi.advanceTimersByTime(700);
    expect([served.closed, served.errors]).toEqual([true, ['http2.keepalive_timeout']]);
    vi.useRealTimers();
  });
});

describe('flow control', () => {
  it('sends no more than the windows of stream and connection allow, a frame of each stream in turn, and tells who is held', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const served = serve({}, false);
    served.socket.feed(Buffer.concat([START, frame(FrameType.SETTINGS, 0, 0, '00040000c350'), request(1, true), request(3, true)]));
    served.socket.frames();
    const free = served.encoders.map((encoder) => {
      encoder.encodeHeaders(new ResponseHeaders(), false);
      return encoder.encodeData(Buffer.alloc(60_000, 'x'), false);
    });
    await turn();
    const sent = (): number[] => [1, 3].map((id) => served.socket.frames.call({ written: served.socket.written } as never).filter(({ type, streamId }) => type === FrameType.DATA && streamId === id).reduce((sum, { payload }) => sum + payload.length, 0));
    expect([free, sent()]).toEqual([[false, false], [50_000, 15_535]]);
    served.socket.feed(frame(FrameType.WINDOW_UPDATE, 0, 0, '00010000'));
    await turn();
    expect(sent()).toEqual([50_000, 50_000]);
    served.socket.feed(Buffer.concat([frame(FrameType.WINDOW_UPDATE, 0, 1, '00010000'), frame(FrameType.WINDOW_UPDATE, 0, 3, '00010000')]));
    expect(sent()).toEqual([60_000, 60_000]);
    expect(served.events.filter((event) => event.includes('blocked'))).toEqual(['1 blocked true', '2 blocked true', '1 blocked false', '2 blocked false']);
  });

  it('lets a peer send on when what it sent was passed on, and not while reading is held', async () => {
    const served = serve({}, false);
    const piece = (): Buffer => data(1, 'x'.repeat(16_384), false);
    served.socket.feed(Buffer.concat([START, request(1, false)]));
    served.encoders[0]?.readDisable(true);
    for (let turn = 0; turn < 64; turn += 1) served.socket.feed(piece());
    const updates = (): number[] => served.socket.frames().filter(({ type, streamId }) => type === FrameType.WINDOW_UPDATE && streamId === 1).map(({ payload }) => payload.readUInt32BE(0));
    expect(updates()).toEqual([]);
    served.encoders[0]?.readDisable(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(updates()).toEqual([512 * 1024, 512 * 1024]);
    for (let turn = 0; turn < 65; turn += 1) served.socket.feed(piece());
    expect(served.closed).toBe(false);
    served.encoders[0]?.readDisable(true);
    for (let turn = 0; turn < 65; turn += 1) served.socket.feed(piece());
    expect(served.errors).toEqual(['http2.stream_window_exceeded']);
  });
});

describe('a request whose reading is held', () => {
  it('is told of nothing that came until it is free, and then of all in order, however often it is held again', async () => {
    const served = serve({}, false);
    served.socket.feed(Buffer.concat([START, request(1, false), request(3, false)]));
    for (const encoder of served.encoders) encoder.readDisable(true);
    served.socket.feed(Buffer.concat([data(1, 'one ', false), data(1, 'two ', false), data(1, 'three', true), data(3, 'x', false), frame(FrameType.HEADERS, 5, 3, block([['x-t', 'y']]))]));
    expect(served.events.length).toBe(2);
    served.encoders[0]?.readDisable(false);
    served.encoders[0]?.readDisable(true);
    served.encoders[1]?.readDisable(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(served.events.slice(2)).toEqual(['2 trailers x-t|y', '2 body x']);
    served.encoders[0]?.readDisable(false);
    await new Promise((resolve) => setImmediate(resolve));
    expect(served.events.slice(4)).toEqual(['1 body one two three']);
  });
});

describe('what configuration sets', () => {
  it('is announced and held: windows, table of headers, limits of floods', () => {
    const served = serve({ tuning: { streamWindowBytes: 100_000, connectionWindowBytes: 70_000, headerTableBytes: 0, floods: { emptyFrames: 3 } } }, false);
    served.socket.feed(Buffer.concat([START, request(1, false), data(1, '', false), data(1, '', false), data(1, '', false)]));
    const [settings, window] = served.socket.frames();
    expect(settings?.payload.toString('hex')).toMatch(/000100000000.*0004000186a0/);
    expect(window?.payload.readUInt32BE(0)).toBe(70_000 - 65_535);
    expect(served.errors).toEqual([]);
    // A table of nothing: each block begins by saying so once, and nothing is ever indexed.
    served.encoders[0]?.encode1xx(Object.assign(new ResponseHeaders(['x-a', 'b']), { status: 103 }));
    served.encoders[0]?.readDisable(true);
    for (let turn = 0; turn < 5; turn += 1) served.socket.feed(data(1, 'x'.repeat(16_000), false));
    expect(served.socket.frames().filter(({ type }) => type === FrameType.HEADERS)[0]?.payload[0]).toBe(0x20);
    expect(served.errors).toEqual(['http2.connection_window_exceeded']);
  });
});

describe('the end of a connection', () => {
  it('comes in two steps: a notice, and the last call when the client has heard', () => {
    const served = serve({}, false);
    served.socket.feed(Buffer.concat([START, request(1, true)]));
    served.socket.frames();
    served.connection.shutdown();
    served.socket.feed(request(3, true));
    const first = served.socket.frames();
    expect(first.filter(({ type }) => type === FrameType.GOAWAY).map(({ payload }) => payload.readUInt32BE(0))).toEqual([2 ** 31 - 1]);
    const ping = first.find(({ type }) => type === FrameType.PING);
    served.socket.feed(frame(FrameType.PING, 1, 0, ping?.payload ?? ''));
    served.socket.feed(request(5, true));
    const second = served.socket.frames();
    expect(second.find(({ type }) => type === FrameType.GOAWAY)?.payload.readUInt32BE(0)).toBe(3);
    expect(second.find(({ type }) => type === FrameType.RST_STREAM)).toMatchObject({ streamId: 5 });
    expect([served.encoders.length, served.closed]).toEqual([2, false]);
    for (const encoder of served.encoders) encoder.encodeHeaders(new ResponseHeaders(), true);
    expect(served.closed).toBe(true);
  });
});
