// Cuts a connection's bytes into frames (RFC 9113 section 4). The payload of DATA is passed on in the pieces that came; every other frame is given whole. Sizes are checked from the frame's
// head, before a byte of its payload is kept.
import { EMPTY } from '../../api.ts';
import { ConnectionError, ErrorCode, Flag, FRAME_BYTES, FRAME_HEAD_BYTES, FrameType, PREFACE } from './protocol.ts';

/** Told of frames. */
export interface FrameSink {
  /** A DATA frame begins; `length` counts for flow control, padding and all. */
  onDataHead(streamId: number, length: number, flags: number): void;
  /** A piece of the content of the DATA frame that began; `last` when it is the end of that, of which padding may follow. An empty content is one empty piece. */
  onDataPiece(piece: Buffer, last: boolean): void;
  /** Any other frame: its payload is `source` from `start` to `end`, valid during the call. */
  onFrame(type: number, flags: number, streamId: number, source: Buffer, start: number, end: number): void;
}

type State = 'preface' | 'head' | 'payload' | 'padding_length' | 'data' | 'skip' | 'stopped';

/** The reading side of a connection. */
export class FrameReader {
  /** Frames that began. */
  frames = 0;
  readonly #sink: FrameSink;
  #state: State;
  #kept: Buffer = EMPTY;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Bytes of the payload that are still to come. */
  #left = 0;
  #padding = 0;

  constructor(sink: FrameSink, expectsPreface: boolean) {
    this.#sink = sink;
    this.#state = expectsPreface ? 'preface' : 'head';
  }

  /** Whether the peer owes the rest of a frame that is given whole, or of its preface. */
  get inFrame(): boolean {
    return this.#kept.length > 0;
  }

  /** Takes bytes; what is wrong with them throws, after which nothing more is taken. */
  execute(data: Buffer): void {
    if (this.#state === 'stopped') return;
    const source = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data]);
    this.#kept = EMPTY;
    let position = 0;
    try {
      while (position < source.length || this.#isDue()) {
        const next = this.#step(source, position);
        if (next < 0) {
          this.#kept = source.subarray(position);
          return;
        }
        position = next;
        if (this.#isStopped()) return;
      }
    } catch (error) {
      this.stop();
      throw error;
    }
  }

  /** Takes no more bytes. */
  stop(): void {
    this.#state = 'stopped';
    this.#kept = EMPTY;
  }

  #isStopped(): boolean {
    return this.#state === 'stopped';
  }

  /** A part of no bytes ends without any. */
  #isDue(): boolean {
    return this.#left === 0 && (this.#state === 'payload' || this.#state === 'data');
  }

  /** Does one thing with the bytes from `position`; returns where the next begins, or -1 when there are too few. */
  #step(source: Buffer, position: number): number {
    switch (this.#state) {
      case 'preface': return this.#readPreface(source, position);
      case 'head': return source.length - position < FRAME_HEAD_BYTES ? -1 : this.#readHead(source, position);
      case 'payload': return this.#readPayload(source, position);
      case 'padding_length': return this.#readPaddingLength(source[position] ?? 0, position);
      case 'data': return this.#readData(source, position);
      case 'skip': return this.#skip(source, position);
      case 'stopped': return source.length;
    }
  }

  #readPreface(source: Buffer, position: number): number {
    const length = Math.min(PREFACE.length, source.length - position);
    if (source.compare(PREFACE, 0, length, position, position + length) !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_preface');
    if (length < PREFACE.length) return -1;
    this.#state = 'head';
    return position + length;
  }

  #readHead(source: Buffer, position: number): number {
    const length = ((source[position] ?? 0) << 16) | ((source[position + 1] ?? 0) << 8) | (source[position + 2] ?? 0);
    const type = source[position + 3] ?? 0;
    this.frames += 1;
    this.#type = type;
    this.#flags = source[position + 4] ?? 0;
    // The highest bit is reserved and ignored.
    this.#streamId = (((source[position + 5] ?? 0) & 127) << 24) | ((source[position + 6] ?? 0) << 16) | ((source[position + 7] ?? 0) << 8) | (source[position + 8] ?? 0);
    if (length > FRAME_BYTES) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.frame_too_large');
    this.#left = length;
    this.#padding = 0;
    if (type === FrameType.DATA) this.#enterData(length);
    else if (type > FrameType.CONTINUATION) {
      this.#state = length === 0 ? 'head' : 'skip';
      // A type we do not know is told without its payload (section 4.1).
      this.#sink.onFrame(type, this.#flags, this.#streamId, EMPTY, 0, 0);
    } else this.#state = 'payload';
    return position + FRAME_HEAD_BYTES;
  }

  #enterData(length: number): void {
    const padded = (this.#flags & Flag.PADDED) !== 0;
    if (padded && length === 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.invalid_padding');
    this.#state = padded ? 'padding_length' : 'data';
    this.#sink.onDataHead(this.#streamId, length, this.#flags);
  }

  #readPayload(source: Buffer, position: number): number {
    const end = position + this.#left;
    if (end > source.length) return -1;
    this.#state = 'head';
    this.#sink.onFrame(this.#type, this.#flags, this.#streamId, source, position, end);
    return end;
  }

  #readPaddingLength(padding: number, position: number): number {
    if (padding >= this.#left) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_padding');
    this.#padding = padding;
    this.#left -= 1 + padding;
    this.#state = 'data';
    return position + 1;
  }

  #readData(source: Buffer, position: number): number {
    const length = Math.min(this.#left, source.length - position);
    this.#left -= length;
    const last = this.#left === 0;
    if (last) {
      this.#left = this.#padding;
      this.#state = this.#padding === 0 ? 'head' : 'skip';
    }
    this.#sink.onDataPiece(position === 0 && length === source.length ? source : source.subarray(position, position + length), last);
    return position + length;
  }

  #skip(source: Buffer, position: number): number {
    const length = Math.min(this.#left, source.length - position);
    this.#left -= length;
    if (this.#left === 0) this.#state = 'head';
    return position + length;
  }
}
