// The streams of a connection by their number. A Map would do, if its table were not replaced every so many insertions: the old table stays linked to the new one and to the streams of its time, and
// once such a table has become old to the garbage collector, all that follow it live until the next full collection (measured: a third of all requests survived; see docs/adr on the codec).

interface Numbered { readonly id: number }

const FIRST_CAPACITY = 8;

/** A table with open addressing; numbers of streams spread by themselves. */
export class StreamTable<S extends Numbered> {
  size = 0;
  #slots: (S | null)[] = [];

  get(id: number): S | undefined {
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask < 0) return undefined;
    for (let at = (id >>> 1) & mask; ; at = (at + 1) & mask) {
      const stream = slots[at] ?? null;
      if (stream === null) return undefined;
      if (stream.id === id) return stream;
    }
  }

  /** Adds a stream whose number is not there. */
  add(stream: S): void {
    if ((this.size + 1) * 2 > this.#slots.length) this.#grow();
    this.#place(this.#slots, stream);
    this.size += 1;
  }

  delete(id: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    if (mask < 0) return;
    let at = (id >>> 1) & mask;
    for (; slots[at]?.id !== id; at = (at + 1) & mask) if ((slots[at] ?? null) === null) return;
    this.size -= 1;
    // What follows moves up where that brings it nearer to its place, so that no search ends too early.
    for (let next = (at + 1) & mask; ; next = (next + 1) & mask) {
      const stream = slots[next] ?? null;
      if (stream === null) break;
      const home = (stream.id >>> 1) & mask;
      if (((next - home) & mask) < ((next - at) & mask)) continue;
      slots[at] = stream;
      at = next;
    }
    slots[at] = null;
  }

  /** The streams that are there now, to go through while they come and go. */
  all(): S[] {
    return this.#slots.filter((stream) => stream !== null);
  }

  clear(): void {
    this.#slots = [];
    this.size = 0;
  }

  #grow(): void {
    const larger = new Array<S | null>(Math.max(FIRST_CAPACITY, this.#slots.length * 2)).fill(null);
    for (const stream of this.#slots) if (stream !== null) this.#place(larger, stream);
    this.#slots = larger;
  }

  #place(slots: (S | null)[], stream: S): void {
    const mask = slots.length - 1;
    let at = (stream.id >>> 1) & mask;
    while ((slots[at] ?? null) !== null) at = (at + 1) & mask;
    slots[at] = stream;
  }
}
