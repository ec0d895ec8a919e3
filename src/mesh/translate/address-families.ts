// Which address families a proxy's pod has, and what follows for what it binds: wildcards, loopback, the source of inbound connections, DNS look-ups.
import { Cluster_DnsLookupFamily } from '../../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { BindConfig } from '../../shared/xds/generated/envoy/config/core/v3/address.ts';
import type { Listener } from '../../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { ProxyDescription } from '../model/proxy-description.ts';
import { socketAddress } from './xds-values.ts';

/** The families of a pod's addresses. */
export type AddressFamilies = 'ipv4' | 'ipv6' | 'dual';

/** Source addresses that the capture rules let through to the application. */
const PASSTHROUGH = { ipv4: '127.0.0.6', ipv6: '::6' } as const;

/** The families of `proxy`. A proxy whose agent hides one of them (dual stack switched off) does not tell of it. */
export function familiesOf({ ipAddresses }: Pick<ProxyDescription, 'ipAddresses'>): AddressFamilies {
  const six = ipAddresses.some((address) => address.includes(':'));
  const four = ipAddresses.some((address) => !address.includes(':'));
  return six && four ? 'dual' : six ? 'ipv6' : 'ipv4';
}

/** The wildcard that names listeners; on dual stack IPv4's. */
export function wildcardOf(families: AddressFamilies): string {
  return families === 'ipv6' ? '::' : '0.0.0.0';
}

/** Where the application is without capture. */
export function loopbackOf(families: AddressFamilies): string {
  return families === 'ipv6' ? '::1' : '127.0.0.1';
}

/** A listener's address on every address of the pod, in both families on dual stack. */
export function wildcardAddress(families: AddressFamilies, port: number): Pick<Listener, 'address' | 'additionalAddresses'> {
  return { address: socketAddress(wildcardOf(families), port), ...(families === 'dual' ? { additionalAddresses: [{ address: socketAddress('::', port) }] } : {}) };
}

/** The source of connections to the application under capture. */
export function passthroughSource(families: AddressFamilies): BindConfig {
  const source = (address: string): NonNullable<BindConfig['sourceAddress']> => ({ address, portSpecifier: { $case: 'portValue', portValue: 0 } });
  if (families === 'ipv6') return { sourceAddress: source(PASSTHROUGH.ipv6) };
  return { sourceAddress: source(PASSTHROUGH.ipv4), ...(families === 'dual' ? { extraSourceAddresses: [{ address: source(PASSTHROUGH.ipv6) }] } : {}) };
}

/** Which addresses of a name are of use. */
export function dnsFamilyOf(families: AddressFamilies): Cluster_DnsLookupFamily {
  return families === 'ipv6' ? Cluster_DnsLookupFamily.V6_ONLY : families === 'dual' ? Cluster_DnsLookupFamily.ALL : Cluster_DnsLookupFamily.V4_ONLY;
}
