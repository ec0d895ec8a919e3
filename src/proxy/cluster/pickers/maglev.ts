// Consistent hashing by Maglev's table, filled as Envoy fills it, so that both proxies pick the same host for the same hash.
import { xxHash64 } from '../../stream/xx-hash.ts';
import type { Host } from '../host.ts';
import type { Picker } from './picker.ts';

const ALL_ONES = 0xffffffffffffffffn;

/** The table over `hosts`. */
export function buildMaglevTable(hosts: readonly Host[], size: number): Host[] {
  const total = hosts.reduce((sum, host) => sum + Math.max(1, host.endpoint.weight), 0);
  const entries = [...hosts].sort((left, right) => (left.hashKey < right.hashKey ? -1 : 1)).map((host) => ({
    host, weight: Math.max(1, host.endpoint.weight) / total, target: 0, next: 0,
    offset: Number(xxHash64(host.hashKey) % BigInt(size)), skip: Number(xxHash64(host.hashKey, 1n) % BigInt(size - 1)) + 1,
  }));
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

/** A Maglev picker; a request without a hash gets a random place. */
export function maglevPicker(hosts: readonly Host[], size: number, random: () => number): Picker {
  const table = buildMaglevTable(hosts, size);
  return (hash, attempt) => {
    if (hash === null) return table[Math.floor(random() * size)] ?? null;
    const moved = attempt === 0 ? hash : hash ^ ((ALL_ONES - BigInt(attempt) + 1n) & ALL_ONES);
    return table[Number(moved % BigInt(size))] ?? null;
  };
}
