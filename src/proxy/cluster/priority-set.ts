// Hosts of a cluster by priority and locality, with health: how much load each priority gets, when health is ignored (panic), and the picker of each.
// Rebuilt lazily after membership or health changed.
import type { ClusterConfig } from '../config/runtime-config.ts';
import type { Host } from './host.ts';
import { createPicker } from './pickers/create-picker.ts';
import type { Picker } from './pickers/picker.ts';

interface Priority { readonly load: number; readonly panic: boolean; readonly pick: Picker }

/** A locality's weight and hosts. */
export interface LocalityHosts { readonly priority: number; readonly weight: number; readonly hosts: readonly Host[] }

/** Percent of load for each priority by its health (percent): filled from the first; what is left over goes to the first healthy. */
export function distributeLoad(health: readonly number[]): number[] {
  const total = Math.min(100, health.reduce((sum, part) => sum + part, 0));
  if (total === 0) return health.map((_part, index) => (index === 0 ? 100 : 0));
  let left = 100;
  const loads = health.map((part) => {
    const load = Math.min(left, Math.floor((part * 100) / total));
    left -= load;
    return load;
  });
  const first = health.findIndex((part) => part > 0);
  loads[first] = (loads[first] ?? 0) + left;
  return loads;
}

/** The pickers of one membership and health. */
export class PrioritySet {
  readonly #priorities: Priority[] = [];
  readonly #random: () => number;

  constructor(config: ClusterConfig, localities: readonly LocalityHosts[], overprovisioningPercent: number, random: () => number) {
    this.#random = random;
    const count = Math.max(0, ...localities.map((locality) => locality.priority + 1));
    const groups = Array.from({ length: count }, (_unused, priority) => localities.filter((locality) => locality.priority === priority));
    const health = groups.map((group) => healthOf(group.flatMap(({ hosts }) => hosts), overprovisioningPercent));
    const normalized = health.reduce((sum, part) => sum + part, 0);
    const loads = distributeLoad(health);
    groups.forEach((group, index) => {
      const hosts = group.flatMap((locality) => locality.hosts);
      const percent = hosts.length === 0 ? 0 : (100 * hosts.filter((host) => host.healthy || host.degraded).length) / hosts.length;
      const panic = normalized < 100 && percent < config.panicThresholdPercent;
      this.#priorities.push({ load: loads[index] ?? 0, panic, pick: groupPicker(config, group, panic, random) });
    });
  }

  /** Whether health is ignored somewhere. */
  get inPanic(): boolean {
    return this.#priorities.some(({ panic, load }) => panic && load > 0);
  }

  pick(hash: bigint | null, attempt: number): Host | null {
    const priorities = this.#priorities;
    if (priorities.length === 1) return priorities[0]?.pick(hash, attempt) ?? null;
    let point = hash === null ? Math.floor(this.#random() * 100) : Number(hash % 100n);
    for (const priority of priorities) {
      point -= priority.load;
      if (point < 0) return priority.pick(hash, attempt);
    }
    return null;
  }
}

function healthOf(hosts: readonly Host[], overprovisioningPercent: number): number {
  if (hosts.length === 0) return 0;
  const usable = hosts.filter((host) => host.healthy || host.degraded).length;
  return Math.min(100, Math.floor((overprovisioningPercent * usable) / hosts.length));
}

function eligible(hosts: readonly Host[], panic: boolean): Host[] {
  if (panic) return hosts.filter((host) => host.endpoint.health !== 'draining');
  const healthy = hosts.filter((host) => host.healthy);
  return healthy.length > 0 ? healthy : hosts.filter((host) => host.degraded);
}

function groupPicker(config: ClusterConfig, group: readonly LocalityHosts[], panic: boolean, random: () => number): Picker {
  const { loadBalancing } = config;
  if (!loadBalancing.localityWeighted || group.length < 2) return createPicker(loadBalancing, eligible(group.flatMap(({ hosts }) => hosts), panic), random);
  const localities = group.map(({ weight, hosts }) => {
    const usable = eligible(hosts, panic);
    return { weight: weight * Math.min(100, (140 * usable.length) / Math.max(1, hosts.length)), pick: createPicker(loadBalancing, usable, random) };
  });
  const total = localities.reduce((sum, locality) => sum + locality.weight, 0);
  return (hash, attempt) => {
    let point = random() * total;
    for (const locality of localities) {
      point -= locality.weight;
      if (point < 0) return locality.pick(hash, attempt);
    }
    return null;
  };
}
