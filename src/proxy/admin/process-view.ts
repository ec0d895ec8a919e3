// What the admin interface and the agent see of the running proxy. Implemented by the program's wiring.
import type { HostDescription } from '../cluster/cluster-description.ts';
import type { StatsStore } from '../stream/stats-store.ts';
import type { Telemetry } from '../telemetry/index.ts';
import type { SecretDescription } from '../secrets/index.ts';
import type { AdsStatus, Configuration, ResourceStore } from '../xds/index.ts';

/** One cluster as shown. */
export interface ClusterView {
  readonly name: string;
  readonly hosts: readonly HostDescription[];
}

/** One listener as shown. */
export interface ListenerView {
  readonly name: string;
  readonly address: string;
  /** Connections that it holds now. */
  readonly connections: number;
}

/** Envoy's states of a server. */
export type ServerState = 'PRE_INITIALIZING' | 'INITIALIZING' | 'LIVE' | 'DRAINING';

/** What the agent's interfaces see of the proxy that they stand before, whether it runs in this process or is an Envoy beside it. */
export interface AgentView {
  /** Why the proxy is not ready; undefined when it is. */
  notReady(): string | undefined | Promise<string | undefined>;
  /** The proxy's own metrics in Prometheus' text format. */
  proxyMetrics(): string | Promise<string>;
  /** Lines for the agent's own metrics, of what else it does. */
  agentMetrics?(): readonly string[];
  secrets(): readonly SecretDescription[];
  ads(): AdsStatus;
  /** The hosts that the DNS server answers; absent where DNS is not captured. */
  names?(): object;
  /** What the debug page tells of configuration. */
  syncz(): object;
  /** Begins to drain; the process goes on. */
  drain(direction: 'inbound' | 'all'): void;
  /** Begins a graceful end of the process. */
  quit(): void;
}

/** The running proxy. */
export interface ProcessView extends AgentView {
  readonly version: string;
  readonly nodeId: string;
  readonly serviceCluster: string;
  readonly startedAt: number;
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly store: ResourceStore;
  readonly configuration: Configuration;
  readonly stats: StatsStore;
  readonly telemetry: Telemetry;
  state(): ServerState;
  notReady(): string | undefined;
  clusters(): readonly ClusterView[];
  listeners(): readonly ListenerView[];
  /** Fails (true) or restores readiness by hand. */
  failHealth(fail: boolean): void;
}
