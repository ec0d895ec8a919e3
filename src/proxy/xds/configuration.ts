// From accepted resources to the running configuration: assembles after every change, gives the result to the data plane, and knows which
// further resources are needed. Warming ends after a limit, so that one answer that never comes does not hold back all else.
import { createLogger } from '../../shared/observability/index.ts';
import {
  assembleRuntimeConfig, EMPTY_RUNTIME_CONFIG, extensionsOfListener, routeNamesOf, secretNamesOfCluster, secretNamesOfListener,
  type Assembly, type ClusterConfig, type EndpointsConfig, type ExtensionConfig, type ListenerConfig, type RouteConfig, type RuntimeConfig,
} from '../config/index.ts';
import type { ResourceStore } from './resource-store.ts';

/** Names to subscribe to, that follow from clusters and listeners. */
export interface Interest {
  readonly endpoints: ReadonlySet<string>;
  readonly routes: ReadonlySet<string>;
  readonly secrets: ReadonlySet<string>;
  readonly extensions: ReadonlySet<string>;
}

/** What the data plane could not do of a configuration, by resource name. */
export interface ApplyOutcome {
  readonly rejected: readonly { readonly name: string; readonly error: string }[];
}

/** Joints of a configuration. */
export interface ConfigurationOptions {
  readonly store: ResourceStore;
  readonly hasSecret: (name: string) => boolean;
  readonly apply: (config: RuntimeConfig) => ApplyOutcome;
  /** Time after which a resource that does not come is taken as empty; Envoy's initial fetch timeout. */
  readonly warmingLimitMilliseconds?: number;
}

const NO_ENDPOINTS: EndpointsConfig = { localities: [], overprovisioningPercent: 140, digest: 'none' };
const NO_MUTATIONS = { requestAdd: [], requestRemove: [], responseAdd: [], responseRemove: [] };

