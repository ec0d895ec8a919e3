// Finds the host that a stateful session names, by address. Which health it may be in is the cluster's to say: with draining endpoints among them sessions end in peace.
import type { EndpointConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';

/** The first of `addresses` that is a host in one of `statuses`. */
export function findOverride(hosts: ReadonlyMap<string, Host>, addresses: readonly string[], statuses: readonly EndpointConfig['health'][]): Host | null {
  for (const address of addresses) {
    const host = hosts.get(address) ?? [...hosts.values()].find((one) => one.addressText === address);
    if (host && statuses.includes(statusOf(host))) return host;
  }
  return null;
}

/** What discovery, health checks and outlier detection make of it together. */
function statusOf(host: Host): EndpointConfig['health'] {
  if (host.healthy) return 'healthy';
  if (host.degraded) return 'degraded';
  return host.ejected || host.checked === 'failed' || host.checked === 'excluded' || host.checked === 'pending' ? 'unhealthy' : host.endpoint.health;
}
