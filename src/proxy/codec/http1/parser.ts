// The message parser of HTTP/1.1 (RFC 9112): bytes in any chunking to headers, data and trailers. It stops after each message until `next` is called, and keeps
// what it has not used. Body bytes are passed on as they came, never copied.
import { HeaderMap, type RequestHeaders, type ResponseHeaders } from '../../stream/header-map.ts';
import { EMPTY, type HeaderLimits } from '../api.ts';
import { HeadError, parseFields, parseRequestHead, parseResponseHead, requestFraming, responseFraming, type BodyFraming, type HeadFacts } from './head.ts';

/** Told of what the parser finds. `H` is the kind of head. */
export interface ParserSink<H> {
  onHead(headers: H, facts: HeadFacts, endStream: boolean): void;
  onData(data: Buffer, endStream: boolean): void;
  onTrailers(trailers: HeaderMap): void;
  /** The bytes are no HTTP; the parser takes no more. */
  onError(status: number, detail: string): void;
}

type State = 'head' | 'length' | 'close' | 'chunk_size' | 'chunk_data' | 'chunk_end' | 'trailers' | 'raw' | 'raw_held' | 'done' | 'dead';

const MAXIMUM_CHUNK_LINE = 1024;

abstract class MessageParser<H> {
  protected readonly sink: ParserSink<H>;
  protected readonly limits: HeaderLimits;
  #state: State = 'head';
  #kept: Buffer = EMPTY;
  #remaining = 0;
  #running = false;
  /** Bytes of an unfinished head or trailer section that were looked at: a peer that sends one byte a time costs no rescan. */
  #scanned = 0;

  constructor(sink: ParserSink<H>, limits: HeaderLimits) {
    this.sink = sink;
    this.limits = limits;
  }

  protected abstract head(text: string): { readonly headers: H; readonly facts: HeadFacts; readonly framing: BodyFraming; readonly informational: boolean };

  /** Bytes that were received and not used. */
  get keptBytes(): number {
    return this.#kept.length;
  }

  /** Whether part of a head is there, and not the whole. */
  get inHead(): boolean {
    return this.#state === 'head' && this.#kept.length > 0;
  }

  /** Whether a message is under way. */
  get inMessage(): boolean {
    return this.#state !== 'head' && this.#state !== 'done' && this.#state !== 'dead';
  }

  /** Whether bytes of an upgrade that is not accepted yet are held back. */
  get holdsRaw(): boolean {
    return this.#state === 'raw_held';
  }

