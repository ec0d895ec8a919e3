// Ejects hosts that answer badly, with Envoy's rules: consecutive failures eject at once; a sweep brings hosts back after a time that grows with each
// ejection, and ejects those whose share of good answers is far from the others'. A host is ejected only while that keeps the ejected share within its limit.
import type { OutlierDetectionConfig, RateEjectionConfig } from '../config/runtime-config.ts';
import type { Host, OutlierRecord } from './host.ts';

/** Kinds of ejection, under the names of their statistics. */
type Detected = 'consecutive_5xx' | 'consecutive_gateway_failure' | 'consecutive_local_origin_failure' | 'success_rate' | 'local_origin_success_rate' | 'failure_percentage' | 'local_origin_failure_percentage';

/** What a detector needs of its cluster. */
export interface OutlierSurroundings {
  now(): number;
  random(): number;
  hosts(): Iterable<Host>;
  onChange(host: Host): void;
  count(what: string): void;
}

/** Watches the hosts of one cluster. */
export class OutlierDetector {
  #config: OutlierDetectionConfig;
  readonly #of: OutlierSurroundings;
  #timer: NodeJS.Timeout | null = null;

  constructor(config: OutlierDetectionConfig, surroundings: OutlierSurroundings) {
    this.#config = config;
    this.#of = surroundings;
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
    for (const host of this.#of.hosts()) {
      host.outliers = null;
      if (host.ejected) this.#bringBack(host);
    }
  }

  /** Takes note of how a request went. */
  report(host: Host, status: number): void {
    const record = recordOf(host);
    record.requests += 1;
    if (status < 500) {
      record.successes += 1;
      record.consecutive5xx = 0;
      record.consecutiveGatewayFailure = 0;
      return;
    }
    const config = this.#config;
    if (status >= 502 && status <= 504) {
      record.consecutiveGatewayFailure += 1;
      if (record.consecutiveGatewayFailure === config.consecutiveGatewayFailure) {
        record.consecutiveGatewayFailure = 0;
        this.#detect(host, 'consecutive_gateway_failure', config.enforcingConsecutiveGatewayFailurePercent);
      }
    } else record.consecutiveGatewayFailure = 0;
    record.consecutive5xx += 1;
    if (record.consecutive5xx !== config.consecutive5xx) return;
    record.consecutive5xx = 0;
    this.#detect(host, 'consecutive_5xx', config.enforcingConsecutive5xxPercent);
  }

  /** Takes note of a connection that failed or worked; a failure counts as 503 unless told apart. */
  reportLocalOrigin(host: Host, failed: boolean): void {
    const config = this.#config;
    if (!config.splitExternalLocalOriginErrors) {
      if (failed) this.report(host, 503);
      return;
    }
    const record = recordOf(host);
    record.localRequests += 1;
    if (!failed) {
      record.localSuccesses += 1;
      record.consecutiveLocalOriginFailure = 0;
      return;
    }
    record.consecutiveLocalOriginFailure += 1;
    if (record.consecutiveLocalOriginFailure !== config.consecutiveLocalOriginFailure) return;
    record.consecutiveLocalOriginFailure = 0;
    this.#detect(host, 'consecutive_local_origin_failure', config.enforcingConsecutiveLocalOriginFailurePercent);
  }

