// Limits how long a peer may owe the rest of a header block or of a frame that is given whole. Used by each connection.

/** The time of one connection. */
export class RestTimer {
  readonly #milliseconds: number;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | null = null;
  #owed = 0;

  constructor(milliseconds: number, onLate: () => void) {
    this.#milliseconds = milliseconds;
    this.#onLate = onLate;
  }

  /** The peer owes the rest of `part`, a number for each: a busy connection owes one after the other, and none for long. */
  wait(part: number): void {
    if (this.#timer !== null && part !== this.#owed) this.#timer.refresh();
    this.#owed = part;
    this.#timer ??= setTimeout(this.#onLate, this.#milliseconds);
  }

  /** Nothing is owed. */
  stop(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}
