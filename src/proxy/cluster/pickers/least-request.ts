// Picks the host with the fewest requests under way: the best of a few random ones, or with different weights, or hosts that warm up, by a schedule that counts load.
import type { Host } from '../host.ts';
import type { BalancerOptions } from '../balancing/balancer-options.ts';
import { EdfSchedule } from './edf.ts';
import type { Picker } from './picker.ts';
import { sameWeights } from './round-robin.ts';
import { anyWarming, warmedWeight } from './slow-start.ts';

/** A least request picker. */
export function leastRequestPicker(hosts: readonly Host[], { policy, random, now }: Pick<BalancerOptions, 'policy' | 'random' | 'now'>): Picker {
  const { slowStart, activeRequestBias } = policy;
  if (!sameWeights(hosts) || anyWarming(hosts, slowStart, now())) {
    const schedule = new EdfSchedule(hosts, (host) => warmedWeight(loadedWeight(host, activeRequestBias), host, slowStart, now()));
    return () => schedule.next();
  }
  const count = Math.max(2, policy.leastRequestChoices);
  return () => {
    let best: Host | null = null;
    for (let choice = 0; choice < count; choice += 1) {
      const host = hosts[Math.floor(random() * hosts.length)] ?? null;
      if (host && (best === null || host.activeRequests < best.activeRequests)) best = host;
    }
    return best;
  };
}

function loadedWeight(host: Host, bias: number): number {
  if (bias === 1) return host.weight / (host.activeRequests + 1);
  return bias === 0 ? host.weight : host.weight / (host.activeRequests + 1) ** bias;
}
