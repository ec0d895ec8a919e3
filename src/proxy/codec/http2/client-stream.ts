// A request that goes out over HTTP/2, and its response. Made by the client's connection for each request of its pool.
import type { HeaderMap, RequestHeaders } from '../../stream/header-map.ts';
import { isWritable } from '../../stream/request-line.ts';
import type { MessageDecoder, RequestEncoder, ResponseDecoder, StreamResetReason } from '../api.ts';
import { readResponse } from './message-rules.ts';
import { Http2Stream, type StreamOwner } from './stream.ts';
import { ErrorCode } from './wire/protocol.ts';

/** The client's connection as its streams see it. */
export interface ClientStreamOwner extends StreamOwner {
  /** Why no stream can be opened, empty when one can. */
  refusal(upgrades: boolean): string;
  /** Gives `stream` its number. */
  open(stream: ClientStream): void;
  /** The response has ended, and with it the stream, unless the request goes on. */
  onResponseDone(stream: ClientStream): void;
}

/** A stream of an upstream connection. */
export class ClientStream extends Http2Stream implements RequestEncoder {
  readonly #client: ClientStreamOwner;
  #decoder: ResponseDecoder | null;
  /** Whom the end is told, once the stream is free. */
  #ended: ResponseDecoder | null = null;
  #sawHead = false;
  #method = '';
  #upgrade = '';

  constructor(connection: ClientStreamOwner, decoder: ResponseDecoder) {
    super(connection);
    this.#client = connection;
    this.#decoder = decoder;
  }

  protected get listener(): MessageDecoder | null {
    return this.#decoder;
  }

  // --- what the request writes

  encodeHeaders(headers: RequestHeaders, endStream: boolean): void {
    const problem = isWritable(headers) ? this.#client.refusal(headers.upgrade !== '') : 'http2.unwritable_request';
    if (problem !== '') {
      // Its owner is told when the call that writes has returned.
      process.nextTick(() => {
        this.resetWith(ErrorCode.CANCEL);
        this.fail(problem === 'http2.no_more_streams' ? 'refused_stream' : 'protocol_error', problem);
      });
      return;
    }
    this.#method = headers.method;
    this.#upgrade = headers.upgrade;
    this.#client.open(this);
    const { sender } = this.connection;
    const encoder = sender.beginBlock();
    const upgrades = headers.upgrade !== '';
    encoder.field(':method', upgrades ? 'CONNECT' : headers.method);
    if (upgrades || headers.method !== 'CONNECT') {
      encoder.field(':scheme', headers.scheme);
      encoder.field(':path', headers.path);
    }
    encoder.field(':authority', headers.authority);
    if (upgrades) encoder.field(':protocol', headers.upgrade);
    encoder.fields(headers.items, headers.neverIndexed);
    sender.sendBlock(this, endStream);
  }

  override reset(_reason: StreamResetReason): void {
    this.#decoder = null;
    this.resetWith(ErrorCode.CANCEL);
  }

  // --- what the response is

  onFields(fields: string[], endStream: boolean): void {
    if (this.remoteDone) this.connection.streamError(this, ErrorCode.STREAM_CLOSED, 'http2.headers_after_end');
    else if (this.#sawHead) this.onTrailerFields(fields, endStream);
    else this.#onHead(fields, endStream);
  }

  #onHead(fields: string[], endStream: boolean): void {
    const response = readResponse(fields);
    if (typeof response === 'string') {
      this.malformed(response);
      return;
    }
    const { headers, contentLength } = response;
    const { status } = headers;
    if (status < 200) {
      if (endStream) this.malformed('http2.informational_with_end');
      else this.#decoder?.decode1xx(headers);
      return;
    }
    this.#sawHead = true;
    const bare = this.#method === 'HEAD' || status === 204 || status === 304;
    this.contentLeft = bare ? 0 : contentLength;
    if (endStream && this.contentLeft > 0) {
      this.malformed('http2.content_differs_from_length');
      return;
    }
    if (this.#upgrade !== '' && status < 300 && !endStream) {
      headers.status = 101;
      headers.set('upgrade', this.#upgrade);
    }
    this.tunnel = headers.status === 101 || (this.#method === 'CONNECT' && status < 300);
    const decoder = this.#decoder;
    if (endStream) {
      this.remoteDone = true;
      this.remoteTold = true;
      this.onRemoteDone();
    }
    decoder?.decodeHeaders(headers, endStream);
  }

  /** The stream is free before the end is passed on: what that sets off may be the next request. */
  protected onRemoteDone(): void {
    this.#ended = this.#decoder;
    this.#decoder = null;
    this.#client.onResponseDone(this);
  }

  protected listenerData(piece: Buffer, endStream: boolean): void {
    (endStream ? this.#ended : this.#decoder)?.decodeData(piece, endStream);
  }

  protected listenerTrailers(trailers: HeaderMap): void {
    if (!this.#sawHead) return;
    this.#ended?.decodeTrailers(trailers);
  }

  override onData(piece: Buffer, endStream: boolean, credit: number): void {
    if (this.#sawHead) super.onData(piece, endStream, credit);
    else {
      this.connection.credit(credit);
      this.malformed('http2.data_before_headers');
    }
  }

  onRemoteReset(code: number): void {
    this.fail(code === ErrorCode.REFUSED_STREAM ? 'refused_stream' : 'remote_reset', `http2 reset ${code}`);
  }

  fail(reason: StreamResetReason, detail: string): void {
    const decoder = this.#decoder;
    this.#decoder = null;
    decoder?.onReset(reason, detail);
  }
}
