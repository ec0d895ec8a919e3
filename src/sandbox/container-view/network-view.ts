// The pod's network for Node's sockets. The addresses are changed where Node hands them to the operating system (the
// TCP and UDP handles), so that net, http, tls, http2 and dgram all get them, and options such as reusePort stay as they are.
import net from 'node:net';
import type { ContainerViewConfig } from './view-config.ts';

// Set on a handle whose own address the program has chosen.
const BOUND = Symbol('bound');

interface TcpHandle {
  [BOUND]?: boolean;
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  connect(request: unknown, address: string, port: number): number;
  connect6(request: unknown, address: string, port: number): number;
}

interface UdpHandle {
  bind(address: string, port: number, flags: number): number;
  bind6(address: string, port: number, flags: number): number;
  send(request: unknown, list: unknown, length: number, port: number, address: string, callback: boolean): number;
}

type ConnectOptions = { host?: string; path?: string; port?: number | string; family?: number; lookup?: unknown; autoSelectFamily?: boolean; autoSelectFamilyAttemptTimeout?: number };

const WILDCARD = new Set(['0.0.0.0', '::', '::0', '']);
const LOOPBACK = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1', 'localhost', '0.0.0.0', '::']);
// The second address is tried when the first refuses; slowness of a loaded machine is no refusal.
const ATTEMPT_MILLISECONDS = 30_000;
// Ports that are a sidecar's own, as in Istio.
const SIDECAR_PORTS = { first: 15_000, last: 15_099 };

/** The address to bind for the one that the program asked for. */
export function bindAddress(config: ContainerViewConfig, address: string): string {
  if (WILDCARD.has(address)) return config.wildcard;
  return LOOPBACK.has(address) ? config.loopback : address;
}

/** The address and port to connect to for those that the program asked for. */
export function connectTarget(config: ContainerViewConfig, address: string, port: number): { address: string; port: number } {
  if (LOOPBACK.has(address)) return { address: config.loopback, port };
  if (port >= 1024 || !address.startsWith(config.prefix)) return { address, port };
  if (address === config.apiServer.address) return { address, port: port === 443 ? config.apiServer.port : port };
  // A ClusterIP has a third byte of 128 or more. docs/architecture/overview.md: its low ports are served 30000 higher.
  const third = Number(address.slice(config.prefix.length).split('.', 1)[0]);
  return { address, port: third >= 128 ? port + 30_000 : port };
}

/** The address that a connection to `address` comes from, as on a real node: the pod's; undefined for what is outside of the sandbox. */
export function sourceAddress(config: ContainerViewConfig, address: string): string | undefined {
  if (address.startsWith(config.prefix)) return config.podIp;
  return address.startsWith(config.loopbackPrefix) ? config.loopback : undefined;
}

/** Changes the sockets of this process. */
export function viewNetwork(config: ContainerViewConfig, mapPath: (path: string) => string): void {
  const bindings = process as unknown as { binding(name: 'tcp_wrap'): { TCP: { prototype: TcpHandle } }; binding(name: 'udp_wrap'): { UDP: { prototype: UdpHandle } } };
  viewTcp(config, bindings.binding('tcp_wrap').TCP.prototype);
  viewUdp(config, bindings.binding('udp_wrap').UDP.prototype);
  viewSockets(config, mapPath);
}

function viewTcp(config: ContainerViewConfig, tcp: TcpHandle): void {
  const { bind, bind6, connect, connect6 } = tcp;
  tcp.bind = function (address, port, flags) {
    this[BOUND] = true;
    return bind.call(this, bindAddress(config, address), port, flags);
  };
  // Every address of a sandbox is IPv4: what meant an IPv6 wildcard or loopback becomes one of them.
  tcp.bind6 = function (address, port, flags) {
    const mapped = bindAddress(config, address);
    this[BOUND] = true;
    // The flag of bind6 (no dual stack) means nothing to bind.
    return mapped === address ? bind6.call(this, address, port, flags) : bind.call(this, mapped, port, (flags ?? 0) & ~1);
  };
  const connectFrom = (handle: TcpHandle, request: unknown, target: { address: string; port: number }): number => {
    const source = handle[BOUND] ? undefined : sourceAddress(config, target.address);
    const failure = source === undefined ? 0 : bind.call(handle, source, 0, 0);
    return failure === 0 ? connect.call(handle, request, target.address, target.port) : failure;
  };
  tcp.connect = function (request, address, port) { return connectFrom(this, request, connectTarget(config, address, port)); };
  tcp.connect6 = function (request, address, port) {
    const target = connectTarget(config, address, port);
    return target.address === address ? connect6.call(this, request, address, port) : connectFrom(this, request, target);
  };
}

