// Picks hosts in turn, from a random start; with different weights by earliest deadline first.
import type { Host } from '../host.ts';
import { EdfSchedule } from './edf.ts';
import type { Picker } from './picker.ts';

/** Whether all hosts weigh the same. */
export function sameWeights(hosts: readonly Host[]): boolean {
  return hosts.every((host) => host.endpoint.weight === hosts[0]?.endpoint.weight);
}

/** A round robin picker. */
export function roundRobinPicker(hosts: readonly Host[], random: () => number): Picker {
  let next = Math.floor(random() * hosts.length);
  if (sameWeights(hosts)) {
    return () => {
      const host = hosts[next] ?? null;
      next = next + 1 >= hosts.length ? 0 : next + 1;
      return host;
    };
  }
  const schedule = new EdfSchedule(hosts, (host) => Math.max(1, host.endpoint.weight));
  for (; next > 0; next -= 1) schedule.next();
  return () => schedule.next();
}
