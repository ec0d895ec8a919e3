// Addresses for hosts of ServiceEntries that have none, out of ranges that nobody routes, so that clients with captured DNS can be told apart by the address they dial (Istio's
// automatic allocation). The same set of hosts gives the same addresses on every replica; an older host keeps its address when a newer one comes.
import { isWildcard } from '../model/host-name.ts';
import { serviceKey, type ServiceRecord } from '../model/records.ts';

type ServiceList = readonly ServiceRecord[];

/** 240.240.0.1 to 240.240.255.254, without the first and the last. */
const SIZE = 65_534;
const tables = new WeakMap<ReadonlyMap<string, ServiceRecord>, ReadonlyMap<string, number>>();
const copies = new WeakMap<ServiceRecord, { readonly number: number; readonly copy: ServiceRecord }>();
const lists = new WeakMap<ServiceList, ServiceList>();

/** Whether the host of `service` is given an address. */
export function isAllocated(service: ServiceRecord): boolean {
  return service.registry === 'External' && service.addresses.length === 0 && service.resolution !== 'none' && !isWildcard(service.host) && service.labels['networking.istio.io/enable-autoallocate-ip'] !== 'false';
}

/** `list` with the addresses filled in. All of `services` count, so that every proxy sees the same ones. */
export function withAutoAddresses(list: ServiceList, services: ReadonlyMap<string, ServiceRecord>): ServiceList {
  const known = lists.get(list);
  if (known) return known;
  const numbers = allocationOf(services);
  const filled = numbers.size === 0 ? list : list.map((service) => filledIn(service, numbers.get(serviceKey(service))));
  lists.set(list, filled);
  return filled;
}

function filledIn(service: ServiceRecord, number: number | undefined): ServiceRecord {
  if (number === undefined) return service;
  const known = copies.get(service);
  if (known?.number === number) return known.copy;
  const [high, low] = [number >> 8, number & 255];
  const copy = { ...service, addresses: [`240.240.${high}.${low}`, `2001:2::f0f0:${number.toString(16)}`] };
  copies.set(service, { number, copy });
  return copy;
}

/** A number for each host: its hash, or the next free one. Services come oldest first. */
function allocationOf(services: ReadonlyMap<string, ServiceRecord>): ReadonlyMap<string, number> {
  const known = tables.get(services);
  if (known) return known;
  const numbers = new Map<string, number>();
  const taken = new Set<number>();
  for (const service of services.values()) {
    if (!isAllocated(service) || taken.size >= SIZE) continue;
    const key = serviceKey(service);
    let number = hash(key) % SIZE;
    while (taken.has(number)) number = (number + 1) % SIZE;
    taken.add(number);
    numbers.set(key, number + 1);
  }
  tables.set(services, numbers);
  return numbers;
}

/** 32 bits of FNV-1a, mixed once more: neighbouring names must not be neighbours. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d);
  return (value ^ (value >>> 13)) >>> 0;
}
