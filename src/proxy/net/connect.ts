// Opens connections to endpoints: TCP or internal, then TLS when the cluster says so, within the cluster's connect timeout.
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { describeError } from '../../shared/lib/index.ts';
import type { AddressConfig } from '../config/runtime-config.ts';
import type { PeerMetadata, TlsInfo } from '../stream/stream-info.ts';
import { formatAddress } from './address.ts';
import type { InternalListeners, InternalPeer } from './internal-listeners.ts';
import { PEER_EXCHANGE_PROTOCOL, readPeerExchange } from './peer-exchange.ts';
import type { KeptSource, TransparentSockets } from './transparent-sockets.ts';
import type { UpstreamTls } from './tls-contexts.ts';

/** A connection that is ready for bytes. */
export interface OpenConnection {
  readonly socket: Duplex;
  readonly tls: TlsInfo | null;
  readonly localAddress: string;
  /** The workload on the other side, when it told of itself. */
  readonly peer: PeerMetadata | null;
}

/** Where and how to connect. */
export interface ConnectOptions {
  readonly address: AddressConfig;
  readonly timeoutMilliseconds: number;
  readonly tls: UpstreamTls | null;
  readonly sni: string;
  readonly alpn: readonly string[];
  /** The first of the endpoint's family is bound. */
  readonly sourceAddresses: readonly string[];
  /** Makes sockets that keep the client's address, where the peer says so; null where there are none. */
  readonly transparent: TransparentSockets | null;
  readonly keepAliveSeconds: number | null;
  readonly internal: InternalListeners;
  /** What we send when TLS agrees on Istio's exchange of workload metadata. */
  readonly exchangeMessage: Buffer;
  /** What an internal listener is told. */
  readonly peer: InternalPeer;
}

/** The outcome: a connection, or the reason there is none. */
export type ConnectDone = (connection: OpenConnection | null, reason: 'connect_failure' | 'connect_timeout', detail: string) => void;

/** Connects; calls `done` once, never within this call. Returns the way to give up. */
export function openConnection(options: ConnectOptions, done: ConnectDone): () => void {
  const attempt = new Attempt(options, done);
  attempt.start();
  return () => attempt.fail('connect_failure', 'cancelled');
}

class Attempt {
  readonly #options: ConnectOptions;
  readonly #done: ConnectDone;
  #timer: NodeJS.Timeout | null = null;
  #raw: Duplex | null = null;
  #finished = false;

  constructor(options: ConnectOptions, done: ConnectDone) {
    this.#options = options;
    this.#done = done;
  }

  start(): void {
    const { timeoutMilliseconds } = this.#options;
    if (timeoutMilliseconds > 0) this.#timer = setTimeout(() => this.fail('connect_timeout', 'connection_timeout'), timeoutMilliseconds);
    const { address } = this.#options;
    if (address.kind === 'internal') process.nextTick(() => this.#startInternal(address.listener));
    else this.#startTcp(address.address, address.port);
  }

  #startInternal(listener: string): void {
    if (this.#finished) return;
    const socket = this.#options.internal.connect(listener, this.#options.peer);
    if (socket) {
      this.#raw = socket;
      this.#onConnected('');
    } else this.fail('connect_failure', `no internal listener named ${listener}`);
  }

  #startTcp(host: string, port: number): void {
    const { sourceAddresses, keepAliveSeconds, transparent, peer: { keptSource } } = this.#options;
    const sameFamily = (address: string): boolean => address.includes(':') === host.includes(':');
    const kept = transparent && keptSource && sameFamily(keptSource.address) ? keptSource : null;
    const localAddress = kept?.address ?? sourceAddresses.find(sameFamily);
    let socket: Socket;
    try {
      const target = { host, port, ...(localAddress === undefined ? {} : { localAddress }) };
      const options = { noDelay: true, ...(keepAliveSeconds === null ? {} : { keepAlive: true, keepAliveInitialDelay: keepAliveSeconds * 1000 }), allowHalfOpen: true };
      socket = transparent && kept ? this.#connectFrom(transparent, kept, target, options) : connect({ ...target, ...options } as never);
    } catch (error) {
      process.nextTick(() => this.fail('connect_failure', describeError(error)));
      return;
    }
    this.#raw = socket;
    socket.once('error', (error: Error) => this.fail('connect_failure', error.message));
    socket.once('close', () => this.fail('connect_failure', 'connection_closed'));
    socket.once('connect', () => this.#onConnected(formatAddress(socket.localAddress ?? '', socket.localPort ?? 0)));
  }

  /** A socket that was made outside does not take the options of `connect`. */
  #connectFrom(transparent: TransparentSockets, source: KeptSource, target: { readonly host: string; readonly port: number }, options: { readonly keepAliveInitialDelay?: number }): Socket {
    const socket = transparent.open(source);
    socket.once('connect', () => {
      socket.setNoDelay(true);
      if (options.keepAliveInitialDelay !== undefined) socket.setKeepAlive(true, options.keepAliveInitialDelay);
    });
    return socket.connect(target);
  }

  #onConnected(localAddress: string): void {
    if (this.#finished || !this.#raw) return;
    const { tls, sni, alpn } = this.#options;
    if (!tls) {
      this.#succeed({ socket: this.#raw, tls: null, localAddress, peer: null });
      return;
    }
    tls.connect(this.#raw, sni, alpn, (socket, info, error) => {
      if (socket && info?.alpn === PEER_EXCHANGE_PROTOCOL) this.#exchange(socket, info, localAddress);
      else if (socket) this.#succeed({ socket, tls: info, localAddress, peer: null });
      else this.fail('connect_failure', error);
    });
  }

  #exchange(socket: Duplex, tls: TlsInfo, localAddress: string): void {
    socket.write(this.#options.exchangeMessage);
    readPeerExchange(socket, (peer) => {
      if (peer) {
        this.#succeed({ socket, tls, localAddress, peer });
        socket.resume();
      } else this.fail('connect_failure', 'peer_exchange_failed');
    });
  }

  #succeed(connection: OpenConnection): void {
    if (this.#finished) {
      connection.socket.destroy();
      return;
    }
    this.#finish();
    this.#done(connection, 'connect_failure', '');
  }

  fail(reason: 'connect_failure' | 'connect_timeout', detail: string): void {
    if (this.#finished) return;
    this.#finish();
    this.#raw?.on('error', () => undefined);
    this.#raw?.destroy();
    this.#done(null, reason, detail);
  }

  #finish(): void {
    this.#finished = true;
    if (this.#timer) clearTimeout(this.#timer);
  }
}
