// A cluster as far as its health checks need it.
import type { ClusterConfig } from '../../config/runtime-config.ts';
import type { UpstreamTls } from '../../net/tls-contexts.ts';
import type { Host } from '../host.ts';

/** The cluster whose hosts are checked. */
export interface CheckedCluster {
  readonly name: string;
  readonly config: ClusterConfig;
  /** Whether there has been a connection of a request. */
  readonly carriedTraffic: boolean;
  tlsFor(host: Host): UpstreamTls | null;
  count(what: string): void;
  gauge(what: string, change: number): void;
}
