// What HTTP filters are, with Envoy's names. The HTTP connection manager runs the chain: decode in order, encode in reverse; the last filter is the router.
// Filters talk through these callbacks and StreamInfo, never to each other.
import type { HeaderMap, RequestHeaders, ResponseHeaders } from './header-map.ts';
import type { ResponseFlag, StreamInfo } from './stream-info.ts';

/**
 * `stop` holds the request at this filter until `continueDecoding`; what arrives meanwhile is kept, and reading pauses. `stop_and_read` holds it too, but reads on: the
 * filter sees the body as it arrives, and answers for how much of it is kept.
 */
export type FilterStatus = 'continue' | 'stop' | 'stop_and_read';

/** One filter of one stream. Absent methods let everything pass. A filter that stopped may continue from `decodeData` and `decodeTrailers` too. */
export interface HttpFilter {
  decodeHeaders?(headers: RequestHeaders, endStream: boolean): FilterStatus;
  decodeData?(data: Buffer, endStream: boolean): void;
  decodeTrailers?(trailers: HeaderMap): void;
  encodeHeaders?(headers: ResponseHeaders, endStream: boolean): void;
  encodeData?(data: Buffer, endStream: boolean): void;
  encodeTrailers?(trailers: HeaderMap): void;
  /** The downstream can (false) or cannot (true) take more bytes; the router slows the upstream. */
  onDownstreamBlocked?(blocked: boolean): void;
  /** The stream is over, well or not; timers and upstream streams must go. */
  onDestroy?(): void;
}

/** A response made by the proxy itself. */
export interface LocalReply {
  readonly status: number;
  readonly body: string | Buffer;
  /** Envoy's response code details, for example `route_not_found`. */
  readonly details: string;
  readonly flag?: ResponseFlag;
  /** gRPC status to use instead of the one that follows from the HTTP status. */
  readonly grpcStatus?: number;
  readonly headers?: readonly (readonly [string, string])[];
  /** Changes the finished headers. */
  readonly modify?: (headers: ResponseHeaders) => void;
}

/** What a filter can do to its stream. `Route` is the compiled route, opaque to this layer. */
export interface FilterCallbacks<Route = unknown> {
  readonly info: StreamInfo;
  readonly requestHeaders: RequestHeaders;
  /** The route of the request; null when none matches. Looked up once, at the first call. */
  route(): Route | null;
  /** Forgets the route, after a filter changed what it was chosen by. */
  clearRouteCache(): void;
  continueDecoding(): void;
  sendLocalReply(reply: LocalReply): void;
  /** The router's way to answer: starts the encode chain. */
  encode1xx(headers: ResponseHeaders): void;
  encodeHeaders(headers: ResponseHeaders, endStream: boolean): void;
  /** Returns false when the downstream cannot take more now. */
  encodeData(data: Buffer, endStream: boolean): boolean;
  encodeTrailers(trailers: HeaderMap): void;
  /** Ends the stream without an answer, or in the middle of one. */
  resetStream(): void;
  /** Stops (true) and starts (false) reading the request's body; calls are counted. */
  readDisable(disable: boolean): void;
}
