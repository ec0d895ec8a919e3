// Where a connection wanted to go before the packet filter's REDIRECT: getsockopt(SO_ORIGINAL_DST); see linux/netfilter_ipv4.h and
// netfilter_ipv6/ip6_tables.h. Made by the proxy's front for captured sidecars.
import { plainAddress } from './address.ts';
import type { OriginalDestination } from './original-destination.ts';
import { descriptorOf, type SocketCalls } from './socket-calls.ts';

const FAMILIES = { 4: { level: 0, option: 80, size: 16 }, 6: { level: 41, option: 80, size: 28 } } as const;

/** The look-up over the given system calls. */
export function redirectedDestination(calls: Pick<SocketCalls, 'getOption'>): OriginalDestination {
  return (socket) => {
    const descriptor = descriptorOf(socket);
    if (descriptor < 0) return null;
    const { level, option, size } = FAMILIES[plainAddress(socket.localAddress).includes(':') ? 6 : 4];
    const value = Buffer.alloc(size);
    return calls.getOption(descriptor, level, option, value, [size]) === 0 ? readSocketAddress(value) : null;
  };
}

/** A `sockaddr_in` or `sockaddr_in6`: family in the machine's order, port and address in the network's. */
export function readSocketAddress(value: Buffer): { readonly address: string; readonly port: number } | null {
  const port = value.readUInt16BE(2);
  if (port === 0) return null;
  if (value.length === FAMILIES[4].size) return { address: [...value.subarray(4, 8)].join('.'), port };
  const groups = Array.from({ length: 8 }, (_group, index) => value.readUInt16BE(8 + index * 2).toString(16));
  return { address: shortIpv6(groups), port };
}

/** RFC 5952: the longest run of zeros is left out, as in the addresses that Node tells. */
function shortIpv6(groups: readonly string[]): string {
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
