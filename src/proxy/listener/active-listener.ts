// One listener at work: its socket, the compiled filter chains, and the connections it took. An update compiles new chains for new connections; the socket
// stays.
import { createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { portMatches } from '../config/port-predicate.ts';
import type { FilterChainConfig, ListenerConfig } from '../config/runtime-config.ts';
import { createNetworkFilters } from '../filters/registry.ts';
import type { NetworkConnection, NetworkFilter } from '../filters/network/api.ts';
import type { FilterServices } from '../filters/services.ts';
import { formatAddress, plainAddress, splitAddress } from '../net/address.ts';
import { NO_FIRST_BYTES, readFirstBytes, type FirstBytes } from '../net/first-bytes.ts';
import type { InternalPeer } from '../net/internal-listeners.ts';
import type { OriginalDestination } from '../net/original-destination.ts';
import type { SecretProvider } from '../net/secret-provider.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import { DownstreamTls } from '../net/tls-contexts.ts';
import type { TlsInfo } from '../stream/stream-info.ts';
import { carryOver } from './chain-update.ts';
import { compileFilterChainMatch, type ConnectionFacts } from './filter-chain-match.ts';

interface CompiledChain { readonly config: FilterChainConfig; readonly tls: DownstreamTls | null; readonly filters: readonly NetworkFilter[] }

interface CompiledListener {
  readonly config: ListenerConfig;
  readonly choose: (facts: ConnectionFacts) => FilterChainConfig | null;
  readonly chains: ReadonlyMap<FilterChainConfig, CompiledChain>;
}

/** What listeners need. */
export interface ListenerEnvironment {
  readonly services: FilterServices;
  readonly secrets: SecretProvider;
  readonly originalDestination: OriginalDestination;
  readonly transparent: TransparentSockets | null;
  /** What a connection has whose chain is gone. */
  readonly drainMilliseconds: number;
  /** The listener that takes connections made to this address, when `useOriginalDestination` hands them over. */
  listenerAt(address: string, port: number): ActiveListener | undefined;
}

interface Accepted {
  readonly remoteAddress: string;
  readonly localAddress: string;
  readonly destinationAddress: string;
  readonly destinationPort: number;
  readonly originalDestination: string;
}

/** Time for a TLS handshake when the configuration sets none: a peer that never finishes it must not hold the connection. */
const HANDSHAKE_MILLISECONDS = 60_000;

let nextConnectionId = 1;

/** A listener. */
export class ActiveListener {
  readonly #environment: ListenerEnvironment;
  #compiled: CompiledListener;
  /** One an address; empty when it is not bound. */
  #servers: Server[] = [];
  /** Running connections and the chain each is served by. */
  readonly #connections = new Map<NetworkConnection, CompiledChain>();
  readonly #sockets = new Set<Duplex>();
  draining = false;

  /** Throws when the configuration cannot be compiled. */
  constructor(config: ListenerConfig, environment: ListenerEnvironment) {
    this.#environment = environment;
    this.#compiled = this.#compile(config);
  }

  get config(): ListenerConfig {
    return this.#compiled.config;
  }

  /** The port it is bound to, 0 when none. */
  get boundPort(): number {
    const address = this.#servers[0]?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connectionCount(): number {
    return this.#sockets.size;
  }

  /** Whether every certificate it needs is there. */
  get warmed(): boolean {
    for (const { tls } of this.#compiled.chains.values()) if (tls && !tls.ready) return false;
    return true;
  }

  #compile(config: ListenerConfig): CompiledListener {
    const { services, secrets } = this.#environment;
    const chains = new Map<FilterChainConfig, CompiledChain>();
    for (const chain of config.defaultFilterChain ? [...config.filterChains, config.defaultFilterChain] : config.filterChains) {
      chains.set(chain, { config: chain, tls: chain.tls ? new DownstreamTls(chain.tls, secrets) : null, filters: createNetworkFilters(chain, { listener: config, chain, services }) });
    }
    return { config, choose: compileFilterChainMatch(config), chains };
  }

  /**
   * Uses `config` for new connections, and for the next request of those whose chain goes on; a connection whose chain is gone or has other TLS is drained.
   * Throws and keeps the old one when `config` cannot be compiled.
   */
  update(config: ListenerConfig): void {
    const before = this.#compiled;
    this.#compiled = this.#compile(config);
    for (const { tls } of before.chains.values()) tls?.close();
    const chains = [...this.#compiled.chains.values()];
    for (const [connection, chain] of this.#connections) {
      const next = carryOver(chain, chains);
      if (next) this.#connections.set(connection, next);
      else {
        drainConnection(connection);
        // Bytes of TCP have no end that could be waited for.
        const timer = setTimeout(() => connection.socket.destroy(), this.#environment.drainMilliseconds).unref();
        connection.socket.on('close', () => clearTimeout(timer));
      }
    }
  }

  /** Binds the sockets; `done` gets the error when one of them is impossible, and none stays then. */
  listen(done: (error: Error | null) => void): void {
    const { address, additionalAddresses } = this.config;
    const wanted = [address, ...additionalAddresses].filter((one) => one.kind === 'socket');
    let left = wanted.length;
    let told = false;
    const tell = (error: Error | null): void => {
      if (told || (error === null && (left -= 1) > 0)) return;
      told = true;
      if (error) this.#closeServers();
      done(error);
    };
    if (left === 0) done(null);
    for (const one of wanted) this.#listenAt(one.address, one.port, tell);
  }

  #listenAt(host: string, port: number, done: (error: Error | null) => void): void {
    const server = createServer({ noDelay: true, pauseOnConnect: false, allowHalfOpen: true }, (socket) => this.#onSocket(socket));
    this.#servers.push(server);
    server.on('error', done);
    // `::` is IPv6 alone, as in Envoy: who wants both families names both addresses.
    server.listen({ host, port, reusePort: true, backlog: 4096, ipv6Only: true }, () => {
      try {
        if (this.config.transparent) this.#admitAnyDestination(server, host);
        done(null);
      } catch (error) {
        done(error as Error);
      }
    });
  }

  #admitAnyDestination(server: Server, host: string): void {
    const { transparent } = this.#environment;
    if (!transparent) throw new Error('this proxy was not started for transparent interception; set its interception mode to TPROXY');
    transparent.admitAnyDestination(server, host);
  }

  #closeServers(): void {
    for (const server of this.#servers) server.close();
    this.#servers = [];
  }

  #onSocket(socket: Socket): void {
    const restored = this.config.listenerFilters.includes('original_dst') || this.config.useOriginalDestination ? this.#environment.originalDestination(socket) : null;
    const localHost = plainAddress(socket.localAddress);
    const localPort = socket.localPort ?? 0;
    const destinationAddress = restored ? plainAddress(restored.address) : localHost;
    const destinationPort = restored ? restored.port : localPort;
    const remoteAddress = formatAddress(plainAddress(socket.remoteAddress), socket.remotePort ?? 0);
    const destination = formatAddress(destinationAddress, destinationPort);
    const other = this.config.useOriginalDestination ? this.#environment.listenerAt(destinationAddress, destinationPort) : undefined;
    (other ?? this).accept(socket, { remoteAddress, localAddress: destination, destinationAddress, destinationPort, originalDestination: destination });
  }

  /** Takes a connection made inside the process. */
  acceptInternal(socket: Duplex, peer: InternalPeer): void {
    const { host, port } = splitAddress(peer.destination);
    this.accept(socket, { remoteAddress: peer.remoteAddress, localAddress: peer.destination, destinationAddress: host, destinationPort: port, originalDestination: peer.destination });
  }

  /** Takes a connection, inspects its first bytes when asked to, and starts its chain. */
  accept(socket: Duplex, accepted: Accepted): void {
    const compiled = this.#compiled;
    const { config } = compiled;
    const { stats } = this.#environment.services;
    stats.counter(`listener.${config.name}.downstream_cx_total`).add(1);
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', ignoreSocketError);
    const tls = inspects(config, 'tls_inspector', accepted.destinationPort);
    const http = inspects(config, 'http_inspector', accepted.destinationPort);
    if (!tls && !http) {
      const anyTls = [...compiled.chains.values()].every((chain) => chain.tls !== null) && compiled.chains.size > 0;
      this.#start(compiled, socket, accepted, anyTls ? { ...NO_FIRST_BYTES, transport: 'tls' } : NO_FIRST_BYTES, false);
      return;
    }
    readFirstBytes(socket, tls, http, config.listenerFiltersTimeoutMilliseconds, (found, timedOut) => {
      if (found) this.#start(compiled, socket, accepted, found, true);
      else if (timedOut && config.continueOnListenerFiltersTimeout) this.#start(compiled, socket, accepted, NO_FIRST_BYTES, true);
      else socket.destroy();
    });
  }

  #start(compiled: CompiledListener, socket: Duplex, accepted: Accepted, first: FirstBytes, inspected: boolean): void {
    const { remoteAddress, destinationAddress, destinationPort } = accepted;
    const source = splitAddress(remoteAddress);
    const chosen = compiled.choose({
      destinationAddress, destinationPort, serverName: first.serverName, transportProtocol: first.transport, applicationProtocols: first.applicationProtocols, sourceAddress: source.host, sourcePort: source.port,
    });
    const chain = chosen ? compiled.chains.get(chosen) : undefined;
    if (!chain) {
      this.#environment.services.stats.counter(`listener.${compiled.config.name}.no_filter_chain_match`).add(1);
      socket.destroy();
      return;
    }
    if (!chain.tls) {
      this.#runFilters(compiled.config, chain, socket, accepted, null, first.applicationProtocols[0] ?? '');
      return;
    }
    const handshakeTimer = setTimeout(() => socket.destroy(), chain.config.transportSocketConnectTimeoutMilliseconds || HANDSHAKE_MILLISECONDS);
    // The ClientHello was looked at only when the listener has the inspector; else ALPN is left to OpenSSL.
    chain.tls.accept(socket, first.serverName, inspected ? first.applicationProtocols : null, (secure, info, error) => {
      clearTimeout(handshakeTimer);
      const stats = this.#environment.services.stats;
      if (secure && info) {
        stats.counter(`listener.${compiled.config.name}.ssl.handshake`).add(1);
        secure.on('error', ignoreSocketError);
        this.#runFilters(compiled.config, chain, secure, accepted, info, info.alpn);
      } else stats.counter(`listener.${compiled.config.name}.ssl.${error === 'connection_closed' ? 'connection_error' : 'fail_verify_error'}`).add(1);
    });
  }

  #runFilters(config: ListenerConfig, chain: CompiledChain, socket: Duplex, accepted: Accepted, tls: TlsInfo | null, applicationProtocol: string): void {
    const connection: NetworkConnection = {
      socket, applicationProtocol: meshProtocol(applicationProtocol), originalDestination: accepted.originalDestination, onDrain: null, finish: null, draining: this.draining,
      info: {
        id: nextConnectionId, listenerName: config.name, direction: config.direction, remoteAddress: accepted.remoteAddress, localAddress: accepted.localAddress,
        startMilliseconds: this.#environment.services.now(), tls, keptSource: config.keptSourceMark === null ? null : { address: splitAddress(accepted.remoteAddress).host, mark: config.keptSourceMark }, peer: null,
      },
    };
    nextConnectionId += 1;
    this.#connections.set(connection, chain);
    socket.on('close', () => this.#connections.delete(connection));
    runFrom(chain.filters, 0, connection);
  }

  /** Stops taking connections; those there finish what is under way. */
  stopListening(): void {
    this.#closeServers();
    this.drain();
  }

  /** Tells every connection to finish and close. New ones are still taken, for one request each. */
  drain(): void {
    this.draining = true;
    for (const connection of this.#connections.keys()) drainConnection(connection);
  }

  /** Takes no more connections and ends those without a message under way; returns whether a message is under way on any. */
  finish(): boolean {
    this.#closeServers();
    this.draining = true;
    let busy = false;
    for (const connection of this.#connections.keys()) {
      connection.draining = true;
      if (connection.finish?.()) busy = true;
    }
    return busy;
  }

  /** Ends everything now. */
  close(): void {
    this.#closeServers();
    for (const socket of this.#sockets) socket.destroy();
    for (const { tls } of this.#compiled.chains.values()) tls?.close();
  }
}

function inspects({ listenerFilters, disabledInspectors }: ListenerConfig, inspector: 'tls_inspector' | 'http_inspector', port: number): boolean {
  return listenerFilters.includes(inspector) && !portMatches(disabledInspectors[inspector], port);
}

function drainConnection(connection: NetworkConnection): void {
  connection.draining = true;
  connection.onDrain?.();
}

/** Istio's ALPN names stand for the HTTP versions inside. */
function meshProtocol(protocol: string): string {
  if (protocol === 'istio-h2' || protocol === 'istio-http/2') return 'h2';
  return protocol === 'istio' || protocol === 'istio-peer-exchange' ? '' : protocol.replace(/^istio-/, '');
}

function runFrom(filters: readonly NetworkFilter[], index: number, connection: NetworkConnection): void {
  const filter = filters[index];
  if (filter) filter.onConnection(connection, () => runFrom(filters, index + 1, connection));
  else connection.socket.destroy();
}

// The close event that follows does the work.
function ignoreSocketError(): void {
  return undefined;
}
