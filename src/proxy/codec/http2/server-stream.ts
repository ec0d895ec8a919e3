// A request that came over HTTP/2, and its response: the encoder of that. Made by the server's connection for each stream that a client opens.
import { randomBytes } from 'node:crypto';
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../../stream/header-map.ts';
import type { MessageDecoder, RequestDecoder, ResponseEncoder, StreamResetReason } from '../api.ts';
import type { ReadMessage } from './message-rules.ts';
import { Http2Stream, type StreamOwner } from './stream.ts';
import { ErrorCode } from './wire/protocol.ts';

const STATUS_TEXTS: readonly string[] = Array.from({ length: 600 }, (_none, status) => String(status));

/** The server's connection as its streams see it. */
export interface ServerStreamOwner extends StreamOwner {
  /** A request ended without its answer so long after it began. */
  onAbandoned(lifetimeMilliseconds: number): void;
}

/** A stream of a downstream connection. */
export class ServerStream extends Http2Stream implements ResponseEncoder {
  readonly protocol = 'HTTP/2';
  readonly openedAt = performance.now();
  readonly #server: ServerStreamOwner;
  #decoder: RequestDecoder | null = null;
  #headersSent = false;
  #upgrade = '';
  #isConnect = false;
  #madeKey = false;

  constructor(connection: ServerStreamOwner, id: number, sendWindow: number) {
    super(connection);
    this.#server = connection;
    this.id = id;
    this.sendWindow = sendWindow;
  }

  protected get listener(): MessageDecoder | null {
    return this.#decoder;
  }

  /** Hands the request to its decoder. */
  start(decoder: RequestDecoder, { headers, contentLength, expectsContinue }: ReadMessage<RequestHeaders>, endStream: boolean): void {
    this.#decoder = decoder;
    this.contentLeft = contentLength;
    this.remoteDone = endStream;
    this.#isConnect = headers.method === 'CONNECT';
    this.#upgrade = headers.upgrade;
    // Over HTTP/2 a websocket has no key (RFC 8441 section 5); a server of HTTP/1.1 asks for one.
    if (headers.upgrade === 'websocket' && !headers.has('sec-websocket-key')) {
      this.#madeKey = true;
      headers.add('sec-websocket-key', randomBytes(16).toString('base64'));
    }
    decoder.decodeHeaders(headers, endStream);
    if (expectsContinue && !endStream && !this.#headersSent && !this.gone) this.#sendStatus(100);
  }

  onFields(fields: string[], endStream: boolean): void {
    if (this.remoteDone) this.connection.streamError(this, ErrorCode.STREAM_CLOSED, 'http2.headers_after_end');
    else this.onTrailerFields(fields, endStream);
  }

  protected onRemoteDone(): void {
    // The response decides when the stream is over.
  }

  protected listenerData(piece: Buffer, endStream: boolean): void {
    this.#decoder?.decodeData(piece, endStream);
  }

  protected listenerTrailers(trailers: HeaderMap): void {
    this.#decoder?.decodeTrailers(trailers);
  }

  onRemoteReset(_code: number): void {
    const abandoned = this.#decoder !== null;
    this.fail('remote_reset', 'http2.remote_reset');
    if (abandoned) this.#server.onAbandoned(performance.now() - this.openedAt);
  }

  fail(reason: StreamResetReason, detail: string): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    decoder?.onReset(reason, detail);
  }

  // --- what the response writes

  encode1xx(headers: ResponseHeaders): void {
    if (!this.#headersSent && !this.gone && headers.status !== 101) this.#sendBlock(headers, headers.status, false);
  }

  #sendStatus(status: number): void {
    this.connection.sender.beginBlock().field(':status', STATUS_TEXTS[status] ?? String(status));
    this.connection.sender.sendBlock(this, false);
  }

  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void {
    if (this.#headersSent || this.gone) return;
    this.#headersSent = true;
    // An extended CONNECT is accepted with 200 where HTTP/1.1 has 101 (RFC 8441 section 4).
    const status = headers.status === 101 ? 200 : headers.status;
    if (status === 204 || status === 304) headers.remove('content-length');
    this.tunnel = !endStream && (headers.status === 101 || (this.#isConnect && status < 300));
    if (this.tunnel) headers.remove('content-length');
    if (this.#madeKey) headers.remove('sec-websocket-accept');
    if (endStream) this.#decoder = null;
    this.#sendBlock(headers, status, endStream);
  }

  #sendBlock(headers: ResponseHeaders, status: number, endStream: boolean): void {
    const { sender } = this.connection;
    const encoder = sender.beginBlock();
    encoder.field(':status', STATUS_TEXTS[status] ?? String(status));
    encoder.fields(headers.items, null);
    sender.sendBlock(this, endStream);
  }

  override encodeData(data: Buffer, endStream: boolean): boolean {
    if (endStream) this.#decoder = null;
    return super.encodeData(data, endStream);
  }

  override encodeTrailers(trailers: HeaderMap): void {
    this.#decoder = null;
    super.encodeTrailers(trailers);
  }

  override reset(_reason: StreamResetReason): void {
    this.#decoder = null;
    this.resetWith(ErrorCode.INTERNAL_ERROR);
  }
}
