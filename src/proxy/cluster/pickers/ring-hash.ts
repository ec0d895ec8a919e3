// Consistent hashing on a ring (ketama), with Envoy's keys and sizes, so that both proxies pick the same host for the same hash.
import { murmurHash64 } from '../../stream/murmur-hash.ts';
import { xxHash64 } from '../../stream/xx-hash.ts';
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';
import { hashKeyOf, type WeightedHosts } from './weighted-hosts.ts';
import type { HashPicker } from './picker.ts';

/** How a ring is made. */
export type RingOptions = Pick<LoadBalancingConfig, 'ringMinimumSize' | 'ringMaximumSize' | 'ringHashFunction' | 'hashByHostname'>;

/** One place on the ring. */
export interface RingEntry { readonly hash: bigint; readonly host: Host }

/** The ring over `hosts`, sorted by hash. */
export function buildRing(hosts: WeightedHosts, options: RingOptions): RingEntry[] {
  if (hosts.length === 0) return [];
  const hash = options.ringHashFunction === 'murmur_hash_2' ? murmurHash64 : xxHash64;
  const smallest = Math.min(...hosts.map(({ weight }) => weight));
  const scale = Math.min(Math.ceil(smallest * options.ringMinimumSize) / smallest, options.ringMaximumSize);
  const ring: RingEntry[] = [];
  let target = 0;
  for (const { host, weight } of hosts) {
    const key = hashKeyOf(host, options.hashByHostname);
    target += scale * weight;
    for (let place = 0; ring.length < target; place += 1) ring.push({ hash: hash(`${key}_${place}`), host });
  }
  return ring.sort((left, right) => (left.hash < right.hash ? -1 : left.hash > right.hash ? 1 : 0));
}

/** A ring hash picker; each further draw goes one place on. */
export function ringHashPicker(hosts: WeightedHosts, options: RingOptions): HashPicker {
  const ring = buildRing(hosts, options);
  const hashes = BigUint64Array.from(ring, (entry) => entry.hash);
  return (hash, draw) => ring[(firstAtLeast(hashes, hash) + draw) % Math.max(1, ring.length)]?.host ?? null;
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
