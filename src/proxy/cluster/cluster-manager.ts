// All clusters of a data plane. `apply` touches only those whose digest changed; a cluster that cannot be made keeps its last good state.
import { describeError } from '../../shared/lib/index.ts';
import type { ClusterConfig, EndpointsConfig, RuntimeConfig } from '../config/runtime-config.ts';
import { compileNameCheck } from '../net/peer-certificate.ts';
import { Cluster, type ClusterEnvironment } from './cluster.ts';

/** A part of the configuration that is not in force, and why. */
export interface Rejection { readonly name: string; readonly error: string }

/** The clusters by name. */
export class ClusterManager {
  readonly #environment: ClusterEnvironment;
  readonly #clusters = new Map<string, Cluster>();

  constructor(environment: Omit<ClusterEnvironment, 'find'>) {
    this.#environment = { ...environment, now: () => environment.now(), random: () => environment.random(), find: (name) => this.#clusters.get(name) };
    environment.stats.beforeSnapshot(() => {
      for (const cluster of this.#clusters.values()) cluster.publish();
    });
  }

  get(name: string): Cluster | undefined {
    return this.#clusters.get(name);
  }

  /** All clusters. */
  all(): Iterable<Cluster> {
    return this.#clusters.values();
  }

  /** Brings clusters and endpoints to `config`. */
  apply(config: RuntimeConfig): Rejection[] {
    const rejected: Rejection[] = [];
    for (const cluster of Object.values(config.clusters)) {
      try {
        this.#applyCluster(cluster);
      } catch (error) {
        rejected.push({ name: cluster.name, error: describeError(error) });
      }
    }
    for (const cluster of this.#clusters.values()) this.#applyEndpoints(cluster, config.endpoints);
    return rejected;
  }

  /** Removes clusters that `config` no longer has; called after listeners and routes have left them. */
  removeAbsent(config: RuntimeConfig): void {
    for (const [name, cluster] of this.#clusters) {
      if (config.clusters[name]) continue;
      this.#clusters.delete(name);
      cluster.close();
    }
  }

  #applyCluster(config: ClusterConfig): void {
    const present = this.#clusters.get(config.name);
    if (present?.config.digest === config.digest) return;
    for (const tls of [config.defaultTls, ...config.transportSocketMatches.map((match) => match.tls)]) if (tls) compileNameCheck(tls.validation);
    if (present) present.configure(config);
    else this.#clusters.set(config.name, new Cluster(config, this.#environment));
  }

  #applyEndpoints(cluster: Cluster, endpoints: Readonly<Record<string, EndpointsConfig>>): void {
    if (cluster.config.discovery !== 'eds') return;
    const found = endpoints[cluster.config.endpointsName];
    if (found) cluster.setEndpoints(found);
  }

  /** Ends all clusters. */
  close(): void {
    for (const cluster of this.#clusters.values()) cluster.close();
    this.#clusters.clear();
  }
}
