// Sends header blocks and content within the peer's windows (RFC 9113 section 5.2): what finds no room waits with its stream, and goes a frame of each stream in turn when there is room again. Used by
// each connection.
import type { HeaderMap } from '../../stream/header-map.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import type { FrameOutput } from './wire/frame-output.ts';
import { DEFAULT_WINDOW, FRAME_BYTES, MAXIMUM_WINDOW } from './wire/protocol.ts';

const CHECK_MILLISECONDS = 5000;

/** A stream as its sender sees it. */
export interface SendingStream {
  readonly id: number;
  /** Bytes of content that the peer takes now. */
  sendWindow: number;
  /** We have sent END_STREAM. */
  localDone: boolean;
  /** The stream is no longer among those of its connection. */
  readonly gone: boolean;
  /** When something last moved while content waits. */
  stalledSince: number;
  /** Whether its message is written as far as we know it, and waits for the peer alone. */
  readonly isFlushing: boolean;
  /** Sends at most a frame of what waits; returns whether it sent anything. */
  flushSome(): boolean;
}

/** What a sender tells its connection. */
export interface SenderOwner<S extends SendingStream> {
  /** Our message on the stream is written. */
  onLocalDone(stream: S): void;
  /** The end of a finished message has waited too long for its peer. */
  onFlushTimeout(stream: S): void;
}

/** The sending side of a connection. */
export class ContentSender<S extends SendingStream = SendingStream> {
  readonly encoder: HpackEncoder;
  /** DATA frames that went out. */
  dataFrames = 0;
  readonly #output: FrameOutput;
  readonly #owner: SenderOwner<S>;
  readonly #flushTimeoutMilliseconds: number;
  readonly #stalled = new Set<S>();
  #window = DEFAULT_WINDOW;
  #timer: NodeJS.Timeout | null = null;
  #resuming = false;
  #stopped = false;

  constructor(output: FrameOutput, owner: SenderOwner<S>, flushTimeoutMilliseconds: number, tableBytes: number) {
    this.encoder = new HpackEncoder(tableBytes);
    this.#output = output;
    this.#owner = owner;
    this.#flushTimeoutMilliseconds = flushTimeoutMilliseconds;
  }

  /** Starts a header block: the caller adds fields to what it gets, and calls `sendBlock`. */
  beginBlock(): HpackEncoder {
    this.encoder.begin();
    return this.encoder;
  }

  /** Sends the block that was begun. */
  sendBlock(stream: S, endStream: boolean): void {
    const { encoder } = this;
    this.#output.headers(stream.id, encoder.block, encoder.length, endStream);
    if (endStream) this.#endLocal(stream);
  }

  /** Trailers, and with them the end; false when nothing is left of them. */
  sendTrailers(stream: S, trailers: HeaderMap): boolean {
    const encoder = this.beginBlock();
    encoder.fields(trailers.items, null);
    if (encoder.length === 0) return false;
    this.sendBlock(stream, true);
    return true;
  }

  /** Sends what it can of `data`; returns how much. */
  sendData(stream: S, data: Buffer, endStream: boolean): number {
    for (let at = 0; ;) {
      const sent = this.sendFrame(stream, data, at, endStream);
      if (sent < 0) return at;
      at += sent;
      if (at >= data.length) return at;
    }
  }

  /** Sends at most a frame of `data` from `start`; returns how much, -1 when there is no room. */
  sendFrame(stream: S, data: Buffer, start: number, endStream: boolean): number {
    if (this.#stopped || this.#output.blocked) return -1;
    const left = data.length - start;
    if (left === 0 && !endStream) return 0;
    const room = Math.min(this.#window, stream.sendWindow, FRAME_BYTES);
    if (room <= 0 && left > 0) return -1;
    const size = Math.min(left, room);
    const last = endStream && size === left;
    this.#window -= size;
    stream.sendWindow -= size;
    this.dataFrames += 1;
    this.#output.data(stream.id, data, start, start + size, last);
    if (last) this.#endLocal(stream);
    return size;
  }

  #endLocal(stream: S): void {
    stream.localDone = true;
    this.#owner.onLocalDone(stream);
  }

  /** The peer takes `increment` bytes more on the connection; false when it says more than it may. */
  addWindow(increment: number): boolean {
    this.#window += increment;
    return this.#window <= MAXIMUM_WINDOW;
  }

  /** Whether `stream` has content that waits. */
  isStalled(stream: S): boolean {
    return this.#stalled.has(stream);
  }

  /** `stream` has content that waits. */
  stall(stream: S): void {
    if (this.#stopped || this.#stalled.has(stream)) return;
    stream.stalledSince = performance.now();
    this.#stalled.add(stream);
    this.#timer ??= setInterval(() => this.#checkStalls(), Math.min(CHECK_MILLISECONDS, this.#flushTimeoutMilliseconds)).unref();
  }

  /** Nothing of `stream` waits any more. */
  unstall(stream: S): void {
    this.#stalled.delete(stream);
  }

  /** Sends what waits while there is room. */
  resume(): void {
    if (this.#resuming) return;
    this.#resuming = true;
    try {
      for (let moved = true; moved && this.#stalled.size > 0 && !this.#output.blocked && !this.#stopped;) {
        moved = false;
        for (const stream of [...this.#stalled]) {
          if (stream.gone || !stream.flushSome()) continue;
          stream.stalledSince = performance.now();
          moved = true;
        }
      }
    } finally {
      this.#resuming = false;
    }
  }

  // A peer that never opens its window would hold the answer, and whatever that keeps alive, for ever.
  #checkStalls(): void {
    if (this.#stalled.size === 0) this.#stopTimer();
    const before = performance.now() - this.#flushTimeoutMilliseconds;
    for (const stream of [...this.#stalled]) if (stream.isFlushing && stream.stalledSince <= before) this.#owner.onFlushTimeout(stream);
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#stopTimer();
    this.#stalled.clear();
  }
}
