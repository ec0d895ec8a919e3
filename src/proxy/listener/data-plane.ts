// The data plane as one thing: takes each RuntimeConfig and brings clusters, routes and listeners to it, changing only what changed. Made and fed by the proxy's
// index; it knows neither xDS nor the admin endpoint.
import type { RuntimeConfig } from '../config/runtime-config.ts';
import type { ClusterDescription } from '../cluster/cluster-description.ts';
import { FilterRuntime } from '../filters/filter-runtime.ts';
import type { ObserverFactory } from '../filters/services.ts';
import { InternalListeners } from '../net/internal-listeners.ts';
import { NO_ORIGINAL_DESTINATION, type OriginalDestination } from '../net/original-destination.ts';
import type { TransparentSockets } from '../net/transparent-sockets.ts';
import { NO_SECRETS, type SecretProvider } from '../net/secret-provider.ts';
import { StatsStore } from '../stream/stats-store.ts';
import { UNKNOWN_PEER } from '../stream/peer-metadata-codec.ts';
import type { PeerMetadata } from '../stream/stream-info.ts';
import { describeListeners, type ListenerDescription } from './listener-description.ts';
import { ListenerManager } from './listener-manager.ts';

/** What a data plane is made with. All parts have defaults. */
export interface DataPlaneOptions {
  readonly secrets?: SecretProvider;
  readonly observers?: ObserverFactory;
  readonly stats?: StatsStore;
  readonly localWorkload?: PeerMetadata;
  readonly localNodeId?: string;
  readonly localCluster?: string;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly originalDestination?: OriginalDestination;
  /** For interception mode TPROXY. */
  readonly transparent?: TransparentSockets;
  /** What connections have whose filter chain a change took away. */
  readonly drainMilliseconds?: number;
  /** How long idle connections may still be used once a drain began. */
  readonly drainGraceMilliseconds?: number;
  /** Told of sockets that could not be bound, after `apply` has returned; the bind is tried again. */
  readonly onBindError?: (rejection: DataPlaneRejection) => void;
}

/** A part of the configuration that is not in force; its last good state is. */
export interface DataPlaneRejection {
  readonly kind: 'listener' | 'route' | 'cluster';
  readonly name: string;
  readonly error: string;
}

/** A running data plane. */
export interface DataPlane {
  readonly stats: StatsStore;
  /** Brings everything to `config`; says what could not be. */
  apply(config: RuntimeConfig): { readonly rejected: readonly DataPlaneRejection[] };
  /** Whether all clusters know their endpoints and all listeners are bound with their certificates. */
  isReady(): boolean;
  /** Resolves when no bind is under way. */
  settled(): Promise<void>;
  /** Tells connections to finish; resolves when none is left or `timeoutMilliseconds` are over. */
  drain(options?: { readonly direction?: 'inbound' | 'outbound'; readonly timeoutMilliseconds?: number }): Promise<void>;
  /** Takes no more connections; resolves when no request is under way or `timeoutMilliseconds` are over. Bytes of TCP have no end to wait for. */
  finish(timeoutMilliseconds: number): Promise<void>;
  /** Ends everything now. */
  close(): void;
  clusters(): readonly ClusterDescription[];
  listeners(): readonly ListenerDescription[];
}

const DRAIN_MILLISECONDS = 5000;
const DRAIN_POLL_MILLISECONDS = 20;
/** Long enough for whoever still routes requests here to hear of the end, and shorter than the 5 s that a proxy has by default. */
const DRAIN_GRACE_MILLISECONDS = 3000;

/** Starts a data plane with nothing configured. */
export function createDataPlane(options: DataPlaneOptions = {}): DataPlane {
  return new RunningDataPlane(options);
}

class RunningDataPlane implements DataPlane {
  readonly stats: StatsStore;
  readonly #runtime: FilterRuntime;
  readonly #listeners: ListenerManager;
  #config: RuntimeConfig | null = null;

  constructor(options: DataPlaneOptions) {
    const secrets = options.secrets ?? NO_SECRETS;
    const internal = new InternalListeners();
    this.stats = options.stats ?? new StatsStore();
    this.#runtime = new FilterRuntime({
      secrets, internal, stats: this.stats, localWorkload: options.localWorkload ?? UNKNOWN_PEER, localNodeId: options.localNodeId ?? '', localCluster: options.localCluster ?? '', observers: options.observers ?? ((): [] => []), transparent: options.transparent ?? null,
      drainGraceMilliseconds: options.drainGraceMilliseconds ?? DRAIN_GRACE_MILLISECONDS,
      now: options.now ?? ((): number => performance.now()), random: options.random ?? Math.random,
    });
    this.#listeners = new ListenerManager({
      services: this.#runtime.services, secrets, internal, drainMilliseconds: options.drainMilliseconds ?? 45_000, originalDestination: options.originalDestination ?? NO_ORIGINAL_DESTINATION, transparent: options.transparent ?? null,
      onBindError: (rejection) => options.onBindError?.({ kind: 'listener', ...rejection }),
    });
  }

  apply(config: RuntimeConfig): { readonly rejected: readonly DataPlaneRejection[] } {
    // Clusters first and their removal last: a route must never name a cluster that is not there yet or no longer.
    const rejected: DataPlaneRejection[] = this.#runtime.apply(config);
    rejected.push(...this.#listeners.apply(config).map((rejection) => ({ kind: 'listener' as const, ...rejection })));
    this.#runtime.removeAbsent(config);
    this.#config = config;
    return { rejected };
  }

  isReady(): boolean {
    return this.#config !== null && this.#runtime.warmed && this.#listeners.ready;
  }

  settled(): Promise<void> {
    return this.#listeners.settled();
  }

  async drain({ direction, timeoutMilliseconds = DRAIN_MILLISECONDS }: { readonly direction?: 'inbound' | 'outbound'; readonly timeoutMilliseconds?: number } = {}): Promise<void> {
    const draining = this.#listeners.all().filter((listener) => direction === undefined || listener.config.direction === direction);
    for (const listener of draining) listener.drain();
    const end = performance.now() + timeoutMilliseconds;
    while (performance.now() < end && draining.some((listener) => listener.connectionCount > 0)) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLISECONDS));
    }
  }

  async finish(timeoutMilliseconds: number): Promise<void> {
    const end = performance.now() + timeoutMilliseconds;
    for (;;) {
      let busy = false;
      for (const listener of this.#listeners.all()) if (listener.finish()) busy = true;
      if (!busy || performance.now() >= end) return;
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MILLISECONDS));
    }
  }

  close(): void {
    this.#listeners.close();
    this.#runtime.close();
  }

  clusters(): readonly ClusterDescription[] {
    return this.#runtime.clusters();
  }

  listeners(): readonly ListenerDescription[] {
    return describeListeners(this.#listeners);
  }
}
