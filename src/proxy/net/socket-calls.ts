// System calls on sockets that Node does not offer, through a foreign function library. Loaded only by proxies whose traffic is captured; see socket(7), ip(7).
import { createRequire } from 'node:module';
import type { Server, Socket } from 'node:net';

/** The calls; each returns what the kernel returns, -1 for a failure. */
export interface SocketCalls {
  /** getsockopt(2): fills `value`. */
  getOption(descriptor: number, level: number, option: number, value: Buffer, length: [number]): number;
  /** setsockopt(2) with an integer. */
  setOption(descriptor: number, level: number, option: number, value: [number], length: number): number;
  /** socket(2). */
  open(domain: number, type: number, protocol: number): number;
}

interface ForeignFunctions {
  load(path: null): { func(declaration: string): (...parameters: never[]) => number };
}

/** The calls of this machine; throws when the library is not there. */
export function loadSocketCalls(): SocketCalls {
  let library: ForeignFunctions;
  try {
    library = createRequire(import.meta.url)('koffi') as ForeignFunctions;
  } catch (cause) {
    throw new Error('captured traffic (interception modes REDIRECT and TPROXY) needs the package koffi for this platform beside the program; install it, or set the interception mode to NONE', { cause });
  }
  const system = library.load(null);
  return {
    getOption: system.func('int getsockopt(int descriptor, int level, int option, _Out_ void *value, _Inout_ uint32_t *length)') as SocketCalls['getOption'],
    setOption: system.func('int setsockopt(int descriptor, int level, int option, int *value, uint32_t length)') as SocketCalls['setOption'],
    open: system.func('int socket(int domain, int type, int protocol)') as SocketCalls['open'],
  };
}

/** The descriptor of an open socket, -1 when there is none. Node keeps it on the handle, which its types do not tell. */
export function descriptorOf(socket: Socket | Server): number {
  return (socket as (Socket | Server) & { readonly _handle?: { readonly fd?: number } | null })._handle?.fd ?? -1;
}
