// Picks the host with the fewest requests under way: the best of a few random ones, or with different weights by a schedule that counts load.
import type { Host } from '../host.ts';
import { EdfSchedule } from './edf.ts';
import type { Picker } from './picker.ts';
import { sameWeights } from './round-robin.ts';

/** A least request picker. */
export function leastRequestPicker(hosts: readonly Host[], choices: number, random: () => number): Picker {
  if (!sameWeights(hosts)) {
    const schedule = new EdfSchedule(hosts, (host) => Math.max(1, host.endpoint.weight) / (host.activeRequests + 1));
    return () => schedule.next();
  }
  const count = Math.max(2, choices);
  return () => {
    let best: Host | null = null;
    for (let choice = 0; choice < count; choice += 1) {
      const host = hosts[Math.floor(random() * hosts.length)] ?? null;
      if (host && (best === null || host.activeRequests < best.activeRequests)) best = host;
    }
    return best;
  };
}
