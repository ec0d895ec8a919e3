// Takes the content of DATA frames within the connection's window (RFC 9113 section 5.2) and hands it to its streams. Used by each connection.
import type { FloodGuard } from './flood-guard.ts';
import type { FrameOutput } from './wire/frame-output.ts';
import { ConnectionError, ErrorCode, Flag } from './wire/protocol.ts';

/** A stream as its receiver sees it. */
export interface ReceivingStream {
  readonly gone: boolean;
  /** Content that came; `credit` bytes were used for it. */
  onData(piece: Buffer, endStream: boolean, credit: number): void;
}

/** The receiving side of a connection. */
export class ContentReceiver<S extends ReceivingStream> {
  readonly #output: FrameOutput;
  readonly #guard: FloodGuard;
  readonly #window: number;
  #received = 0;
  #uncredited = 0;
  #stream: S | null = null;
  #flags = 0;
  #length = 0;
  #stopped = false;

  /** The peer may send `window` bytes before any of them has been passed on. */
  constructor(output: FrameOutput, guard: FloodGuard, window: number) {
    this.#output = output;
    this.#guard = guard;
    this.#window = window;
  }

  /** DATA of `length` bytes, padding and all, is about to come. */
  count(length: number): void {
    this.#received += length;
    if (this.#received > this.#window) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, 'http2.connection_window_exceeded');
  }

  /** What was counted is for `stream`; null drops it. */
  begin(stream: S | null, length: number, flags: number): void {
    this.#stream = stream;
    this.#flags = flags;
    this.#length = length;
    if (stream === null) this.credit(length);
  }

  /** A piece of it; `last` with the end of the content. */
  take(piece: Buffer, last: boolean): void {
    const endStream = last && (this.#flags & Flag.END_STREAM) !== 0;
    if (piece.length > 0) this.#guard.work();
    else if (!endStream) this.#guard.empty();
    const stream = this.#stream;
    if (!stream) return;
    // With the last piece the padding is used up too.
    const credit = last ? this.#length : piece.length;
    this.#length -= credit;
    if (last) this.#stream = null;
    if (stream.gone) this.credit(credit);
    else stream.onData(piece, endStream, credit);
  }

  /** `bytes` of what came are used: the peer may send as much again, and is told so in large steps. */
  credit(bytes: number): void {
    this.#uncredited += bytes;
    if (this.#uncredited < this.#window / 2 || this.#stopped) return;
    this.#output.windowUpdate(0, this.#uncredited);
    this.#received -= this.#uncredited;
    this.#uncredited = 0;
  }

  /** Tells the peer nothing more. */
  stop(): void {
    this.#stopped = true;
  }
}
