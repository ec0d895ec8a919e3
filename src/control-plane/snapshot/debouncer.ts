// Waits for a burst of changes to end: acts when nothing new came for a while, or at the latest after a maximum. Endpoint changes alone have shorter limits.

/** Limits of one kind of change, in milliseconds. */
export interface DebounceLimits {
  readonly quietMilliseconds: number;
  readonly maximumMilliseconds: number;
}

/** What a burst holds: `full` when anything but endpoints changed. */
export type ChangeScope = 'endpoints' | 'full';

/** Collects changes and acts once a burst. */
export class Debouncer {
  readonly #limits: Readonly<Record<ChangeScope, DebounceLimits>>;
  readonly #act: (scope: ChangeScope, waitedMilliseconds: number) => void;
  #scope: ChangeScope | undefined;
  #firstAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: Readonly<Record<ChangeScope, DebounceLimits>>, act: (scope: ChangeScope, waitedMilliseconds: number) => void) {
    this.#limits = limits;
    this.#act = act;
  }

  /** Notes a change. */
  note(scope: ChangeScope): void {
    const now = performance.now();
    if (this.#scope === undefined) this.#firstAt = now;
    if (this.#scope !== 'full') this.#scope = scope;
    const { quietMilliseconds, maximumMilliseconds } = this.#limits[this.#scope];
    const left = this.#firstAt + maximumMilliseconds - now;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), Math.max(0, Math.min(quietMilliseconds, left)));
  }

  /** Acts now on what was noted. */
  flush(): void {
    clearTimeout(this.#timer);
    const scope = this.#scope;
    this.#scope = undefined;
    if (scope !== undefined) this.#act(scope, performance.now() - this.#firstAt);
  }

  /** Forgets what was noted. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#scope = undefined;
  }
}
