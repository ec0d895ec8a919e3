// The HTTP connection manager: picks the codec of a connection, makes a stream for each request, and closes idle, old and draining connections.
import type { ServerConnection, ServerConnectionCallbacks } from '../../../codec/api.ts';
import { Http1ServerConnection } from '../../../codec/http1/server-connection.ts';
import { http2Counter } from '../../../codec/http2/reason-counter.ts';
import { Http2ServerConnection } from '../../../codec/http2/server-connection.ts';
import type { HttpConnectionManagerConfig } from '../../../config/filter-config.ts';
import { readFirstBytes } from '../../../net/first-bytes.ts';
import { RouteTable } from '../../../route/route-table.ts';
import type { HttpFilterInstance } from '../../http/api.ts';
import type { NetworkConnection, NetworkFilter, NetworkFilterPlace } from '../api.ts';
import { ActiveStream } from './active-stream.ts';
import { managerStats, type ManagerContext } from './manager-context.ts';

/** Time for a request's head when the configuration sets none, where Envoy would wait for ever: long for an honest client, an end for one that holds connections. */
const HEADERS_TIMEOUT_MILLISECONDS = 60_000;
/** Time for the end of a finished response to a client whose HTTP/2 window stays shut, when the configuration sets none. */
const FLUSH_TIMEOUT_MILLISECONDS = 300_000;

/** Makes the filter; `filters` are the compiled HTTP filters in order. */
export function httpConnectionManager(config: HttpConnectionManagerConfig, place: NetworkFilterPlace, filters: readonly HttpFilterInstance[]): NetworkFilter {
  const { services, chain, listener } = place;
  const inline = config.routes.kind === 'inline' ? new RouteTable(config.routes.config) : null;
  const routeName = config.routes.kind === 'rds' ? config.routes.name : '';
  const context: ManagerContext = {
    config, services, filters, observers: services.observers(config, chain, listener), stats: managerStats(services, config.statPrefix),
    routeTable: () => inline ?? services.routeTable(routeName),
  };
  return new ConnectionManager(context);
}

/** The filter. Connections that it started serve their next request by its newest successor, so that a changed policy holds at once. */
class ConnectionManager implements NetworkFilter {
  readonly context: ManagerContext;
  #successor: ConnectionManager | null = null;

  constructor(context: ManagerContext) {
    this.context = context;
  }

  onConnection(connection: NetworkConnection): void {
    chooseCodec(this, connection);
  }

  succeedBy(next: NetworkFilter): void {
    if (next instanceof ConnectionManager && next !== this) this.#successor = next;
  }

  /** The manager in force now. */
  newest(): ConnectionManager {
    return this.#successor ? this.#successor.newest() : this;
  }
}

function chooseCodec(manager: ConnectionManager, connection: NetworkConnection): void {
  const { config } = manager.context;
  const { applicationProtocol: known } = connection;
  if (config.codec === 'http1' || known.startsWith('http/1')) startConnection(manager, connection, false);
  else if (config.codec === 'http2' || known === 'h2' || known === 'h2c') startConnection(manager, connection, true);
  else {
    readFirstBytes(connection.socket, false, true, config.idleTimeoutMilliseconds, (found) => {
      if (found) startConnection(manager, connection, found.applicationProtocols[0] === 'h2c');
      else connection.socket.destroy();
    });
  }
}

class ManagedConnection implements ServerConnectionCallbacks {
  #manager: ConnectionManager;
  readonly #connection: NetworkConnection;
  server: ServerConnection | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #lifeTimer: NodeJS.Timeout | null = null;

  constructor(manager: ConnectionManager, connection: NetworkConnection) {
    this.#manager = manager;
    this.#connection = connection;
    const { idleTimeoutMilliseconds, maximumConnectionDurationMilliseconds } = manager.context.config;
    if (idleTimeoutMilliseconds > 0) this.#idleTimer = setTimeout(() => this.#onIdle(), idleTimeoutMilliseconds);
    if (maximumConnectionDurationMilliseconds > 0) this.#lifeTimer = setTimeout(() => this.server?.shutdown(), maximumConnectionDurationMilliseconds);
  }

  newStream(encoder: ConstructorParameters<typeof ActiveStream>[2]): ActiveStream {
    this.#manager = this.#manager.newest();
    return new ActiveStream(this.#manager.context, this.#connection, encoder);
  }

  onProtocolError(_status: number, detail: string): void {
    const { stats, services } = this.#manager.context;
    stats.protocolErrors.add(1);
    if (this.server?.protocol === 'HTTP/2') services.stats.counter(http2Counter(detail)).add(1);
  }

  onActivity(activeStreams: number): void {
    if (activeStreams === 0) this.#idleTimer?.refresh();
    // A draining listener lets each connection finish what it has, and no more.
    if (this.#connection.draining) this.server?.shutdown();
  }

  #onIdle(): void {
    if ((this.server?.activeStreams ?? 0) === 0) this.server?.close();
    else this.#idleTimer?.refresh();
  }

  onClose(): void {
    if (this.#idleTimer) clearTimeout(this.#idleTimer);
    if (this.#lifeTimer) clearTimeout(this.#lifeTimer);
    this.#manager.context.stats.connectionsActive.add(-1);
  }
}

function startConnection(manager: ConnectionManager, connection: NetworkConnection, http2: boolean): void {
  const { config, stats, services: { drainGraceMilliseconds } } = manager.context;
  stats.connections.add(1);
  stats.connectionsActive.add(1);
  const managed = new ManagedConnection(manager, connection);
  const limits = { maximumHeadBytes: (config.maximumRequestHeadersKilobytes || 60) * 1024, maximumHeaders: config.maximumHeadersCount || 100 };
  const headersTimeoutMilliseconds = config.requestHeadersTimeoutMilliseconds || HEADERS_TIMEOUT_MILLISECONDS;
  managed.server = http2
    ? new Http2ServerConnection(connection.socket, managed, {
      limits, headersTimeoutMilliseconds, drainGraceMilliseconds, maximumConcurrentStreams: config.http2.maximumConcurrentStreams, allowConnect: config.http2.allowConnect,
      flushTimeoutMilliseconds: config.streamIdleTimeoutMilliseconds || FLUSH_TIMEOUT_MILLISECONDS, tuning: config.http2.tuning,
    })
    : new Http1ServerConnection(connection.socket, managed, { limits, acceptHttp10: config.acceptHttp10, headersTimeoutMilliseconds, drainGraceMilliseconds });
  connection.onDrain = () => managed.server?.shutdown();
  connection.finish = () => managed.server?.finish() ?? false;
  // An HTTP/2 client would see GOAWAY before its first request: that one is still served, and told after.
  if (connection.draining && !http2) managed.server.shutdown();
}
