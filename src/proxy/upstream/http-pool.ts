// Connections to one host over which HTTP requests go: the last used first, new ones while requests wait. One pool a host, protocol and TLS identity.
import { DEFAULT_HEADER_LIMITS, type ClientConnection, type RequestEncoder, type ResponseDecoder, type StreamResetReason } from '../codec/api.ts';
import { Http1ClientConnection } from '../codec/http1/client-connection.ts';
import { Http2ClientConnection } from '../codec/http2/client-connection.ts';
import { http2Counter } from '../codec/http2/reason-counter.ts';
import type { CircuitBreaker } from '../cluster/circuit-breaker.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Host, HostPool } from '../cluster/host.ts';
import { openConnection, type OpenConnection } from '../net/connect.ts';
import type { InternalListeners, InternalPeer } from '../net/internal-listeners.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import type { UpstreamTls } from '../net/tls-contexts.ts';
import type { TlsInfo } from '../stream/stream-info.ts';

/** Facts of the connection that a request got. */
export interface UpstreamFacts {
  readonly tls: TlsInfo | null;
  readonly localAddress: string;
  /** It has carried a request before: it may have been closed by the peer at this moment. */
  readonly reused: boolean;
}

/** Waits for a connection. */
export interface PoolReceiver {
  onPoolReady(encoder: RequestEncoder, facts: UpstreamFacts): void;
  onPoolFailure(reason: StreamResetReason, detail: string): void;
}

interface Waiting { readonly decoder: ResponseDecoder; readonly receiver: PoolReceiver; cancelled: boolean }

/** How a pool connects. */
export interface PoolOptions {
  readonly cluster: Cluster;
  readonly host: Host;
  readonly protocol: 'http1' | 'http2';
  /** A host that does not understand HTTP/2 is asked in HTTP/1.1 from then on. */
  readonly mayFallBack: boolean;
  readonly tls: UpstreamTls | null;
  readonly sni: string;
  readonly alpn: readonly string[];
  readonly breaker: CircuitBreaker;
  readonly internal: InternalListeners;
  readonly exchangeMessage: Buffer;
  readonly peer: InternalPeer;
  readonly transparent: TransparentSockets | null;
  now(): number;
  /** The pool has nothing left and its host may forget it. */
  onEmpty(pool: HttpPool): void;
}

const INTERNAL_IDLE_MILLISECONDS = 10_000;
/** How long a host may take to show that it speaks HTTP/2, where there is another way to ask it. */
const FALL_BACK_MILLISECONDS = 1000;

class PooledConnection {
  client: ClientConnection | null = null;
  facts: OpenConnection | null = null;
  idleSince = 0;
  usable = false;
  cancel: () => void = () => undefined;
}

