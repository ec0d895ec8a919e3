// Numbers of HTTP/2 (RFC 9113 sections 6, 7 and 11) and the error that ends a connection. Used by all of this folder.

/** Frame types. */
export const FrameType = { DATA: 0, HEADERS: 1, PRIORITY: 2, RST_STREAM: 3, SETTINGS: 4, PUSH_PROMISE: 5, PING: 6, GOAWAY: 7, WINDOW_UPDATE: 8, CONTINUATION: 9 } as const;

/** Flags; END_STREAM and ACK share a bit, as they never meet. */
export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Error codes. */
export const ErrorCode = {
  NO_ERROR: 0, PROTOCOL_ERROR: 1, INTERNAL_ERROR: 2, FLOW_CONTROL_ERROR: 3, SETTINGS_TIMEOUT: 4, STREAM_CLOSED: 5, FRAME_SIZE_ERROR: 6, REFUSED_STREAM: 7, CANCEL: 8,
  COMPRESSION_ERROR: 9, CONNECT_ERROR: 10, ENHANCE_YOUR_CALM: 11, INADEQUATE_SECURITY: 12, HTTP_1_1_REQUIRED: 13,
} as const;

/** Settings; the last is RFC 8441's. */
export const Setting = { HEADER_TABLE_SIZE: 1, ENABLE_PUSH: 2, MAX_CONCURRENT_STREAMS: 3, INITIAL_WINDOW_SIZE: 4, MAX_FRAME_SIZE: 5, MAX_HEADER_LIST_SIZE: 6, ENABLE_CONNECT_PROTOCOL: 8 } as const;

/** What a client sends first. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Length of what stands before every frame's payload. */
export const FRAME_HEAD_BYTES = 9;
/** The largest payload that we take and send: the protocol's initial value, which no side has to announce. */
export const FRAME_BYTES = 16_384;
export const DEFAULT_WINDOW = 65_535;
export const MAXIMUM_WINDOW = 2_147_483_647;
export const MAXIMUM_STREAM_ID = 2_147_483_647;

/** The peer broke the protocol in a way that ends the connection; `message` says how, in a form that is counted. */
export class ConnectionError extends Error {
  readonly code: number;

  constructor(code: number, detail: string) {
    super(detail);
    this.code = code;
  }
}
