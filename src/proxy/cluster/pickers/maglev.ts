// Consistent hashing by Maglev's table, filled as Envoy fills it, so that both proxies pick the same host for the same hash.
import { xxHash64 } from '../../stream/xx-hash.ts';
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';
import type { Host } from '../host.ts';
import type { HashPicker } from './picker.ts';
import { hashKeyOf, type WeightedHosts } from './weighted-hosts.ts';

/** How a table is made. */
export type MaglevOptions = Pick<LoadBalancingConfig, 'maglevTableSize' | 'hashByHostname'>;

const ALL_ONES = 0xffffffffffffffffn;

/** The table over `hosts`. */
export function buildMaglevTable(hosts: WeightedHosts, { maglevTableSize: size, hashByHostname }: MaglevOptions): Host[] {
  if (hosts.length === 0) return [];
  const entries = hosts.map(({ host, weight }) => {
    const key = hashKeyOf(host, hashByHostname);
    return { host, weight, key, target: 0, next: 0, offset: Number(xxHash64(key) % BigInt(size)), skip: Number(xxHash64(key, 1n) % BigInt(size - 1)) + 1 };
  }).sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0));
  const largest = Math.max(...entries.map((entry) => entry.weight));
  const table = new Array<Host | undefined>(size);
  let filled = 0;
  for (let round = 1; filled < size; round += 1) {
    for (const entry of entries) {
      if (filled === size) break;
      if (round * entry.weight < entry.target) continue;
      entry.target += largest;
      let place = (entry.offset + entry.skip * entry.next) % size;
      while (table[place]) {
        entry.next += 1;
        place = (entry.offset + entry.skip * entry.next) % size;
      }
      table[place] = entry.host;
      entry.next += 1;
      filled += 1;
    }
  }
  return table as Host[];
}

/** A Maglev picker. */
export function maglevPicker(hosts: WeightedHosts, options: MaglevOptions): HashPicker {
  const table = buildMaglevTable(hosts, options);
  const size = BigInt(Math.max(1, table.length));
  return (hash, draw) => {
    const moved = draw === 0 ? hash : hash ^ ((ALL_ONES - BigInt(draw) + 1n) & ALL_ONES);
    return table[Number(moved % size)] ?? null;
  };
}
