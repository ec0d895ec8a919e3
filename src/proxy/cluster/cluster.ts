// One cluster at run time: its hosts, the choice among them, limits, health by answers and statistics. Lives over configuration changes; the cluster manager
// gives it new configuration and endpoints.
import type { ClusterConfig, EndpointConfig, EndpointsConfig, UpstreamTlsConfig } from '../config/runtime-config.ts';
import { isIP } from 'node:net';
import type { SecretProvider } from '../net/secret-provider.ts';
import { UpstreamTls } from '../net/tls-contexts.ts';
import { splitAddress } from '../net/address.ts';
import type { StatsStore, Counter, Gauge } from '../stream/stats-store.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { DynamicHosts } from './dynamic-hosts.ts';
import { Host, hostKey, type HostReceiver } from './host.ts';
import { NameResolution } from './name-resolution.ts';
import { OutlierDetector } from './outlier-detector.ts';
import { PrioritySet, type LocalityHosts } from './priority-set.ts';

/** What a host is chosen by. */
export interface PickContext {
  readonly hash: bigint | null;
  /** 0 for the first try. */
  readonly attempt: number;
  /** Hosts that were tried before, to be avoided. */
  readonly avoid: readonly Host[];
  readonly hostSelectionAttempts: number;
  /** `host:port` that the request names, for dynamic_forward_proxy. */
  readonly authority: string;
  /** `address:port` that the connection was made to, for original_dst. */
  readonly originalDestination: string;
}

/** What a cluster needs from its surroundings. */
export interface ClusterEnvironment {
  readonly secrets: SecretProvider;
  readonly stats: StatsStore;
  now(): number;
  random(): number;
}

const NO_ENDPOINTS: EndpointsConfig = { localities: [], overprovisioningPercent: 140, digest: '' };

/** A cluster. */
export class Cluster {
  config: ClusterConfig;
  readonly breakers: { readonly default: CircuitBreaker; readonly high: CircuitBreaker };
  /** Streams that wait or run, for readers of `drain`. */
  activeStreams = 0;
  readonly #environment: ClusterEnvironment;
  #hosts = new Map<string, Host>();
  #endpoints: EndpointsConfig | null = null;
  #localities: LocalityHosts[] = [];
  #set: PrioritySet | null = null;
  #outliers: OutlierDetector | null = null;
  #names: NameResolution | null = null;
  #dynamic: DynamicHosts | null = null;
  #tls = new Map<UpstreamTlsConfig, UpstreamTls>();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();

  constructor(config: ClusterConfig, environment: ClusterEnvironment) {
    this.config = config;
    this.#environment = environment;
    this.breakers = { default: new CircuitBreaker(config.circuitBreakers.default), high: new CircuitBreaker(config.circuitBreakers.high) };
    this.#start();
  }

  get name(): string {
    return this.config.name;
  }

  /** All hosts. */
  get hosts(): readonly Host[] {
    return this.#dynamic ? [...this.#dynamic.hosts()] : [...this.#hosts.values()];
  }

