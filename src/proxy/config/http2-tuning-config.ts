// Options of an HTTP/2 connection as plain data, for either side.

/** How an HTTP/2 connection is run; what is absent has the codec's default. */
export interface Http2TuningConfig {
  readonly streamWindowBytes?: number;
  readonly connectionWindowBytes?: number;
  readonly headerTableBytes?: number;
  readonly keepalive?: { readonly intervalMilliseconds: number; readonly timeoutMilliseconds: number };
  readonly floods?: {
    readonly waitingFrames?: number;
    readonly waitingControlFrames?: number;
    readonly emptyFrames?: number;
    readonly priorityFrames?: number;
    readonly windowUpdatesForData?: number;
  };
}
