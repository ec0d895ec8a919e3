// IP addresses and ranges. Used by filter chain matching and role-based access control through `compileRange`.
import { BlockList, isIP, isIPv4 } from 'node:net';

/** Host without the prefix that IPv4 gets on dual-stack sockets. */
export function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}

/** `address:port`, with brackets around IPv6. */
export function formatAddress(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Splits `address:port`; a port that is absent is 0. */
export function splitAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)|(.*:.*:.*?))(?::(\d+))?$/.exec(text);
  return match ? { host: match[1] ?? match[2] ?? match[3] ?? '', port: Number(match[4] ?? 0) } : { host: text, port: 0 };
}

/** A range of addresses and the length of its prefix. */
export interface AddressRange {
  readonly prefixLength: number;
  contains(address: string): boolean;
}

/** Compiles `10.0.0.0/8` or a single address; throws for anything else. */
export function compileRange(text: string): AddressRange {
  const [address = '', prefix] = text.split('/');
  const version = isIP(address);
  if (version === 0) throw new Error(`'${text}' is no address range; write it like 10.0.0.0/8`);
  const prefixLength = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix);
  if (prefixLength === 0) return { prefixLength, contains: (tested) => isIP(tested) === version };
  const list = new BlockList();
  list.addSubnet(address, prefixLength, version === 4 ? 'ipv4' : 'ipv6');
  return { prefixLength, contains: (tested) => isIP(tested) !== 0 && list.check(tested, isIPv4(tested) ? 'ipv4' : 'ipv6') };
}

/** Whether the address belongs to this host's loopback. */
export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
