// Transparent proxying (TPROXY): listening sockets that take connections to any address, and connections that keep the client's address as their source.
// Both need the capability NET_ADMIN; see ip(7), IP_TRANSPARENT, and the kernel's tproxy document.
import { Socket, type Server } from 'node:net';
import { descriptorOf, type SocketCalls } from './socket-calls.ts';

const IPV4 = { domain: 2, level: 0, option: 19 } as const;
const IPV6 = { domain: 10, level: 41, option: 75 } as const;
const SOL_SOCKET = 1;
const SO_MARK = 36;
/** SOCK_STREAM, not blocking, closed when another program is executed. */
const STREAM_SOCKET = 1 | 0x800 | 0x80000;
const NEEDS = 'it needs the capability NET_ADMIN: let the sidecar injector set the security context of interception mode TPROXY, or use REDIRECT';

/** An address that connections are made from although it is not this machine's, and the mark by which the packet filter knows them. */
export interface KeptSource {
  readonly address: string;
  readonly mark: number;
}

/** Makes transparent sockets. */
export interface TransparentSockets {
  /** Lets a listening socket take connections to any address; throws when that is not permitted. */
  admitAnyDestination(server: Server, address: string): void;
  /** A socket, not yet connected, that may bind the source's address; throws when that is not permitted. */
  open(source: KeptSource): Socket;
}

/** Transparent sockets over the given system calls. */
export function transparentSockets(calls: SocketCalls): TransparentSockets {
  const set = (descriptor: number, level: number, option: number, value: number): boolean => calls.setOption(descriptor, level, option, [value], 4) === 0;
  return {
    admitAnyDestination: (server, address) => {
      const { level, option } = address.includes(':') ? IPV6 : IPV4;
      if (!set(descriptorOf(server), level, option, 1)) throw new Error(`the socket cannot be made transparent; ${NEEDS}`);
    },
    open: (source) => {
      const { domain, level, option } = source.address.includes(':') ? IPV6 : IPV4;
      const descriptor = calls.open(domain, STREAM_SOCKET, 0);
      if (descriptor < 0) throw new Error('no socket can be opened: the limit of open files is reached');
      // From here on the descriptor belongs to the socket and is closed with it.
      const socket = new Socket({ fd: descriptor, allowHalfOpen: true, readable: true, writable: true, manualStart: true } as ConstructorParameters<typeof Socket>[0]);
      if (set(descriptor, level, option, 1) && (source.mark === 0 || set(descriptor, SOL_SOCKET, SO_MARK, source.mark))) return socket;
      socket.destroy();
      throw new Error(`a connection cannot keep its client's address; ${NEEDS}`);
    },
  };
}
