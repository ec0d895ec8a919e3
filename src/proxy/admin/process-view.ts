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

/** The running proxy. */
export interface ProcessView {
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
  /** Why the proxy is not ready; undefined when it is. */
  notReady(): string | undefined;
  clusters(): readonly ClusterView[];
  listeners(): readonly ListenerView[];
  secrets(): readonly SecretDescription[];
  ads(): AdsStatus;
  /** Begins to drain; the process goes on. */
  drain(direction: 'inbound' | 'all'): void;
  /** Fails (true) or restores readiness by hand. */
  failHealth(fail: boolean): void;
  /** Begins a graceful end of the process. */
  quit(): void;
}
