// The whole proxy as one component: agent, discovery client, data plane and their HTTP interfaces, from start to graceful end.
import type { HttpServer } from '../shared/http/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import type { Component } from '../shared/process/index.ts';
import { adminRoutes, type ClusterView, type ListenerView, type ProcessView, type ServerState } from './admin/index.ts';
import { agentServer, agentServers } from './agent-servers.ts';
import { capturedDns } from './captured-dns.ts';
import { NAME_TABLE, type RuntimeConfig } from './config/index.ts';
import { dnsMetricLines, type DnsServer } from './dns/index.ts';
import { waitForDrain } from './graceful-drain.ts';
import { nodeOf, type ProxyOptions } from './options/index.ts';
import { identityOptions } from './identity-options.ts';
import { releaseMemory } from './release-memory.ts';
import { isRemoteSecret, SecretStore, WORKLOAD_CERTIFICATE, WorkloadIdentity } from './secrets/index.ts';
import { clusterSender } from './send-to-cluster.ts';
import { StatsStore } from './stream/stats-store.ts';
import type { PeerMetadata } from './stream/stream-info.ts';
import { Telemetry } from './telemetry/index.ts';
import { AdsClient, Configuration, ResourceStore } from './xds/index.ts';

/** What the data plane offers to the rest. */
export interface RunningDataPlane {
  apply(config: RuntimeConfig): { readonly rejected: readonly { readonly name: string; readonly error: string }[] };
  isReady(): boolean;
  drain(direction?: 'inbound' | 'outbound' | 'all'): void;
  /** Takes no more connections and waits for the requests under way. */
  finish(timeoutMilliseconds: number): Promise<void>;
  close(): void | Promise<void>;
  clusters(): readonly ClusterView[];
  listeners(): readonly ListenerView[];
}

/** What a data plane is made with. */
export interface DataPlaneJoints {
  readonly secrets: SecretStore;
  readonly observers: Telemetry['observersFor'];
  readonly stats: StatsStore;
  readonly localWorkload: PeerMetadata;
  readonly localNodeId: string;
  readonly localCluster: string;
}

/** Longest wait for connections that do not end. */
const DRAIN_LIMIT_MILLISECONDS = 50_000;
/** How much longer requests have that are still under way when the drain is over. */
const FINISH_LIMIT_MILLISECONDS = 5000;
/** When, after the proxy is ready for the first time, what starting took is given back. */
const SETTLED_MILLISECONDS = 3000;
/** How long the names of the mesh may hold back readiness: a control plane may have none to tell. */
const NAMES_PATIENCE_MILLISECONDS = 15_000;
/** How long parts of the first configuration may hold back readiness that others can do without: a listener whose secret does not exist, or whose port is taken. Envoy's initial_fetch_timeout. */
const LISTENERS_PATIENCE_MILLISECONDS = 15_000;
/** How long the first certificate may hold back the stream to the control plane. */
const IDENTITY_PATIENCE_MILLISECONDS = 3000;

/** A proxy from `start` to `stop`. */
export class ProxyProcess implements Component {
  readonly name = 'proxy';
  readonly #options: ProxyOptions;
  readonly #log = createLogger('proxy');
  readonly #stats = new StatsStore();
  readonly #secrets = new SecretStore();
  readonly #store = new ResourceStore();
  readonly #node: ReturnType<typeof nodeOf>;
  readonly #identity: WorkloadIdentity;
  readonly #telemetry: Telemetry;
  readonly #dataPlane: RunningDataPlane;
  readonly #configuration: Configuration;
  readonly #ads: AdsClient;
  readonly #dns: DnsServer | null;
  readonly #servers: readonly HttpServer[];
  readonly #startedAt = Date.now();
  #draining = false;
  #initialized = false;
  #healthFailed = false;
  #refreshPending = false;
  #releaseTimer: NodeJS.Timeout | undefined;

