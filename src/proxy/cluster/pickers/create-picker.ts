// Makes the picker of a policy; one file a policy.
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';
import type { BalancerOptions } from '../balancing/balancer-options.ts';
import type { Host } from '../host.ts';
import { boundedLoadPicker } from './bounded-load.ts';
import { leastRequestPicker } from './least-request.ts';
import { maglevPicker } from './maglev.ts';
import type { HashPicker, Picker } from './picker.ts';
import { randomPicker } from './random.ts';
import { ringHashPicker } from './ring-hash.ts';
import { roundRobinPicker } from './round-robin.ts';
import type { WeightedHosts } from './weighted-hosts.ts';

export type { WeightedHosts } from './weighted-hosts.ts';

/** Whether hosts are chosen by the request's hash. */
export function isConsistent({ policy }: Pick<LoadBalancingConfig, 'policy'>): boolean {
  return policy === 'ring_hash' || policy === 'maglev';
}

/** The picker of a policy that does not hash. */
export function createPicker(hosts: readonly Host[], options: BalancerOptions): Picker {
  if (hosts.length === 0) return () => null;
  switch (options.policy.policy) {
    case 'random': return randomPicker(hosts, options.random);
    case 'least_request': return leastRequestPicker(hosts, options);
    default: return roundRobinPicker(hosts, options);
  }
}

/** The picker of a policy that hashes. */
export function createHashPicker(hosts: WeightedHosts, { policy, activeRequests }: BalancerOptions): HashPicker {
  const pick = policy.policy === 'maglev' ? maglevPicker(hosts, policy) : ringHashPicker(hosts, policy);
  return policy.hashBalancePercent > 0 ? boundedLoadPicker(pick, hosts, policy.hashBalancePercent, activeRequests) : pick;
}
