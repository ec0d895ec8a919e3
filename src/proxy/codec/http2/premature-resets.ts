// Counts the streams that a peer resets right after it opened them, and says when they are an attack. Used by the HTTP/2 server connection; the numbers are Envoy's.

/** Streams after which a connection is judged. */
const JUDGED_STREAMS = 500;
/** A stream that lived longer is no premature reset. */
const PREMATURE_MILLISECONDS = 1000;

/** The count of one connection. */
export class PrematureResets {
  streams = 0;
  #premature = 0;

  /** Takes note of a stream that its peer reset after `lifetimeMilliseconds`; true when more than half of the connection's streams ended so. */
  tooMany(lifetimeMilliseconds: number): boolean {
    if (lifetimeMilliseconds >= PREMATURE_MILLISECONDS) return false;
    this.#premature += 1;
    return this.#premature * 2 > Math.max(this.streams, JUDGED_STREAMS);
  }
}
