// Runs one probe of a container over and over, and says when the container passes or fails it.
import type { StoredObject } from '../api-server/internal-client.ts';
import { attempt, type ProbeResult, type ProbeTarget } from './probe.ts';

// Between its regular attempts a probe that does not succeed yet is tried sooner, and only a success of those counts: a
// container that is ready is seen at once, and none is failed earlier than on a real node.
const FIRST_EAGER_MILLISECONDS = 50;
const EAGER_FACTOR = 1.6;

/** Told of the outcomes. */
export interface ProbeListener {
  /** The threshold of successes or failures has been passed. */
  readonly onResult: (success: boolean, message: string) => void;
  /** An attempt that counts has failed. */
  readonly onFailedAttempt: (message: string) => void;
}

/** A probe that runs until it is stopped. */
export class Prober {
  readonly #probe: StoredObject['spec'];
  readonly #target: ProbeTarget;
  readonly #listener: ProbeListener;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #successes = 0;
  #failures = 0;
  #state: boolean | undefined;
  #nextRegular: number;
  #eagerDelay = FIRST_EAGER_MILLISECONDS;

  constructor(probe: StoredObject['spec'], target: ProbeTarget, listener: ProbeListener) {
    this.#probe = probe;
    this.#target = target;
    this.#listener = listener;
    const delay = (probe.initialDelaySeconds ?? 0) * 1000;
    this.#nextRegular = Date.now() + delay;
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #run(): void {
    const regular = Date.now() >= this.#nextRegular;
    if (regular) this.#nextRegular = Date.now() + this.#period();
    attempt(this.#probe, this.#target, (this.#probe.timeoutSeconds ?? 1) * 1000).then((result) => {
      if (this.#stopped) return;
      this.#count(result, regular);
      if (!this.#stopped) this.#schedule();
    }, (error: unknown) => this.#listener.onFailedAttempt(String(error)));
  }

  #period(): number {
    return Math.max(1, this.#probe.periodSeconds ?? 10) * 1000;
  }

  #schedule(): void {
    const untilRegular = Math.max(1, this.#nextRegular - Date.now());
    let delay = untilRegular;
    if (this.#state !== true) {
      delay = Math.min(untilRegular, this.#eagerDelay);
      this.#eagerDelay *= EAGER_FACTOR;
    }
    this.#timer = setTimeout(() => this.#run(), delay);
  }

  #count(result: ProbeResult, regular: boolean): void {
    if (result.success) {
      this.#failures = 0;
      this.#successes += 1;
      if (this.#successes >= (this.#probe.successThreshold ?? 1)) this.#enter(true, result.message);
      return;
    }
    this.#successes = 0;
    if (!regular) return;
    this.#failures += 1;
    this.#listener.onFailedAttempt(result.message);
    if (this.#failures >= (this.#probe.failureThreshold ?? 3)) {
      this.#failures = 0;
      this.#enter(false, result.message);
    }
  }

  // A failure is told again each time, for a liveness probe goes on failing after a restart; a success only once.
  #enter(success: boolean, message: string): void {
    if (success && this.#state === true) return;
    this.#state = success;
    if (!success) this.#eagerDelay = FIRST_EAGER_MILLISECONDS;
    this.#listener.onResult(success, message);
  }
}
