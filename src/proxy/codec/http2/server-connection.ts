// A downstream HTTP/2 connection over node:http2, behind the codec interface. Made by the HTTP connection manager for connections that agreed on or began HTTP/2.
import { constants, performServerHandshake, type Http2Session, type ServerHttp2Session, type ServerHttp2Stream, type IncomingHttpHeaders } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { HeaderMap, ResponseHeaders } from '../../stream/header-map.ts';
import { EMPTY, type HeaderLimits, type RequestDecoder, type ResponseEncoder, type ServerConnection, type ServerConnectionCallbacks, type StreamResetReason } from '../api.ts';
import { PrematureResets } from './premature-resets.ts';
import { readRequest, readTrailers, writeHeaders } from './headers.ts';

const WINDOW = 256 * 1024;
/** Between GOAWAY and the end of a connection without streams. */
const LINGER_MILLISECONDS = 1000;
/** Between telling a flooding peer why and cutting it off. */
const FAREWELL_MILLISECONDS = 10;

/** Options of a server connection. */
export interface Http2ServerOptions {
  readonly limits: HeaderLimits;
  readonly maximumConcurrentStreams: number;
  readonly allowConnect: boolean;
  /** How long a connection may outlive the beginning of a drain without streams. */
  readonly drainGraceMilliseconds: number;
}

/** Serves one downstream connection. */
export class Http2ServerConnection implements ServerConnection {
  readonly protocol = 'HTTP/2';
  activeStreams = 0;
  readonly #session: ServerHttp2Session;
  readonly #callbacks: ServerConnectionCallbacks;
  readonly #socket: Duplex;
  readonly #resets = new PrematureResets();
  readonly #streams = new Set<ServerStream>();
  readonly #drainGraceMilliseconds: number;
  #draining = false;
  #closed = false;

