// The way to endpoints: HTTP requests over pools, TCP connections one by one. The router, shadows and the TCP proxy ask here.
import type { CircuitBreaker } from '../cluster/circuit-breaker.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Host } from '../cluster/host.ts';
import type { ResponseDecoder } from '../codec/api.ts';
import { openConnection, type ConnectDone } from '../net/connect.ts';
import type { InternalListeners, InternalPeer } from '../net/internal-listeners.ts';
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

/** Opens streams and connections to hosts. */
export class Upstream {
  readonly #internal: InternalListeners;
  readonly #now: () => number;
  readonly #pools = new Set<HttpPool>();
  readonly #timer: NodeJS.Timeout;

  constructor(internal: InternalListeners, now: () => number) {
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
      sourceAddress: config.sourceAddress, keepAliveSeconds: config.tcpKeepalive?.timeSeconds ?? null, internal: this.#internal, peer,
    }, done);
  }

  #pool(cluster: Cluster, host: Host, options: UpstreamRequestOptions): HttpPool {
    const wanted = cluster.config.protocol.http;
    const protocol = wanted === 'downstream' ? (options.downstreamProtocol === 'HTTP/2' ? 'http2' : 'http1') : wanted;
    const key = options.alpn === null ? protocol : `${protocol} ${options.alpn.join()}`;
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
      cluster, host, protocol, tls, sni: tls?.config.sni ?? '', alpn: options.alpn ?? tls?.config.alpnProtocols ?? [], breaker: options.breaker,
      internal: this.#internal, peer: options.peer, now: this.#now,
    });
    host.pools.set(key, pool);
    this.#pools.add(pool);
    return pool;
  }

  #sweep(): void {
    const now = this.#now();
    for (const pool of this.#pools) {
      pool.sweep(now);
      if (pool.empty) this.#pools.delete(pool);
    }
  }

  /** Ends all connections. */
  close(): void {
    clearInterval(this.#timer);
    for (const pool of this.#pools) pool.close();
    this.#pools.clear();
  }
}
