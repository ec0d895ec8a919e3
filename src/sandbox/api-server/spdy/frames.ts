// Frames of SPDY/3.1 (draft 3.1, section 2.2): cuts a byte stream, however it comes in pieces, into frames, and builds them.
import { uint32 } from './header-block.ts';

/** Types of control frames. */
export const SYN_STREAM = 1;
export const SYN_REPLY = 2;
export const RST_STREAM = 3;
export const SETTINGS = 4;
export const PING = 6;
export const GOAWAY = 7;
export const HEADERS = 8;
export const WINDOW_UPDATE = 9;

/** Flag of the last frame of a stream's direction. */
export const FIN = 1;

const VERSION = 3;
const MAX_FRAME = 4 * 1024 * 1024;
const HEADER = 8;

/** One frame: data of a stream, or something about streams or the connection. */
export type Frame =
  | { readonly kind: 'data'; readonly stream: number; readonly flags: number; readonly payload: Buffer }
  | { readonly kind: 'control'; readonly type: number; readonly flags: number; readonly payload: Buffer };

/** Cuts frames out of pieces. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole with this piece; throws when they are none of SPDY/3's. */
  read(piece: Buffer): Frame[] {
    let bytes = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const frames: Frame[] = [];
    while (bytes.length >= HEADER) {
      const end = HEADER + bytes.readUIntBE(5, 3);
      if (end > MAX_FRAME) throw new Error(`a frame of ${String(end)} bytes is longer than ${String(MAX_FRAME)}`);
      if (bytes.length < end) break;
      frames.push(frameOf(bytes, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

function frameOf(bytes: Buffer, end: number): Frame {
  const word = bytes.readUInt32BE(0);
  const flags = bytes.readUInt8(4);
  const payload = bytes.subarray(HEADER, end);
  if (word < 0x8000_0000) return { kind: 'data', stream: word, flags, payload };
  const version = (word >>> 16) & 0x7fff;
  if (version !== VERSION) throw new Error(`a frame of SPDY ${String(version)}; ${String(VERSION)} is spoken here`);
  return { kind: 'control', type: word & 0xffff, flags, payload };
}

/** Bytes of a control frame. */
export function controlFrame(type: number, flags: number, ...payload: readonly Buffer[]): Buffer {
  return framed((0x8000_0000 | (VERSION << 16) | type) >>> 0, flags, payload);
}

/** Bytes of a data frame. */
export function dataFrame(stream: number, flags: number, payload: Buffer): Buffer {
  return framed(stream, flags, [payload]);
}

function framed(word: number, flags: number, payload: readonly Buffer[]): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([uint32(word), uint32(((flags << 24) | length) >>> 0), ...payload]);
}

/** The id of the stream that a control frame's payload begins with; throws when there is none. */
export function streamIdOf(payload: Buffer): number {
  if (payload.length < 4) throw new Error('a frame ends before its stream\'s id');
  return payload.readUInt32BE(0) & 0x7fff_ffff;
}
