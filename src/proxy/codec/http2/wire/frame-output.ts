// Writes frames to a connection: small ones side by side into a common slab, so that what one turn writes is one piece of memory and one system call; large DATA by reference. Counts what waits
// in front of a peer that does not read.
import type { Duplex } from 'node:stream';
import { flushAtEnd } from '../../turn.ts';
import { FRAME_BYTES, FRAME_HEAD_BYTES, Flag, FrameType } from './protocol.ts';

const SLAB_BYTES = 64 * 1024;
/** Gathered bytes are written at once beyond this. */
const FLUSH_BYTES = 64 * 1024;
/** Content up to here is copied beside its frame's head. */
const COPY_BYTES = 2048;
/** Up to here pieces are joined; larger ones are written one after the other. */
const JOIN_BYTES = 32 * 1024;

let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabUsed = 0;

/** The writing side of a connection. */
export class FrameOutput {
  /** The peer cannot take more now. */
  blocked = false;
  /** Frames, and among them control frames, that were written since the peer last took all. */
  waitingFrames = 0;
  waitingControlFrames = 0;
  readonly #socket: Duplex;
  readonly #onBlocked: (blocked: boolean) => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #queued = false;
  /** The part of a slab that was written and is not among the pieces yet. */
  #run: Buffer | null = null;
  #runStart = 0;
  #runEnd = 0;

  constructor(socket: Duplex, onBlocked: (blocked: boolean) => void) {
    this.#socket = socket;
    this.#onBlocked = onBlocked;
    socket.on('drain', () => {
      if (!this.blocked) return;
      this.blocked = false;
      this.waitingFrames = 0;
      this.waitingControlFrames = 0;
      this.#onBlocked(false);
    });
  }

  /** A header block, in as many frames as it takes (section 6.10). */
  headers(streamId: number, block: Buffer, length: number, endStream: boolean): void {
    let start = 0;
    let type: number = FrameType.HEADERS;
    do {
      const size = Math.min(FRAME_BYTES, length - start);
      const flags = (start + size === length ? Flag.END_HEADERS : 0) | (endStream && start === 0 ? Flag.END_STREAM : 0);
      const at = this.#frame(type, flags, streamId, size, size);
      block.copy(slab, at, start, start + size);
      start += size;
      type = FrameType.CONTINUATION;
    } while (start < length);
    this.#written(length);
  }

  /** Content of at most a frame. */
  data(streamId: number, content: Buffer, start: number, end: number, endStream: boolean): void {
    const size = end - start;
    const copied = size <= COPY_BYTES;
    const at = this.#frame(FrameType.DATA, endStream ? Flag.END_STREAM : 0, streamId, size, copied ? size : 0);
    if (size > 0) {
      if (copied) content.copy(slab, at, start, end);
      else {
        this.#endRun();
        this.#pieces.push(size === content.length ? content : content.subarray(start, end));
      }
    }
    this.#written(size);
  }

  /** SETTINGS of names and values in turns. */
  settings(pairs: readonly number[]): void {
    let at = this.#control(FrameType.SETTINGS, 0, 0, pairs.length * 3);
    for (let index = 0; index < pairs.length; index += 2) {
      slab.writeUInt16BE(pairs[index] ?? 0, at);
      slab.writeUInt32BE(pairs[index + 1] ?? 0, at + 2);
      at += 6;
    }
    this.#written(pairs.length * 3);
  }

  settingsAck(): void {
    this.#control(FrameType.SETTINGS, Flag.ACK, 0, 0);
    this.#written(0);
  }

  /** PING with the eight bytes of `source` from `start`. */
  ping(source: Uint8Array, start: number, ack: boolean): void {
    const at = this.#control(FrameType.PING, ack ? Flag.ACK : 0, 0, 8);
    for (let index = 0; index < 8; index += 1) slab[at + index] = source[start + index] ?? 0;
    this.#written(8);
  }

  goAway(lastStreamId: number, code: number): void {
    const at = this.#control(FrameType.GOAWAY, 0, 0, 8);
    slab.writeUInt32BE(lastStreamId, at);
    slab.writeUInt32BE(code, at + 4);
    this.#written(8);
  }

  resetStream(streamId: number, code: number): void {
    this.#number(FrameType.RST_STREAM, streamId, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#number(FrameType.WINDOW_UPDATE, streamId, increment);
  }

  /** Bytes that are no frame: the preface. */
  raw(bytes: Buffer): void {
    this.#endRun();
    this.#pieces.push(bytes);
    this.#written(bytes.length - FRAME_HEAD_BYTES);
  }

  #number(type: number, streamId: number, value: number): void {
    // Making room may begin another slab.
    const at = this.#control(type, 0, streamId, 4);
    slab.writeUInt32BE(value, at);
    this.#written(4);
  }

  #control(type: number, flags: number, streamId: number, size: number): number {
    this.waitingControlFrames += 1;
    return this.#frame(type, flags, streamId, size, size);
  }

  /** Writes a frame's head with `room` bytes free behind it; returns where those begin. */
  #frame(type: number, flags: number, streamId: number, size: number, room: number): number {
    const total = FRAME_HEAD_BYTES + room;
    if (slab.length - slabUsed < total) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
      slabUsed = 0;
    }
    if (this.#run !== slab || this.#runEnd !== slabUsed) {
      this.#endRun();
      this.#run = slab;
      this.#runStart = slabUsed;
    }
    const at = slabUsed;
    slabUsed += total;
    this.#runEnd = slabUsed;
    slab[at] = size >>> 16;
    slab[at + 1] = size >>> 8;
    slab[at + 2] = size;
    slab[at + 3] = type;
    slab[at + 4] = flags;
    slab[at + 5] = streamId >>> 24;
    slab[at + 6] = streamId >>> 16;
    slab[at + 7] = streamId >>> 8;
    slab[at + 8] = streamId;
    return at + FRAME_HEAD_BYTES;
  }

  #endRun(): void {
    if (this.#run !== null) this.#pieces.push(this.#run.subarray(this.#runStart, this.#runEnd));
    this.#run = null;
  }

  #written(size: number): void {
    this.waitingFrames += 1;
    this.#bytes += size + FRAME_HEAD_BYTES;
    if (this.#bytes > FLUSH_BYTES) this.flush();
    else if (!this.#queued) {
      this.#queued = true;
      flushAtEnd(this);
    }
  }

  /** Writes what was gathered. */
  flush(): void {
    this.#queued = false;
    this.#endRun();
    const pieces = this.#pieces;
    const bytes = this.#bytes;
    if (pieces.length === 0) return;
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (this.#write(pieces, bytes)) {
      if (this.blocked) return;
      this.waitingFrames = 0;
      this.waitingControlFrames = 0;
    } else if (!this.blocked) {
      this.blocked = true;
      this.#onBlocked(true);
    }
  }

  #write(pieces: readonly Buffer[], bytes: number): boolean {
    const first = pieces[0];
    if (pieces.length === 1 && first) return this.#socket.write(first);
    if (bytes <= JOIN_BYTES) return this.#socket.write(Buffer.concat(pieces));
    this.#socket.cork();
    for (const piece of pieces) this.#socket.write(piece);
    this.#socket.uncork();
    return !this.#socket.writableNeedDrain;
  }
}
