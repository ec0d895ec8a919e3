// An upstream HTTP/1.1 connection: one request at a time, kept alive when nothing is left unread. The connection is the encoder of its stream.
// Made by the connection pool.
import type { Duplex } from 'node:stream';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';
import { isWritable } from '../../stream/request-line.ts';
import { EMPTY, type ClientConnection, type ClientConnectionCallbacks, type HeaderLimits, type RequestEncoder, type ResponseDecoder, type StreamResetReason } from '../api.ts';
import { beginTurn, endTurn } from '../turn.ts';
import type { HeadFacts } from './head.ts';
import { Output } from './output.ts';
import { ResponseParser, type ParserSink } from './parser.ts';
import { alwaysSendsTrailers, lastChunk, requestHead } from './serialize.ts';

/** One upstream connection. */
export class Http1ClientConnection implements ClientConnection, RequestEncoder, ParserSink<ResponseHeaders> {
  readonly protocol = 'HTTP/1.1';
  requests = 0;
  readonly #socket: Duplex;
  readonly #callbacks: ClientConnectionCallbacks;
  readonly #parser: ResponseParser;
  readonly #output: Output;
  #decoder: ResponseDecoder | null = null;
  #method = '';
  #body: 'none' | 'length' | 'chunked' | 'raw' = 'none';
  #left = 0;
  #requestDone = true;
  #responseDone = true;
  #keepAlive = true;
  #sendsTrailers = false;
  #disabled = 0;
  #closed = false;

