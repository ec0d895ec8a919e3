// An upstream HTTP/2 connection: many requests at a time. Made by the connection pool on an open socket.
import type { Duplex } from 'node:stream';
import { DEFAULT_HEADER_LIMITS, type ClientConnection, type ClientConnectionCallbacks, type RequestEncoder, type ResponseDecoder } from '../api.ts';
import { ClientStream, type ClientStreamOwner } from './client-stream.ts';
import { Http2Connection, type ConnectionOptions } from './connection.ts';
import type { Http2Stream } from './stream.ts';
import { ConnectionError, ErrorCode, MAXIMUM_STREAM_ID, PREFACE, Setting } from './wire/protocol.ts';

const DEFAULTS: ConnectionOptions = {
  limits: { maximumBytes: DEFAULT_HEADER_LIMITS.maximumHeadBytes, maximumFields: DEFAULT_HEADER_LIMITS.maximumHeaders + 1 }, headersTimeoutMilliseconds: 60_000, flushTimeoutMilliseconds: 300_000,
};

/** What else an upstream HTTP/2 connection tells its pool. */
export interface Http2ClientCallbacks extends ClientConnectionCallbacks {
  /** The peer has sent its settings: it speaks HTTP/2, and streams may be opened. */
  onConfirmed(): void;
  /** The peer broke the protocol, or was silent; whether that ends the connection or one stream. */
  onProtocolError?(detail: string, endsConnection: boolean): void;
}

/** One upstream connection with many streams. */
export class Http2ClientConnection extends Http2Connection implements ClientConnection, ClientStreamOwner {
  requests = 0;
  activeStreams = 0;
  /** The peer has shown that it speaks HTTP/2. */
  confirmed = false;
  readonly #callbacks: Http2ClientCallbacks;
  readonly #maximumStreams: number;
  readonly #confirmTimer: NodeJS.Timeout;
  #nextStream = 1;
  #goingAway = false;

  /** A peer that sends no settings within `confirmMilliseconds` is given up. */
  constructor(socket: Duplex, callbacks: Http2ClientCallbacks, maximumStreams: number, confirmMilliseconds: number, options: Partial<ConnectionOptions> = {}) {
    super(socket, false, { ...DEFAULTS, ...options });
    this.#callbacks = callbacks;
    this.#maximumStreams = maximumStreams;
    this.output.raw(PREFACE);
    this.start([Setting.ENABLE_PUSH, 0]);
    this.#confirmTimer = setTimeout(() => this.end('http2.no_settings'), confirmMilliseconds);
  }

  get availableStreams(): number {
    if (!this.confirmed || this.refusal(false) !== '') return 0;
    return Math.max(0, Math.min(this.#maximumStreams, this.peer.maximumConcurrentStreams) - this.activeStreams);
  }

  newStream(decoder: ResponseDecoder): RequestEncoder {
    this.requests += 1;
    this.activeStreams += 1;
    return new ClientStream(this, decoder);
  }

  refusal(upgrades: boolean): string {
    if (this.closed || this.#goingAway || this.#nextStream > MAXIMUM_STREAM_ID) return 'http2.no_more_streams';
    return upgrades && !this.peer.connectProtocol ? 'http2.peer_takes_no_extended_connect' : '';
  }

  open(stream: ClientStream): void {
    stream.id = this.#nextStream;
    this.#nextStream += 2;
    stream.sendWindow = this.peer.initialWindow;
    this.guard.streams += 1;
    this.streams.add(stream);
  }

  onResponseDone(stream: ClientStream): void {
    if (stream.localDone) this.remove(stream);
  }

  close(): void {
    this.end('http2.connection_closed');
  }

  protected onFields(streamId: number, fields: string[], endStream: boolean): void {
    const stream = this.streams.get(streamId);
    const problem = this.blockProblem;
    if (stream && problem === '') stream.onFields(fields, endStream);
    else if (stream) stream.malformed(problem);
    else if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_stream_number');
    else if (!this.closedStreams.mayStillSend(streamId)) throw new ConnectionError(ErrorCode.STREAM_CLOSED, 'http2.headers_on_closed_stream');
  }

  protected isIdle(streamId: number): boolean {
    return (streamId & 1) === 0 || streamId >= this.#nextStream;
  }

  onLocalDone(stream: Http2Stream): void {
    if (stream.remoteTold) this.remove(stream);
  }

  protected override onStreamReset(stream: Http2Stream, code: number): void {
    // The whole answer is here, and somebody will read it: only the rest of the request is not wanted (section 8.1).
    if (stream.remoteDone && !stream.remoteTold) stream.endSending();
    else super.onStreamReset(stream, code);
  }

  protected onStreamGone(): void {
    this.activeStreams -= 1;
    this.#callbacks.onStreamDone();
    if (this.#goingAway && this.activeStreams === 0) this.end('http2.goaway');
  }

  protected onGoAway(lastStreamId: number): void {
    const first = !this.#goingAway;
    this.#goingAway = true;
    // What came after the last stream that is served has reached no application (section 6.8).
    for (const stream of this.streams.all()) {
      if (stream.id <= lastStreamId) continue;
      stream.remoteDone = true;
      this.remove(stream);
      stream.fail('refused_stream', 'http2.goaway');
    }
    if (first) this.#callbacks.onGoAway();
    if (this.activeStreams === 0) this.end('http2.goaway');
  }

  protected onSettings(): void {
    if (this.confirmed) return;
    this.confirmed = true;
    clearTimeout(this.#confirmTimer);
    this.#callbacks.onConfirmed();
  }

  protected onPong(): void {
    // Only keepalive asks, and that hears of it by itself.
  }

  protected onStreamMisuse(detail: string): void {
    this.#callbacks.onProtocolError?.(detail, false);
  }

  protected onConnectionError(detail: string): void {
    this.#callbacks.onProtocolError?.(detail, true);
  }

  protected onClosed(): void {
    clearTimeout(this.#confirmTimer);
    this.activeStreams = 0;
    this.#callbacks.onClose();
  }
}
