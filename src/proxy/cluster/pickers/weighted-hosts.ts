// Hosts as consistent hashing sees them: by key and share of all weight.
import type { Host } from '../host.ts';

/** Hosts with their shares, which add up to 1. */
export type WeightedHosts = readonly { readonly host: Host; readonly weight: number }[];

/** What is hashed of a host: the key that its metadata give, else its host name or its address. */
export function hashKeyOf(host: Host, byHostname: boolean): string {
  return host.endpoint.labels['hash_key'] ?? (byHostname ? host.endpoint.hostname : host.addressText);
}
