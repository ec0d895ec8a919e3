// How much load each priority gets and where health is ignored, by Envoy's integer arithmetic. Pure.
import type { HostsByHealth } from './host-groups.ts';

/** Percent of the load for each priority, and where health is ignored. The percents of both lists together make 100. */
export interface PriorityLoad {
  readonly healthy: readonly number[];
  readonly degraded: readonly number[];
  readonly panic: readonly boolean[];
}

type Counts = { readonly hosts: number; readonly healthy: number; readonly degraded: number; readonly excluded: number };

/** The load of `groups`; a threshold of 0 switches panic off. */
export function priorityLoad(groups: readonly HostsByHealth[], overprovisioningPercent: number, panicThresholdPercent: number): PriorityLoad {
  return loadOfCounts(groups.map(({ hosts, healthy, degraded, excluded }) => ({ hosts: hosts.length, healthy: healthy.length, degraded: degraded.length, excluded })), overprovisioningPercent, panicThresholdPercent);
}

/** The same by numbers of hosts. */
export function loadOfCounts(counts: readonly Counts[], overprovisioningPercent: number, panicThresholdPercent: number): PriorityLoad {
  const available = (part: (of: Counts) => number): number[] => counts.map((of) => {
    const total = of.hosts - of.excluded;
    return total > 0 ? Math.min(100, Math.floor((overprovisioningPercent * part(of)) / total)) : 0;
  });
  const healthy = available((of) => of.healthy);
  const degraded = available((of) => of.degraded);
  const total = Math.min(100, sum(healthy) + sum(degraded));
  const threshold = Math.min(100, panicThresholdPercent);
  const panic = counts.map((of) => total < 100 && threshold > 0 && percentUsable(of) < threshold);
  if (total === 0 && threshold === 0) return { healthy: onlyFirst(counts.length), degraded: counts.map(() => 0), panic };
  if (counts.length > 0 && panic.every(Boolean)) return { healthy: bySize(counts), degraded: counts.map(() => 0), panic };
  return { ...distribute(healthy, degraded, total), panic };
}

/** Fills the healthy parts from the first priority on, then the degraded ones; what rounding leaves goes to the first priority that can take it. */
function distribute(healthy: readonly number[], degraded: readonly number[], total: number): Pick<PriorityLoad, 'healthy' | 'degraded'> {
  if (total === 0) return { healthy: onlyFirst(healthy.length), degraded: degraded.map(() => 0) };
  let left = 100;
  const fill = (availability: readonly number[]): number[] => availability.map((part) => {
    const load = Math.min(left, Math.floor((part * 100) / total));
    left -= load;
    return load;
  });
  const loads = { healthy: fill(healthy), degraded: fill(degraded) };
  const firstHealthy = healthy.findIndex((part) => part > 0);
  const target = firstHealthy >= 0 ? loads.healthy : loads.degraded;
  const first = firstHealthy >= 0 ? firstHealthy : degraded.findIndex((part) => part > 0);
  target[first] = (target[first] ?? 0) + left;
  return loads;
}

/** In panic everywhere each priority gets load by its size, what rounding leaves goes to the first that has hosts. */
function bySize(counts: readonly Counts[]): number[] {
  const total = counts.reduce((all, { hosts }) => all + hosts, 0);
  if (total === 0) return onlyFirst(counts.length);
  const loads = counts.map(({ hosts }) => Math.floor((100 * hosts) / total));
  const first = counts.findIndex(({ hosts }) => hosts > 0);
  loads[first] = (loads[first] ?? 0) + 100 - sum(loads);
  return loads;
}

function percentUsable({ hosts, healthy, degraded, excluded }: Counts): number {
  const total = hosts - excluded;
  return total > 0 ? (100 * (healthy + degraded)) / total : 0;
}

function onlyFirst(length: number): number[] {
  return Array.from({ length }, (_unused, index) => (index === 0 ? 100 : 0));
}

function sum(parts: readonly number[]): number {
  return parts.reduce((all, part) => all + part, 0);
}

/** A part of the load: the healthy or the degraded hosts of a priority. */
export interface LoadPart { readonly priority: number; readonly degraded: boolean }

/** The part that takes the whole load, as nearly always; null when there are several. */
export function onlyPart(load: PriorityLoad): LoadPart | null {
  const healthy = load.healthy.indexOf(100);
  if (healthy >= 0) return { priority: healthy, degraded: false };
  const degraded = load.degraded.indexOf(100);
  return degraded >= 0 ? { priority: degraded, degraded: true } : null;
}

/** The part that `point` (1 to 100) falls into, healthy parts first; -1 when there is none. */
export function priorityAt(load: PriorityLoad, point: number): LoadPart {
  let reached = 0;
  for (const [priority, part] of load.healthy.entries()) {
    reached += part;
    if (point <= reached) return { priority, degraded: false };
  }
  for (const [priority, part] of load.degraded.entries()) {
    reached += part;
    if (point <= reached) return { priority, degraded: true };
  }
  return { priority: -1, degraded: false };
}
