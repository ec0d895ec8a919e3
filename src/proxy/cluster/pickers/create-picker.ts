// Makes the picker of a policy; one file a policy.
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';
import { leastRequestPicker } from './least-request.ts';
import { maglevPicker } from './maglev.ts';
import type { Picker } from './picker.ts';
import { randomPicker } from './random.ts';
import { ringHashPicker } from './ring-hash.ts';
import { roundRobinPicker } from './round-robin.ts';

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
