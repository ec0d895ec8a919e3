// What a picker is: it chooses one of a fixed set of hosts. Made anew when the set changes; one folder file a policy.
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';
import { leastRequestPicker } from './least-request.ts';
import { maglevPicker } from './maglev.ts';
import { randomPicker } from './random.ts';
import { ringHashPicker } from './ring-hash.ts';
import { roundRobinPicker } from './round-robin.ts';

/** Chooses a host; `hash` is null when the request has none, `attempt` grows with each retry. Null only for an empty set. */
export type Picker = (hash: bigint | null, attempt: number) => Host | null;

/** The picker of `config`'s policy over `hosts`. */
export function createPicker(config: LoadBalancingConfig, hosts: readonly Host[], random: () => number): Picker {
  if (hosts.length === 0) return () => null;
  switch (config.policy) {
    case 'round_robin':
    case 'cluster_provided': return roundRobinPicker(hosts, random);
    case 'random': return randomPicker(hosts, random);
    case 'least_request': return leastRequestPicker(hosts, config.leastRequestChoices, random);
    case 'ring_hash': return ringHashPicker(hosts, config.ringMinimumSize, config.ringMaximumSize, random);
    case 'maglev': return maglevPicker(hosts, config.maglevTableSize, random);
  }
}
