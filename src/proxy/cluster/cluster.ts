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
import { chooseAmong } from './balancing/aggregate-choice.ts';
import { groupHosts, type LocalityHosts } from './balancing/host-groups.ts';
import { findOverride } from './balancing/override-host.ts';
import type { BalancerOptions } from './balancing/balancer-options.ts';
import { PriorityBalancer } from './balancing/priority-balancer.ts';
import { SubsetBalancer } from './balancing/subset-balancer.ts';
import { HealthChecks } from './health/health-checks.ts';
import { publishMembership } from './membership-stats.ts';
import type { PickContext } from './pick-context.ts';

/** What a cluster needs from its surroundings. */
export interface ClusterEnvironment {
  readonly secrets: SecretProvider;
  readonly stats: StatsStore;
  now(): number;
  random(): number;
  /** Another cluster, for those that stand for several. */
  find(name: string): Cluster | undefined;
}

export type { PickContext } from './pick-context.ts';

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
  #whole: PriorityBalancer | null = null;
  #subsets: SubsetBalancer | null = null;
  #healthChecks: HealthChecks | null = null;
  #outliers: OutlierDetector | null = null;
  #names: NameResolution | null = null;
  #dynamic: DynamicHosts | null = null;
  #tls = new Map<UpstreamTlsConfig, UpstreamTls>();
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();

  constructor(config: ClusterConfig, environment: ClusterEnvironment) {
    this.config = config;
    this.#environment = environment;
    const breaker = (priority: 'default' | 'high'): CircuitBreaker => new CircuitBreaker(config.circuitBreakers[priority], environment.stats, `cluster.${config.statName}.circuit_breakers.${priority}.`);
    this.breakers = { default: breaker('default'), high: breaker('high') };
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
    if (this.#dynamic || this.config.discovery === 'aggregate') return true;
    return this.#endpoints !== null && (this.#names?.warmed ?? true) && (this.#healthChecks?.warmed ?? true);
  }

  /** Whether there has been a connection of a request. */
  get carriedTraffic(): boolean {
    return (this.#counters.get('upstream_cx_total')?.value ?? 0) > 0;
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
    this.#forgetChoice();
    if (before.discovery !== config.discovery) this.#retireAll();
    this.#start();
  }

  #start(): void {
    const { config } = this;
    this.#configureOutliers();
    this.#configureHealthChecks();
    this.#names?.close();
    this.#names = null;
    const dynamic = config.discovery === 'original_dst' || config.discovery === 'dynamic_forward_proxy';
    if (dynamic) this.#dynamic ??= new DynamicHosts(config.discovery === 'dynamic_forward_proxy', config.dnsFamilies, () => this.#environment.now());
    else {
      this.#dynamic?.close();
      this.#dynamic = null;
    }
    if (config.discovery === 'strict_dns' || config.discovery === 'logical_dns') {
      this.#names = new NameResolution(config, { onEndpoints: (resolved) => this.setEndpoints(resolved), count: (what) => this.count(what), random: () => this.#environment.random() });
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
    else {
      this.#outliers = new OutlierDetector(outlierDetection, {
        now: () => this.#environment.now(), random: () => this.#environment.random(), hosts: () => this.hosts,
        onChange: (host) => this.#onEjectionChange(host), count: (what) => this.count(`outlier_detection.${what}`),
      });
    }
  }

  #onEjectionChange(host: Host): void {
    this.#forgetChoice();
    this.gauge('outlier_detection.ejections_active', host.ejected ? 1 : -1);
  }

  #configureHealthChecks(): void {
    const { healthChecks } = this.config;
    this.#healthChecks?.close();
    this.#healthChecks = null;
    if (healthChecks.length === 0) {
      for (const host of this.#hosts.values()) host.checked = 'unknown';
      for (const host of [...this.#hosts.values()]) if (host.pendingRemoval) this.#onHealthChecked(host, true);
      return;
    }
    this.#healthChecks = new HealthChecks(this, healthChecks, this.#environment, {
      onChange: (host, changed) => this.#onHealthChecked(host, changed), onSuccess: (host) => this.#outliers?.onHealthCheckSuccess(host),
    });
    for (const host of this.#hosts.values()) this.#healthChecks.add(host, true);
  }

  #onHealthChecked(host: Host, failed: boolean): void {
    this.#forgetChoice();
    if (failed && this.config.closeConnectionsOnHealthFailure) host.closeConnections();
    if (!failed || !host.pendingRemoval) return;
    // Discovery has left it out before; now its health checks say so too.
    this.#hosts.delete(host.key);
    this.#localities = this.#localities.map((locality) => ({ ...locality, hosts: locality.hosts.filter((other) => other !== host) }));
    this.#leave(host);
  }

  #leave(host: Host): void {
    if (host.ejected) this.gauge('outlier_detection.ejections_active', -1);
    this.#healthChecks?.remove(host);
    host.retire();
  }

  #forgetChoice(): void {
    this.#whole = null;
    this.#subsets = null;
  }

  /** Takes new endpoints; those that stay keep their connections. */
  setEndpoints(endpoints: EndpointsConfig): void {
    if (this.#endpoints?.digest === endpoints.digest && endpoints.digest !== '') return;
    this.#rebuild(endpoints);
  }

  #rebuild(endpoints: EndpointsConfig): void {
    this.#endpoints = endpoints;
    const hosts = new Map<string, Host>();
    if (this.#counters.size > 0) this.count('membership_change');
    const localities = endpoints.localities.map(({ locality, priority, weight, endpoints: list }) => ({
      locality, priority, weight, hosts: list.map((endpoint) => {
        const host = this.#hostOf(endpoint, hosts);
        host.locality = locality;
        host.priority = priority;
        return host;
      }),
    }));
    this.#localities = this.#keepHealthy(localities, hosts);
    const before = this.#hosts;
    this.#hosts = hosts;
    for (const [key, host] of before) if (!hosts.has(key)) this.#leave(host);
    for (const [key, host] of hosts) if (!before.has(key)) this.#healthChecks?.add(host, false);
    this.#forgetChoice();
  }

  /** Endpoints that discovery leaves out while their health checks succeed stay, where health checks are. */
  #keepHealthy(localities: readonly LocalityHosts[], hosts: Map<string, Host>): LocalityHosts[] {
    for (const host of hosts.values()) host.pendingRemoval = false;
    if (!this.#healthChecks || this.config.ignoreHealthOnHostRemoval || this.config.discovery === 'static') return [...localities];
    const kept = [...this.#hosts.values()].filter((host) => !hosts.has(host.key) && (host.checked === 'healthy' || host.checked === 'degraded') && host.endpoint.health !== 'unhealthy');
    const result = localities.map((locality) => ({ ...locality, hosts: [...locality.hosts] }));
    for (const host of kept) {
      host.pendingRemoval = true;
      hosts.set(host.key, host);
      const present = result.find(({ locality, priority }) => locality === host.locality && priority === host.priority);
      if (present) present.hosts.push(host);
      else result.push({ locality: host.locality, priority: host.priority, weight: 1, hosts: [host] });
    }
    return result;
  }

  #hostOf(endpoint: EndpointConfig, hosts: Map<string, Host>): Host {
    const key = hostKey(endpoint, endpoint.address);
    const host = hosts.get(key) ?? this.#hosts.get(key) ?? new Host(endpoint, endpoint.address, this.#environment.now());
    // Health that discovery tells anew counts as coming.
    if (host.endpoint.health !== 'healthy' && endpoint.health === 'healthy') host.usableSinceMilliseconds = this.#environment.now();
    host.endpoint = endpoint;
    hosts.set(key, host);
    return host;
  }

  /** Chooses a host for `receiver`. */
  choose(context: PickContext, receiver: HostReceiver<Cluster>): void {
    if (this.config.discovery === 'aggregate') {
      const chosen = chooseAmong(this.#members(), this.config.panicThresholdPercent, context, () => this.#environment.random());
      receiver.onHost(chosen?.host ?? null, chosen?.cluster ?? this);
    }
    else if (this.#dynamic) this.#chooseNamed(this.#dynamic, context, receiver);
    else receiver.onHost(this.pick(context), this);
  }

  /** The clusters of an aggregate that are there. */
  #members(): Cluster[] {
    return this.config.aggregateOf.flatMap((name) => {
      const cluster = this.#environment.find(name);
      return cluster && cluster !== this ? [cluster] : [];
    });
  }

  #chooseNamed(dynamic: DynamicHosts, context: PickContext, receiver: HostReceiver<Cluster>): void {
    const { discovery, originalDestination: { header, portOverride } } = this.config;
    const byAddress = discovery === 'original_dst';
    const override = byAddress && header !== null ? context.header?.(header) : undefined;
    const { host, port } = splitAddress(byAddress ? override ?? context.originalDestination : context.authority);
    if (host === '' || (byAddress && (isIP(host) === 0 || (override !== undefined && port === 0)))) {
      if (byAddress && override !== undefined) this.count('original_dst_host_invalid');
      receiver.onHost(null, this);
    } else dynamic.find(host, (byAddress ? portOverride : null) ?? (port === 0 ? 80 : port), { onHost: (found) => receiver.onHost(found, this) });
  }

  /** A host of a cluster that knows its hosts. */
  pick(context: PickContext): Host | null {
    if (context.override) {
      const host = findOverride(this.#hosts, context.override.addresses, this.config.loadBalancing.overrideStatuses);
      if (host || context.override.strict) return host;
    }
    const whole = this.balancer;
    const { subsets } = this.config.loadBalancing;
    if (!subsets) return whole.pick(context);
    this.#subsets ??= new SubsetBalancer(subsets, this.#localities, whole, this.#options());
    return this.#subsets.pick(context);
  }

  /** The balancer over all hosts, as their health is now. */
  get balancer(): PriorityBalancer {
    return this.#whole ??= new PriorityBalancer(groupHosts(this.#localities), this.#options());
  }

  #options(): BalancerOptions {
    return {
      policy: this.config.loadBalancing, panicThresholdPercent: this.config.panicThresholdPercent, overprovisioningPercent: this.#endpoints?.overprovisioningPercent ?? 140,
      random: () => this.#environment.random(), now: () => this.#environment.now(), activeRequests: () => this.breakers.default.requests + this.breakers.high.requests, count: (what) => this.count(what),
    };
  }

  /** Writes what is only read now and then to the statistics: numbers of hosts, what is left of limits. */
  publish(): void {
    this.breakers.default.publish();
    this.breakers.high.publish();
    // What nobody has used has no statistics.
    if (this.#counters.size > 0) publishMembership(`cluster.${this.config.statName}.`, this.hosts, this.#environment.stats);
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

  /** An answer of `host` asks that it be left out until a health check succeeds. */
  failHealth(host: Host): void {
    this.#healthChecks?.failAtOnce(host);
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
    this.#healthChecks?.close();
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
