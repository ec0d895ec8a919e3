// A downstream HTTP/1.1 connection: requests one after the other, pipelined ones wait in the parser. The connection is the encoder of its one active
// stream. Made by the HTTP connection manager for each accepted connection.
import type { Duplex } from 'node:stream';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';
import { EMPTY, type HeaderLimits, type RequestDecoder, type ResponseEncoder, type ServerConnection, type ServerConnectionCallbacks, type StreamResetReason } from '../api.ts';
import { beginTurn, endTurn } from '../turn.ts';
import type { HeadFacts } from './head.ts';
import { Output } from './output.ts';
import { RequestParser, type ParserSink } from './parser.ts';
import { alwaysSendsTrailers, lastChunk, reasonPhrase, responseHead } from './serialize.ts';

/** Time for a peer to read our last response before the socket is destroyed. */
const DELAYED_CLOSE_MILLISECONDS = 1000;
const MAXIMUM_KEPT_BYTES = 128 * 1024;

/** Options of a server connection. */
export interface Http1ServerOptions {
  readonly limits: HeaderLimits;
  readonly acceptHttp10: boolean;
  /** From the first byte of a head to its last; a peer that takes longer gets 408. */
  readonly headersTimeoutMilliseconds: number;
  /**
   * An idle connection is closed this long after a drain began. A client that uses it meanwhile is answered with `connection: close` and loses nothing; closing at once would meet the
   * request of one that is just about to write.
   */
  readonly drainGraceMilliseconds: number;
}

