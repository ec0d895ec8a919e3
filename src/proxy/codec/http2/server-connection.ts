// A downstream HTTP/2 connection: requests of one client, many at a time. Made by the HTTP connection manager for connections that agreed on or began HTTP/2.
import type { Duplex } from 'node:stream';
import type { HeaderLimits, ServerConnection, ServerConnectionCallbacks } from '../api.ts';
import { Http2Connection, type ConnectionOptions } from './connection.ts';
import { readRequest } from './message-rules.ts';
import { PrematureResets } from './premature-resets.ts';
import { ServerStream, type ServerStreamOwner } from './server-stream.ts';
import type { Http2Stream } from './stream.ts';
import { ConnectionError, ErrorCode, MAXIMUM_STREAM_ID, Setting } from './wire/protocol.ts';

/** Between the notice that a connection drains and its last call, when the client does not say that it heard. */
const NOTICE_MILLISECONDS = 1000;
/** The first byte tells the answer from others. */
const DRAIN_PING = Buffer.from('drain   ', 'latin1');
const DEFAULT_CONCURRENT_STREAMS = 1024;

/** Options of a server connection. */
export interface Http2ServerOptions extends Omit<ConnectionOptions, 'limits'> {
  readonly limits: HeaderLimits;
  readonly maximumConcurrentStreams: number;
  readonly allowConnect: boolean;
  /** How long a connection may outlive the beginning of a drain without streams. */
  readonly drainGraceMilliseconds: number;
}

/** Serves one downstream connection. */
export class Http2ServerConnection extends Http2Connection implements ServerConnection, ServerStreamOwner {
  readonly #callbacks: ServerConnectionCallbacks;
  readonly #options: Http2ServerOptions;
  readonly #maximumStreams: number;
  readonly #resets = new PrematureResets();
  #draining = false;
  /** Streams beyond the last that GOAWAY named are not served. */
  #lastCalled = false;
  #noticeTimer: NodeJS.Timeout | null = null;
  /** Of streams that were not served. */
  #highestSeen = 0;