function viewUdp(config: ContainerViewConfig, udp: UdpHandle): void {
  const { bind, bind6, send } = udp;
  udp.bind = function (address, port, flags) { return bind.call(this, bindAddress(config, address), port, flags); };
  udp.bind6 = function (address, port, flags) {
    const mapped = bindAddress(config, address);
    return mapped === address ? bind6.call(this, address, port, flags) : bind.call(this, mapped, port, flags & ~1);
  };
  // A connected socket sends without an address: then these two are something else.
  udp.send = function (request, list, length, port, address, callback) {
    return typeof address === 'string' && LOOPBACK.has(address) ? send.call(this, request, list, length, port, config.loopback, callback) : send.call(this, request, list, length, port, address, callback);
  };
}

/** The addresses that stand for localhost. In one pod a program may serve on the pod IP (wildcard) or on loopback only, so a connection tries both; but a sidecar that finds no application must not find itself. */
export function localhostAddresses({ loopback, podIp, takesInbound }: ContainerViewConfig, port: number): string[] {
  return takesInbound === true && (port < SIDECAR_PORTS.first || port > SIDECAR_PORTS.last) ? [loopback] : [loopback, podIp];
}

function viewSockets(config: ContainerViewConfig, mapPath: (path: string) => string): void {
  const lookupFor = (port: number) => (_host: string, options: { all?: boolean }, callback: (error: null, address: unknown, family?: number) => void): void => {
    if (options.all) process.nextTick(callback, null, localhostAddresses(config, port).map((address) => ({ address, family: 4 })));
    else process.nextTick(callback, null, config.loopback, 4);
  };
  const change = (options: ConnectOptions): ConnectOptions => {
    if (options.path !== undefined && options.path !== null) return { ...options, path: mapPath(options.path) };
    const host = options.host ?? 'localhost';
    if (options.port === undefined || !LOOPBACK.has(host)) return options;
    return { ...options, host: 'localhost', family: 0, lookup: lookupFor(Number(options.port)), autoSelectFamily: true, autoSelectFamilyAttemptTimeout: ATTEMPT_MILLISECONDS };
  };
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function (this: net.Socket, ...given: unknown[]): net.Socket {
    const first = given[0];
    // net.connect hands over its arguments already put in order, as one marked array.
    if (Array.isArray(first)) first[0] = change(first[0] as ConnectOptions);
    else if (typeof first === 'object' && first !== null) given[0] = change(first as ConnectOptions);
    else if (typeof first === 'string' && !(Number(first) >= 0)) given[0] = mapPath(first);
    else given.splice(0, typeof given[1] === 'string' ? 2 : 1, change({ port: first as number, ...(typeof given[1] === 'string' ? { host: given[1] } : {}) }));
    return Reflect.apply(connect, this, given) as net.Socket;
  } as typeof connect;
  const { listen } = net.Server.prototype;
  net.Server.prototype.listen = function (this: net.Server, ...given: unknown[]): net.Server {
    const first = given[0];
    if (typeof first === 'string' && !(Number(first) >= 0)) given[0] = mapPath(first);
    else if (typeof first === 'object' && first !== null && 'path' in first && typeof first.path === 'string') given[0] = { ...first, path: mapPath(first.path) };
    return Reflect.apply(listen, this, given) as net.Server;
  } as typeof listen;
}
