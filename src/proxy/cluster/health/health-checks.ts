// Active health checks of one cluster: a session for each host, what its results make of the host, statistics and the event log. Made by the cluster.
import type { HealthCheckConfig } from '../../config/runtime-config.ts';
import type { CheckedCluster } from './checked-cluster.ts';
import type { Host } from '../host.ts';
import { HealthEventLog } from './event-log.ts';
import { createProbe } from './create-probe.ts';
import { HealthSession, type HealthChange } from './health-session.ts';

/** Time and dice. */
export interface HealthClock {
  now(): number;
  random(): number;
}

/** What the cluster is told. */
export interface HealthCallbacks {
  /** The host's health has changed; `failed` when it may not be used any more. */
  onChange(host: Host, failed: boolean): void;
  /** A check succeeded. */
  onSuccess(host: Host): void;
}

/** The health checks. */
export class HealthChecks {
  readonly #cluster: CheckedCluster;
  readonly #configs: readonly HealthCheckConfig[];
  readonly #environment: HealthClock;
  readonly #callbacks: HealthCallbacks;
  readonly #log: HealthEventLog | null;
  readonly #sessions = new Map<Host, HealthSession>();
  /** Hosts of the first membership that have not been checked yet: the cluster is ready when there is none. */
  #unchecked: Set<Host> | null = new Set();

  constructor(cluster: CheckedCluster, configs: readonly HealthCheckConfig[], environment: HealthClock, callbacks: HealthCallbacks) {
    this.#cluster = cluster;
    this.#configs = configs;
    this.#environment = environment;
    this.#callbacks = callbacks;
    const path = configs[0]?.eventLogPath ?? '';
    this.#log = path === '' ? null : new HealthEventLog(path, cluster.name);
  }

  /** Whether each host of the first membership has been checked. */
  get warmed(): boolean {
    if (this.#unchecked?.size === 0 && this.#sessions.size > 0) this.#unchecked = null;
    return this.#unchecked === null || this.#unchecked.size === 0;
  }

  /** Begins to check a host. One that `served` before its cluster got health checks is used until they fail. */
  add(host: Host, served: boolean): void {
    const [config] = this.#configs;
    if (!config || this.#sessions.has(host)) return;
    if (host.endpoint.healthCheck?.disabled || host.address.kind !== 'socket') {
      host.checked = 'unknown';
      return;
    }
    if (host.checked === 'unknown') host.checked = served ? 'healthy' : 'pending';
    if (host.checked === 'pending') this.#unchecked?.add(host);
    const session = new HealthSession(config, createProbe(config, host, this.#cluster), {
      now: () => this.#environment.now(), random: () => this.#environment.random(), hasTraffic: () => this.#cluster.carriedTraffic,
      usable: host.checked === 'healthy' || host.checked === 'degraded',
      count: (what) => this.#cluster.count(`health_check.${what}`), onResult: (change) => this.#onResult(host, change),
    });
    this.#sessions.set(host, session);
    if (host.checked === 'healthy' || host.checked === 'degraded') this.#cluster.gauge('health_check.healthy', 1);
    session.start();
  }

  #onResult(host: Host, change: HealthChange): void {
    const before = host.checked;
    const first = before === 'pending';
    this.#unchecked?.delete(host);
    host.checked = change.state;
    if (change.success) this.#callbacks.onSuccess(host);
    this.#logResult(host, change, first);
    if (before === host.checked) return;
    const usable = (state: Host['checked']): boolean => state === 'healthy' || state === 'degraded';
    if (usable(before) !== usable(host.checked)) {
      this.#cluster.gauge('health_check.healthy', usable(host.checked) ? 1 : -1);
      if (usable(host.checked)) host.usableSinceMilliseconds = this.#environment.now();
    }
    if ((before === 'degraded') !== (host.checked === 'degraded')) this.#cluster.gauge('health_check.degraded', host.checked === 'degraded' ? 1 : -1);
    this.#callbacks.onChange(host, !usable(host.checked));
  }

  #logResult(host: Host, change: HealthChange, first: boolean): void {
    const [config] = this.#configs;
    if (!this.#log || !config) return;
    const type = config.checker.kind.toUpperCase();
    const was = host.checked;
    if (!change.success && (change.changed || config.alwaysLogFailures)) {
      if (change.changed && was === 'failed') this.#log.write(host, type, { eject_unhealthy_event: { failure_type: change.failure } });
      else this.#log.write(host, type, { health_check_failure_event: { failure_type: change.failure, first_check: first } });
    } else if (change.success && change.changed) this.#log.write(host, type, was === 'degraded' ? { degraded_healthy_host: {} } : { add_healthy_event: { first_check: first } });
    else if (change.success && config.alwaysLogSuccesses) this.#log.write(host, type, { successful_health_check_event: {} });
  }

  /** An answer asks that its host be left out at once. */
  failAtOnce(host: Host): void {
    this.#sessions.get(host)?.failAtOnce();
  }

  /** Stops checking a host that is gone. */
  remove(host: Host): void {
    const session = this.#sessions.get(host);
    if (!session) return;
    session.close();
    this.#sessions.delete(host);
    this.#unchecked?.delete(host);
    if (host.checked === 'healthy' || host.checked === 'degraded') this.#cluster.gauge('health_check.healthy', -1);
    if (host.checked === 'degraded') this.#cluster.gauge('health_check.degraded', -1);
  }

  close(): void {
    for (const host of [...this.#sessions.keys()]) this.remove(host);
    this.#log?.close();
  }
}