  constructor(socket: Duplex, callbacks: ClientConnectionCallbacks, limits: HeaderLimits) {
    this.#socket = socket;
    this.#callbacks = callbacks;
    this.#parser = new ResponseParser(this, limits);
    this.#output = new Output(socket, (blocked) => this.#decoder?.onBlocked(blocked));
    socket.on('data', (data: Buffer) => this.#onBytes(data));
    socket.on('end', () => this.#onEnd());
    socket.on('error', (error: Error) => this.#onClose(error.message));
    socket.on('close', () => this.#onClose('connection_termination'));
  }

  get activeStreams(): number {
    return this.#decoder === null ? 0 : 1;
  }

  get availableStreams(): number {
    return this.#closed || !this.#keepAlive || this.#decoder !== null || !this.#requestDone || this.#socket.destroyed || this.#socket.readableEnded ? 0 : 1;
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.#decoder = decoder;
    this.requests += 1;
    this.#requestDone = false;
    this.#responseDone = false;
    this.#disabled = 0;
    return this;
  }

  close(): void {
    this.#keepAlive = false;
    this.#socket.destroy();
    this.#onClose('connection_termination');
  }

  // --- what the stream writes

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    if (!isWritable(headers)) {
      this.#refuse('http1.unwritable_request');
      return;
    }
    this.#method = headers.method;
    this.#sendsTrailers = headers.has('te') || alwaysSendsTrailers(headers);
    this.#parser.method = headers.method;
    this.#parser.next();
    this.#output.add(requestHead(headers, this.#framingLines(headers, endStream)));
    if (endStream) this.#finishRequest();
  }

  /** Nothing (more) of this request may be written; its owner is told when the call that wrote has returned. */
  #refuse(detail: string): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.close();
    process.nextTick(() => decoder?.onReset('protocol_error', detail));
  }

  #framingLines(headers: RequestHeaders, endStream: boolean): string {
    if (headers.upgrade !== '' && headers.method !== 'CONNECT') {
      this.#body = 'raw';
      return `connection: Upgrade\r\nupgrade: ${headers.upgrade}\r\n`;
    }
    this.#body = 'none';
    if (headers.method === 'CONNECT') this.#body = 'raw';
    else if (endStream) {
      if (headers.has('content-length') && headers.get('content-length') !== '0') headers.remove('content-length');
      if (!headers.has('content-length') && (headers.method === 'POST' || headers.method === 'PUT' || headers.method === 'PATCH')) return 'content-length: 0\r\n';
    } else if (headers.has('content-length')) {
      this.#body = 'length';
      this.#left = Number(headers.get('content-length'));
    } else {
      this.#body = 'chunked';
      return 'transfer-encoding: chunked\r\n';
    }
    return '';
  }

  encodeData(data: Buffer, endStream: boolean): boolean {
    if (this.#closed) return true;
    if (this.#body === 'length') {
      this.#left -= data.length;
      if (!(this.#left >= 0) || (endStream && this.#left > 0)) {
        this.#refuse('http1.body_differs_from_content_length');
        return true;
      }
    }
    if (data.length > 0) {
      if (this.#body === 'chunked') {
        this.#output.add(`${data.length.toString(16)}\r\n`);
        this.#output.add(data);
        this.#output.add(endStream ? `\r\n${lastChunk(null)}` : '\r\n');
      } else this.#output.add(data);
    } else if (endStream && this.#body === 'chunked') this.#output.add(lastChunk(null));
    if (endStream) this.#finishRequest();
    return !this.#output.blocked;
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.#sendsTrailers && this.#body === 'chunked') {
      this.#output.add(lastChunk(trailers));
      this.#finishRequest();
    } else this.encodeData(EMPTY, true);
  }

  reset(_reason: StreamResetReason): void {
    // The rest of an HTTP/1.1 message cannot be skipped: the connection goes with its stream.
    this.#decoder = null;
    this.close();
  }

  readDisable(disable: boolean): void {
    this.#disabled += disable ? 1 : -1;
    if (this.#disabled < 0) this.#disabled = 0;
    if (this.#disabled > 0) this.#socket.pause();
    else this.#socket.resume();
  }

  #finishRequest(): void {
    this.#requestDone = true;
    this.#output.flush();
    if (this.#body === 'raw') this.#socket.end();
    if (this.#responseDone) this.#afterMessage();
  }

  // --- what the parser finds

  #onBytes(data: Buffer): void {
    if (this.#decoder === null) {
      // Bytes nobody asked for: whoever sent them must not answer the next request.
      this.close();
      return;
    }
    beginTurn();
    try {
      this.#parser.execute(data);
    } finally {
      endTurn();
    }
  }

  onHead(headers: ResponseHeaders, facts: HeadFacts, endStream: boolean): void {
    if (headers.status < 200 && headers.status !== 101) {
      this.#decoder?.decode1xx(headers);
      return;
    }
    if (facts.close) this.#keepAlive = false;
    const raw = headers.status === 101 || (this.#method === 'CONNECT' && headers.status < 300);
    if (raw) {
      this.#keepAlive = false;
      if (headers.status === 101 && facts.upgrade !== '') headers.set('upgrade', facts.upgrade);
      if (this.#body !== 'raw') {
        this.onError(502, 'http1.unexpected_upgrade');
        return;
      }
    } else if (this.#body === 'raw') this.#keepAlive = false;
    const decoder = this.#decoder;
    if (endStream) this.#finishResponse();
    decoder?.decodeHeaders(headers, endStream);
    if (raw) this.#parser.releaseRaw();
  }

  onData(data: Buffer, endStream: boolean): void {
    const decoder = this.#decoder;
    if (endStream) this.#finishResponse();
    decoder?.decodeData(data, endStream);
  }

  onTrailers(trailers: HeaderMap): void {
    const decoder = this.#decoder;
    this.#finishResponse();
    decoder?.decodeTrailers(trailers);
  }

  onError(_status: number, detail: string): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    this.close();
    decoder?.onReset('protocol_error', detail);
  }

  /** The connection is free before the end is passed on: what that sets off may be the next request. */
  #finishResponse(): void {
    this.#responseDone = true;
    this.#decoder = null;
    if (this.#requestDone) this.#afterMessage();
    // An answer before the end of the request: whoever sends it resets or finishes it, and nothing follows on this connection.
    else this.#keepAlive = false;
  }

  #afterMessage(): void {
    if (this.#disabled > 0) this.#socket.resume();
    this.#disabled = 0;
    if (this.#parser.keptBytes > 0) this.#keepAlive = false;
    if (!this.#keepAlive) {
      this.#socket.end();
      setTimeout(() => this.#socket.destroy(), 1000).unref();
    }
    this.#callbacks.onStreamDone();
  }

  #onEnd(): void {
    this.#keepAlive = false;
    if (this.#decoder !== null && this.#parser.inMessage && this.#parser.finish()) return;
    this.#socket.destroy();
    this.#onClose('connection_termination');
  }

  #onClose(detail: string): void {
    if (this.#closed) return;
    this.#closed = true;
    const decoder = this.#decoder;
    this.#decoder = null;
    decoder?.onReset('connection_termination', detail);
    this.#callbacks.onClose();
  }
}
