// The way to endpoints: HTTP requests over pools, TCP connections one by one. The router, shadows and the TCP proxy ask here.
import type { CircuitBreaker } from '../cluster/circuit-breaker.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Host } from '../cluster/host.ts';
import type { ResponseDecoder } from '../codec/api.ts';
import { openConnection, type ConnectDone } from '../net/connect.ts';
import type { InternalListeners, InternalPeer } from '../net/internal-listeners.ts';
import { peerExchangeMessage } from '../net/peer-exchange.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import type { PeerMetadata } from '../stream/stream-info.ts';
import { HttpPool, type PoolReceiver } from './http-pool.ts';

const SWEEP_MILLISECONDS = 500;

/** How one request is to be sent. */
export interface UpstreamRequestOptions {
  /** The downstream's protocol, used by clusters that follow it. */
  readonly downstreamProtocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2' | 'TCP';
  readonly breaker: CircuitBreaker;
  /** ALPN protocols instead of the cluster's; null keeps those. */
  readonly alpn: readonly string[] | null;
  readonly peer: InternalPeer;
}

/**
 * Which requests may share connections. An internal listener judges a connection by the peer it is told of, so there only requests of the same client to the same destination
 * may: one client's connection must never carry another's request. The same holds where the connection itself tells who the client is, by its address.
 */
function poolKey(protocol: string, { address }: Host, { alpn, peer }: UpstreamRequestOptions): string {
  const plain = alpn === null ? protocol : `${protocol} ${alpn.join()}`;
  const key = peer.keptSource === null ? plain : `${plain} from ${peer.keptSource.address}`;
  return address.kind === 'internal' ? `${key} ${peer.remoteAddress.slice(0, peer.remoteAddress.lastIndexOf(':'))} ${peer.identity} ${peer.destination}` : key;
}

/** Opens streams and connections to hosts. */
export class Upstream {
  readonly #internal: InternalListeners;
  readonly #now: () => number;
  readonly #exchangeMessage: Buffer;
  readonly #transparent: TransparentSockets | null;
  readonly #pools = new Set<HttpPool>();
  readonly #timer: NodeJS.Timeout;

  constructor(internal: InternalListeners, now: () => number, localWorkload: PeerMetadata, transparent: TransparentSockets | null) {
    this.#transparent = transparent;
    this.#exchangeMessage = peerExchangeMessage(localWorkload);
    this.#internal = internal;
    this.#now = now;
    this.#timer = setInterval(() => this.#sweep(), SWEEP_MILLISECONDS);
    this.#timer.unref();
  }

  /** Opens a stream on a connection to `host`. Returns the way to stop waiting. */
  request(cluster: Cluster, host: Host, options: UpstreamRequestOptions, decoder: ResponseDecoder, receiver: PoolReceiver): (() => void) | null {
    return this.#pool(cluster, host, options).request(decoder, receiver);
  }

  /** Opens a connection for bytes. Returns the way to give up. */
  connect(cluster: Cluster, host: Host, peer: InternalPeer, done: ConnectDone): () => void {
    const tls = cluster.tlsFor(host);
    const { config } = cluster;
    return openConnection({
      address: host.address, timeoutMilliseconds: config.connectTimeoutMilliseconds, tls, sni: tls?.config.sni ?? '', alpn: tls?.config.alpnProtocols ?? [],
      sourceAddresses: config.sourceAddresses, transparent: this.#transparent, keepAliveSeconds: config.tcpKeepalive?.timeSeconds ?? null, internal: this.#internal, exchangeMessage: this.#exchangeMessage, peer,
    }, done);
  }

  #pool(cluster: Cluster, host: Host, options: UpstreamRequestOptions): HttpPool {
    const wanted = cluster.config.protocol.http;
    const protocol = wanted === 'downstream' ? (options.downstreamProtocol === 'HTTP/2' && !host.speaksHttp1Only ? 'http2' : 'http1') : wanted;
    const key = poolKey(protocol, host, options);
    const tls = cluster.tlsFor(host);
    const present = host.pools.get(key);
    if (present instanceof HttpPool) {
      if (present.tls === tls && present.tlsGeneration === (tls?.generation ?? 0)) {
        this.#pools.add(present);
        return present;
      }
      present.drain();
    }
    const pool = new HttpPool({
      cluster, host, protocol, mayFallBack: wanted === 'downstream', tls, sni: tls?.config.sni ?? '', alpn: options.alpn ?? tls?.config.alpnProtocols ?? [], breaker: options.breaker,
      internal: this.#internal, exchangeMessage: this.#exchangeMessage, peer: options.peer, transparent: this.#transparent, now: this.#now,
      onEmpty: (gone) => {
        if (host.pools.get(key) === gone) host.pools.delete(key);
      },
    });
    host.pools.set(key, pool);
    this.#pools.add(pool);
    return pool;
  }

  #sweep(): void {
    const now = this.#now();
    for (const pool of this.#pools) {
      pool.sweep(now);
      if (!pool.empty) continue;
      this.#pools.delete(pool);
      pool.forget();
    }
  }

  /** Ends all connections. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of this.#pools) pool.close();
    this.#pools.clear();
  }
}
