// Addresses of a name by the machine's resolver, those that a cluster wants of them. Used by clusters whose hosts are names.
import { lookup, Resolver } from 'node:dns';
import { isIPv4 } from 'node:net';
import type { ClusterConfig } from '../config/runtime-config.ts';

/** Looks `name` up; `done` gets its wanted addresses, or the error when there are none. */
export function lookUp(name: string, families: ClusterConfig['dnsFamilies'], done: (error: Error | null, addresses: readonly string[]) => void): void {
  lookup(name, { all: true }, (error, found) => {
    const addresses = error ? [] : wanted(found.map(({ address }) => address), families);
    done(error ?? (addresses.length === 0 ? new Error(`${name} has no address of the wanted family`) : null), addresses);
  });
}

/** Those of `addresses` that are used. */
export function wanted(addresses: readonly string[], families: ClusterConfig['dnsFamilies']): readonly string[] {
  if (families === 'all') return addresses;
  const four = addresses.filter((address) => isIPv4(address));
  const six = addresses.filter((address) => !isIPv4(address));
  switch (families) {
    case 'ipv4': return four;
    case 'ipv6': return six;
    case 'ipv4_else_ipv6': return four.length > 0 ? four : six;
    case 'ipv6_else_ipv4': return six.length > 0 ? six : four;
  }
}

const QUERY_MILLISECONDS = 2000;

/** The shortest time for which a name's records hold, in seconds; 0 when they do not tell, as for names of a hosts file. */
export function timeToLive(name: string, done: (seconds: number) => void): void {
  const resolver = new Resolver({ timeout: QUERY_MILLISECONDS, tries: 1 });
  let waiting = 2;
  let shortest = Infinity;
  const take = (_error: Error | null, records: readonly { readonly ttl: number }[] | undefined): void => {
    for (const { ttl } of records ?? []) shortest = Math.min(shortest, ttl);
    waiting -= 1;
    if (waiting === 0) done(shortest === Infinity ? 0 : shortest);
  };
  resolver.resolve4(name, { ttl: true }, take);
  resolver.resolve6(name, { ttl: true }, take);
}
