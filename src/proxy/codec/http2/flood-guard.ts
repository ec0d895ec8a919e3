// Says when a peer sends what costs us work and it nothing. The numbers are Envoy's where it has one. Used by each HTTP/2 connection for what it receives.
import { ConnectionError, ErrorCode } from './wire/protocol.ts';

/** Frames in a row that move nothing (PING, SETTINGS, unknown ones, resets of streams that are gone) within the time below. Envoy bounds only the answers that wait for a peer that does not read. */
const IDLE_FRAMES = 1000;
const IDLE_MILLISECONDS = 10_000;
/** PRIORITY frames for each stream there was. */
const PRIORITY_FRAMES = 100;
/** WINDOW_UPDATE frames: so many, and so many more for each DATA frame that we sent. */
const WINDOW_UPDATES = 5;
const WINDOW_UPDATES_FOR_DATA = 10;
/** Frames without content in a row that end nothing. */
const EMPTY_FRAMES = 1;
/** Answers and frames that wait for a peer that does not read. */
const WAITING_CONTROL_FRAMES = 1000;
const WAITING_FRAMES = 10_000;

function flood(detail: string): ConnectionError {
  return new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, detail);
}

/** The counts of one connection. Each method takes note of one frame and throws when there were too many. */
export class FloodGuard {
  /** Streams that the peer or we opened. */
  streams = 0;
  #idle = 0;
  #idleSince = 0;
  #empty = 0;
  #priorities = 0;
  #windowUpdates = 0;

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
    if (this.#empty > EMPTY_FRAMES) throw flood('http2.empty_frame_flood');
  }

  priority(): void {
    this.#priorities += 1;
    if (this.#priorities > PRIORITY_FRAMES * (1 + this.streams)) throw flood('http2.priority_flood');
  }

  /** `dataFrames` is how many we sent. */
  windowUpdate(dataFrames: number): void {
    this.#windowUpdates += 1;
    if (this.#windowUpdates > WINDOW_UPDATES + 2 * (this.streams + WINDOW_UPDATES_FOR_DATA * dataFrames)) throw flood('http2.window_update_flood');
  }

  /** Something was written to a peer that may not be reading. */
  waiting(frames: number, controlFrames: number): void {
    if (controlFrames > WAITING_CONTROL_FRAMES) throw flood('http2.outbound_control_flood');
    if (frames > WAITING_FRAMES) throw flood('http2.outbound_flood');
  }
}
