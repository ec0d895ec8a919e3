// Forwards a connection's bytes to an endpoint of its cluster, both ways, with half-close and backpressure. The terminal filter of TCP chains.
import type { Cluster } from '../../../cluster/cluster.ts';
import type { Host, HostReceiver } from '../../../cluster/host.ts';
import type { TcpProxyConfig } from '../../../config/filter-config.ts';
import type { OpenConnection } from '../../../net/connect.ts';
import { peerOf } from '../../../net/internal-listeners.ts';
import { createStreamInfo } from '../../../stream/create-stream-info.ts';
import type { StreamInfo, StreamObserver } from '../../../stream/stream-info.ts';
import { xxHash64 } from '../../../stream/xx-hash.ts';
import type { FilterServices } from '../../services.ts';
import type { NetworkConnection, NetworkFilter, NetworkFilterPlace } from '../api.ts';

interface ProxyContext { readonly config: TcpProxyConfig; readonly services: FilterServices; readonly observers: readonly StreamObserver[] }

/** Makes the filter. */
export function tcpProxyFilter(config: TcpProxyConfig, { services, chain, listener }: NetworkFilterPlace): NetworkFilter {
  const context: ProxyContext = { config, services, observers: services.observers(config, chain, listener) };
  return { onConnection: (connection) => new TcpSession(context, connection).start() };
}

class TcpSession implements HostReceiver<Cluster> {
  readonly #context: ProxyContext;
  readonly #connection: NetworkConnection;
  readonly #info: StreamInfo;
  /** The route's cluster, where the host's is another one. */
  #entry: Cluster | null = null;
  #cluster: Cluster | null = null;
  #metadataMatch: Readonly<Record<string, string>> | null = null;
  #host: Host | null = null;
  #upstream: OpenConnection | null = null;
  #cancel: () => void = () => undefined;
  #idleTimer: NodeJS.Timeout | null = null;
  #attempts = 0;
  #over = false;

  constructor(context: ProxyContext, connection: NetworkConnection) {
    this.#context = context;
    this.#connection = connection;
    this.#info = createStreamInfo(connection.info, 'TCP', context.services.now());
  }

