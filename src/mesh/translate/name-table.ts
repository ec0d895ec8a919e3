// The names that a proxy's DNS server answers (NDS): every visible host with an address, headless services with those of their pods.
import type { NameTable, NameTable_NameInfo } from '../../shared/xds/generated/istio/name_table.ts';
import { serviceKey, type EndpointRecord, type ServiceRecord } from '../model/records.ts';
import type { ProxyView } from './proxy-view.ts';

/** The table. */
export function nameTable(view: ProxyView): NameTable {
  const table: { [host: string]: NameTable_NameInfo } = {};
  for (const service of view.services) {
    // An ExternalName has no address here; the cluster's DNS knows what it stands for.
    const endpoints = service.headless ? view.snapshot.endpoints.get(serviceKey(service))?.endpoints ?? [] : [];
    const ips = service.addresses.length > 0 ? service.addresses.filter((address) => !address.includes('/')) : [...new Set(endpoints.filter(isHealthy).map(({ address }) => address).filter(isIp))];
    if (ips.length > 0) table[service.host] = info(service, ips, service.name);
    for (const [hostname, addresses] of byHostname(endpoints)) table[`${hostname}.${service.host}`] = info(service, addresses, `${hostname}.${service.name}`);
  }
  return { table };
}

function isHealthy({ health }: EndpointRecord): boolean {
  return health === 'healthy';
}

function isIp(address: string): boolean {
  return address.includes(':') || /^[0-9.]+$/.test(address);
}

/** Pods of a StatefulSet are asked for by name, ready or not as their service says. */
function byHostname(endpoints: readonly EndpointRecord[]): ReadonlyMap<string, string[]> {
  const addresses = new Map<string, string[]>();
  for (const { hostname, address } of endpoints) if (hostname) addresses.set(hostname, [...(addresses.get(hostname) ?? []), address]);
  return addresses;
}

function info(service: ServiceRecord, ips: string[], shortname: string): NameTable_NameInfo {
  return service.registry === 'Kubernetes' ? { ips, registry: 'Kubernetes', shortname, namespace: service.namespace } : { ips, registry: 'External' };
}
