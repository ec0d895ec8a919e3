// One stream of an HTTP/2 connection: its windows, what waits to be sent on it, and how far each direction is (RFC 9113 sections 5.1 and 5.2). Server and client streams add their messages.
import type { HeaderMap } from '../../stream/header-map.ts';
import { EMPTY, type MessageDecoder, type StreamEncoder, type StreamResetReason } from '../api.ts';
import type { ContentSender, SendingStream } from './content-sender.ts';
import { readTrailers } from './message-rules.ts';
import { ErrorCode, MAXIMUM_WINDOW } from './wire/protocol.ts';

/** The connection as its streams see it. */
export interface StreamOwner {
  readonly sender: ContentSender<Http2Stream>;
  /** How much a peer may send on one stream before what it sent has been passed on. */
  readonly streamWindow: number;
  /** `bytes` of what came on the connection are used. */
  credit(bytes: number): void;
  sendWindowUpdate(streamId: number, increment: number): void;
  /** Ends a stream by an error of its peer. */
  streamError(stream: Http2Stream, code: number, detail: string): void;
  /** Ends a stream and tells its peer. */
  resetStream(stream: Http2Stream, code: number): void;
}

interface HeldPiece { readonly piece: Buffer; readonly endStream: boolean; readonly credit: number }

/** A stream. */
export abstract class Http2Stream implements StreamEncoder, SendingStream {
  /** 0 until it is open. */
  id = 0;
  sendWindow = 0;
  localDone = false;
  /** The peer has sent END_STREAM; our listener has been told of the end. */
  remoteDone = false;
  remoteTold = false;
  gone = false;
  stalledSince = 0;
  protected readonly connection: StreamOwner;
  /** Content that the peer announced and that has not come; -1 when it announced none. */
  protected contentLeft = -1;
  /** A CONNECT that was accepted, or an accepted upgrade: it may stay for ever. */
  tunnel = false;
  #pending: Buffer[] = [];
  #pendingStart = 0;
  #pendingEnd = false;
  #pendingTrailers: HeaderMap | null = null;
  #toldBlocked = false;
  #disabled = 0;
  /** Bytes that came, and of those that were passed on the ones that the peer has not been told of. */
  #received = 0;
  #uncredited = 0;
  /** What came while reading is disabled: at most the stream's window. */
  #held: HeldPiece[] = [];
  #heldTrailers: HeaderMap | null = null;

  constructor(connection: StreamOwner) {
    this.connection = connection;
  }

  /** Whom the peer's message is told; null when nobody listens any more. */
  protected abstract get listener(): MessageDecoder | null;
  /** The whole message of the peer is there; called before the listener hears of the end. */
  protected abstract onRemoteDone(): void;
  /** The stream ends before its message does; told once. */
  abstract fail(reason: StreamResetReason, detail: string): void;
  /** A header block for this stream was decoded: `fields` are its names and values. */
  abstract onFields(fields: string[], endStream: boolean): void;
  /** The peer reset the stream. */
  abstract onRemoteReset(code: number): void;

  // --- what we send

