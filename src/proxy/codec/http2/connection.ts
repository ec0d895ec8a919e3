// What both sides of an HTTP/2 connection share (RFC 9113 sections 3 to 6): frames in and out, settings, windows, header blocks, and the streams by their number. The server's and the client's
// connection add who opens streams and what a header block begins.
import type { Duplex } from 'node:stream';
import type { StreamResetReason } from '../api.ts';
import { beginTurn, endTurn } from '../turn.ts';
import { ClosedStreams } from './closed-streams.ts';
import { ContentReceiver } from './content-receiver.ts';
import { ContentSender, type SenderOwner } from './content-sender.ts';
import { FloodGuard, type FloodLimits } from './flood-guard.ts';
import { HeaderBlock } from './header-block.ts';
import type { BlockLimits } from './hpack/decoder.ts';
import { DEFAULT_TABLE_BYTES } from './hpack/static-table.ts';
import { Keepalive, type KeepaliveOptions } from './keepalive.ts';
import { PeerSettings } from './peer-settings.ts';
import { RestTimer } from './rest-timer.ts';
import { StreamTable } from './stream-table.ts';
import type { Http2Stream, StreamOwner } from './stream.ts';
import { FrameOutput } from './wire/frame-output.ts';
import { FrameReader, type FrameSink } from './wire/frame-reader.ts';
import { ConnectionError, DEFAULT_WINDOW, ErrorCode, Flag, FrameType, MAXIMUM_WINDOW, Setting } from './wire/protocol.ts';

/** How much a peer may send on one stream, and on all together, before what it sent has been passed on. */
const STREAM_WINDOW = 1024 * 1024;
const CONNECTION_WINDOW = 8 * 1024 * 1024;
/** Time for a peer to read our last frames. */
const DELAYED_CLOSE_MILLISECONDS = 1000;
const KEEPALIVE_PING = Buffer.from('mz-alive', 'latin1');

/** What both sides are told when they are made. */
export interface ConnectionOptions {
  readonly limits: BlockLimits;
  /** From the first byte of a header block (or the preface) to its last. */
  readonly headersTimeoutMilliseconds: number;
  /** How long the end of a finished message may wait for a peer that takes nothing of it. */
  readonly flushTimeoutMilliseconds: number;
  readonly tuning?: ConnectionTuning | undefined;
}

/** What configuration may set; what is absent has our default. */
export interface ConnectionTuning {
  /** Asks a silent peer whether it is there. */
  readonly keepalive?: KeepaliveOptions;
  readonly streamWindowBytes?: number;
  readonly connectionWindowBytes?: number;
  readonly headerTableBytes?: number;
  readonly floods?: Partial<FloodLimits>;
}

/** A connection. */
export abstract class Http2Connection implements FrameSink, SenderOwner<Http2Stream>, StreamOwner {
  readonly protocol = 'HTTP/2';
  readonly streamWindow: number;
  readonly sender: ContentSender<Http2Stream>;
  protected readonly streams = new StreamTable<Http2Stream>();
  protected readonly output: FrameOutput;
  protected readonly peer: PeerSettings;
  protected readonly guard: FloodGuard;
  protected readonly closedStreams = new ClosedStreams();
  /** The highest stream that the peer began, whether or not it was served. */
  protected lastPeerStream = 0;
  protected closed = false;
  readonly #socket: Duplex;
  readonly #reader: FrameReader;
  readonly #block: HeaderBlock;
  readonly #keepalive: Keepalive | null;
  readonly #restTimer: RestTimer;
  readonly #receiver: ContentReceiver<Http2Stream>;
  readonly #headerTableBytes: number;
  readonly #window: number;
  #sawSettings = false;

