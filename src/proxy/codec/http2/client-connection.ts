// An upstream HTTP/2 connection over node:http2, behind the codec interface. Made by the connection pool on an open socket.
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { describeError } from '../../../shared/lib/index.ts';
import type { HeaderMap, RequestHeaders } from '../../stream/header-map.ts';
import { isWritable } from '../../stream/request-line.ts';
import { EMPTY, type ClientConnection, type ClientConnectionCallbacks, type RequestEncoder, type ResponseDecoder, type StreamResetReason } from '../api.ts';
import { readResponse, readTrailers, writeHeaders, writeRequest } from './headers.ts';

const WINDOW = 256 * 1024;

/** What else an upstream HTTP/2 connection tells its pool. */
export interface Http2ClientCallbacks extends ClientConnectionCallbacks {
  /** The peer has sent its settings: it speaks HTTP/2, and streams may be opened. */
  onConfirmed(): void;
}

/** One upstream connection with many streams. */
export class Http2ClientConnection implements ClientConnection {
  readonly protocol = 'HTTP/2';
  requests = 0;
  activeStreams = 0;
  readonly #session: ClientHttp2Session;
  readonly #callbacks: Http2ClientCallbacks;
  readonly #maximumStreams: number;
  readonly #streams = new Set<ClientStream>();
  readonly #confirmTimer: NodeJS.Timeout;
  /** The peer has shown that it speaks HTTP/2. */
  confirmed = false;
  #goingAway = false;
  #closed = false;

  /** A peer that sends no settings within `confirmMilliseconds` is given up. */
  constructor(socket: Duplex, callbacks: Http2ClientCallbacks, maximumStreams: number, confirmMilliseconds: number) {
    this.#callbacks = callbacks;
    this.#maximumStreams = maximumStreams;
    this.#session = connect('http://upstream', { createConnection: () => socket, settings: { enablePush: false, initialWindowSize: WINDOW } });
    this.#session.on('goaway', () => this.#goAway());
    this.#session.on('error', () => this.close());
    this.#session.on('close', () => this.#onClose());
    socket.on('end', () => this.close());
    socket.on('close', () => this.#onClose());
    this.#confirmTimer = setTimeout(() => this.close(), confirmMilliseconds);
    this.#session.on('remoteSettings', () => this.#confirm());
  }

  #confirm(): void {
    if (this.confirmed || this.#closed) return;
    this.confirmed = true;
    clearTimeout(this.#confirmTimer);
    this.#callbacks.onConfirmed();
  }

  get availableStreams(): number {
    if (!this.confirmed || this.#closed || this.#goingAway || this.#session.destroyed) return 0;
    const remote = this.#session.remoteSettings?.maxConcurrentStreams ?? this.#maximumStreams;
    return Math.max(0, Math.min(this.#maximumStreams, remote) - this.activeStreams);
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.requests += 1;
    this.activeStreams += 1;
    const stream: ClientStream = new ClientStream(this.#session, decoder, () => {
      this.activeStreams -= 1;
      this.#streams.delete(stream);
      this.#callbacks.onStreamDone();
    });
    this.#streams.add(stream);
    return stream;
  }

  close(): void {
    this.#session.destroy();
    this.#onClose();
  }

  #goAway(): void {
    this.#goingAway = true;
    this.#callbacks.onGoAway();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#confirmTimer);
    for (const stream of [...this.#streams]) stream.fail('connection_termination', 'http2.connection_closed');
    this.#callbacks.onClose();
  }
}

class ClientStream implements RequestEncoder {
  readonly #session: ClientHttp2Session;
  readonly #onDone: () => void;
  #decoder: ResponseDecoder | null;
  #stream: ClientHttp2Stream | null = null;
  #trailers: HeaderMap | null = null;
  #sawHeaders = false;
  #disabled = 0;

  constructor(session: ClientHttp2Session, decoder: ResponseDecoder, onDone: () => void) {
    this.#session = session;
    this.#decoder = decoder;
    this.#onDone = onDone;
  }

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    if (!isWritable(headers)) {
      process.nextTick(() => this.fail('protocol_error', 'http2.unwritable_request'));
      return;
    }
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(writeRequest(headers), { endStream, waitForTrailers: !endStream });
    } catch (error) {
      const detail = describeError(error);
      process.nextTick(() => this.fail('refused_stream', detail));
      return;
    }
    this.#stream = stream;
    stream.on('headers', (received) => this.#decoder?.decode1xx(readResponse(received, undefined)));
    stream.on('response', (received, flags: number, raw?: readonly string[]) => this.#onResponse(readResponse(received, raw), (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0));
    stream.on('data', (data: Buffer) => this.#decoder?.decodeData(data, false));
    stream.on('trailers', (received) => {
      this.#trailers = readTrailers(received);
    });
    stream.on('wantTrailers', () => stream.sendTrailers(this.#sending ? writeHeaders(this.#sending, {}) : {}));
    stream.on('end', () => this.#onEnd());
    stream.on('drain', () => this.#decoder?.onBlocked(false));
    stream.on('error', () => undefined); // 'close' follows and tells
    stream.on('close', () => this.fail(resetReason(stream.rstCode), `http2 reset ${stream.rstCode}`));
  }

  #sending: HeaderMap | null = null;

  /** `end` says that there is nothing but these headers: gRPC tells an error so, and its clients take nothing else for one. */
  #onResponse(headers: ReturnType<typeof readResponse>, end: boolean): void {
    this.#sawHeaders = true;
    const decoder = this.#decoder;
    if (end) this.#finish();
    decoder?.decodeHeaders(headers, end);
  }

  #onEnd(): void {
    if (!this.#sawHeaders) return;
    const decoder = this.#decoder;
    this.#finish();
    if (this.#trailers) decoder?.decodeTrailers(this.#trailers);
    else decoder?.decodeData(EMPTY, true);
  }

  #finish(): void {
    if (this.#decoder === null) return;
    this.#decoder = null;
    this.#onDone();
  }

  /** The stream is over without its answer; told once. */
  fail(reason: StreamResetReason, detail: string): void {
    const decoder = this.#decoder;
    if (decoder === null) return;
    this.#finish();
    decoder.onReset(reason, detail);
  }

  encodeData(data: Buffer, endStream: boolean): boolean {
    const stream = this.#stream;
    if (!stream || stream.destroyed || stream.writableEnded) return true;
    if (endStream) stream.end(data);
    else if (!stream.write(data)) {
      this.#decoder?.onBlocked(true);
      return false;
    }
    return true;
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#sending = trailers;
    this.encodeData(EMPTY, true);
  }

  reset(_reason: StreamResetReason): void {
    this.#finish();
    this.#stream?.close(constants.NGHTTP2_CANCEL);
  }

  readDisable(disable: boolean): void {
    this.#disabled = Math.max(0, this.#disabled + (disable ? 1 : -1));
    if (this.#disabled > 0) this.#stream?.pause();
    else this.#stream?.resume();
  }
}

function resetReason(code: number | undefined): StreamResetReason {
  if (code === constants.NGHTTP2_REFUSED_STREAM) return 'refused_stream';
  return code === undefined || code === constants.NGHTTP2_NO_ERROR || code === constants.NGHTTP2_INTERNAL_ERROR ? 'connection_termination' : 'remote_reset';
}
