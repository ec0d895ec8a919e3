// What stands behind the filters: clusters, pools and compiled routes, brought to each configuration. Owned by the data plane, which knows only this of them.
import { describeError } from '../../shared/lib/index.ts';
import { ClusterManager } from '../cluster/cluster-manager.ts';
import type { RuntimeConfig } from '../config/runtime-config.ts';
import type { InternalListeners } from '../net/internal-listeners.ts';
import type { SecretProvider } from '../net/secret-provider.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import { RouteTable } from '../route/route-table.ts';
import type { StatsStore } from '../stream/stats-store.ts';
import type { PeerMetadata } from '../stream/stream-info.ts';
import { Upstream } from '../upstream/upstream.ts';
import { describeClusters, type ClusterDescription } from '../cluster/cluster-description.ts';
import type { FilterServices, ObserverFactory } from './services.ts';

/** What the runtime is made with. */
export interface FilterRuntimeOptions {
  readonly secrets: SecretProvider;
  readonly internal: InternalListeners;
  readonly stats: StatsStore;
  readonly localWorkload: PeerMetadata;
  readonly localNodeId: string;
  readonly localCluster: string;
  readonly observers: ObserverFactory;
  readonly transparent: TransparentSockets | null;
  readonly drainGraceMilliseconds: number;
  readonly now: () => number;
  readonly random: () => number;
}

/** A cluster or route configuration that is not in force, and why. */
export interface RuntimeRejection { readonly kind: 'cluster' | 'route'; readonly name: string; readonly error: string }

/** Clusters, pools and routes. */
export class FilterRuntime {
  readonly services: FilterServices;
  readonly #clusters: ClusterManager;
  readonly #upstream: Upstream;
  #routes = new Map<string, RouteTable>();

  constructor(options: FilterRuntimeOptions) {
    const { secrets, internal, stats, now, random } = options;
    this.#clusters = new ClusterManager({ secrets, stats, now, random });
    this.#upstream = new Upstream(internal, now, options.localWorkload, options.transparent);
    this.services = {
      clusters: this.#clusters, upstream: this.#upstream, stats, localWorkload: options.localWorkload, localNodeId: options.localNodeId, localCluster: options.localCluster, observers: options.observers,
      drainGraceMilliseconds: options.drainGraceMilliseconds,
      routeTable: (name) => this.#routes.get(name), now, random,
    };
  }

  /** Whether every cluster knows its endpoints. */
  get warmed(): boolean {
    for (const cluster of this.#clusters.all()) if (!cluster.warmed) return false;
    return true;
  }

  /** Brings clusters and routes to `config`; clusters that it no longer has stay until `removeAbsent`. */
  apply(config: RuntimeConfig): RuntimeRejection[] {
    const rejected: RuntimeRejection[] = this.#clusters.apply(config).map((rejection) => ({ kind: 'cluster', ...rejection }));
    return [...rejected, ...this.#applyRoutes(config)];
  }

  #applyRoutes(config: RuntimeConfig): RuntimeRejection[] {
    const rejected: RuntimeRejection[] = [];
    const routes = new Map<string, RouteTable>();
    for (const [name, route] of Object.entries(config.routes)) {
      const present = this.#routes.get(name);
      if (present && present.config.digest === route.digest) {
        routes.set(name, present);
        continue;
      }
      try {
        routes.set(name, new RouteTable(route));
      } catch (error) {
        rejected.push({ kind: 'route', name, error: describeError(error) });
        if (present) routes.set(name, present);
      }
    }
    this.#routes = routes;
    return rejected;
  }

  /** Removes clusters that `config` no longer has. */
  removeAbsent(config: RuntimeConfig): void {
    this.#clusters.removeAbsent(config);
  }

  clusters(): readonly ClusterDescription[] {
    return describeClusters(this.#clusters);
  }

  close(): void {
    this.#upstream.close();
    this.#clusters.close();
  }
}
