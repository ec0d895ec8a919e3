// Picks hosts in turn, from a random start; with different weights, or hosts that warm up, by earliest deadline first.
import type { Host } from '../host.ts';
import type { BalancerOptions } from '../balancing/balancer-options.ts';
import { EdfSchedule } from './edf.ts';
import type { Picker } from './picker.ts';
import { anyWarming, warmedWeight } from './slow-start.ts';

/** Whether all hosts weigh the same. */
export function sameWeights(hosts: readonly Host[]): boolean {
  return hosts.every((host) => host.weight === hosts[0]?.weight);
}

/** A round robin picker. */
export function roundRobinPicker(hosts: readonly Host[], { policy: { slowStart }, random, now }: Pick<BalancerOptions, 'policy' | 'random' | 'now'>): Picker {
  let next = Math.floor(random() * hosts.length);
  if (sameWeights(hosts) && !anyWarming(hosts, slowStart, now())) {
    return () => {
      const host = hosts[next] ?? null;
      next = next + 1 >= hosts.length ? 0 : next + 1;
      return host;
    };
  }
  const schedule = new EdfSchedule(hosts, (host) => warmedWeight(host.weight, host, slowStart, now()));
  schedule.skip(next);
  return () => schedule.next();
}