  constructor(socket: Duplex, isServer: boolean, options: ConnectionOptions) {
    const { keepalive, streamWindowBytes = STREAM_WINDOW, connectionWindowBytes = CONNECTION_WINDOW, headerTableBytes = DEFAULT_TABLE_BYTES, floods } = options.tuning ?? {};
    this.#restTimer = new RestTimer(options.headersTimeoutMilliseconds, () => this.failWith(new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'request_header_timeout')));
    this.#socket = socket;
    this.streamWindow = streamWindowBytes;
    this.#window = connectionWindowBytes;
    this.#headerTableBytes = headerTableBytes;
    this.guard = new FloodGuard(floods);
    this.#reader = new FrameReader(this, isServer);
    this.peer = new PeerSettings(!isServer);
    this.#block = new HeaderBlock(options.limits, headerTableBytes);
    this.output = new FrameOutput(socket, (blocked) => {
      if (!blocked) this.sender.resume();
    });
    this.#receiver = new ContentReceiver(this.output, this.guard, connectionWindowBytes);
    this.sender = new ContentSender(this.output, this, options.flushTimeoutMilliseconds, headerTableBytes);
    this.#keepalive = keepalive === undefined ? null : new Keepalive(keepalive, () => this.output.ping(KEEPALIVE_PING, 0, false), () => this.#onSilence());
  }

  /** Sends what comes first and begins to read. */
  protected start(settings: readonly number[]): void {
    const socket = this.#socket;
    const table = this.#headerTableBytes === DEFAULT_TABLE_BYTES ? [] : [Setting.HEADER_TABLE_SIZE, this.#headerTableBytes];
    this.output.settings([...settings, ...table, Setting.INITIAL_WINDOW_SIZE, this.streamWindow]);
    if (this.#window > DEFAULT_WINDOW) this.output.windowUpdate(0, this.#window - DEFAULT_WINDOW);
    socket.on('data', (data: Buffer) => this.#onBytes(data));
    // HTTP/2 has no half of a connection.
    socket.on('end', () => this.#onGone('connection_termination'));
    socket.on('error', (error: Error) => this.#onGone(error.message));
    socket.on('close', () => this.#onGone('connection_termination'));
    // It may have been paused while its first bytes were looked at.
    socket.resume();
  }

  protected abstract onFields(streamId: number, fields: string[], endStream: boolean): void;
  /** A frame on a stream that was never open. */
  protected abstract isIdle(streamId: number): boolean;
  protected abstract onGoAway(lastStreamId: number, code: number): void;
  /** The peer answered a PING whose first byte is `first`. */
  protected abstract onPong(first: number): void;
  protected abstract onSettings(): void;
  /** The connection is over: streams have been told. */
  protected abstract onClosed(): void;
  protected abstract onConnectionError(detail: string): void;
  protected abstract onStreamGone(stream: Http2Stream): void;
  /** The peer misused a stream. */
  protected abstract onStreamMisuse(detail: string): void;
  /** Our message on the stream is written. */
  abstract onLocalDone(stream: Http2Stream): void;

  // --- bytes and their end

  #onBytes(data: Buffer): void {
    if (this.closed) return;
    beginTurn();
    try {
      this.guard.waiting(this.output.waitingFrames, this.output.waitingControlFrames);
      this.#reader.execute(data);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      this.failWith(error);
    } finally {
      endTurn();
    }
    if (this.closed) return;
    if (this.#block.isOpen) this.#restTimer.wait(-this.#block.number);
    else if (this.#reader.inFrame) this.#restTimer.wait(this.#reader.frames);
    else this.#restTimer.stop();
  }

  /** Tells the peer what it did wrong and closes. */
  protected failWith(error: ConnectionError): void {
    if (this.closed) return;
    this.onConnectionError(error.message);
    this.output.goAway(this.lastPeerStream, error.code);
    this.#finish('protocol_error', error.message);
  }

  /** Closes: the peer gets what was written, streams under way are cut. */
  protected end(detail: string, saysGoAway = true): void {
    if (this.closed) return;
    if (saysGoAway) this.output.goAway(this.lastPeerStream, ErrorCode.NO_ERROR);
    this.#finish('connection_termination', detail);
  }

  #finish(reason: StreamResetReason, detail: string): void {
    this.#reader.stop();
    this.output.flush();
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), DELAYED_CLOSE_MILLISECONDS).unref();
    this.#close(reason, detail);
  }

  #onSilence(): void {
    this.onConnectionError('http2.keepalive_timeout');
    this.end('http2.keepalive_timeout');
  }

  #onGone(detail: string): void {
    this.#socket.destroy();
    this.#close('connection_termination', detail);
  }

  #close(reason: StreamResetReason, detail: string): void {
    if (this.closed) return;
    this.closed = true;
    this.#reader.stop();
    this.#restTimer.stop();
    this.#keepalive?.stop();
    this.sender.stop();
    this.#receiver.stop();
    for (const stream of this.streams.all()) {
      stream.drop();
      stream.fail(reason, detail);
    }
    this.streams.clear();
    this.onClosed();
  }