  encodeData(data: Buffer, endStream: boolean): boolean {
    // Without a number it was refused, and its owner is about to hear of that.
    if (this.gone || this.id === 0 || this.localDone || this.#pendingEnd) return true;
    if (this.#pending.length > 0) this.#queue(data, endStream);
    else {
      const sent = this.connection.sender.sendData(this, data, endStream);
      if (sent < data.length || (endStream && !this.localDone)) {
        this.#pendingStart = sent;
        this.#queue(data, endStream);
      } else return true;
    }
    if (!this.#toldBlocked && !endStream) {
      this.#toldBlocked = true;
      this.listener?.onBlocked(true);
    }
    return false;
  }

  #queue(data: Buffer, endStream: boolean): void {
    this.#pending.push(data);
    this.#pendingEnd = endStream;
    this.connection.sender.stall(this);
  }

  encodeTrailers(trailers: HeaderMap): void {
    if (this.gone || this.id === 0 || this.localDone || this.#pendingEnd) return;
    if (this.#pending.length === 0) this.#sendTrailers(trailers);
    else {
      this.#pendingTrailers = trailers;
      this.#pendingEnd = true;
    }
  }

  #sendTrailers(trailers: HeaderMap): void {
    if (!this.connection.sender.sendTrailers(this, trailers)) this.encodeData(EMPTY, true);
  }

  flushSome(): boolean {
    const first = this.#pending[0];
    if (first === undefined) return false;
    const last = this.#pending.length === 1 && this.#pendingEnd && this.#pendingTrailers === null;
    const sent = this.connection.sender.sendFrame(this, first, this.#pendingStart, last);
    if (sent < 0) return false;
    this.#pendingStart += sent;
    if (this.#pendingStart < first.length) return true;
    this.#pendingStart = 0;
    this.#pending.shift();
    if (this.#pending.length === 0) this.#onFlushed();
    return true;
  }

  #onFlushed(): void {
    this.connection.sender.unstall(this);
    const trailers = this.#pendingTrailers;
    this.#pendingTrailers = null;
    if (trailers) {
      this.#pendingEnd = false;
      this.#sendTrailers(trailers);
    }
    if (!this.#toldBlocked) return;
    this.#toldBlocked = false;
    if (!this.gone && !this.#pendingEnd) this.listener?.onBlocked(false);
  }

  get isFlushing(): boolean {
    return this.#pendingEnd;
  }

  reset(_reason: StreamResetReason): void {
    this.resetWith(ErrorCode.CANCEL);
  }

  /** Ends the stream; the peer is told why. */
  protected resetWith(code: number): void {
    if (!this.gone) this.connection.resetStream(this, code);
  }

  /** Forgets what waits to be sent, and gives the connection's window back. Called by the connection. */
  drop(): void {
    this.gone = true;
    this.stopSending();
    for (const { credit } of this.#held.splice(0)) this.connection.credit(credit);
    this.#heldTrailers = null;
  }

  /** Sends nothing more, as the peer wants no more. */
  endSending(): void {
    this.localDone = true;
    this.stopSending();
  }

  /** Forgets what waits to be sent. */
  protected stopSending(): void {
    this.#pending = [];
    this.#pendingTrailers = null;
    this.connection.sender.unstall(this);
  }

  /** The peer takes `increment` bytes more; false when it says more than it may. */
  addWindow(increment: number): boolean {
    this.sendWindow += increment;
    return this.sendWindow <= MAXIMUM_WINDOW;
  }

  // --- what we receive

  /** DATA of `length` bytes, padding and all, is about to come; false when the peer may not send so much. */
  onDataHead(length: number): boolean {
    this.#received += length;
    return this.#received <= this.connection.streamWindow;
  }

  /** Content that came; `credit` bytes were used for it. */
  onData(piece: Buffer, endStream: boolean, credit: number): void {
    if (this.contentLeft >= 0) {
      this.contentLeft -= piece.length;
      if (this.contentLeft < 0 || (endStream && this.contentLeft > 0)) {
        this.connection.credit(credit);
        this.malformed('http2.content_differs_from_length');
        return;
      }
    }
    if (endStream) this.remoteDone = true;
    if (this.#disabled > 0 || this.#held.length > 0) this.#held.push({ piece, endStream, credit });
    else this.#pass(piece, endStream, credit);
  }

  #pass(piece: Buffer, endStream: boolean, credit: number): void {
    if (endStream) this.#endRemote();
    this.#give(credit);
    if (piece.length > 0 || endStream) this.listenerData(piece, endStream);
  }

  protected abstract listenerData(piece: Buffer, endStream: boolean): void;
  protected abstract listenerTrailers(trailers: HeaderMap): void;

  /** A header block after the message's head. */
  protected onTrailerFields(fields: readonly string[], endStream: boolean): void {
    const trailers = endStream ? readTrailers(fields) : 'http2.trailers_without_end';
    if (typeof trailers === 'string') this.malformed(trailers);
    else if (this.contentLeft > 0) this.malformed('http2.content_differs_from_length');
    else {
      this.remoteDone = true;
      if (this.#disabled > 0 || this.#held.length > 0) this.#heldTrailers = trailers;
      else this.#passTrailers(trailers);
    }
  }

  #passTrailers(trailers: HeaderMap): void {
    this.#endRemote();
    this.listenerTrailers(trailers);
  }

  #endRemote(): void {
    this.remoteTold = true;
    this.onRemoteDone();
  }

  /** What the peer sent on this stream is no message. */
  malformed(detail: string): void {
    this.connection.streamError(this, ErrorCode.PROTOCOL_ERROR, detail);
  }

  readDisable(disable: boolean): void {
    this.#disabled = Math.max(0, this.#disabled + (disable ? 1 : -1));
    // Not within this call: whoever makes it may have older bytes to pass on first.
    if (this.#disabled === 0 && (this.#held.length > 0 || this.#heldTrailers !== null)) process.nextTick(() => this.#release());
  }

  #release(): void {
    while (this.#disabled === 0 && !this.gone) {
      const held = this.#held.shift();
      if (!held) break;
      this.#pass(held.piece, held.endStream, held.credit);
    }
    const trailers = this.#heldTrailers;
    if (this.#disabled > 0 || this.#held.length > 0 || this.gone || trailers === null) return;
    this.#heldTrailers = null;
    this.#passTrailers(trailers);
  }

  /** Lets the peer send as much again as was used, in large steps. */
  #give(bytes: number): void {
    this.connection.credit(bytes);
    this.#uncredited += bytes;
    if (this.remoteDone || this.gone || this.#uncredited < this.connection.streamWindow / 2) return;
    this.connection.sendWindowUpdate(this.id, this.#uncredited);
    this.#received -= this.#uncredited;
    this.#uncredited = 0;
  }
}