/** Builds and applies configurations. */
export class Configuration {
  readonly #options: ConfigurationOptions;
  readonly #limit: number;
  readonly #log = createLogger('configuration');
  /** Since when each missing resource is waited for. */
  readonly #waiting = new Map<string, number>();
  #assembly: Assembly = { config: EMPTY_RUNTIME_CONFIG, warmingClusters: [], warmingListeners: [] };
  #rejected: ApplyOutcome['rejected'] = [];
  /** Listeners have come and are held back until the first clusters are whole. */
  #listenersWait = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ConfigurationOptions) {
    this.#options = options;
    this.#limit = options.warmingLimitMilliseconds ?? 15_000;
  }

  /** The configuration in force. */
  get current(): RuntimeConfig {
    return this.#assembly.config;
  }

  /** Names of clusters and listeners that wait for something. */
  get warming(): { readonly clusters: readonly string[]; readonly listeners: readonly string[] } {
    return { clusters: this.#assembly.warmingClusters, listeners: this.#assembly.warmingListeners };
  }

  /** What the data plane could not do of the configuration in force. */
  get rejected(): ApplyOutcome['rejected'] {
    return this.#rejected;
  }

  /** Whether the first clusters and listeners have come and work. */
  isComplete(): boolean {
    return this.isInForce() && this.#assembly.warmingListeners.length === 0;
  }

  /** Whether the first clusters and listeners have come, and all that can work does. */
  isInForce(): boolean {
    const { clusters, listeners } = this.#options.store;
    return clusters.received && listeners.received && !this.#listenersWait && this.#assembly.config.number > 0;
  }

  /** Assembles anew and applies the result if it differs from what is in force. */
  update(): ApplyOutcome['rejected'] {
    const { store } = this.#options;
    const now = Date.now();
    const clusters = store.clusters.configs();
    // Until the first clusters are whole, listeners wait: a listener without its clusters would refuse requests.
    const listeners = store.clusters.received ? store.listeners.configs() : new Map<string, ListenerConfig>();
    const endpointNames = new Set([...clusters.values()].filter((cluster) => cluster.discovery === 'eds').map((cluster) => cluster.endpointsName));
    const routeNames = new Set([...listeners.values()].flatMap(routeNamesOf));
    const extensionNames = extensionNamesOf(listeners.values());
    this.#forgetUnwanted(endpointNames, routeNames, extensionNames);
    const clustersAreReady = this.#clustersAreReady(clusters, now);
    this.#listenersWait = !clustersAreReady && listeners.size > 0;
    const assembly = assembleRuntimeConfig({
      clusters,
      listeners: clustersAreReady ? listeners : new Map(Object.entries(this.current.listeners)),
      endpoints: this.#withEmpty(store.endpoints.configs(), endpointNames, 'endpoints', () => NO_ENDPOINTS, now),
      routes: this.#withEmpty(store.routes.configs(), routeNames, 'routes', emptyRoutes, now),
      extensions: this.#withEmpty(this.#knownExtensions(), extensionNames, 'extensions', () => null, now),
      hasSecret: this.#options.hasSecret,
    }, this.current);
    this.#scheduleLimit(now);
    if (sameConfig(assembly.config, this.current)) {
      this.#assembly = { ...assembly, config: this.current };
      return this.#rejected;
    }
    this.#assembly = assembly;
    this.#rejected = this.#options.apply(assembly.config).rejected;
    this.#log.debug({
      number: assembly.config.number, listeners: Object.keys(assembly.config.listeners).length, clusters: Object.keys(assembly.config.clusters).length,
      warmingClusters: assembly.warmingClusters, warmingListeners: assembly.warmingListeners,
    }, 'configuration was applied');
    for (const { name, error } of this.#rejected) this.#log.error({ name, error }, 'the data plane can not do part of the configuration');
    return this.#rejected;
  }

  /** What has to be subscribed to: for what is accepted, and for what is still in force while that warms. */
  interest(): Interest {
    const { store } = this.#options;
    const clusters: ClusterConfig[] = [...store.clusters.configs().values(), ...Object.values(this.current.clusters)];
    const listeners: ListenerConfig[] = [...store.listeners.configs().values(), ...Object.values(this.current.listeners)];
    return {
      endpoints: new Set(clusters.filter((cluster) => cluster.discovery === 'eds').map((cluster) => cluster.endpointsName)),
      routes: new Set(listeners.flatMap(routeNamesOf)),
      secrets: new Set([...clusters.flatMap(secretNamesOfCluster), ...listeners.flatMap(secretNamesOfListener)]),
      extensions: extensionNamesOf(store.listeners.configs().values()),
    };
  }

  /** What was refused and has no predecessor is not waited for. */
  #knownExtensions(): ReadonlyMap<string, ExtensionConfig | null> {
    const { extensions } = this.#options.store;
    return new Map<string, ExtensionConfig | null>([...[...extensions.refused.keys()].map((name): [string, null] => [name, null]), ...extensions.configs()]);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Once listeners run, clusters that warm hold back nobody. */
  #clustersAreReady(clusters: ReadonlyMap<string, ClusterConfig>, now: number): boolean {
    if (Object.keys(this.current.listeners).length > 0) return true;
    const known = this.#options.store.endpoints.entries;
    return [...clusters.values()].every((cluster) => cluster.discovery !== 'eds' || known.has(cluster.endpointsName) || this.#overdue(`endpoints/${cluster.endpointsName}`, now));
  }

  /** `known`, with an empty resource for each wanted name that has been waited for too long. */
  #withEmpty<T>(known: ReadonlyMap<string, T>, wanted: ReadonlySet<string>, kind: string, empty: (name: string) => T, now: number): ReadonlyMap<string, T> {
    const result = new Map(known);
    for (const name of wanted) {
      if (known.has(name)) this.#waiting.delete(`${kind}/${name}`);
      else if (this.#overdue(`${kind}/${name}`, now)) result.set(name, empty(name));
    }
    return result;
  }

  /** A name that nobody wants now starts its wait anew when it comes back. */
  #forgetUnwanted(endpoints: ReadonlySet<string>, routes: ReadonlySet<string>, extensions: ReadonlySet<string>): void {
    const wanted = new Set([...[...endpoints].map((name) => `endpoints/${name}`), ...[...routes].map((name) => `routes/${name}`), ...[...extensions].map((name) => `extensions/${name}`)]);
    for (const key of this.#waiting.keys()) if (!wanted.has(key)) this.#waiting.delete(key);
  }

  #overdue(key: string, now: number): boolean {
    const since = this.#waiting.get(key);
    if (since === undefined) this.#waiting.set(key, now);
    return since !== undefined && now - since >= this.#limit;
  }

  #scheduleLimit(now: number): void {
    clearTimeout(this.#timer);
    const pending = [...this.#waiting.values()].filter((since) => now - since < this.#limit);
    if (pending.length === 0) return;
    this.#timer = setTimeout(() => void this.update(), Math.max(10, Math.min(...pending) + this.#limit - now + 1));
    this.#timer.unref();
  }
}

function emptyRoutes(name: string): RouteConfig {
  return { name, virtualHosts: [], headerMutations: NO_MUTATIONS, mostSpecificHeaderMutationsWin: false, ignorePortInHostMatching: false, digest: 'none' };
}

function extensionNamesOf(listeners: Iterable<ListenerConfig>): ReadonlySet<string> {
  return new Set([...listeners].flatMap(extensionsOfListener).map(({ name }) => name));
}

function sameConfig(left: RuntimeConfig, right: RuntimeConfig): boolean {
  return right.number > 0 && (['listeners', 'routes', 'clusters', 'endpoints'] as const).every((kind) => sameEntries(left[kind], right[kind]));
}

function sameEntries(left: Readonly<Record<string, { readonly digest: string }>>, right: Readonly<Record<string, { readonly digest: string }>>): boolean {
  const names = Object.keys(left);
  return names.length === Object.keys(right).length && names.every((name) => left[name]?.digest === right[name]?.digest);
}
