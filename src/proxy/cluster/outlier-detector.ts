// Ejects hosts that answer badly, with Envoy's rules: consecutive failures eject at once, a sweep brings hosts back after a time that grows with each
// ejection. A host is ejected only while that keeps the ejected share within its limit.
import type { OutlierDetectionConfig } from '../config/runtime-config.ts';
import type { Host } from './host.ts';


/** Watches the hosts of one cluster. */
export class OutlierDetector {
  #config: OutlierDetectionConfig;
  readonly #hosts: () => Iterable<Host>;
  readonly #onChange: (host: Host) => void;
  readonly #now: () => number;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | null = null;

  constructor(config: OutlierDetectionConfig, hosts: () => Iterable<Host>, onChange: (host: Host) => void, clock: { now(): number; random(): number }) {
    this.#config = config;
    this.#hosts = hosts;
    this.#onChange = onChange;
    this.#now = () => clock.now();
    this.#random = () => clock.random();
    this.configure(config);
  }

  configure(config: OutlierDetectionConfig): void {
    this.#config = config;
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = setInterval(() => this.sweep(), Math.max(10, config.intervalMilliseconds));
    this.#timer.unref();
  }

  close(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    for (const host of this.#hosts()) host.ejected = false;
  }

  /** Takes note of how a request went. */
  report(host: Host, status: number): void {
    if (status < 500) {
      host.consecutive5xx = 0;
      host.consecutiveGatewayFailure = 0;
      return;
    }
    const config = this.#config;
    if (status >= 502 && status <= 504) {
      host.consecutiveGatewayFailure += 1;
      if (host.consecutiveGatewayFailure === config.consecutiveGatewayFailure) this.#consider(host, config.enforcingConsecutiveGatewayFailurePercent);
    } else host.consecutiveGatewayFailure = 0;
    host.consecutive5xx += 1;
    if (host.consecutive5xx === config.consecutive5xx) this.#consider(host, config.enforcingConsecutive5xxPercent);
  }

  /** Takes note of a connection that failed or worked; counts as 503 unless told apart. */
  reportLocalOrigin(host: Host, failed: boolean): void {
    const config = this.#config;
    if (!config.splitExternalLocalOriginErrors) {
      if (failed) this.report(host, 503);
      return;
    }
    if (!failed) {
      host.consecutiveLocalOriginFailure = 0;
      return;
    }
    host.consecutiveLocalOriginFailure += 1;
    if (host.consecutiveLocalOriginFailure === config.consecutiveLocalOriginFailure) this.#consider(host, 100);
  }

  #consider(host: Host, enforcingPercent: number): void {
    host.consecutive5xx = 0;
    host.consecutiveGatewayFailure = 0;
    host.consecutiveLocalOriginFailure = 0;
    if (host.ejected || this.#random() * 100 >= enforcingPercent) return;
    let total = 0;
    let ejected = 0;
    for (const other of this.#hosts()) {
      total += 1;
      if (other.ejected) ejected += 1;
    }
    if ((100 * (ejected + 1)) / total > this.#config.maximumEjectionPercent) return;
    host.ejected = true;
    host.ejectedAtMilliseconds = this.#now();
    host.ejections += 1;
    this.#onChange(host);
  }

  /** Brings back hosts whose time is over. Called by the timer. */
  sweep(): void {
    const { baseEjectionMilliseconds, maximumEjectionMilliseconds } = this.#config;
    const maximum = Math.max(baseEjectionMilliseconds, maximumEjectionMilliseconds);
    for (const host of this.#hosts()) {
      if (!host.ejected) {
        if (host.ejections > 0) host.ejections -= 1;
        continue;
      }
      if (this.#now() - host.ejectedAtMilliseconds < Math.min(baseEjectionMilliseconds * host.ejections, maximum)) continue;
      host.ejected = false;
      this.#onChange(host);
    }
  }
}
