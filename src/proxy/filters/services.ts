// What filters need from the data plane. One object for all of them, made by the listener folder.
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterManager } from '../cluster/cluster-manager.ts';
import type { FilterChainConfig, ListenerConfig } from '../config/runtime-config.ts';
import type { HttpConnectionManagerConfig, TcpProxyConfig } from '../config/filter-config.ts';
import type { RouteTable } from '../route/route-table.ts';
import type { StatsStore } from '../stream/stats-store.ts';
import type { PeerMetadata, StreamObserver } from '../stream/stream-info.ts';
import type { Upstream } from '../upstream/upstream.ts';

/** Makes the observers of one terminal filter; called when a listener is made. */
export type ObserverFactory = (filter: HttpConnectionManagerConfig | TcpProxyConfig, chain: FilterChainConfig, listener: ListenerConfig) => readonly StreamObserver[];

/** Services of the data plane. */
export interface FilterServices {
  readonly clusters: ClusterManager;
  readonly upstream: Upstream;
  readonly stats: StatsStore;
  readonly localWorkload: PeerMetadata;
  readonly localNodeId: string;
  /** The cluster that this proxy says it belongs to (`--serviceCluster`). */
  readonly localCluster: string;
  readonly observers: ObserverFactory;
  /** How long idle connections may still be used once a drain began. */
  readonly drainGraceMilliseconds: number;
  /** Route configurations by name, as they are now. */
  routeTable(name: string): RouteTable | undefined;
  now(): number;
  random(): number;
}

export type { Cluster };
