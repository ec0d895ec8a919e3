// Says when a peer sends what costs us work and it nothing. The numbers are Envoy's where it has one. Used by each HTTP/2 connection for what it receives.
import { ConnectionError, ErrorCode } from './wire/protocol.ts';

/** Frames in a row that move nothing (PING, SETTINGS, unknown ones, resets of streams that are gone) within the time below. Envoy bounds only the answers that wait for a peer that does not read. */
const IDLE_FRAMES = 1000;
const IDLE_MILLISECONDS = 10_000;
/** WINDOW_UPDATE frames that need no DATA. */
const WINDOW_UPDATES = 5;

/** The limits that configuration can set. */
export interface FloodLimits {
  /** Frames, and among them control frames, that wait for a peer that does not read. */
  readonly waitingFrames: number;
  readonly waitingControlFrames: number;
  /** Frames without content in a row that end nothing. */
  readonly emptyFrames: number;
  /** PRIORITY frames for each stream there was. */
  readonly priorityFrames: number;
  /** WINDOW_UPDATE frames for each DATA frame that we sent. */
  readonly windowUpdatesForData: number;
}

const DEFAULTS: FloodLimits = { waitingFrames: 10_000, waitingControlFrames: 1000, emptyFrames: 1, priorityFrames: 100, windowUpdatesForData: 10 };

function flood(detail: string): ConnectionError {
  return new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, detail);
}

/** The counts of one connection. Each method takes note of one frame and throws when there were too many. */
export class FloodGuard {
  /** Streams that the peer or we opened. */
  streams = 0;
  readonly #limits: FloodLimits;
  #idle = 0;
  #idleSince = 0;
  #empty = 0;
  #priorities = 0;
  #windowUpdates = 0;

  constructor(limits: Partial<FloodLimits> | undefined) {
    this.#limits = limits ? { ...DEFAULTS, ...limits } : DEFAULTS;
  }

  /** A header block or content arrived. */
  work(): void {
    this.#idle = 0;
    this.#empty = 0;
  }

  /** A frame that moves nothing. */
  idle(now: number): void {
    if (this.#idle === 0 || now - this.#idleSince > IDLE_MILLISECONDS) {
      this.#idle = 0;
      this.#idleSince = now;
    }
    this.#idle += 1;
    if (this.#idle > IDLE_FRAMES) throw flood('http2.control_frame_flood');
  }

  /** DATA, HEADERS or CONTINUATION without content and without an end. */
  empty(): void {
    this.#empty += 1;
    if (this.#empty > this.#limits.emptyFrames) throw flood('http2.empty_frame_flood');
  }

  priority(): void {
    this.#priorities += 1;
    if (this.#priorities > this.#limits.priorityFrames * (1 + this.streams)) throw flood('http2.priority_flood');
  }

  /** `dataFrames` is how many we sent. */
  windowUpdate(dataFrames: number): void {
    this.#windowUpdates += 1;
    if (this.#windowUpdates > WINDOW_UPDATES + 2 * (this.streams + this.#limits.windowUpdatesForData * dataFrames)) throw flood('http2.window_update_flood');
  }

  /** Something was written to a peer that may not be reading. */
  waiting(frames: number, controlFrames: number): void {
    if (controlFrames > this.#limits.waitingControlFrames) throw flood('http2.outbound_control_flood');
    if (frames > this.#limits.waitingFrames) throw flood('http2.outbound_flood');
  }
}