  /** Whether endpoints are known (even if there are none). */
  get warmed(): boolean {
    if (this.#dynamic) return true;
    return this.#endpoints !== null && (this.#names?.warmed ?? true);
  }

  /** Adds to a statistic, `cluster.<name>.<what>`. */
  count(what: string, amount = 1): void {
    let counter = this.#counters.get(what);
    if (!counter) this.#counters.set(what, counter = this.#environment.stats.counter(`cluster.${this.config.statName}.${what}`));
    counter.add(amount);
  }

  /** Changes a gauge, `cluster.<name>.<what>`. */
  gauge(what: string, change: number): void {
    let gauge = this.#gauges.get(what);
    if (!gauge) this.#gauges.set(what, gauge = this.#environment.stats.gauge(`cluster.${this.config.statName}.${what}`));
    gauge.add(change);
  }

  /** Takes a new configuration of the same name. Hosts stay; their connections go when what they were made with changed. */
  configure(config: ClusterConfig): void {
    const before = this.config;
    this.config = config;
    this.breakers.default.configure(config.circuitBreakers.default);
    this.breakers.high.configure(config.circuitBreakers.high);
    for (const tls of this.#tls.values()) tls.close();
    this.#tls = new Map();
    if (JSON.stringify(transportOf(before)) !== JSON.stringify(transportOf(config))) this.#drainPools();
    this.#set = null;
    if (before.discovery !== config.discovery) this.#retireAll();
    this.#start();
  }

  #start(): void {
    const { config } = this;
    this.#configureOutliers();
    this.#names?.close();
    this.#names = null;
    const dynamic = config.discovery === 'original_dst' || config.discovery === 'dynamic_forward_proxy';
    if (dynamic) this.#dynamic ??= new DynamicHosts(config.discovery === 'dynamic_forward_proxy', config.dnsFamilies, () => this.#environment.now());
    else {
      this.#dynamic?.close();
      this.#dynamic = null;
    }
    if (config.discovery === 'strict_dns' || config.discovery === 'logical_dns') {
      this.#names = new NameResolution(config, (resolved) => this.setEndpoints(resolved));
      this.#names.start();
    } else if (config.discovery === 'static') this.setEndpoints(config.staticEndpoints ?? NO_ENDPOINTS);
    else if (this.#endpoints) this.#rebuild(this.#endpoints);
  }

  #configureOutliers(): void {
    const { outlierDetection } = this.config;
    if (!outlierDetection) {
      this.#outliers?.close();
      this.#outliers = null;
    } else if (this.#outliers) this.#outliers.configure(outlierDetection);
    else this.#outliers = new OutlierDetector(outlierDetection, () => this.#hosts.values(), (host) => this.#onHealthChange(host), this.#environment);
  }

  #onHealthChange(host: Host): void {
    this.#set = null;
    this.gauge('outlier_detection.ejections_active', host.ejected ? 1 : -1);
    if (host.ejected) this.count('outlier_detection.ejections_enforced_total');
  }

  /** Takes new endpoints; those that stay keep their connections. */
  setEndpoints(endpoints: EndpointsConfig): void {
    if (this.#endpoints?.digest === endpoints.digest && endpoints.digest !== '') return;
    this.#rebuild(endpoints);
  }

  #rebuild(endpoints: EndpointsConfig): void {
    this.#endpoints = endpoints;
    const hosts = new Map<string, Host>();
    this.#localities = endpoints.localities.map(({ locality, priority, weight, endpoints: list }) => ({
      priority, weight, hosts: list.map((endpoint) => {
        const host = this.#hostOf(endpoint, hosts);
        host.locality = locality;
        host.priority = priority;
        return host;
      }),
    }));
    for (const [key, host] of this.#hosts) if (!hosts.has(key)) host.retire();
    this.#hosts = hosts;
    this.#set = null;
  }

  #hostOf(endpoint: EndpointConfig, hosts: Map<string, Host>): Host {
    const key = hostKey(endpoint, endpoint.address);
    const host = hosts.get(key) ?? this.#hosts.get(key) ?? new Host(endpoint, endpoint.address, this.#environment.now());
    host.endpoint = endpoint;
    hosts.set(key, host);
    return host;
  }

  /** Chooses a host for `receiver`. */
  choose(context: PickContext, receiver: HostReceiver): void {
    if (this.#dynamic) {
      const wanted = this.config.discovery === 'original_dst' ? context.originalDestination : context.authority;
      const { host, port } = splitAddress(wanted);
      if (host === '' || (this.config.discovery === 'original_dst' && isIP(host) === 0)) receiver.onHost(null);
      else this.#dynamic.find(host, port === 0 ? 80 : port, receiver);
      return;
    }
    receiver.onHost(this.#pick(context));
  }

  #pick(context: PickContext): Host | null {
    this.#set ??= new PrioritySet(this.config, this.#localities, this.#endpoints?.overprovisioningPercent ?? 140, () => this.#environment.random());
    if (this.#set.inPanic) this.count('lb_healthy_panic');
    let host = this.#set.pick(context.hash, context.attempt);
    // A retry avoids hosts that were tried, for a bounded number of draws; then any will do.
    for (let draw = 1; host && context.avoid.includes(host) && draw < context.hostSelectionAttempts; draw += 1) host = this.#set.pick(context.hash, context.attempt + draw);
    return host;
  }

  /** The TLS of connections to `host`; null for none. */
  tlsFor(host: Host): UpstreamTls | null {
    const { transportSocketMatches, defaultTls } = this.config;
    const { transportSocketMatch } = host.endpoint;
    const match = transportSocketMatches.find(({ criteria }) => Object.entries(criteria).every(([key, value]) => transportSocketMatch[key] === value));
    const config = match ? match.tls : defaultTls;
    if (config === null) return null;
    let tls = this.#tls.get(config);
    if (!tls) this.#tls.set(config, tls = new UpstreamTls(config, this.#environment.secrets));
    return tls;
  }

  /** Takes note of an answer of `host`. */
  reportStatus(host: Host, status: number): void {
    this.#outliers?.report(host, status);
  }

  /** Takes note of a connection to `host`, or a request without an answer. */
  reportLocalOrigin(host: Host, failed: boolean): void {
    this.#outliers?.reportLocalOrigin(host, failed);
  }

  #drainPools(): void {
    for (const host of this.hosts) {
      for (const pool of host.pools.values()) pool.drain();
      host.pools.clear();
    }
  }

  #retireAll(): void {
    for (const host of this.#hosts.values()) host.retire();
    this.#hosts = new Map();
    this.#localities = [];
    this.#endpoints = null;
  }

  /** Ends the cluster; streams under way finish. */
  close(): void {
    this.#outliers?.close();
    this.#names?.close();
    this.#dynamic?.close();
    this.#retireAll();
    for (const tls of this.#tls.values()) tls.close();
    this.#environment.stats.removePrefix(`cluster.${this.config.statName}.`);
  }
}

function transportOf(config: ClusterConfig): unknown {
  const { protocol, transportSocketMatches, defaultTls, sourceAddresses } = config;
  return { protocol, transportSocketMatches, defaultTls, sourceAddresses };
}