  start(): void {
    const { socket } = this.#connection;
    const { config, services } = this.#context;
    socket.pause();
    socket.on('error', () => this.#finish());
    socket.on('close', () => this.#finish());
    services.stats.counter(`tcp.${config.statPrefix}.downstream_cx_total`).add(1);
    const drawn = this.#drawCluster();
    const name = drawn?.name ?? '';
    this.#metadataMatch = drawn?.metadataMatch ?? null;
    this.#info.upstreamCluster = name;
    const cluster = services.clusters.get(name);
    if (!cluster) {
      this.#fail('NC', 'cluster_not_found');
      return;
    }
    this.#cluster = cluster;
    this.#info.destinationService = cluster.config.destinationService;
    this.#choose();
  }

  #drawCluster(): TcpProxyConfig['clusters'][number] | undefined {
    const { clusters, totalWeight } = this.#context.config;
    let point = clusters.length > 1 ? this.#context.services.random() * totalWeight : -1;
    for (const cluster of clusters) {
      point -= cluster.weight;
      if (point < 0) return cluster;
    }
    return clusters[clusters.length - 1];
  }

  #choose(): void {
    const { info, originalDestination } = this.#connection;
    const source = info.remoteAddress.slice(0, info.remoteAddress.lastIndexOf(':'));
    this.#attempts += 1;
    this.#info.attempts = this.#attempts;
    (this.#entry ?? this.#cluster)?.choose({
      hash: this.#context.config.hashSourceIp ? xxHash64(source) : null, attempt: this.#attempts - 1, avoid: [], hostSelectionAttempts: 1, authority: originalDestination, originalDestination, metadataMatch: this.#metadataMatch,
    }, this);
  }

  onHost(host: Host | null, of: Cluster): void {
    this.#entry ??= this.#cluster;
    this.#cluster = of;
    const cluster = of;
    if (this.#over) return;
    if (!host) {
      this.#fail('UH', 'no_healthy_upstream');
      return;
    }
    const breaker = cluster.breakers.default;
    if (breaker.full('connections') || host.connections >= breaker.connectionsPerHost) {
      cluster.count('upstream_cx_overflow');
      this.#fail('UO', 'upstream_overflow');
      return;
    }
    this.#host = host;
    this.#info.upstreamHost = host.addressText;
    this.#info.upstreamWorkload = host.endpoint.workload;
    breaker.connections += 1;
    host.connections += 1;
    cluster.count('upstream_cx_total');
    cluster.gauge('upstream_cx_active', 1);
    const peer = peerOf(this.#connection.info, this.#connection.originalDestination);
    this.#cancel = this.#context.services.upstream.connect(cluster, host, peer, (open, reason, detail) => {
      if (open) this.#onConnected(open);
      else this.#onConnectFailed(reason, detail);
    });
  }

  #onConnectFailed(reason: string, detail: string): void {
    if (this.#over) return;
    const cluster = this.#cluster;
    this.#releaseHost();
    cluster?.count(reason === 'connect_timeout' ? 'upstream_cx_connect_timeout' : 'upstream_cx_connect_fail');
    this.#info.upstreamTransportFailure = detail;
    if (this.#attempts < Math.max(1, this.#context.config.maximumConnectAttempts)) this.#choose();
    else this.#fail(this.#attempts > 1 ? 'URX' : 'UF', reason);
  }

  #onConnected(open: OpenConnection): void {
    if (this.#over) {
      open.socket.destroy();
      return;
    }
    if (this.#host) this.#cluster?.reportLocalOrigin(this.#host, false);
    this.#upstream = open;
    this.#info.upstreamTls = open.tls;
    this.#info.upstreamPeer = open.peer;
    this.#info.upstreamLocalAddress = open.localAddress;
    // Now both ends are known, as the labels of its metrics need them.
    for (const observer of this.#context.observers) observer.onConnectionStart?.(this.#info);
    const downstream = this.#connection.socket;
    const upstream = open.socket;
    upstream.on('error', () => {
      if (!this.#over) this.#info.flags.push('UC');
      this.#finish();
    });
    upstream.on('close', () => this.#finish());
    downstream.on('data', (data: Buffer) => {
      this.#info.bytesReceived += data.length;
      this.#idleTimer?.refresh();
      if (!upstream.write(data)) downstream.pause();
    });
    upstream.on('data', (data: Buffer) => {
      this.#info.bytesSent += data.length;
      this.#idleTimer?.refresh();
      if (!downstream.write(data)) upstream.pause();
    });
    upstream.on('drain', () => downstream.resume());
    downstream.on('drain', () => upstream.resume());
    downstream.on('end', () => upstream.end());
    upstream.on('end', () => downstream.end());
    const idle = this.#context.config.idleTimeoutMilliseconds;
    if (idle > 0) this.#idleTimer = setTimeout(() => this.#finish(), idle);
    downstream.resume();
  }

  #fail(flag: StreamInfo['flags'][number], details: string): void {
    this.#info.flags.push(flag);
    this.#info.responseCodeDetails = details;
    this.#finish();
  }

  #releaseHost(): void {
    const host = this.#host;
    const cluster = this.#cluster;
    if (!host || !cluster) return;
    this.#host = null;
    host.connections -= 1;
    cluster.breakers.default.connections -= 1;
    cluster.gauge('upstream_cx_active', -1);
    if (!this.#upstream) cluster.reportLocalOrigin(host, true);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    this.#releaseHost();
    this.#cancel();
    // What is written is still delivered: end, and destroy when the peers do not follow.
    closeSoon(this.#connection.socket);
    if (this.#upstream) closeSoon(this.#upstream.socket);
    this.#info.endMilliseconds = this.#context.services.now();
    for (const observer of this.#context.observers) observer.onStreamEnd(this.#info, null, null);
  }
}

function closeSoon(socket: OpenConnection['socket']): void {
  if (socket.destroyed) return;
  socket.end();
  socket.resume();
  setTimeout(() => socket.destroy(), 500).unref();
}
