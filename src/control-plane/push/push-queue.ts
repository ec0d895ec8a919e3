// The push queue: each connection has at most one pending request; requests that arrive meanwhile are merged into it, and a bounded
// number of connections is pushed at a time. So a slow proxy costs one slot, and a busy mesh one push, however many changes there are.

/** Pushes to connections, merged and bounded. */
export class PushQueue<C, R> {
  readonly #concurrency: number;
  readonly #merge: (older: R, newer: R) => R;
  readonly #push: (connection: C, request: R) => Promise<void>;
  readonly #onError: (connection: C, error: unknown) => void;
  readonly #pending = new Map<C, R>();
  readonly #pushing = new Set<C>();
  #closed = false;
  #idle: (() => void)[] = [];

  /** `push` does the work for one connection; what it throws goes to `onError` and does not touch others. */
  constructor(concurrency: number, merge: (older: R, newer: R) => R, push: (connection: C, request: R) => Promise<void>, onError: (connection: C, error: unknown) => void) {
    this.#onError = onError;
    this.#concurrency = concurrency;
    this.#merge = merge;
    this.#push = push;
  }

  /** Connections waiting to be pushed. */
  get depth(): number {
    return this.#pending.size;
  }

  /** Connections being pushed now. */
  get active(): number {
    return this.#pushing.size;
  }

  /** Asks for a push of `request` to `connection`. */
  enqueue(connection: C, request: R): void {
    if (this.#closed) return;
    const older = this.#pending.get(connection);
    // A merged request keeps its place in line: a connection under constant change is not pushed back for ever.
    this.#pending.set(connection, older === undefined ? request : this.#merge(older, request));
    this.#startNext();
  }

  /** Forgets what is pending for a connection that is gone. */
  remove(connection: C): void {
    this.#pending.delete(connection);
  }

  /** Takes no more requests and resolves when the pushes under way have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pending.clear();
    await this.whenIdle();
  }

  /** Resolves when nothing is pending and nothing is being pushed. */
  whenIdle(): Promise<void> {
    if (this.#pending.size === 0 && this.#pushing.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #startNext(): void {
    for (const [connection, request] of this.#pending) {
      if (this.#pushing.size >= this.#concurrency) return;
      if (this.#pushing.has(connection)) continue;
      this.#pending.delete(connection);
      this.#pushing.add(connection);
      void this.#push(connection, request).catch((error: unknown) => this.#onError(connection, error)).finally(() => {
        this.#pushing.delete(connection);
        this.#startNext();
        if (this.#pending.size === 0 && this.#pushing.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
      });
    }
  }
}
