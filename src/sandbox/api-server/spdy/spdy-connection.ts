// The server's end of a SPDY/3.1 connection whose streams the client opens: answers its frames in order and turns each stream into a Duplex.
// Windows are not counted: the peers of this protocol in Kubernetes do not either, and the WebSocket below holds a sender back.
import { Duplex } from 'node:stream';
import { controlFrame, dataFrame, FIN, FrameReader, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, streamIdOf, SYN_REPLY, SYN_STREAM, WINDOW_UPDATE, type Frame } from './frames.ts';
import { HeaderReader, HeaderWriter, uint32, type Headers } from './header-block.ts';

const PROTOCOL_ERROR = 1;
const INVALID_STREAM = 2;
const REFUSED_STREAM = 3;
const CANCEL = 5;
const MAX_STREAMS = 1024;
const MAX_DATA = 64 * 1024;

/** What a connection stands on. */
export interface SpdyTransport {
  /** Sends bytes; resolves when more may be sent. */
  readonly send: (bytes: Buffer) => Promise<void>;
  /** Called with each stream of the client. */
  readonly onStream: (stream: Duplex, headers: Headers) => void;
}

/** One connection. */
export class SpdyConnection {
  readonly #transport: SpdyTransport;
  readonly #frames = new FrameReader();
  readonly #headers = new HeaderReader();
  readonly #replies = new HeaderWriter();
  readonly #streams = new Map<number, Duplex>();
  #lastStream = 0;
  #closed = false;

  constructor(transport: SpdyTransport) {
    this.#transport = transport;
  }

  /** Takes bytes of the client; one call at a time. Rejects when they break the protocol: the connection is of no use then. */
  async receive(bytes: Buffer): Promise<void> {
    try {
      for (const frame of this.#frames.read(bytes)) {
        if (this.#closed) return;
        await this.#take(frame);
      }
    } catch (error) {
      await this.#send(controlFrame(GOAWAY, 0, uint32(this.#lastStream), uint32(PROTOCOL_ERROR)));
      throw error;
    }
  }

  /** Ends every stream. */
  close(): void {
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.destroy();
    this.#streams.clear();
    this.#headers.close();
    this.#replies.close();
  }

  #send(bytes: Buffer): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#transport.send(bytes);
  }

  async #take(frame: Frame): Promise<void> {
    if (frame.kind === 'data') {
      await this.#takeData(frame.stream, frame.flags, frame.payload);
      return;
    }
    const { type, payload, flags } = frame;
    switch (type) {
      case SYN_STREAM: await this.#open(payload, flags); return;
      case RST_STREAM: this.#streams.get(streamIdOf(payload))?.destroy(); return;
      case PING: await this.#send(controlFrame(PING, 0, payload)); return;
      case HEADERS: {
        // Not used by port forwarding, but read: later blocks build on what this one says.
        await this.#headers.read(payload.subarray(4));
        if ((flags & FIN) !== 0) this.#streams.get(streamIdOf(payload))?.push(null);
        return;
      }
      case SYN_REPLY: throw new Error('a reply to a stream that was never opened from here');
      case SETTINGS: case GOAWAY: case WINDOW_UPDATE: return;
      default: return; // Unknown types are to be ignored.
    }
  }

  async #takeData(id: number, flags: number, payload: Buffer): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream || stream.destroyed) {
      // What was still on its way to a stream that has ended is dropped; one that never was is refused.
      if (id > this.#lastStream) await this.#send(controlFrame(RST_STREAM, 0, uint32(id), uint32(INVALID_STREAM)));
      return;
    }
    if (payload.length > 0 && !stream.push(payload)) await drained(stream);
    if ((flags & FIN) !== 0) stream.push(null);
  }

  async #open(payload: Buffer, flags: number): Promise<void> {
    const id = streamIdOf(payload);
    if (payload.length < 10 || id % 2 === 0 || id <= this.#lastStream) throw new Error(`stream ${String(id)} cannot be opened`);
    const headers = await this.#headers.read(payload.subarray(10));
    this.#lastStream = id;
    if (this.#streams.size >= MAX_STREAMS) {
      await this.#send(controlFrame(RST_STREAM, 0, uint32(id), uint32(REFUSED_STREAM)));
      return;
    }
    const stream = this.#streamOf(id);
    this.#streams.set(id, stream);
    await this.#send(controlFrame(SYN_REPLY, 0, uint32(id), await this.#replies.write(new Map())));
    if ((flags & FIN) !== 0) stream.push(null);
    this.#transport.onStream(stream, headers);
  }

  #streamOf(id: number): Duplex {
    let finished = false;
    const stream = new Duplex({
      allowHalfOpen: true,
      read: () => { stream.emit('wanted'); },
      write: (chunk: Buffer, _encoding, done) => { this.#write(id, chunk).then(() => { done(); }, done); },
      final: (done) => {
        finished = true;
        this.#send(dataFrame(id, FIN, Buffer.alloc(0))).then(() => { done(); }, done);
      },
      destroy: (error, done) => {
        this.#streams.delete(id);
        stream.emit('wanted');
        if (!finished) this.#send(controlFrame(RST_STREAM, 0, uint32(id), uint32(CANCEL))).catch(() => undefined); // Nobody is there to be told.
        done(error);
      },
    });
    return stream;
  }

  async #write(id: number, chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length; at += MAX_DATA) await this.#send(dataFrame(id, 0, chunk.subarray(at, at + MAX_DATA)));
  }
}

/** Resolves when a stream's reader wants more. */
function drained(stream: Duplex): Promise<void> {
  return new Promise((resolve) => { stream.once('wanted', resolve); });
}
