// Bounded load over consistent hashing: a host that has more than its share of the requests under way, times a factor, is passed over for another one, always
// in the same order for the same hash. Follows the paper of Mirrokni, Thorup and Zadimoghaddam with Envoy's random jumps.
import type { Host } from '../host.ts';
import { MersenneTwister } from './mersenne-twister.ts';
import type { HashPicker } from './picker.ts';
import type { WeightedHosts } from './weighted-hosts.ts';

/** A picker that bounds the load that `pick` gives. */
export function boundedLoadPicker(pick: HashPicker, hosts: WeightedHosts, balancePercent: number, activeRequests: () => number): HashPicker {
  const weights = new Map(hosts.map(({ host, weight }) => [host, weight]));
  const overload = (host: Host): number => {
    const slots = Math.floor(((activeRequests() + 1) * balancePercent + 99) / 100);
    return host.activeRequests / Math.max(1, Math.ceil(slots * (weights.get(host) ?? 0)));
  };
  return (hash, draw) => {
    const first = pick(hash, draw);
    if (!first || overload(first) <= 1) return first;
    let best = first;
    for (const host of shuffled(hosts, hash)) {
      if (host === first) continue;
      if (overload(host) <= 1) return host;
      if (overload(host) < overload(best)) best = host;
    }
    return best;
  };
}

function* shuffled(hosts: WeightedHosts, hash: bigint): Iterable<Host> {
  const order = hosts.map(({ host }) => host);
  const random = new MersenneTwister(Number(hash & 0xffffffffn));
  for (let index = 0; index < order.length; index += 1) {
    const other = index + random.below(order.length - index);
    const host = order[other];
    if (!host) return;
    order[other] = order[index] ?? host;
    order[index] = host;
    yield host;
  }
}