  constructor(options: ProxyOptions, createDataPlane: (joints: DataPlaneJoints) => RunningDataPlane) {
    this.#options = options;
    this.#node = nodeOf(options);
    const local = localWorkload(options);
    this.#telemetry = new Telemetry({
      local, nodeId: this.#node.id, serviceName: options.serviceCluster, address: options.podIp, meshId: options.meshId, version: options.version, hostname: options.podName, environment: process.env,
      send: clusterSender(() => this.#configuration.current),
    });
    this.#dataPlane = createDataPlane({ secrets: this.#secrets, observers: (filter, chain) => this.#telemetry.observersFor(filter, chain), stats: this.#stats, localWorkload: local, localNodeId: this.#node.id, localCluster: this.#node.cluster });
    this.#configuration = new Configuration({ store: this.#store, hasSecret: (name) => this.#secrets.get(name) !== undefined, apply: (config) => this.#dataPlane.apply(config) });
    this.#identity = new WorkloadIdentity(identityOptions(options, this.#secrets));
    this.#dns = capturedDns(options, this.#stats);
    this.#ads = new AdsClient({
      address: options.discoveryAddress, delta: options.deltaXds, node: this.#node, identity: () => this.#identity.client(), token: () => this.#identity.readToken(),
      store: this.#store, configuration: this.#configuration, isRemoteSecret, onSecrets: (changed, removed) => this.#takeSecrets(changed, removed), ...(this.#dns ? { onNames: () => this.#takeNames() } : {}),
    });
    this.#servers = this.#makeServers();
  }

  async start(): Promise<void> {
    await this.#dns?.start();
    for (const server of this.#servers) await server.start();
    this.#secrets.onChange(() => this.#refreshSoon());
    void this.#identity.start().catch((error: unknown) => this.#log.error({ error: String(error) }, 'the identity could not be set up'));
    // With the certificate the stream is authenticated by mutual TLS; without one, by the token.
    await Promise.race([this.#identity.whenIssued(), new Promise((resolve) => setTimeout(resolve, IDENTITY_PATIENCE_MILLISECONDS).unref())]);
    await this.#ads.start();
    this.#releaseTimer = setInterval(() => this.#releaseWhenSettled(), SETTLED_MILLISECONDS);
    this.#releaseTimer.unref();
  }

  /** Once, and only while nobody is served: it pauses the process. */
  #releaseWhenSettled(): void {
    if (this.#state() !== 'LIVE' || this.#activeConnections() > 0) return;
    clearInterval(this.#releaseTimer);
    releaseMemory();
  }

  /** Ends gracefully: readiness fails, listeners drain, connections get their time, then all closes. */
  async stop(): Promise<void> {
    const { terminationDrainMilliseconds, exitOnZeroActiveConnections, minimumDrainMilliseconds } = this.#options;
    clearInterval(this.#releaseTimer);
    this.#drain('all');
    await waitForDrain({
      terminationDrainMilliseconds, exitOnZeroActiveConnections, minimumDrainMilliseconds, limitMilliseconds: DRAIN_LIMIT_MILLISECONDS,
      activeConnections: () => this.#activeConnections(),
    });
    await this.#dataPlane.finish(FINISH_LIMIT_MILLISECONDS);
    await this.#ads.stop();
    this.#configuration.stop();
    await this.#identity.stop();
    await this.#dataPlane.close();
    await this.#telemetry.close();
    for (const server of this.#servers) await server.stop();
    // The application may need names up to its own end.
    await this.#dns?.stop();
  }

  #drain(direction: 'inbound' | 'all'): void {
    this.#draining = true;
    this.#log.info({ direction, connections: this.#activeConnections() }, 'proxy is draining');
    this.#dataPlane.drain(direction);
  }

  /** Connections that the listeners hold now. */
  #activeConnections(): number {
    return this.#dataPlane.listeners().reduce((total, { connections }) => total + connections, 0);
  }

  #takeSecrets(changed: readonly string[], removed: readonly string[]): void {
    for (const name of changed) {
      const secret = this.#store.secrets.entries.get(name)?.config;
      if (secret && isRemoteSecret(name)) this.#secrets.set(name, secret);
    }
    for (const name of removed) if (isRemoteSecret(name)) this.#secrets.delete(name);
  }

  #takeNames(): void {
    const table = this.#store.nameTables.entries.get(NAME_TABLE)?.config;
    if (table) this.#dns?.useTable(table);
  }

  /** Several secrets that change together make one configuration. */
  #refreshSoon(): void {
    if (this.#refreshPending) return;
    this.#refreshPending = true;
    setImmediate(() => {
      this.#refreshPending = false;
      if (this.#store.clusters.received) this.#ads.refresh();
    });
  }

  #state(): ServerState {
    if (this.#draining) return 'DRAINING';
    // Once live, a proxy stays so, as Envoy does: a new listener that can not be had must not take away those that serve.
    if (this.#initialized) return 'LIVE';
    if (!this.#store.clusters.received) return 'PRE_INITIALIZING';
    if (this.#waitsForNames()) return 'INITIALIZING';
    const whole = this.#configuration.isComplete() && this.#dataPlane.isReady();
    if (!whole && !this.#servesInPart()) return 'INITIALIZING';
    if (!whole) this.#log.warn({ warming: this.#configuration.warming }, 'ready, though part of the configuration can not be used yet: a secret is missing or a port is taken');
    this.#initialized = true;
    return 'LIVE';
  }

  /** Whether the proxy has its own certificate and a configuration, and has waited long enough for the rest of it. */
  #servesInPart(): boolean {
    return Date.now() - this.#startedAt >= LISTENERS_PATIENCE_MILLISECONDS && this.#configuration.isInForce() && this.#secrets.get(WORKLOAD_CERTIFICATE) !== undefined;
  }

  #waitsForNames(): boolean {
    return this.#dns !== null && this.#dns.table === undefined && Date.now() - this.#startedAt < NAMES_PATIENCE_MILLISECONDS;
  }

  #notReady(): string | undefined {
    if (this.#healthFailed) return 'health was failed by the admin interface';
    const state = this.#state();
    if (state === 'LIVE') return undefined;
    if (state === 'DRAINING') return 'the proxy is draining';
    const { connected, lastError } = this.#ads.status;
    if (!connected && state === 'PRE_INITIALIZING') return `no configuration yet: ${lastError || 'connecting to the control plane'}`;
    if (this.#waitsForNames()) return 'the names of the mesh have not come yet';
    const { clusters, listeners } = this.#configuration.warming;
    return `configuration is not complete; warming clusters: ${clusters.join(', ') || 'none'}; warming listeners: ${listeners.join(', ') || 'none'}`;
  }

  #view(): ProcessView {
    const { version, serviceCluster } = this.#options;
    return {
      version, serviceCluster, nodeId: this.#node.id, startedAt: this.#startedAt, store: this.#store, configuration: this.#configuration, stats: this.#stats, telemetry: this.#telemetry,
      bootstrap: { node: { ...this.#node, userAgentVersionType: undefined }, dynamic_resources: { ads_config: { api_type: this.#options.deltaXds ? 'DELTA_GRPC' : 'GRPC', target: this.#options.discoveryAddress } } },
      state: () => this.#state(),
      notReady: () => this.#notReady(),
      proxyMetrics: () => this.#telemetry.renderPrometheus(this.#stats.snapshot()),
      ...(this.#dns ? { agentMetrics: () => dnsMetricLines(this.#stats), names: () => this.#dns?.table?.hosts ?? {} } : {}),
      syncz: () => ({ ads: this.#ads.status, warming: this.#configuration.warming, rejected: this.#configuration.rejected, refused: this.#store.refusals() }),
      clusters: () => this.#dataPlane.clusters(),
      listeners: () => this.#dataPlane.listeners(),
      secrets: () => this.#secrets.describe(),
      ads: () => this.#ads.status,
      drain: (direction) => this.#drain(direction),
      failHealth: (fail) => {
        this.#healthFailed = fail;
      },
      quit: () => {
        setImmediate(() => process.kill(process.pid, 'SIGTERM'));
      },
    };
  }

  #makeServers(): readonly HttpServer[] {
    const view = this.#view();
    return [agentServer('admin', '127.0.0.1', this.#options.adminPort, adminRoutes(view)), ...agentServers(this.#options, view)];
  }
}

/** How this workload describes itself to its peers. */
function localWorkload(options: ProxyOptions): PeerMetadata {
  const { labels, workloadName, podName, podNamespace, clusterId } = options;
  const app = labels['app'] ?? labels['app.kubernetes.io/name'] ?? '';
  const version = labels['version'] ?? labels['app.kubernetes.io/version'] ?? '';
  return {
    name: podName, namespace: podNamespace, workloadName: workloadName || podName, clusterId, app, version,
    canonicalName: labels['service.istio.io/canonical-name'] ?? (app || workloadName),
    canonicalRevision: labels['service.istio.io/canonical-revision'] ?? (version || 'latest'),
  };
}