  /** A health check succeeded. */
  onHealthCheckSuccess(host: Host): void {
    if (this.#config.successfulHealthCheckUnejects && host.ejected) this.#bringBack(host);
  }

  #detect(host: Host, kind: Detected, enforcingPercent: number): void {
    if (host.ejected) return;
    this.#of.count(`ejections_detected_${kind}`);
    if (enforcingPercent <= 0 || this.#of.random() * 100 >= enforcingPercent) return;
    let total = 0;
    let ejected = 0;
    for (const other of this.#of.hosts()) {
      total += 1;
      if (other.ejected) ejected += 1;
    }
    const config = this.#config;
    if ((100 * (ejected + 1)) / total > config.maximumEjectionPercent && !(config.alwaysEjectOne && ejected === 0)) {
      this.#of.count('ejections_overflow');
      return;
    }
    this.#eject(host, kind);
  }

  #eject(host: Host, kind: Detected): void {
    const record = recordOf(host);
    const { baseEjectionMilliseconds: base, ejectionJitterMilliseconds: jitter } = this.#config;
    host.ejected = true;
    record.ejectedAtMilliseconds = this.#of.now();
    record.jitterMilliseconds = Math.floor(this.#of.random() * (jitter + 1));
    // Beyond the longest ejection more steps would only keep the host at it for longer.
    if (base * record.ejections < this.#longest + base) record.ejections += 1;
    this.#of.count(`ejections_enforced_${kind}`);
    this.#of.count('ejections_enforced_total');
    this.#of.onChange(host);
  }

  get #longest(): number {
    return Math.max(this.#config.baseEjectionMilliseconds, this.#config.maximumEjectionMilliseconds);
  }

  #bringBack(host: Host): void {
    host.ejected = false;
    const { outliers } = host;
    if (outliers) {
      outliers.consecutive5xx = 0;
      outliers.consecutiveGatewayFailure = 0;
      outliers.consecutiveLocalOriginFailure = 0;
    }
    this.#of.onChange(host);
  }

  /** Brings back hosts whose time is over and judges the interval. Called by the timer. */
  sweep(): void {
    const now = this.#of.now();
    for (const host of this.#of.hosts()) {
      const record = host.outliers;
      if (!record) continue;
      if (!host.ejected) {
        if (record.ejections > 0) record.ejections -= 1;
        continue;
      }
      const time = Math.min(this.#config.baseEjectionMilliseconds * record.ejections, this.#longest) + record.jitterMilliseconds;
      if (now - record.ejectedAtMilliseconds >= time) this.#bringBack(host);
    }
    this.#judge(({ requests, successes }) => ({ requests, successes }), 'success_rate', 'failure_percentage', ({ enforcingPercent }) => enforcingPercent);
    if (this.#config.splitExternalLocalOriginErrors) {
      this.#judge(({ localRequests, localSuccesses }) => ({ requests: localRequests, successes: localSuccesses }), 'local_origin_success_rate', 'local_origin_failure_percentage', ({ enforcingLocalOriginPercent }) => enforcingLocalOriginPercent);
    }
    for (const { outliers } of this.#of.hosts()) if (outliers) Object.assign(outliers, { requests: 0, successes: 0, localRequests: 0, localSuccesses: 0 });
  }

  #judge(tally: (record: OutlierRecord) => { requests: number; successes: number }, successKind: Detected, failureKind: Detected, enforcing: (config: RateEjectionConfig) => number): void {
    const { successRate, failurePercentage } = this.#config;
    const rates = (volume: number): { readonly host: Host; readonly rate: number }[] => [...this.#of.hosts()].flatMap((host) => {
      const { requests, successes } = host.outliers && !host.ejected ? tally(host.outliers) : { requests: 0, successes: 0 };
      return requests > 0 && requests >= volume ? [{ host, rate: (100 * successes) / requests }] : [];
    });
    const bySuccess = rates(successRate.requestVolume);
    if (bySuccess.length > 0 && bySuccess.length >= successRate.minimumHosts) {
      const threshold = successThreshold(bySuccess.map(({ rate }) => rate), successRate.standardDeviationFactor);
      for (const { host, rate } of bySuccess) if (rate < threshold) this.#detect(host, successKind, enforcing(successRate));
    }
    const byFailure = rates(failurePercentage.requestVolume);
    if (byFailure.length === 0 || byFailure.length < failurePercentage.minimumHosts) return;
    for (const { host, rate } of byFailure) if (100 - rate >= failurePercentage.thresholdPercent) this.#detect(host, failureKind, enforcing(failurePercentage));
  }
}

/** Rates under this are far from the others: so many standard deviations (of the whole population) under the mean. */
export function successThreshold(rates: readonly number[], factor: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - factor * Math.sqrt(variance);
}

function recordOf(host: Host): OutlierRecord {
  return host.outliers ??= { consecutive5xx: 0, consecutiveGatewayFailure: 0, consecutiveLocalOriginFailure: 0, ejections: 0, ejectedAtMilliseconds: 0, jitterMilliseconds: 0, requests: 0, successes: 0, localRequests: 0, localSuccesses: 0 };
}
