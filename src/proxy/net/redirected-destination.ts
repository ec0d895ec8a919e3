// Where a connection wanted to go before the packet filter's REDIRECT: getsockopt(SO_ORIGINAL_DST), which Node does not offer, through a foreign function
// library. Loaded only by proxies whose traffic is captured; see linux/netfilter_ipv4.h and netfilter_ipv6/ip6_tables.h.
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { plainAddress } from './address.ts';
import type { OriginalDestination } from './original-destination.ts';

/** getsockopt(2): returns 0 and fills `value`, or -1. */
export type GetSocketOption = (descriptor: number, level: number, option: number, value: Buffer, length: [number]) => number;

interface ForeignFunctions {
  load(path: null): { func(declaration: string): GetSocketOption };
}

const FAMILIES = { 4: { level: 0, option: 80, size: 16 }, 6: { level: 41, option: 80, size: 28 } } as const;

/** The look-up for this machine; throws when the library is not there. */
export function loadRedirectedDestination(): OriginalDestination {
  let library: ForeignFunctions;
  try {
    library = createRequire(import.meta.url)('koffi') as ForeignFunctions;
  } catch (cause) {
    throw new Error('captured traffic (interception mode REDIRECT) needs the package koffi for this platform beside the program; install it, or set the interception mode to NONE', { cause });
  }
  return redirectedDestination(library.load(null).func('int getsockopt(int descriptor, int level, int option, _Out_ void *value, _Inout_ uint32_t *length)'));
}

/** The look-up over a given system call. */
export function redirectedDestination(getSocketOption: GetSocketOption): OriginalDestination {
  return (socket) => {
    const descriptor = descriptorOf(socket);
    if (descriptor < 0) return null;
    const { level, option, size } = FAMILIES[plainAddress(socket.localAddress).includes(':') ? 6 : 4];
    const value = Buffer.alloc(size);
    return getSocketOption(descriptor, level, option, value, [size]) === 0 ? readSocketAddress(value) : null;
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

/** Node keeps the descriptor on the handle, which its types do not tell. */
function descriptorOf(socket: Socket): number {
  return (socket as Socket & { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
}
