// Asks a peer from time to time whether it is there (Envoy's connection_keepalive). Used by connections that are configured so.

/** How often, and how long an answer may take. */
export interface KeepaliveOptions {
  readonly intervalMilliseconds: number;
  readonly timeoutMilliseconds: number;
}

/** The questions of one connection. */
export class Keepalive {
  readonly #interval: NodeJS.Timeout;
  readonly #options: KeepaliveOptions;
  readonly #ask: () => void;
  readonly #onSilence: () => void;
  #waiting: NodeJS.Timeout | null = null;

  /** `ask` sends the question; `onSilence` is called when no answer came in time. */
  constructor(options: KeepaliveOptions, ask: () => void, onSilence: () => void) {
    this.#options = options;
    this.#ask = ask;
    this.#onSilence = onSilence;
    this.#interval = setInterval(() => this.#question(), options.intervalMilliseconds).unref();
  }

  #question(): void {
    if (this.#waiting !== null) return;
    this.#ask();
    this.#waiting = setTimeout(this.#onSilence, this.#options.timeoutMilliseconds).unref();
  }

  /** The answer came. */
  answered(): void {
    if (this.#waiting !== null) clearTimeout(this.#waiting);
    this.#waiting = null;
  }

  stop(): void {
    clearInterval(this.#interval);
    this.answered();
  }
}
