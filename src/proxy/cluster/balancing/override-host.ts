// Finds the host that a stateful session names, by address. It is taken as long as it can be used at all; one that drains still serves its sessions.
import type { Host } from '../host.ts';

/** The first of `addresses` that is a usable host. */
export function findOverride(hosts: ReadonlyMap<string, Host>, addresses: readonly string[]): Host | null {
  for (const address of addresses) {
    const host = hosts.get(address) ?? [...hosts.values()].find((one) => one.addressText === address);
    if (host && (host.healthy || host.degraded || (host.endpoint.health === 'draining' && !host.ejected))) return host;
  }
  return null;
}
