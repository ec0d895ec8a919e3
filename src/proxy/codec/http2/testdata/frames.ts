// Frames as raw bytes, and connections on a socket that is none: what a test feeds is worked on at once, and what was written can be read back. Used by the tests of this folder.
import { Duplex } from 'node:stream';
import type { HeaderMap, RequestHeaders } from '../../../stream/header-map.ts';
import { ResponseHeaders } from '../../../stream/header-map.ts';
import type { RequestDecoder, ResponseEncoder, ServerConnectionCallbacks, StreamResetReason } from '../../api.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import { Http2ServerConnection, type Http2ServerOptions } from '../server-connection.ts';
import { FrameType, PREFACE } from '../wire/protocol.ts';

export const OPTIONS: Http2ServerOptions = {
  limits: { maximumHeadBytes: 60 * 1024, maximumHeaders: 100 }, maximumConcurrentStreams: 100, allowConnect: true, drainGraceMilliseconds: 300, headersTimeoutMilliseconds: 60_000,
  flushTimeoutMilliseconds: 300_000,
};

/** One frame. */
export function frame(type: number, flags: number, streamId: number, payload: Buffer | string = ''): Buffer {
  const content = typeof payload === 'string' ? Buffer.from(payload, 'hex') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(content.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, content]);
}

/** A header block without compression. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  const length = (size: number): Buffer => (size < 127 ? Buffer.from([size]) : Buffer.from([127, ((size - 127) & 127) | 128, (((size - 127) >> 7) & 127) | 128, (size - 127) >> 14]));
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), length(name.length), Buffer.from(name, 'latin1'), length(value.length), Buffer.from(value, 'latin1')]));
}

export const START = Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0)]);

/** HEADERS of a request, whole. */
export function request(streamId: number, end: boolean, fields: readonly (readonly [string, string])[] = [], method = 'POST'): Buffer {
  return frame(FrameType.HEADERS, 4 | (end ? 1 : 0), streamId, block([[':method', method], [':scheme', 'http'], [':path', '/'], [':authority', 'a'], ...fields]));
}

export function data(streamId: number, content: string, end: boolean): Buffer {
  return frame(FrameType.DATA, end ? 1 : 0, streamId, Buffer.from(content, 'latin1'));
}

/** A frame that was written. */
export interface WrittenFrame { readonly type: number; readonly flags: number; readonly streamId: number; readonly payload: Buffer }

/** A socket whose other side is the test. */
export class TestSocket extends Duplex {
  written: Buffer = Buffer.alloc(0);
  /** Takes nothing more until set free. */
  stuck = false;
  #waiting: (() => void)[] = [];

  override _read(): void {
    // The test pushes nothing: it emits.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written = Buffer.concat([this.written, chunk]);
    if (this.stuck) this.#waiting.push(done);
    else done();
  }

  free(): void {
    this.stuck = false;
    for (const done of this.#waiting.splice(0)) done();
  }

  /** The peer sends `bytes`. */
  feed(bytes: Buffer): void {
    this.emit('data', bytes);
  }

  /** What was written, as frames, after the preface of a client; empty again. */
  frames(): WrittenFrame[] {
    const frames: WrittenFrame[] = [];
    let rest = this.written.subarray(0, 3).toString('latin1') === 'PRI' ? this.written.subarray(PREFACE.length) : this.written;
    this.written = Buffer.alloc(0);
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      frames.push({ type: rest[3] ?? 0, flags: rest[4] ?? 0, streamId: rest.readUInt32BE(5), payload: rest.subarray(9, 9 + length) });
      rest = rest.subarray(9 + length);
    }
    return frames;
  }
}

/** What a served connection was told and did. */
export interface Served {
  readonly socket: TestSocket;
  readonly connection: Http2ServerConnection;
  readonly events: string[];
  readonly encoders: ResponseEncoder[];
  /** Reasons of protocol errors. */
  readonly errors: string[];
  closed: boolean;
}

/** Serves on a test's socket; requests are answered with 200 and `ok` at their end unless `answers` is false. */
export function serve(options: Partial<Http2ServerOptions> = {}, answers = true): Served {
  const socket = new TestSocket();
  const served: { -readonly [Key in keyof Served]: Served[Key] } = { socket, events: [], encoders: [], errors: [], closed: false, connection: null as never };
  const callbacks: ServerConnectionCallbacks = {
    newStream: (encoder) => {
      served.encoders.push(encoder);
      return recorder(served.encoders.length, served.events, answers ? encoder : null);
    },
    onProtocolError: (_status, detail) => served.errors.push(detail),
    onActivity: () => undefined,
    onClose: () => {
      served.closed = true;
    },
  };
  served.connection = new Http2ServerConnection(socket, callbacks, { ...OPTIONS, ...options });
  return served;
}

function recorder(number: number, events: string[], encoder: ResponseEncoder | null): RequestDecoder {
  let body = '';
  const end = (): void => {
    events.push(`${number} body ${body}`);
    const headers = new ResponseHeaders(['content-length', '2']);
    encoder?.encodeHeaders(headers, false);
    encoder?.encodeData(Buffer.from('ok'), true);
  };
  return {
    decodeHeaders: (headers: RequestHeaders, endStream: boolean) => {
      events.push(`${number} ${headers.method} ${headers.path} ${headers.authority}${headers.upgrade} ${headers.items.join('|')}`);
      if (endStream) end();
    },
    decodeData: (piece: Buffer, endStream: boolean) => {
      body += piece.toString('latin1');
      if (endStream) end();
    },
    decodeTrailers: (trailers: HeaderMap) => {
      events.push(`${number} trailers ${trailers.items.join('|')}`);
      end();
    },
    onReset: (reason: StreamResetReason, detail: string) => events.push(`${number} reset ${reason} ${detail}`),
    onBlocked: (blocked: boolean) => events.push(`${number} blocked ${blocked}`),
  };
}

/** The fields of written header blocks, in the order of their frames. */
export function readBlocks(frames: readonly WrittenFrame[]): string[] {
  const decoder = new HpackDecoder();
  return frames.filter(({ type }) => type === FrameType.HEADERS).map(({ payload }) => {
    decoder.decode(payload, 0, payload.length, { maximumBytes: 1e6, maximumFields: 1000 });
    return decoder.fields.join('|');
  });
}