  constructor(socket: Duplex, callbacks: ServerConnectionCallbacks, options: Http2ServerOptions) {
    super(socket, true, { ...options, limits: { maximumBytes: options.limits.maximumHeadBytes, maximumFields: options.limits.maximumHeaders + 5 } });
    this.#callbacks = callbacks;
    this.#options = options;
    this.#maximumStreams = options.maximumConcurrentStreams || DEFAULT_CONCURRENT_STREAMS;
    const connect = options.allowConnect ? [Setting.ENABLE_CONNECT_PROTOCOL, 1] : [];
    this.start([Setting.MAX_CONCURRENT_STREAMS, this.#maximumStreams, Setting.MAX_HEADER_LIST_SIZE, options.limits.maximumHeadBytes, ...connect]);
  }

  get activeStreams(): number {
    return this.streams.size;
  }

  // --- requests

  protected onFields(streamId: number, fields: string[], endStream: boolean): void {
    const open = this.streams.get(streamId);
    if (open) this.#onTrailers(open, fields, endStream);
    else if ((streamId & 1) === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_stream_number');
    else if (streamId > this.lastPeerStream) this.#onRequest(streamId, fields, endStream);
    else if (this.closedStreams.hasEnded(streamId)) throw new ConnectionError(ErrorCode.STREAM_CLOSED, 'http2.headers_on_closed_stream');
    else if (!this.closedStreams.mayStillSend(streamId)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_stream_number');
  }

  #onTrailers(stream: Http2Stream, fields: string[], endStream: boolean): void {
    const problem = this.blockProblem;
    if (problem === '') stream.onFields(fields, endStream);
    else stream.malformed(problem);
  }

  #onRequest(streamId: number, fields: string[], endStream: boolean): void {
    this.#resets.streams += 1;
    if (this.#lastCalled || this.streams.size >= this.#maximumStreams) {
      this.#refuse(streamId, ErrorCode.REFUSED_STREAM);
      if (!this.#lastCalled) this.onAbandoned(0);
      return;
    }
    this.lastPeerStream = streamId;
    this.guard.streams += 1;
    const problem = this.blockProblem;
    const request = problem === '' ? readRequest(fields, this.#options.allowConnect) : problem;
    if (typeof request !== 'string' && request.contentLength > 0 && endStream) this.#onBadRequest(streamId, 'http2.content_differs_from_length', endStream);
    else if (typeof request === 'string') this.#onBadRequest(streamId, request, endStream);
    else {
      const stream = new ServerStream(this, streamId, this.peer.initialWindow);
      this.streams.add(stream);
      request.headers.neverIndexed = this.neverIndexed;
      const decoder = this.#callbacks.newStream(stream);
      this.#callbacks.onActivity(this.streams.size);
      stream.start(decoder, request, endStream);
    }
  }

  /** No stream is made for it: there is nothing to answer, unless it is only too large, which an honest client wants to know. */
  #onBadRequest(streamId: number, detail: string, endStream: boolean): void {
    const tooLarge = detail === 'http2.headers_too_large';
    this.#callbacks.onProtocolError(tooLarge ? 431 : 400, detail);
    if (tooLarge) {
      const encoder = this.sender.beginBlock();
      encoder.field(':status', '431');
      this.output.headers(streamId, encoder.block, encoder.length, true);
    }
    if (tooLarge && endStream) this.closedStreams.addEnded(streamId);
    else this.#refuse(streamId, tooLarge ? ErrorCode.NO_ERROR : ErrorCode.PROTOCOL_ERROR);
    this.onAbandoned(0);
  }

  #refuse(streamId: number, code: number): void {
    this.#highestSeen = Math.max(this.#highestSeen, streamId);
    this.output.resetStream(streamId, code);
    this.closedStreams.addReset(streamId);
  }

  protected isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || (streamId > this.lastPeerStream && streamId > this.#highestSeen);
  }

  /** A request ended without its answer `lifetimeMilliseconds` after it began: opening streams only to end them costs us a request each and the peer nothing (CVE-2023-44487, CVE-2025-8671). */
  onAbandoned(lifetimeMilliseconds: number): void {
    if (this.#resets.tooMany(lifetimeMilliseconds)) this.failWith(new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'http2.too_many_premature_resets'));
  }

  protected onStreamMisuse(detail: string): void {
    this.#callbacks.onProtocolError(0, detail);
    this.onAbandoned(0);
  }

  onLocalDone(stream: Http2Stream): void {
    // The rest of a request that is answered already is not wanted (section 8.1).
    if (stream.remoteDone) this.remove(stream);
    else this.resetStream(stream, ErrorCode.NO_ERROR);
  }

  protected onStreamGone(): void {
    this.#callbacks.onActivity(this.streams.size);
    if (this.#lastCalled && this.streams.size === 0) this.end('drained', false);
  }

  // --- the end

  /**
   * First a notice that still admits every stream, so that what crosses it is served; when the client has answered the PING behind it, or after a while, the last call, which names the last
   * stream that is served: a client may repeat what came after (RFC 9113 section 6.8).
   */
  shutdown(): void {
    if (this.#draining || this.closed) return;
    this.#draining = true;
    this.output.goAway(MAXIMUM_STREAM_ID, ErrorCode.NO_ERROR);
    this.output.ping(DRAIN_PING, 0, false);
    this.#noticeTimer = setTimeout(() => this.#lastCall(), Math.min(NOTICE_MILLISECONDS, this.#options.drainGraceMilliseconds)).unref();
  }

  #lastCall(): void {
    if (this.#lastCalled || this.closed) return;
    this.#lastCalled = true;
    this.output.goAway(this.lastPeerStream, ErrorCode.NO_ERROR);
    if (this.streams.size === 0) this.end('drained', false);
  }

  finish(): boolean {
    this.#draining = true;
    this.#lastCall();
    for (const stream of this.streams.all()) if (!stream.tunnel) return true;
    return false;
  }

  close(): void {
    this.end('downstream_remote_disconnect');
  }

  protected onPong(first: number): void {
    if (this.#draining && first === DRAIN_PING[0]) this.#lastCall();
  }

  protected onGoAway(): void {
    // The client opens no more streams; those under way go on, and it closes after them.
  }

  protected onSettings(): void {
    // Nothing here depends on them.
  }

  protected onConnectionError(detail: string): void {
    this.#callbacks.onProtocolError(0, detail);
  }

  protected onClosed(): void {
    if (this.#noticeTimer !== null) clearTimeout(this.#noticeTimer);
    this.#callbacks.onClose();
  }
}
