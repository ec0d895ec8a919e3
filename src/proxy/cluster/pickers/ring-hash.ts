// Consistent hashing on a ring (ketama), with Envoy's keys and sizes, so that both proxies pick the same host for the same hash.
import { xxHash64 } from '../../stream/xx-hash.ts';
import type { Host } from '../host.ts';
import type { Picker } from './picker.ts';

/** One place on the ring. */
export interface RingEntry { readonly hash: bigint; readonly host: Host }

/** The ring over `hosts`, sorted by hash. */
export function buildRing(hosts: readonly Host[], minimumSize: number, maximumSize: number): RingEntry[] {
  const total = hosts.reduce((sum, host) => sum + Math.max(1, host.endpoint.weight), 0);
  const weights = hosts.map((host) => Math.max(1, host.endpoint.weight) / total);
  const smallest = Math.min(...weights);
  const scale = Math.min(Math.ceil(smallest * minimumSize) / smallest, maximumSize);
  const ring: RingEntry[] = [];
  let target = 0;
  hosts.forEach((host, index) => {
    target += scale * (weights[index] ?? 0);
    for (let place = 0; ring.length < target; place += 1) ring.push({ hash: xxHash64(`${host.hashKey}_${place}`), host });
  });
  return ring.sort((left, right) => (left.hash < right.hash ? -1 : left.hash > right.hash ? 1 : 0));
}

/** A ring hash picker; a request without a hash gets a random place. */
export function ringHashPicker(hosts: readonly Host[], minimumSize: number, maximumSize: number, random: () => number): Picker {
  const ring = buildRing(hosts, minimumSize, maximumSize);
  const hashes = BigUint64Array.from(ring, (entry) => entry.hash);
  return (hash, attempt) => {
    const start = hash === null ? Math.floor(random() * ring.length) : firstAtLeast(hashes, hash);
    return ring[(start + attempt) % ring.length]?.host ?? null;
  };
}

function firstAtLeast(hashes: BigUint64Array, hash: bigint): number {
  let low = 0;
  let high = hashes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((hashes[middle] ?? 0n) < hash) low = middle + 1;
    else high = middle;
  }
  return low === hashes.length ? 0 : low;
}