  /** Takes `data`; calls the sink for all that it completes. */
  execute(data: Buffer): void {
    if (this.#state === 'dead') return;
    this.#kept = this.#kept.length === 0 ? data : Buffer.concat([this.#kept, data]);
    this.#run();
  }

  /** Goes on to the next message, after `done`. */
  next(): void {
    if (this.#state !== 'done') return;
    this.#state = 'head';
    this.#run();
  }

  /** Lets raw bytes of an accepted upgrade through. */
  releaseRaw(): void {
    if (this.#state !== 'raw_held') return;
    this.#state = 'raw';
    this.#run();
  }

  /** The peer has sent its last byte; returns whether that was a proper end. */
  finish(): boolean {
    const state = this.#state;
    this.#state = 'dead';
    if (state === 'close' || state === 'raw') {
      this.sink.onData(EMPTY, true);
      return true;
    }
    return (state === 'head' && this.#kept.length === 0) || state === 'done';
  }

  /** Takes no more bytes. */
  stop(): void {
    this.#state = 'dead';
    this.#kept = EMPTY;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#kept.length > 0 && this.#step());
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.stop();
      this.sink.onError(error.status, error.message);
    } finally {
      this.#running = false;
    }
  }

  /** Does one thing; returns false when more bytes or a call are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'head': return this.#stepHead();
      case 'length': return this.#stepLength();
      case 'close':
      case 'raw': return this.#pass(this.#kept.length, false);
      case 'chunk_size': return this.#stepChunkSize();
      case 'chunk_data': return this.#stepChunkData();
      case 'chunk_end': return this.#stepChunkEnd();
      case 'trailers': return this.#stepTrailers();
      case 'raw_held':
      case 'done':
      case 'dead': return false;
    }
  }

  #take(length: number): Buffer {
    const kept = this.#kept;
    if (length === kept.length) {
      this.#kept = EMPTY;
      return kept;
    }
    this.#kept = kept.subarray(length);
    return kept.subarray(0, length);
  }

  #pass(length: number, endStream: boolean): boolean {
    this.sink.onData(this.#take(length), endStream);
    return true;
  }

  #stepHead(): boolean {
    // Blank lines before a message are forgiven (RFC 9112 section 2.2).
    while (this.#kept[0] === 13 && this.#kept[1] === 10) this.#take(2);
    if (this.#kept.length < 2) {
      if (this.#kept[0] === 10) throw new HeadError(400, 'http1.bare_line_feed');
      return false;
    }
    const kept = this.#kept;
    const end = this.#endOfFields(kept, 'http1.headers_too_large');
    if (end < 0) return false;
    const { headers, facts, framing, informational } = this.head(kept.toString('latin1', 0, end));
    this.#take(end + 4);
    this.#enter(framing, informational);
    this.sink.onHead(headers, facts, framing.kind === 'none');
    return true;
  }

  /** Where the blank line stands, -1 when it has not come yet; refuses what grows beyond the limit. */
  #endOfFields(kept: Buffer, tooLarge: string): number {
    const from = Math.min(this.#scanned, kept.length);
    const end = kept.indexOf('\r\n\r\n', Math.max(0, from - 3), 'latin1');
    if ((end < 0 ? kept.length : end + 4) > this.limits.maximumHeadBytes) throw new HeadError(431, tooLarge);
    if (end < 0) checkPartialHead(kept, from);
    this.#scanned = end < 0 ? kept.length : 0;
    return end;
  }

  #enter(framing: BodyFraming, informational: boolean): void {
    if (informational) return;
    switch (framing.kind) {
      case 'none': this.#state = 'done'; break;
      case 'length': this.#state = 'length'; this.#remaining = framing.length; break;
      case 'chunked': this.#state = 'chunk_size'; break;
      case 'close': this.#state = 'close'; break;
      case 'raw': this.#state = 'raw_held'; break;
    }
  }

  #stepLength(): boolean {
    const length = Math.min(this.#remaining, this.#kept.length);
    this.#remaining -= length;
    if (this.#remaining === 0) this.#state = 'done';
    return this.#pass(length, this.#remaining === 0);
  }

  #stepChunkSize(): boolean {
    const end = this.#kept.indexOf(10);
    if (end < 0) {
      if (this.#kept.length > MAXIMUM_CHUNK_LINE) throw new HeadError(400, 'http1.chunk_line_too_long');
      return false;
    }
    if (end > MAXIMUM_CHUNK_LINE) throw new HeadError(400, 'http1.chunk_line_too_long');
    const line = this.#kept.toString('latin1', 0, end);
    // Chunk extensions are dropped; 13 digits stay within exact integers.
    const match = /^([0-9a-fA-F]{1,13})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?\r$/.exec(line);
    if (!match) throw new HeadError(400, 'http1.invalid_chunk_size');
    this.#take(end + 1);
    this.#remaining = Number.parseInt(match[1] ?? '', 16);
    this.#state = this.#remaining === 0 ? 'trailers' : 'chunk_data';
    return true;
  }

  #stepChunkData(): boolean {
    const length = Math.min(this.#remaining, this.#kept.length);
    this.#remaining -= length;
    if (this.#remaining === 0) this.#state = 'chunk_end';
    return this.#pass(length, false);
  }

  #stepChunkEnd(): boolean {
    if (this.#kept[0] !== 13 || (this.#kept.length > 1 && this.#kept[1] !== 10)) throw new HeadError(400, 'http1.chunk_without_end');
    if (this.#kept.length < 2) return false;
    this.#take(2);
    this.#state = 'chunk_size';
    return true;
  }

  #stepTrailers(): boolean {
    const kept = this.#kept;
    if (kept[0] === 13 && kept[1] === 10) {
      this.#take(2);
      this.#state = 'done';
      this.sink.onData(EMPTY, true);
      return true;
    }
    const end = this.#endOfFields(kept, 'http1.trailers_too_large');
    if (end < 0) return false;
    const trailers = new HeaderMap();
    parseFields(kept.toString('latin1', 0, end), 0, trailers, null, this.limits.maximumHeaders);
    trailers.removeIf((name) => FORBIDDEN_TRAILERS.has(name));
    this.#take(end + 4);
    this.#state = 'done';
    this.sink.onTrailers(trailers);
    return true;
  }
}

const FORBIDDEN_TRAILERS = new Set(['content-length', 'transfer-encoding', 'host', 'connection', 'te', 'upgrade', 'authorization', 'cookie', 'set-cookie', 'keep-alive', 'trailer']);

// A line feed alone never completes a head: say so at once instead of waiting for the limit.
function checkPartialHead(kept: Buffer, from: number): void {
  for (let at = kept.indexOf(10, from); at >= 0; at = kept.indexOf(10, at + 1)) {
    if (kept[at - 1] !== 13) throw new HeadError(400, 'http1.bare_line_feed');
  }
}

/** Parses requests. */
export class RequestParser extends MessageParser<RequestHeaders> {
  protected override head(text: string): ReturnType<MessageParser<RequestHeaders>['head']> {
    const { headers, facts } = parseRequestHead(text, this.limits.maximumHeaders);
    return { headers, facts, framing: requestFraming(headers, facts), informational: false };
  }
}

/** Parses responses; `method` is that of the request which is answered next. */
export class ResponseParser extends MessageParser<ResponseHeaders> {
  method = 'GET';

  protected override head(text: string): ReturnType<MessageParser<ResponseHeaders>['head']> {
    const { headers, facts } = parseResponseHead(text, this.limits.maximumHeaders);
    return { headers, facts, framing: responseFraming(headers, facts, this.method), informational: headers.status < 200 && headers.status !== 101 };
  }
}
