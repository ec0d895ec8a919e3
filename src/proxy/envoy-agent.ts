// The agent with an Envoy as its data plane, as one component: it keeps the workload's identity, hands secrets and configuration to Envoy over
// two sockets, runs it, and answers for it on 15020, 15021 and 15090 until the graceful end of both.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HttpServer } from '../shared/http/index.ts';
import { describeError } from '../shared/lib/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import type { Component } from '../shared/process/index.ts';
import type { AgentView } from './admin/index.ts';
import { agentServers } from './agent-servers.ts';
import { DiscoveryRelay, envoyBootstrap, EnvoyProcess, makePrivateFolder, secretServer } from './envoy/index.ts';
import { waitForDrain } from './graceful-drain.ts';
import { identityOptions } from './identity-options.ts';
import { nodeOf, type ProxyOptions } from './options/index.ts';
import { SecretStore, WorkloadIdentity } from './secrets/index.ts';

/** Longest wait for connections that do not end. */
const DRAIN_LIMIT_MILLISECONDS = 50_000;
/** How long the first certificate may hold back Envoy's stream to the control plane. */
const IDENTITY_PATIENCE_MILLISECONDS = 3000;
/** Envoy's names of log levels. */
const ENVOY_LEVELS: Readonly<Record<string, string>> = { trace: 'trace', debug: 'debug', info: 'info', warn: 'warning', error: 'error', fatal: 'critical', silent: 'off' };

/** An agent with its Envoy from `start` to `stop`. */
export class EnvoyAgent implements Component {
  readonly name = 'proxy';
  readonly #options: ProxyOptions;
  /** A folder in the configuration's, which is a volume that Kubernetes lets everybody write. */
  readonly #socketFolder: string;
  readonly #log = createLogger('envoy-agent');
  readonly #secrets = new SecretStore();
  readonly #identity: WorkloadIdentity;
  readonly #relay: DiscoveryRelay;
  readonly #secretService: ReturnType<typeof secretServer>;
  readonly #envoy: EnvoyProcess;
  readonly #servers: readonly HttpServer[];
  #draining = false;

  /** `onEnvoyEnd` is called when Envoy ends by itself; there is nothing left to do then but to end too. */
  constructor(options: ProxyOptions, binary: string, onEnvoyEnd: (how: string) => void) {
    this.#options = options;
    this.#socketFolder = join(options.configurationFolder, 'sockets');
    const sockets = { discoverySocket: join(this.#socketFolder, 'XDS'), secretSocket: join(this.#socketFolder, 'SDS') };
    this.#identity = new WorkloadIdentity(identityOptions(options, this.#secrets));
    this.#relay = new DiscoveryRelay({ socketPath: sockets.discoverySocket, address: options.discoveryAddress, identity: () => this.#identity.client(), token: () => this.#identity.readToken() });
    this.#secretService = secretServer(this.#secrets, sockets.secretSocket);
    this.#envoy = new EnvoyProcess({
      binary, folder: options.configurationFolder, adminPort: options.adminPort, logLevel: ENVOY_LEVELS[options.logLevel] ?? 'warning', concurrency: options.concurrency, drainSeconds: Math.ceil(options.drainMilliseconds / 1000), onUnexpectedEnd: onEnvoyEnd,
      bootstrap: envoyBootstrap({ ...sockets, node: nodeOf(options), adminPort: options.adminPort, deltaXds: options.deltaXds, runtimeValues: textValues(options.proxyConfig['runtimeValues']) }),
    });
    this.#servers = agentServers(options, this.#view());
  }

  async start(): Promise<void> {
    makePrivateFolder(this.#socketFolder);
    // Sockets of a process before us, which the same folder outlived.
    for (const socket of ['XDS', 'SDS']) rmSync(join(this.#socketFolder, socket), { force: true });
    for (const server of this.#servers) await server.start();
    void this.#identity.start().catch((error: unknown) => this.#log.error({ error: describeError(error) }, 'the identity could not be set up'));
    await Promise.race([this.#identity.whenIssued(), new Promise((resolve) => setTimeout(resolve, IDENTITY_PATIENCE_MILLISECONDS).unref())]);
    await this.#secretService.start();
    await this.#relay.start();
    await this.#envoy.start();
  }

  /** Ends gracefully: readiness fails, Envoy's listeners drain, connections get their time, then all ends. */
  async stop(): Promise<void> {
    const { terminationDrainMilliseconds, exitOnZeroActiveConnections, minimumDrainMilliseconds } = this.#options;
    this.#drain('all');
    await waitForDrain({
      terminationDrainMilliseconds, exitOnZeroActiveConnections, minimumDrainMilliseconds, limitMilliseconds: DRAIN_LIMIT_MILLISECONDS,
      activeConnections: () => this.#envoy.activeConnections(),
    });
    await this.#envoy.stop();
    await this.#relay.stop();
    await this.#secretService.stop();
    await this.#identity.stop();
    for (const server of this.#servers) await server.stop();
  }

  #drain(direction: 'inbound' | 'all'): void {
    this.#draining = true;
    this.#log.info({ direction }, 'Envoy is draining');
    this.#envoy.drain(direction).catch((error: unknown) => this.#log.warn({ error: describeError(error) }, 'Envoy could not be told to drain'));
  }

  #view(): AgentView {
    return {
      notReady: async () => (this.#draining ? 'the proxy is draining' : this.#envoy.notReady()),
      proxyMetrics: () => this.#envoy.metrics().catch((error: unknown) => {
        this.#log.warn({ error: describeError(error) }, 'Envoy\'s metrics were not read');
        return '';
      }),
      secrets: () => this.#secrets.describe(),
      ads: () => this.#relay.status,
      syncz: () => ({ ads: this.#relay.status, refused: this.#relay.refusals }),
      drain: (direction) => this.#drain(direction),
      quit: () => {
        setImmediate(() => process.kill(process.pid, 'SIGTERM'));
      },
    };
  }
}

/** The entries of a map of texts that came as JSON. */
function textValues(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, String(entry)]));
}