/** A pool. */
export class HttpPool implements HostPool {
  readonly tlsGeneration: number;
  readonly tls: UpstreamTls | null;
  readonly #options: PoolOptions;
  #connections: PooledConnection[] = [];
  #waiting: Waiting[] = [];
  /** Connections that cannot take requests yet. */
  #connecting = 0;
  #protocol: 'http1' | 'http2';
  #draining = false;
  #closed = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#protocol = options.protocol;
    this.tls = options.tls;
    this.tlsGeneration = options.tls?.generation ?? 0;
  }

  /** Whether nothing is open or waited for. */
  get empty(): boolean {
    return this.#connections.length === 0 && this.#waiting.length === 0;
  }

  /** Gives `receiver` a stream; returns the way to stop waiting, null when it has it already. */
  request(decoder: ResponseDecoder, receiver: PoolReceiver): (() => void) | null {
    for (let index = this.#connections.length - 1; index >= 0; index -= 1) {
      const connection = this.#connections[index];
      if (connection?.client && connection.client.availableStreams > 0) {
        this.#attach(connection, connection.client, decoder, receiver);
        return null;
      }
    }
    return this.#enqueue(decoder, receiver);
  }

  #enqueue(decoder: ResponseDecoder, receiver: PoolReceiver): (() => void) | null {
    const { breaker, cluster } = this.#options;
    if (breaker.full('pending')) {
      cluster.count('upstream_rq_pending_overflow');
      receiver.onPoolFailure('overflow', 'pending_overflow');
      return null;
    }
    const waiting: Waiting = { decoder, receiver, cancelled: false };
    breaker.pending += 1;
    cluster.count('upstream_rq_pending_total');
    this.#waiting.push(waiting);
    this.#connectAsNeeded();
    return () => {
      if (waiting.cancelled) return;
      waiting.cancelled = true;
      breaker.pending -= 1;
      this.#waiting = this.#waiting.filter((other) => other !== waiting);
    };
  }

  #connectAsNeeded(): void {
    const { breaker, cluster, host } = this.#options;
    const perConnection = this.#protocol === 'http1' ? 1 : cluster.config.protocol.maximumConcurrentStreams || 100;
    while (this.#connecting * perConnection < this.#waiting.length) {
      // Every pool may have one connection even above the limit, or its requests would wait for ever.
      if ((breaker.full('connections') || host.connections >= breaker.connectionsPerHost) && this.#connections.length > 0) {
        cluster.count('upstream_cx_overflow');
        return;
      }
      this.#connect();
    }
  }

  #connect(): void {
    const { cluster, host, tls, sni, alpn, internal, exchangeMessage, peer, breaker } = this.#options;
    const { config } = cluster;
    const connection = new PooledConnection();
    this.#connections.push(connection);
    this.#connecting += 1;
    breaker.connections += 1;
    host.connections += 1;
    cluster.count('upstream_cx_total');
    cluster.gauge('upstream_cx_active', 1);
    connection.cancel = openConnection({
      address: host.address, timeoutMilliseconds: config.connectTimeoutMilliseconds, tls, sni, alpn, sourceAddresses: config.sourceAddresses, transparent: this.#options.transparent,
      keepAliveSeconds: config.tcpKeepalive?.timeSeconds ?? null, internal, exchangeMessage, peer,
    }, (open, reason, detail) => {
      if (open) this.#onConnected(connection, open);
      else this.#onConnectFailed(connection, reason, detail);
    });
  }

  #onConnected(connection: PooledConnection, open: OpenConnection): void {
    const { cluster, host } = this.#options;
    cluster.reportLocalOrigin(host, false);
    connection.facts = open;
    const callbacks = { onStreamDone: (): void => this.#onStreamDone(connection), onGoAway: (): void => undefined };
    if (this.#protocol === 'http1') {
      connection.client = new Http1ClientConnection(open.socket, { ...callbacks, onClose: () => this.#remove(connection) }, { maximumHeadBytes: 80 * 1024, maximumHeaders: DEFAULT_HEADER_LIMITS.maximumHeaders });
      this.#onUsable(connection);
      return;
    }
    const client: Http2ClientConnection = new Http2ClientConnection(open.socket, {
      ...callbacks, onConfirmed: () => this.#onUsable(connection),
      // A host that answers in another protocol breaks none.
      onProtocolError: (detail, endsConnection) => void (client.confirmed && this.#countError(detail, endsConnection)),
      onClose: () => (client.confirmed ? this.#remove(connection) : this.#onNotHttp2(connection)),
    }, cluster.config.protocol.maximumConcurrentStreams || 100, this.#options.mayFallBack ? Math.min(FALL_BACK_MILLISECONDS, cluster.config.connectTimeoutMilliseconds) : cluster.config.connectTimeoutMilliseconds, { tuning: cluster.config.protocol.http2 });
    connection.client = client;
  }

  #countError(detail: string, endsConnection: boolean): void {
    this.#options.cluster.count(http2Counter(detail));
    if (endsConnection) this.#options.cluster.count('upstream_cx_protocol_error');
  }

  #onUsable(connection: PooledConnection): void {
    this.#connecting -= 1;
    connection.usable = true;
    this.#serveWaiting(connection);
    if (this.#draining && connection.client?.activeStreams === 0) connection.client.close();
  }

  /** The connection is open, but nobody spoke HTTP/2 on it: the requests that wait are asked in HTTP/1.1 where that is allowed. */
  #onNotHttp2(connection: PooledConnection): void {
    if (this.#closed) {
      this.#remove(connection);
      return;
    }
    if (!this.#options.mayFallBack) {
      this.#onConnectFailed(connection, 'connect_timeout', 'the host did not begin to speak HTTP/2');
      return;
    }
    this.#options.cluster.count('upstream_cx_http2_fall_back');
    this.#options.host.speaksHttp1Only = true;
    this.#protocol = 'http1';
    this.#remove(connection);
  }

  #onConnectFailed(connection: PooledConnection, reason: StreamResetReason, detail: string): void {
    const { cluster, host } = this.#options;
    cluster.count(reason === 'connect_timeout' ? 'upstream_cx_connect_timeout' : 'upstream_cx_connect_fail');
    cluster.reportLocalOrigin(host, true);
    this.#remove(connection);
    // All who wait fail together, as a new attempt would take as long and end the same way.
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) {
      if (one.cancelled) continue;
      one.cancelled = true;
      this.#options.breaker.pending -= 1;
      one.receiver.onPoolFailure(reason, detail);
    }
  }

  #serveWaiting(connection: PooledConnection): void {
    const { client } = connection;
    while (client && client.availableStreams > 0) {
      const next = this.#waiting.shift();
      if (!next) break;
      next.cancelled = true;
      this.#options.breaker.pending -= 1;
      this.#attach(connection, client, next.decoder, next.receiver);
    }
    connection.idleSince = this.#options.now();
  }

  #attach(connection: PooledConnection, client: ClientConnection, decoder: ResponseDecoder, receiver: PoolReceiver): void {
    const reused = client.requests > 0;
    const { facts } = connection;
    receiver.onPoolReady(client.newStream(decoder), { tls: facts?.tls ?? null, localAddress: facts?.localAddress ?? '', reused });
  }

  #onStreamDone(connection: PooledConnection): void {
    const { client } = connection;
    if (!client) return;
    const maximum = this.#options.cluster.config.protocol.maximumRequestsPerConnection;
    const wornOut = maximum > 0 && client.requests >= maximum;
    connection.idleSince = this.#options.now();
    if (wornOut || this.#draining) {
      if (client.activeStreams === 0) client.close();
      return;
    }
    if (client.availableStreams > 0) {
      // The last used goes to the end: requests take from there, the rest grow old and are closed.
      this.#serveWaiting(connection);
      const index = this.#connections.indexOf(connection);
      if (index >= 0 && index !== this.#connections.length - 1) {
        this.#connections.splice(index, 1);
        this.#connections.push(connection);
      }
    }
  }

  #remove(connection: PooledConnection): void {
    const { cluster, host, breaker } = this.#options;
    const index = this.#connections.indexOf(connection);
    if (index < 0) return;
    this.#connections.splice(index, 1);
    if (!connection.usable) this.#connecting -= 1;
    breaker.connections -= 1;
    host.connections -= 1;
    cluster.gauge('upstream_cx_active', -1);
    cluster.count('upstream_cx_destroy');
    if (this.#waiting.length > 0 && !this.#closed) this.#connectAsNeeded();
  }

  /** Leaves its host; the next request there makes a new pool. */
  forget(): void {
    this.#options.onEmpty(this);
  }

  /** Closes connections that were idle for longer than the cluster allows. */
  sweep(now: number): void {
    const configured = this.#options.cluster.config.protocol.idleTimeoutMilliseconds;
    // Pools of internal listeners are many, one a client, and cheap to make again.
    const idle = this.#options.host.address.kind === 'internal' ? Math.min(configured || Infinity, INTERNAL_IDLE_MILLISECONDS) : configured;
    if (idle <= 0) return;
    for (const { client, usable, idleSince } of [...this.#connections]) {
      if (client && usable && client.activeStreams === 0 && now - idleSince >= idle) client.close();
    }
  }

  drain(): void {
    this.#draining = true;
    for (const { client, usable } of [...this.#connections]) if (client && usable && client.activeStreams === 0) client.close();
  }

  close(): void {
    this.#draining = true;
    this.#closed = true;
    for (const { client, cancel } of [...this.#connections]) {
      if (client) client.close();
      else cancel();
    }
  }
}