  // --- frames

  onFrame(type: number, flags: number, streamId: number, source: Buffer, start: number, end: number): void {
    if (!this.#sawSettings && (type !== FrameType.SETTINGS || (flags & Flag.ACK) !== 0)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.no_settings_first');
    if (this.#block.isOpen && type !== FrameType.CONTINUATION) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.interrupted_header_block');
    switch (type) {
      case FrameType.HEADERS: this.#onHeaders(flags, streamId, source, start, end); return;
      case FrameType.CONTINUATION:
        if (this.#block.continue(flags, streamId, source, start, end, this.guard)) this.#onBlock();
        return;
      case FrameType.PRIORITY: this.#onPriority(streamId, source, start, end); return;
      case FrameType.RST_STREAM: this.#onReset(streamId, source, start, end); return;
      case FrameType.SETTINGS: this.#onSettings(flags, streamId, source, start, end); return;
      case FrameType.PUSH_PROMISE: throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.push_promise');
      case FrameType.PING: this.#onPing(flags, streamId, source, start, end); return;
      case FrameType.GOAWAY:
        requireSize(streamId === 0, end - start >= 8);
        this.onGoAway(source.readUInt32BE(start) & MAXIMUM_WINDOW, source.readUInt32BE(start + 4));
        return;
      case FrameType.WINDOW_UPDATE: this.#onWindowUpdate(streamId, source, start, end); return;
      default: this.guard.idle(performance.now());
    }
  }

  #onHeaders(flags: number, streamId: number, source: Buffer, start: number, end: number): void {
    if (streamId === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.headers_on_connection');
    if (this.#block.begin(flags, streamId, source, start, end, this.guard)) this.#onBlock();
  }

  #onBlock(): void {
    const block = this.#block;
    const { streamId, endStream, decoder } = block;
    this.guard.work();
    if (block.dependsOnItself) {
      const stream = this.streams.get(streamId);
      if (!stream) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.self_dependency');
      this.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'http2.self_dependency');
      return;
    }
    this.onFields(streamId, decoder.fields, endStream);
  }

  /** Why the block that was decoded last is no message, empty when it may be one. */
  protected get blockProblem(): string {
    return this.#block.decoder.tooLarge ? 'http2.headers_too_large' : this.#block.decoder.malformed;
  }

  /** Names of the block that was decoded last that may never be indexed. */
  protected get neverIndexed(): string[] | null {
    return this.#block.decoder.neverIndexed;
  }

  #onPriority(streamId: number, source: Buffer, start: number, end: number): void {
    requireSize(streamId !== 0, end - start === 5);
    this.guard.priority();
    // Priorities themselves are of the past (section 5.3).
    if ((source.readUInt32BE(start) & MAXIMUM_WINDOW) === streamId) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.self_dependency');
  }

  #onReset(streamId: number, source: Buffer, start: number, end: number): void {
    requireSize(streamId !== 0, end - start === 4);
    const stream = this.streams.get(streamId);
    if (!stream) {
      this.#onStray(streamId);
      return;
    }
    this.onStreamReset(stream, source.readUInt32BE(start));
  }

  /** The peer ended a stream before its time. */
  protected onStreamReset(stream: Http2Stream, code: number): void {
    stream.remoteDone = true;
    this.remove(stream);
    stream.onRemoteReset(code);
  }

