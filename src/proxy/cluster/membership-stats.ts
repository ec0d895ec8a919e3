// Gauges of a cluster's hosts under Envoy's names. Written for whoever reads the statistics, not as hosts change.
import type { StatsStore } from '../stream/stats-store.ts';
import type { Host } from './host.ts';

/** Sets the gauges whose names begin with `prefix`. */
export function publishMembership(prefix: string, hosts: readonly Host[], stats: StatsStore): void {
  const set = (name: string, value: number): void => stats.gauge(`${prefix}${name}`).set(value);
  set('membership_total', hosts.length);
  set('membership_healthy', hosts.filter((host) => host.healthy).length);
  set('membership_degraded', hosts.filter((host) => host.degraded).length);
  set('membership_excluded', hosts.filter((host) => host.excluded).length);
  set('max_host_weight', Math.max(0, ...hosts.map((host) => host.weight)));
}
