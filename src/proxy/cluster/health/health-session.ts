// The health of one host over time: when it is checked next and when results make it healthy or not, by Envoy's rules.
import type { HealthCheckConfig } from '../../config/runtime-config.ts';

/** The outcome of one check. A failure that is `network` or `network_timeout` counts towards the threshold, one that the host itself tells makes it unhealthy at once unless it is retriable. */
export type ProbeResult =
  | { readonly success: true; readonly degraded: boolean }
  | { readonly success: false; readonly failure: 'active' | 'network' | 'network_timeout'; readonly retriable: boolean; readonly excluded?: boolean };

/** Asks one host. */
export interface Probe {
  /** Asks once; `done` is called once, never within this call. */
  check(done: (result: ProbeResult) => void): void;
  /** Ends the check under way, whose outcome nobody hears any more. */
  cancel(): void;
  close(): void;
}

/** What a result did. */
export interface HealthChange {
  readonly state: 'healthy' | 'degraded' | 'failed' | 'excluded' | 'pending';
  readonly changed: boolean;
  readonly success: boolean;
  /** For the event log. */
  readonly failure: string;
}

/** What a session needs. */
export interface SessionSurroundings {
  now(): number;
  random(): number;
  /** Whether the cluster has ever had a connection. */
  hasTraffic(): boolean;
  /** Whether the host counts as healthy at the start. */
  readonly usable: boolean;
  count(what: string): void;
  onResult(change: HealthChange): void;
}

/** Checks one host again and again. */
export class HealthSession {
  readonly #config: HealthCheckConfig;
  readonly #probe: Probe;
  readonly #of: SessionSurroundings;
  #timer: NodeJS.Timeout | null = null;
  #first = true;
  #state: HealthChange['state'];
  #successes = 0;
  #failures = 0;
  #running = false;
  #closed = false;

  constructor(config: HealthCheckConfig, probe: Probe, surroundings: SessionSurroundings) {
    this.#config = config;
    this.#probe = probe;
    this.#of = surroundings;
    this.#state = surroundings.usable ? 'healthy' : 'pending';
  }

  /** Checks for the first time, after the initial jitter. */
  start(): void {
    const jitter = this.#config.initialJitterMilliseconds;
    this.#wait(jitter > 0 ? Math.floor(this.#of.random() * jitter) : 0, () => this.#check());
  }

  #wait(milliseconds: number, then: () => void): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = setTimeout(then, milliseconds);
    this.#timer.unref();
  }

  #check(): void {
    this.#of.count('attempt');
    this.#running = true;
    let heard = false;
    const finish = (result: ProbeResult): void => {
      if (heard || this.#closed) return;
      heard = true;
      this.#running = false;
      this.#take(result);
    };
    this.#wait(this.#config.timeoutMilliseconds, () => {
      this.#probe.cancel();
      finish({ success: false, failure: 'network_timeout', retriable: false });
    });
    this.#probe.check(finish);
  }

  #take(result: ProbeResult): void {
    const transition = result.success ? this.#succeed(result.degraded) : this.#fail(result);
    this.#first = false;
    this.#of.count(result.success ? 'success' : 'failure');
    if (!result.success && result.failure !== 'active') this.#of.count('network_failure');
    if (!this.#config.reuseConnection) this.#probe.cancel();
    // What hears of it may end this session.
    this.#of.onResult({ state: this.#state, changed: transition === 'changed', success: result.success, failure: result.success ? '' : result.failure.toUpperCase() });
    if (!this.#closed) this.#wait(this.#interval(result.success, transition), () => this.#check());
  }

  get #usable(): boolean {
    return this.#state === 'healthy' || this.#state === 'degraded';
  }

  #succeed(degraded: boolean): 'changed' | 'pending' | 'same' {
    this.#failures = 0;
    if (!this.#usable) {
      this.#successes += 1;
      // The very first result is believed at once, so that starting is quick.
      if (!this.#first && this.#successes < this.#config.healthyThreshold) return 'pending';
    }
    const before = this.#state;
    this.#state = degraded ? 'degraded' : 'healthy';
    return before === this.#state ? 'same' : 'changed';
  }

  #fail(result: ProbeResult & { success: false }): 'changed' | 'pending' | 'same' {
    this.#successes = 0;
    if (!this.#usable) {
      const before = this.#state;
      this.#state = result.excluded ? 'excluded' : 'failed';
      return before === this.#state ? 'same' : 'changed';
    }
    this.#failures += 1;
    const atOnce = result.failure === 'active' && !result.retriable;
    if (!atOnce && this.#failures < this.#config.unhealthyThreshold) return 'pending';
    this.#state = result.excluded ? 'excluded' : 'failed';
    return 'changed';
  }

  /** Edge intervals hold while a change is under way, those without traffic until the cluster has its first connection. */
  #interval(success: boolean, transition: 'changed' | 'pending' | 'same'): number {
    const config = this.#config;
    const edge = transition === 'pending';
    let base: number;
    if (!this.#of.hasTraffic()) base = success ? config.noTrafficHealthyIntervalMilliseconds : config.noTrafficIntervalMilliseconds;
    else if (success) base = edge ? config.healthyEdgeIntervalMilliseconds : config.intervalMilliseconds;
    else base = edge ? config.unhealthyEdgeIntervalMilliseconds : config.unhealthyIntervalMilliseconds;
    const percent = (base * config.intervalJitterPercent) / 100;
    return base + Math.floor(this.#of.random() * percent) + Math.floor(this.#of.random() * config.intervalJitterMilliseconds);
  }

  /** Takes the host out without a check; the next success brings it back as any other. */
  failAtOnce(): void {
    if (this.#closed || this.#state === 'excluded') return;
    this.#of.count('passive_failure');
    this.#successes = 0;
    this.#state = 'excluded';
    this.#of.onResult({ state: 'excluded', changed: true, success: false, failure: 'PASSIVE' });
    if (!this.#closed && !this.#running) this.#wait(this.#interval(false, 'changed'), () => this.#check());
  }

  close(): void {
    this.#closed = true;
    if (this.#timer) clearTimeout(this.#timer);
    this.#probe.close();
  }
}
