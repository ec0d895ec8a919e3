// A queue of keys to work on: a key is there once however often it is added, is never worked on twice at a time, and returns
// later when it was added meanwhile or its work failed. The semantics of client-go's workqueue, whose metric names it keeps.
import { programMetrics, type CounterMetric, type GaugeMetric, type HistogramMetric } from '../observability/index.ts';

/** Bounds of the wait after failures of one key. */
export interface WorkQueueOptions {
  readonly initialRetryMilliseconds?: number;
  readonly maximumRetryMilliseconds?: number;
}

interface QueueMetrics {
  readonly depth: GaugeMetric<'name'>;
  readonly adds: CounterMetric<'name'>;
  readonly retries: CounterMetric<'name'>;
  readonly waited: HistogramMetric<'name'>;
  readonly worked: HistogramMetric<'name'>;
}

/** A de-duplicating queue with delays and per-key back-off. */
export class WorkQueue<K> {
  readonly name: string;
  readonly #initialRetry: number;
  readonly #maximumRetry: number;
  readonly #waiting = new Map<K, number>();
  readonly #working = new Map<K, number>();
  readonly #again = new Set<K>();
  readonly #failures = new Map<K, number>();
  readonly #delayed = new Map<K, { readonly at: number; readonly timer: NodeJS.Timeout }>();
  readonly #takers: ((key: K | undefined) => void)[] = [];
  readonly #metrics: QueueMetrics;
  #closed = false;

  constructor(name: string, options: WorkQueueOptions = {}) {
    this.name = name;
    this.#initialRetry = options.initialRetryMilliseconds ?? 100;
    this.#maximumRetry = options.maximumRetryMilliseconds ?? 120_000;
    this.#metrics = {
      depth: programMetrics.gauge('workqueue_depth', 'Keys waiting in the queue.', ['name']),
      adds: programMetrics.counter('workqueue_adds_total', 'Keys added to the queue.', ['name']),
      retries: programMetrics.counter('workqueue_retries_total', 'Keys added again after a failure.', ['name']),
      waited: programMetrics.histogram('workqueue_queue_duration_seconds', 'Time a key waits before it is worked on.', ['name']),
      worked: programMetrics.histogram('workqueue_work_duration_seconds', 'Time the work on a key takes.', ['name']),
    };
  }

  /** Keys waiting now. */
  get depth(): number {
    return this.#waiting.size;
  }

  /** Adds a key to be worked on as soon as possible. */
  add(key: K): void {
    if (this.#closed) return;
    this.#cancelDelay(key);
    if (this.#working.has(key)) {
      this.#again.add(key);
      return;
    }
    if (this.#waiting.has(key)) return;
    this.#metrics.adds.add({ name: this.name });
    const taker = this.#takers.shift();
    this.#waiting.set(key, Date.now());
    if (taker) this.#hand(key, taker);
    this.#metrics.depth.set({ name: this.name }, this.#waiting.size);
  }

  /** Adds a key after a while; an earlier date of the same key wins. */
  addAfter(key: K, milliseconds: number): void {
    if (this.#closed) return;
    if (milliseconds <= 0) {
      this.add(key);
      return;
    }
    const at = Date.now() + milliseconds;
    const present = this.#delayed.get(key);
    if (present && present.at <= at) return;
    this.#cancelDelay(key);
    const timer = setTimeout(() => {
      this.#delayed.delete(key);
      this.add(key);
    }, milliseconds);
    this.#delayed.set(key, { at, timer });
  }

  /** Adds a key after a wait that doubles with each failure; returns the wait in milliseconds. */
  addRateLimited(key: K): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const wait = Math.min(this.#maximumRetry, this.#initialRetry * 2 ** Math.min(failures, 30));
    this.#metrics.retries.add({ name: this.name });
    this.addAfter(key, wait);
    return wait;
  }

  /** Forgets a key's failures, after a success. */
  forget(key: K): void {
    this.#failures.delete(key);
  }

  /** How often the key failed in a row. */
  failures(key: K): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, when there is one; undefined once the queue is closed. Call `done` afterwards. */
  take(): Promise<K | undefined> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      for (const key of this.#waiting.keys()) {
        this.#hand(key, resolve);
        this.#metrics.depth.set({ name: this.name }, this.#waiting.size);
        return;
      }
      this.#takers.push(resolve);
    });
  }

  /** Says that the work on a taken key has ended. */
  done(key: K): void {
    const started = this.#working.get(key);
    if (started !== undefined) this.#metrics.worked.observe({ name: this.name }, (Date.now() - started) / 1000);
    this.#working.delete(key);
    if (this.#again.delete(key)) this.add(key);
  }

  /** Ends the queue: takers get undefined, nothing is added any more. */
  close(): void {
    this.#closed = true;
    for (const { timer } of this.#delayed.values()) clearTimeout(timer);
    this.#delayed.clear();
    this.#waiting.clear();
    for (const taker of this.#takers.splice(0)) taker(undefined);
    this.#metrics.depth.set({ name: this.name }, 0);
  }

  #hand(key: K, taker: (key: K) => void): void {
    const added = this.#waiting.get(key) ?? Date.now();
    this.#waiting.delete(key);
    this.#working.set(key, Date.now());
    this.#metrics.waited.observe({ name: this.name }, (Date.now() - added) / 1000);
    taker(key);
  }

  #cancelDelay(key: K): void {
    const present = this.#delayed.get(key);
    if (!present) return;
    clearTimeout(present.timer);
    this.#delayed.delete(key);
  }
}
