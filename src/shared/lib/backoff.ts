// Exponential back-off with full jitter, as numbers only: the caller owns the timer.

/** Bounds of a back-off, in milliseconds. */
export interface BackoffOptions {
  readonly initialMilliseconds: number;
  readonly maximumMilliseconds: number;
  /** Growth per attempt; 2 when absent. */
  readonly factor?: number;
}

/** Counts attempts and says how long to wait before the next. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #attempt = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
  }

  /** Milliseconds to wait now: between half and all of the present step; the step then grows. */
  next(): number {
    const { initialMilliseconds, maximumMilliseconds, factor = 2 } = this.#options;
    const step = Math.min(maximumMilliseconds, initialMilliseconds * factor ** this.#attempt);
    this.#attempt += 1;
    return step / 2 + (step / 2) * this.#random();
  }

  /** Forgets earlier attempts, after a success. */
  reset(): void {
    this.#attempt = 0;
  }
}
