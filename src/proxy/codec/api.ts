// The codec interface: the same for HTTP/1.1 and HTTP/2, server and client, so that filters never see a protocol. An encoder is how the proxy writes
// a message, a decoder is told what was read. Data methods return false when the peer cannot take more; `onBlocked(false)` follows.
import type { HeaderMap, RequestHeaders, ResponseHeaders } from '../stream/header-map.ts';

/** Why a stream ended before its message did. */
export type StreamResetReason = 'local_reset' | 'remote_reset' | 'connection_termination' | 'protocol_error' | 'refused_stream' | 'overflow' | 'connect_failure' | 'connect_timeout';

/** Told of a message as it arrives. No call follows the end of the stream or `onReset`. */
export interface MessageDecoder {
  decodeData(data: Buffer, endStream: boolean): void;
  decodeTrailers(trailers: HeaderMap): void;
  onReset(reason: StreamResetReason, detail: string): void;
  /** The other direction, what we write on this stream, is blocked or free again. */
  onBlocked(blocked: boolean): void;
}

/** Told of a request. */
export interface RequestDecoder extends MessageDecoder {
  decodeHeaders(headers: RequestHeaders, endStream: boolean): void;
}

/** Told of a response. */
export interface ResponseDecoder extends MessageDecoder {
  /** An informational response other than 101. */
  decode1xx(headers: ResponseHeaders): void;
  decodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
}

/** Writes one direction of a stream. */
export interface StreamEncoder {
  /** Returns false when the peer cannot take more now. */
  encodeData(data: Buffer, endStream: boolean): boolean;
  encodeTrailers(trailers: HeaderMap): void;
  reset(reason: StreamResetReason): void;
  /** Stops and starts reading of the other direction. */
  readDisable(disable: boolean): void;
}

/** Writes a response. */
export interface ResponseEncoder extends StreamEncoder {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  encode1xx(headers: ResponseHeaders): void;
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
}

/** Writes a request. */
export interface RequestEncoder extends StreamEncoder {
  encodeHeaders(headers: RequestHeaders, endStream: boolean): void;
}

/** A downstream connection. */
export interface ServerConnection {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly activeStreams: number;
  /** Ends the connection with its present or next message: `connection: close` or GOAWAY. One that stays idle ends after a grace. */
  shutdown(): void;
  /** Ends the connection with its present message; returns whether there is one, upgraded streams aside. Called until there is none. */
  finish(): boolean;
  /** Ends the connection now. */
  close(): void;
}

/** What a downstream connection tells its owner. */
export interface ServerConnectionCallbacks {
  newStream(encoder: ResponseEncoder): RequestDecoder;
  /** A message that is no HTTP; the codec has answered with `status` and closes. */
  onProtocolError(status: number, detail: string): void;
  /** No stream is active any more, or the first became active. */
  onActivity(activeStreams: number): void;
  onClose(): void;
}

/** An upstream connection. */
export interface ClientConnection {
  readonly protocol: 'HTTP/1.1' | 'HTTP/2';
  readonly activeStreams: number;
  /** Streams that may still be opened now. */
  readonly availableStreams: number;
  /** Requests sent so far. */
  readonly requests: number;
  newStream(decoder: ResponseDecoder): RequestEncoder;
  close(): void;
}

/** What an upstream connection tells its pool. */
export interface ClientConnectionCallbacks {
  /** A stream is over; the connection may take another when `availableStreams` says so. */
  onStreamDone(): void;
  /** The connection takes no more streams, those under way go on. */
  onGoAway(): void;
  onClose(): void;
}

/** Bounds of what a peer may send before a body. */
export interface HeaderLimits {
  readonly maximumHeadBytes: number;
  readonly maximumHeaders: number;
}

/** Envoy's limits. */
export const DEFAULT_HEADER_LIMITS: HeaderLimits = { maximumHeadBytes: 60 * 1024, maximumHeaders: 100 };

/** No bytes. */
export const EMPTY = Buffer.alloc(0);
