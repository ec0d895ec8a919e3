// Gathers a header block from HEADERS and the CONTINUATION frames that follow (RFC 9113 sections 4.3, 6.2 and 6.10) and decodes it. What a block may cost is bounded while it comes, not when it is
// whole. Used by each connection, which has one block at a time.
import { EMPTY } from '../api.ts';
import type { FloodGuard } from './flood-guard.ts';
import { HpackDecoder, type BlockLimits } from './hpack/decoder.ts';
import { ConnectionError, ErrorCode, Flag, MAXIMUM_STREAM_ID } from './wire/protocol.ts';

/** CONTINUATION frames in one block: so many, and one more for each kilobyte that a block may have. */
const CONTINUATIONS = 8;

/** The block that a connection receives. */
export class HeaderBlock {
  readonly decoder: HpackDecoder;
  /** How many blocks began. */
  number = 0;
  streamId = 0;
  endStream = false;
  /** It names its own stream as what it depends on. */
  dependsOnItself = false;
  /** Its end has not come. */
  isOpen = false;
  readonly #limits: BlockLimits;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(limits: BlockLimits, tableBytes: number) {
    this.decoder = new HpackDecoder(tableBytes);
    this.#limits = limits;
  }

  /** A HEADERS frame; returns whether the block is whole, and decoded. */
  begin(flags: number, streamId: number, source: Buffer, from: number, to: number, guard: FloodGuard): boolean {
    let start = from;
    let end = to;
    this.number += 1;
    this.streamId = streamId;
    this.endStream = (flags & Flag.END_STREAM) !== 0;
    this.dependsOnItself = false;
    if ((flags & Flag.PADDED) !== 0) {
      if (start >= end) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.invalid_padding');
      end -= source[start] ?? 0;
      start += 1;
      if (end < start) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.invalid_padding');
    }
    if ((flags & Flag.PRIORITY) !== 0) {
      if (end - start < 5) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, 'http2.invalid_frame_size');
      this.dependsOnItself = (source.readUInt32BE(start) & MAXIMUM_STREAM_ID) === streamId;
      start += 5;
    }
    if ((flags & Flag.END_HEADERS) !== 0) {
      this.decoder.decode(source, start, end, this.#limits);
      return true;
    }
    if (start === end) guard.empty();
    this.isOpen = true;
    this.#keep(source, start, end);
    return false;
  }

  /** A CONTINUATION frame. */
  continue(flags: number, streamId: number, source: Buffer, start: number, end: number, guard: FloodGuard): boolean {
    if (!this.isOpen || streamId !== this.streamId) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, 'http2.unexpected_continuation');
    const whole = (flags & Flag.END_HEADERS) !== 0;
    if (start === end && !whole) guard.empty();
    this.#keep(source, start, end);
    if (this.#parts.length > CONTINUATIONS + this.#limits.maximumBytes / 1024) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'http2.continuation_flood');
    if (!whole) return false;
    this.isOpen = false;
    const block = Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [];
    this.#bytes = 0;
    this.decoder.decode(block, 0, block.length, this.#limits);
    return true;
  }

  #keep(source: Buffer, start: number, end: number): void {
    this.#bytes += end - start;
    // Compressed it is hardly ever longer than what it stands for.
    if (this.#bytes > this.#limits.maximumBytes * 2) throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, 'http2.header_block_too_large');
    // The pieces outlive the bytes that they came in.
    this.#parts.push(start === end ? EMPTY : Buffer.from(source.subarray(start, end)));
  }
}
