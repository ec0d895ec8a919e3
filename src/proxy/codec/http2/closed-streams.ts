// Remembers the last streams that are over, as what a peer may still send on one depends on who ended it (RFC 9113 section 5.1): after our reset its frames may have crossed ours and are ignored, after
// its own end they are an error. Used by each HTTP/2 connection.

const REMEMBERED = 256;

/** A ring of stream numbers. */
class Ring {
  #ids: Int32Array | null = null;
  #next = 0;
  /** Some were forgotten. */
  wrapped = false;

  add(id: number): void {
    this.#ids ??= new Int32Array(REMEMBERED);
    this.#ids[this.#next] = id;
    this.#next += 1;
    if (this.#next < REMEMBERED) return;
    this.#next = 0;
    this.wrapped = true;
  }

  has(id: number): boolean {
    return this.#ids?.includes(id) ?? false;
  }
}

/** The closed streams of one connection. */
export class ClosedStreams {
  readonly #reset = new Ring();
  readonly #ended = new Ring();

  /** We ended the stream before its peer did. */
  addReset(id: number): void {
    this.#reset.add(id);
  }

  addEnded(id: number): void {
    this.#ended.add(id);
  }

  /** Whether frames on it may have been sent before the peer heard of our reset. */
  mayStillSend(id: number): boolean {
    return this.#reset.has(id) || (this.#reset.wrapped && !this.#ended.has(id));
  }

  /** Whether the stream is known to have been open, and ended on both sides. */
  hasEnded(id: number): boolean {
    return this.#ended.has(id);
  }
}
