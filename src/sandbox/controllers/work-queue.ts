// A queue of keys for one controller: a key is worked on by one worker at a time, is merged while it waits, and comes
// back with growing delay when its work failed.

const FIRST_RETRY_MILLISECONDS = 10;
// Shorter than on a real cluster: what a controller waits for here (a webhook that starts) takes seconds.
const LAST_RETRY_MILLISECONDS = 5000;

/** What a queue needs to know. */
export interface WorkQueueOptions {
  readonly work: (key: string) => Promise<void>;
  /** Told of each failure, with how often this key has failed in a row. */
  readonly onFailure: (key: string, error: unknown, failures: number) => void;
  readonly workers: number;
}

/** Runs `work` once for each key that was added, never twice at once for one key. */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #timers = new Map<string, { at: number; timer: NodeJS.Timeout }>();
  #stopped = false;
  #scheduled = false;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Asks for work on a key. */
  add(key: string): void {
    if (this.#stopped) return;
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#schedule();
  }

  /** Asks for work on a key after a while; the sooner of two such wishes holds. */
  addAfter(key: string, milliseconds: number): void {
    if (this.#stopped) return;
    const at = Date.now() + milliseconds;
    const present = this.#timers.get(key);
    if (present && present.at <= at) return;
    if (present) clearTimeout(present.timer);
    const timer = setTimeout(() => {
      this.#timers.delete(key);
      this.add(key);
    }, milliseconds);
    this.#timers.set(key, { at, timer });
  }

  /** Takes no more work; what runs is left to end. */
  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
    for (const { timer } of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  // One turn later, so that a burst of changes is one piece of work.
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#fill();
    });
  }

  #fill(): void {
    for (const key of this.#waiting) {
      if (this.#stopped || this.#running.size >= this.#options.workers) return;
      this.#waiting.delete(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    this.#running.add(key);
    try {
      await this.#options.work(key);
      this.#failures.delete(key);
    } catch (error) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      this.#options.onFailure(key, error, failures);
      this.addAfter(key, Math.min(LAST_RETRY_MILLISECONDS, FIRST_RETRY_MILLISECONDS * 2 ** (failures - 1)));
    } finally {
      this.#running.delete(key);
      if (this.#again.delete(key)) this.#waiting.add(key);
      if (this.#waiting.size > 0 && !this.#stopped) this.#schedule();
    }
  }
}