  /** A frame that moves nothing, on a stream that is gone: an error when it never was. */
  #onStray(streamId: number): void {
    if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.frame_on_idle_stream');
    this.guard.idle(performance.now());
  }

  #onSettings(flags: number, streamId: number, source: Buffer, start: number, end: number): void {
    const ack = (flags & Flag.ACK) !== 0;
    requireSize(streamId === 0, !ack || end === start);
    this.guard.idle(performance.now());
    if (ack) return;
    const { peer } = this;
    const windowBefore = peer.initialWindow;
    peer.read(source, start, end);
    this.#sawSettings = true;
    this.sender.encoder.setTableLimit(peer.headerTableBytes);
    this.output.settingsAck();
    const change = peer.initialWindow - windowBefore;
    if (change !== 0) {
      for (const stream of this.streams.all()) if (!stream.addWindow(change)) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
    }
    this.onSettings();
    if (change > 0) this.sender.resume();
  }

  #onPing(flags: number, streamId: number, source: Buffer, start: number, end: number): void {
    requireSize(streamId === 0, end - start === 8);
    this.guard.idle(performance.now());
    if ((flags & Flag.ACK) !== 0) {
      this.#keepalive?.answered();
      this.onPong(source[start] ?? 0);
    } else this.output.ping(source, start, true);
  }

  #onWindowUpdate(streamId: number, source: Buffer, start: number, end: number): void {
    requireSize(true, end - start === 4);
    const increment = source.readUInt32BE(start) & MAXIMUM_WINDOW;
    this.guard.windowUpdate(this.sender.dataFrames);
    if (streamId === 0) {
      if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.empty_window_update');
      if (!this.sender.addWindow(increment)) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
      this.sender.resume();
      return;
    }
    const stream = this.streams.get(streamId);
    if (!stream) this.#onStray(streamId);
    else if (increment === 0) this.streamError(stream, ErrorCode.PROTOCOL_ERROR, 'http2.empty_window_update');
    else if (!stream.addWindow(increment)) this.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'http2.window_overflow');
    else if (this.sender.isStalled(stream)) this.sender.resume();
  }

  // --- content that comes

  onDataHead(streamId: number, length: number, flags: number): void {
    if (streamId === 0 || !this.#sawSettings) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.unexpected_data');
    if (this.#block.isOpen) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.interrupted_header_block');
    this.#receiver.count(length);
    this.#receiver.begin(this.#streamForData(streamId, length), length, flags);
  }

  #streamForData(streamId: number, length: number): Http2Stream | null {
    const stream = this.streams.get(streamId);
    if (!stream) {
      if (this.isIdle(streamId)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.frame_on_idle_stream');
      if (!this.closedStreams.mayStillSend(streamId)) throw new ConnectionError(ErrorCode.STREAM_CLOSED, 'http2.data_on_closed_stream');
      if (length === 0) this.guard.idle(performance.now());
      return null;
    }
    if (stream.remoteDone) this.streamError(stream, ErrorCode.STREAM_CLOSED, 'http2.data_after_end');
    else if (!stream.onDataHead(length)) this.streamError(stream, ErrorCode.FLOW_CONTROL_ERROR, 'http2.stream_window_exceeded');
    else return stream;
    return null;
  }

  onDataPiece(piece: Buffer, last: boolean): void {
    this.#receiver.take(piece, last);
  }

  credit(bytes: number): void {
    this.#receiver.credit(bytes);
  }

  sendWindowUpdate(streamId: number, increment: number): void {
    if (!this.closed) this.output.windowUpdate(streamId, increment);
  }

  onFlushTimeout(stream: Http2Stream): void {
    this.streamError(stream, ErrorCode.CANCEL, 'http2.flush_timeout');
  }

  // --- streams

  /** Ends a stream by an error of its peer. */
  streamError(stream: Http2Stream, code: number, detail: string): void {
    if (stream.gone) return;
    this.resetStream(stream, code);
    stream.fail('protocol_error', detail);
    this.onStreamMisuse(detail);
  }

  /** Ends a stream and tells its peer. */
  resetStream(stream: Http2Stream, code: number): void {
    if (stream.id !== 0 && !this.closed) this.output.resetStream(stream.id, code);
    this.remove(stream);
  }

  /** Takes a stream that is over from the connection. */
  protected remove(stream: Http2Stream): void {
    if (stream.gone) return;
    if (stream.remoteDone) this.closedStreams.addEnded(stream.id);
    else if (stream.id !== 0) this.closedStreams.addReset(stream.id);
    this.streams.delete(stream.id);
    stream.drop();
    this.onStreamGone(stream);
  }
}

function requireSize(rightStream: boolean, rightSize: boolean): void {
  if (!rightStream) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.frame_on_wrong_stream');
  if (!rightSize) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.invalid_frame_size');
}
