// Runs a reconciler: changes of informers become keys of a work queue, workers bring each key's world into the wished state.
// Metric names are those of controller-runtime, which dashboards of operators know.
import type { KubernetesObject } from '../api/meta/index.ts';
import { createLogger, programMetrics, type Logger } from '../observability/index.ts';
import { describeError } from '../lib/index.ts';
import type { Informer, ObjectChange } from './informer.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

/** What a reconciler wants next: nothing, or to be called again after a while. */
export interface ReconcileResult {
  readonly requeueAfterMilliseconds?: number;
}

/** Brings the world of one key into the wished state. A thrown error means: try again, later each time. */
export type Reconciler<K> = (key: K, signal: AbortSignal) => Promise<ReconcileResult | void>;

/** Options of a controller. */
export interface ControllerOptions extends WorkQueueOptions {
  /** Keys worked on at a time; 1 when absent. */
  readonly concurrency?: number;
}

/** A component that calls a reconciler for the keys that change. */
export class Controller<K> {
  readonly name: string;
  readonly queue: WorkQueue<K>;
  readonly #reconcile: Reconciler<K>;
  readonly #concurrency: number;
  readonly #sources: (() => () => void)[] = [];
  readonly #detach: (() => void)[] = [];
  readonly #log: Logger;
  readonly #stop = new AbortController();
  readonly #total = programMetrics.counter('controller_runtime_reconcile_total', 'Reconciliations by outcome.', ['controller', 'result']);
  readonly #errors = programMetrics.counter('controller_runtime_reconcile_errors_total', 'Reconciliations that failed.', ['controller']);
  readonly #duration = programMetrics.histogram('controller_runtime_reconcile_time_seconds', 'Time a reconciliation takes.', ['controller']);
  readonly #active = programMetrics.gauge('controller_runtime_active_workers', 'Workers busy now.', ['controller']);
  #workers: Promise<void>[] = [];

  constructor(name: string, reconcile: Reconciler<K>, options: ControllerOptions = {}) {
    this.name = name;
    this.#reconcile = reconcile;
    this.#concurrency = options.concurrency ?? 1;
    this.queue = new WorkQueue<K>(name, options);
    this.#log = createLogger(name);
  }

  /** Makes every change in `informer` add the keys that `keysOf` names; call it before `start`. The informer is started by its owner. */
  watch<T extends KubernetesObject>(informer: Informer<T>, keysOf: (object: T, change: ObjectChange<T>) => Iterable<K>): this {
    this.#sources.push(() => informer.onChange((change) => {
      for (const key of keysOf(change.object, change)) this.queue.add(key);
      if (change.type === 'updated') for (const key of keysOf(change.previous, change)) this.queue.add(key);
    }));
    return this;
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
    for (const source of this.#sources) this.#detach.push(source());
    this.#workers = Array.from({ length: this.#concurrency }, () => this.#work());
  }

  /** Ends the queue and waits for the work under way, which sees its signal aborted. */
  async stop(): Promise<void> {
    for (const detach of this.#detach.splice(0)) detach();
    this.#stop.abort();
    this.queue.close();
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    for (let key = await this.queue.take(); key !== undefined; key = await this.queue.take()) {
      this.#active.add({ controller: this.name }, 1);
      const started = performance.now();
      try {
        this.#settle(key, await this.#reconcile(key, this.#stop.signal));
      } catch (error) {
        this.#fail(key, error);
      } finally {
        this.#duration.observe({ controller: this.name }, (performance.now() - started) / 1000);
        this.#active.add({ controller: this.name }, -1);
        this.queue.done(key);
      }
    }
  }

  #settle(key: K, result: ReconcileResult | void): void {
    this.queue.forget(key);
    const after = result?.requeueAfterMilliseconds;
    this.#total.add({ controller: this.name, result: after === undefined ? 'success' : 'requeue_after' });
    if (after !== undefined) this.queue.addAfter(key, after);
  }

  #fail(key: K, error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#total.add({ controller: this.name, result: 'error' });
    this.#errors.add({ controller: this.name });
    const retryMilliseconds = this.queue.addRateLimited(key);
    this.#log.warn({ key, retryMilliseconds, error: describeError(error), ...(this.#log.isDebug() && error instanceof Error ? { stack: error.stack } : {}) }, 'reconciliation failed');
  }
}