  constructor(socket: Duplex, callbacks: ServerConnectionCallbacks, options: Http2ServerOptions) {
    this.#drainGraceMilliseconds = options.drainGraceMilliseconds;
    this.#callbacks = callbacks;
    this.#socket = socket;
    // Reading starts again only when the session listens: bytes that were put back into the socket come first.
    this.#session = performServerHandshake(socket, {
      settings: { maxConcurrentStreams: options.maximumConcurrentStreams || 1024, initialWindowSize: WINDOW, enableConnectProtocol: options.allowConnect, maxHeaderListSize: options.limits.maximumHeadBytes },
      maxHeaderListPairs: options.limits.maximumHeaders + 5,
    });
    this.#session.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, raw: readonly string[]) => this.#onStream(stream, headers, raw));
    this.#session.on('error', () => this.#onClose());
    this.#session.on('close', () => this.#onClose());
    socket.on('close', () => this.#onClose());
    // The session reads past the socket and waits for streams whose request nobody reads: it does not tell that the peer has left.
    socket.on('end', () => this.close());
  }

  #onStream(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    this.activeStreams += 1;
    const openedAt = performance.now();
    this.#resets.streams += 1;
    const server = new ServerStream(stream, (abandoned) => {
      this.activeStreams -= 1;
      this.#streams.delete(server);
      if (abandoned && this.#resets.tooMany(performance.now() - openedAt)) this.#endFlood();
      this.#callbacks.onActivity(this.activeStreams);
    });
    this.#streams.add(server);
    this.#callbacks.onActivity(this.activeStreams);
    server.start(this.#callbacks.newStream(server), headers, raw);
  }

  /** The peer opens streams only to reset them (CVE-2023-44487): each costs us a request and it nothing. */
  #endFlood(): void {
    if (this.#closed) return;
    this.#callbacks.onProtocolError(0, 'http2.too_many_premature_resets');
    if (!this.#session.destroyed) this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    // The session writes its GOAWAY at the end of this turn.
    setTimeout(() => this.close(), FAREWELL_MILLISECONDS).unref();
  }

  shutdown(): void {
    if (this.#draining || this.#session.destroyed) return;
    this.#draining = true;
    // GOAWAY names the last stream that is served, so the client may safely repeat what crossed it (RFC 9113 section 6.8). It has to arrive for that: a socket that is closed at once, with
    // a request unread, would take it along. (A notice that still admits streams is not to be had of nghttp2 this way: it ignores all that come after any GOAWAY.)
    this.#session.goaway(constants.NGHTTP2_NO_ERROR);
    setTimeout(() => this.finish(), Math.min(LINGER_MILLISECONDS, this.#drainGraceMilliseconds)).unref();
  }

  finish(): boolean {
    this.#draining = true;
    // GOAWAY, then the session ends with its last stream.
    if (!this.#session.closed && !this.#session.destroyed) this.#session.close();
    return this.activeStreams > 0;
  }

  close(): void {
    (this.#session as Http2Session).destroy();
    this.#socket.destroy();
    this.#onClose();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of [...this.#streams]) stream.abandon('connection_termination', 'downstream_remote_disconnect');
    this.#callbacks.onClose();
  }
}

class ServerStream implements ResponseEncoder {
  readonly protocol = 'HTTP/2';
  readonly #stream: ServerHttp2Stream;
  readonly #onDone: (abandoned: boolean) => void;
  #decoder: RequestDecoder | null = null;
  #requestTrailers: HeaderMap | null = null;
  #sending: HeaderMap | null = null;
  #requestDone = false;
  #disabled = 0;
  #over = false;

  constructor(stream: ServerHttp2Stream, onDone: (abandoned: boolean) => void) {
    this.#stream = stream;
    this.#onDone = onDone;
  }

  start(decoder: RequestDecoder, headers: IncomingHttpHeaders, raw: readonly string[]): void {
    const stream = this.#stream;
    this.#decoder = decoder;
    const request = readRequest(headers, raw);
    const end = stream.endAfterHeaders;
    this.#requestDone = end;
    stream.on('data', (data: Buffer) => this.#decoder?.decodeData(data, false));
    stream.on('trailers', (received) => {
      this.#requestTrailers = readTrailers(received);
    });
    stream.on('end', () => this.#onEnd());
    stream.on('drain', () => this.#decoder?.onBlocked(false));
    stream.on('wantTrailers', () => stream.sendTrailers(this.#sending ? writeHeaders(this.#sending, {}) : {}));
    stream.on('error', () => undefined); // 'close' follows and tells
    // A stream that is not read closes late or never; that the peer gave it up is told at once.
    stream.on('aborted', () => this.abandon('remote_reset', 'http2.remote_reset'));
    stream.on('close', () => this.abandon('remote_reset', 'http2.remote_reset'));
    decoder.decodeHeaders(request, end);
  }

  /** The stream is over, whether or not its response was written; told once. */
  abandon(reason: StreamResetReason, detail: string): void {
    if (this.#over) return;
    this.#over = true;
    const open = this.#decoder;
    this.#decoder = null;
    open?.onReset(reason, detail);
    this.#onDone(open !== null);
    if (!this.#stream.destroyed && this.#stream.aborted) this.#stream.destroy();
  }

  #onEnd(): void {
    if (this.#requestDone) return;
    this.#requestDone = true;
    if (this.#requestTrailers) this.#decoder?.decodeTrailers(this.#requestTrailers);
    else this.#decoder?.decodeData(EMPTY, true);
  }

  encode1xx(headers: ResponseHeaders): void {
    if (!this.#stream.headersSent && !this.#stream.destroyed && headers.status !== 101) this.#stream.additionalHeaders(writeHeaders(headers, { ':status': headers.status }));
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    const stream = this.#stream;
    if (stream.destroyed || stream.headersSent) return;
    // An extended CONNECT is accepted with 200 where HTTP/1.1 has 101 (RFC 8441).
    const status = headers.status === 101 ? 200 : headers.status;
    if (status === 204 || status === 304) headers.remove('content-length');
    stream.respond(writeHeaders(headers, { ':status': status }), { endStream, waitForTrailers: !endStream });
    if (endStream) this.#finish();
  }

  encodeData(data: Buffer, endStream: boolean): boolean {
    const stream = this.#stream;
    if (stream.destroyed || stream.writableEnded) return true;
    if (endStream) {
      stream.end(data);
      this.#finish();
      return true;
    }
    if (stream.write(data)) return true;
    this.#decoder?.onBlocked(true);
    return false;
  }

  encodeTrailers(trailers: HeaderMap): void {
    this.#sending = trailers;
    this.encodeData(EMPTY, true);
  }

  /** The response is written; a request that is still coming is no longer wanted. */
  #finish(): void {
    this.#decoder = null;
    if (!this.#requestDone) this.#stream.resume();
  }

  reset(_reason: StreamResetReason): void {
    this.#decoder = null;
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  readDisable(disable: boolean): void {
    this.#disabled = Math.max(0, this.#disabled + (disable ? 1 : -1));
    if (this.#disabled > 0) this.#stream.pause();
    else this.#stream.resume();
  }
}