/** Serves one downstream connection. */
export class Http1ServerConnection implements ServerConnection, ResponseEncoder, ParserSink<RequestHeaders> {
  protocol: 'HTTP/1.1' = 'HTTP/1.1' as const;
  readonly #socket: Duplex;
  readonly #callbacks: ServerConnectionCallbacks;
  readonly #options: Http1ServerOptions;
  readonly #parser: RequestParser;
  readonly #output: Output;
  #decoder: RequestDecoder | null = null;
  #method = '';
  #minorVersion: 0 | 1 = 1;
  #closeAfter = false;
  #responseStarted = false;
  #responseDone = true;
  #requestDone = true;
  #body: 'none' | 'length' | 'chunked' | 'close' | 'raw' = 'none';
  #left = 0;
  #disabled = 0;
  #draining = false;
  #takesTrailers = false;
  #headTimer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(socket: Duplex, callbacks: ServerConnectionCallbacks, options: Http1ServerOptions) {
    this.#socket = socket;
    this.#callbacks = callbacks;
    this.#options = options;
    this.#parser = new RequestParser(this, options.limits);
    this.#output = new Output(socket, (blocked) => this.#decoder?.onBlocked(blocked));
    socket.on('data', (data: Buffer) => this.#onBytes(data));
    socket.on('end', () => this.#onEnd());
    socket.on('error', () => this.#onClose());
    socket.on('close', () => this.#onClose());
    // It may have been paused while its first bytes were looked at.
    socket.resume();
  }

  get activeStreams(): number {
    return this.#decoder === null ? 0 : 1;
  }

  shutdown(): void {
    // A busy connection says `connection: close` with its answer; an idle one has a little time to be used once more.
    if (!this.#draining && !this.#closed) setTimeout(() => this.#closeWhenIdle(), this.#options.drainGraceMilliseconds).unref();
    this.#draining = true;
  }

  finish(): boolean {
    this.#draining = true;
    this.#closeWhenIdle();
    return !this.#closed && (this.#parser.inHead || (this.#decoder !== null && this.#body !== 'raw'));
  }

  #closeWhenIdle(): void {
    if (!this.#closed && this.#decoder === null && !this.#parser.inHead) this.#endGently();
  }

  close(): void {
    this.#socket.destroy();
    this.#onClose();
  }

  #onBytes(data: Buffer): void {
    beginTurn();
    try {
      this.#parser.execute(data);
    } finally {
      endTurn();
    }
    if (this.#parser.inHead) this.#waitForHead();
    // Pipelined requests that nobody can take yet stay in the kernel.
    if (this.#parser.keptBytes > MAXIMUM_KEPT_BYTES && this.#decoder !== null) this.#socket.pause();
  }

  #waitForHead(): void {
    if (this.#headTimer !== null || this.#closed) return;
    this.#headTimer = setTimeout(() => {
      this.#parser.stop();
      this.onError(408, 'request_header_timeout');
    }, this.#options.headersTimeoutMilliseconds);
  }

  #stopHeadTimer(): void {
    if (this.#headTimer === null) return;
    clearTimeout(this.#headTimer);
    this.#headTimer = null;
  }

  // --- what the parser finds

  onHead(headers: RequestHeaders, facts: HeadFacts, endStream: boolean): void {
    if (facts.minorVersion === 0 && !this.#options.acceptHttp10) {
      this.#parser.stop();
      this.onError(426, 'http1.http10_not_accepted');
      return;
    }
    this.#stopHeadTimer();
    this.#method = headers.method;
    this.#takesTrailers = headers.has('te');
    this.#minorVersion = facts.minorVersion;
    this.#closeAfter = facts.close;
    this.#responseStarted = false;
    this.#responseDone = false;
    this.#requestDone = endStream;
    this.#decoder = this.#callbacks.newStream(this);
    this.#callbacks.onActivity(1);
    const decoder = this.#decoder;
    if (!endStream) this.#socketBack();
    decoder.decodeHeaders(headers, endStream);
    if (facts.expectContinue && !this.#responseStarted && this.#decoder === decoder) this.#output.add('HTTP/1.1 100 Continue\r\n\r\n');
    if (endStream) this.#afterMessage();
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#requestDone = endStream;
    this.#decoder?.decodeData(data, endStream);
    if (endStream) this.#afterMessage();
  }

  onTrailers(trailers: HeaderMap): void {
    this.#requestDone = true;
    this.#decoder?.decodeTrailers(trailers);
    this.#afterMessage();
  }

  onError(status: number, detail: string): void {
    this.#stopHeadTimer();
    this.#callbacks.onProtocolError(status, detail);
    const decoder = this.#decoder;
    const answered = this.#responseStarted && decoder !== null;
    this.#decoder = null;
    decoder?.onReset('protocol_error', detail);
    if (!answered) {
      const body = detail.endsWith('http10_not_accepted') ? '' : reasonPhrase(status);
      this.#output.add(`HTTP/1.1 ${status} ${reasonPhrase(status)}\r\ncontent-length: ${body.length}\r\ncontent-type: text/plain\r\nconnection: close\r\n\r\n${body}`);
    }
    this.#endGently();
  }

  // --- what the stream writes

  encode1xx(headers: ResponseHeaders): void {
    if (this.#minorVersion === 1) this.#output.add(responseHead(headers, ''));
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    this.#responseStarted = true;
    const { status } = headers;
    if (status === 101 || (this.#method === 'CONNECT' && status >= 200 && status < 300)) {
      this.#encodeUpgrade(headers);
      return;
    }
    if (this.#parser.holdsRaw) this.#closeAfter = true;
    if (this.#draining) this.#closeAfter = true;
    this.#output.add(responseHead(headers, this.#framingLines(headers, endStream)));
    if (endStream) this.#finishResponse();
  }

  #framingLines(headers: ResponseHeaders, endStream: boolean): string {
    const { status } = headers;
    let lines = '';
    if (!endStream && alwaysSendsTrailers(headers)) {
      // A length would leave no place for the trailers.
      headers.remove('content-length');
      this.#takesTrailers = true;
    }
    if (this.#method === 'HEAD' || status === 204 || status === 304 || status < 200) this.#body = 'none';
    else if (endStream) {
      this.#body = 'none';
      headers.set('content-length', '0');
    } else if (headers.has('content-length')) {
      this.#body = 'length';
      this.#left = Number(headers.get('content-length'));
    } else if (this.#minorVersion === 0) {
      this.#body = 'close';
      this.#closeAfter = true;
    } else {
      this.#body = 'chunked';
      lines = 'transfer-encoding: chunked\r\n';
    }
    if (status === 204) headers.remove('content-length');
    if (endStream && this.#body === 'none' && this.#method !== 'HEAD' && status !== 204 && status !== 304) lines = '';
    if (this.#closeAfter) lines += 'connection: close\r\n';
    else if (this.#minorVersion === 0) lines += 'connection: keep-alive\r\n';
    return lines;
  }

  #encodeUpgrade(headers: ResponseHeaders): void {
    this.#body = 'raw';
    this.#closeAfter = true;
    headers.remove('content-length');
    const upgrade = headers.get('upgrade') ?? '';
    headers.remove('upgrade');
    this.#output.add(responseHead(headers, headers.status === 101 ? `connection: Upgrade\r\nupgrade: ${upgrade}\r\n` : ''));
    this.#output.flush();
    this.#parser.releaseRaw();
  }

  encodeData(data: Buffer, endStream: boolean): boolean {
    if (this.#body === 'length') {
      this.#left -= data.length;
      if (!(this.#left >= 0) || (endStream && this.#left > 0)) {
        // Whatever followed would be read as the next response.
        this.reset('protocol_error');
        return true;
      }
    }
    if (data.length > 0 && this.#body !== 'none') {
      if (this.#body === 'chunked') {
        this.#output.add(`${data.length.toString(16)}\r\n`);
        this.#output.add(data);
        this.#output.add(endStream ? `\r\n${lastChunk(null)}` : '\r\n');
      } else this.#output.add(data);
    } else if (endStream && this.#body === 'chunked') this.#output.add(lastChunk(null));
    if (endStream) this.#finishResponse();
    return !this.#output.blocked;
  }

  encodeTrailers(trailers: HeaderMap): void {
    // They are sent to a client that asked for them (TE: trailers) and with gRPC, and dropped for all others (RFC 9110 section 6.5.1).
    if (this.#takesTrailers && this.#body === 'chunked') {
      this.#output.add(lastChunk(trailers));
      this.#finishResponse();
    } else this.encodeData(EMPTY, true);
  }

  reset(_reason: StreamResetReason): void {
    this.#decoder = null;
    this.#output.flush();
    this.#socket.destroy();
    this.#onClose();
  }

  readDisable(disable: boolean): void {
    this.#disabled += disable ? 1 : -1;
    if (this.#disabled < 0) this.#disabled = 0;
    if (disable) this.#socket.pause();
    else this.#socketBack();
  }

  #socketBack(): void {
    if (this.#disabled === 0 && !this.#closed) this.#socket.resume();
  }

  // --- the end of a message

  #finishResponse(): void {
    this.#responseDone = true;
    this.#output.flush();
    if (this.#body === 'raw') {
      this.#socket.end();
      if (this.#requestDone) this.#afterMessage();
      return;
    }
    if (!this.#requestDone) this.#closeAfter = true;
    this.#afterMessage();
  }

  #afterMessage(): void {
    if (!this.#responseDone) return;
    if (!this.#requestDone && !this.#closeAfter) return;
    if (this.#decoder === null) return;
    this.#decoder = null;
    this.#disabled = 0;
    this.#callbacks.onActivity(0);
    if (this.#closeAfter || this.#draining) {
      this.#parser.stop();
      this.#endGently();
      return;
    }
    this.#socket.resume();
    this.#parser.next();
    if (this.#parser.inHead) this.#waitForHead();
  }

  #endGently(): void {
    this.#output.flush();
    if (this.#closed) return;
    this.#parser.stop();
    this.#socket.end();
    this.#socket.resume();
    setTimeout(() => this.#socket.destroy(), DELAYED_CLOSE_MILLISECONDS).unref();
  }

  #onEnd(): void {
    const decoder = this.#decoder;
    if (decoder && this.#body === 'raw') {
      this.#parser.finish();
      return;
    }
    this.#decoder = null;
    decoder?.onReset('remote_reset', 'downstream_remote_disconnect');
    if (this.#responseDone) this.#socket.end();
    else this.#socket.destroy();
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopHeadTimer();
    const decoder = this.#decoder;
    this.#decoder = null;
    decoder?.onReset('connection_termination', 'downstream_remote_disconnect');
    this.#callbacks.onClose();
  }
}
