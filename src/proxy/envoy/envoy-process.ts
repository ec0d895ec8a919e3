// Envoy as a child process: its file written, itself started, asked through its admin interface, and ended. It is not restarted: when it
// ends by itself the agent ends too, and the container's restart brings both back together.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../../shared/lib/index.ts';
import { requestText } from '../../shared/http/index.ts';
import { createLogger } from '../../shared/observability/index.ts';

/** How Envoy is run. */
export interface EnvoyProcessOptions {
  readonly binary: string;
  /** Folder of the bootstrap file. */
  readonly folder: string;
  readonly bootstrap: Readonly<Record<string, unknown>>;
  readonly adminPort: number;
  readonly logLevel: string;
  /** Worker threads; 0 takes one for each processor. */
  readonly concurrency: number;
  readonly drainSeconds: number;
  /** Called when Envoy ends without having been asked to. */
  readonly onUnexpectedEnd: (how: string) => void;
}

const ADMIN_ANSWER_MILLISECONDS = 5000;
const END_MILLISECONDS = 5000;
const METRICS_LIMIT = 64 * 1_048_576;

/** An Envoy from `start` to `stop`. */
export class EnvoyProcess {
  readonly #options: EnvoyProcessOptions;
  readonly #log = createLogger('envoy');
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: EnvoyProcessOptions) {
    this.#options = options;
  }

  /** Starts it. Rejects when the binary can not be run. */
  async start(): Promise<void> {
    const { binary, folder, bootstrap, logLevel, concurrency, drainSeconds } = this.#options;
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'envoy-bootstrap.json');
    writeFileSync(file, JSON.stringify(bootstrap, null, 1), { mode: 0o600 });
    const args = ['--config-path', file, '--drain-time-s', String(drainSeconds), '--drain-strategy', 'immediate', '--disable-hot-restart', '--file-flush-interval-msec', '1000', '--log-level', logLevel, ...(concurrency > 0 ? ['--concurrency', String(concurrency)] : [])];
    const child = spawn(binary, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()));
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) => reject(new Error(`Envoy can not be run from ${binary}: ${error.message}. Set ENVOY_BINARY_PATH to its binary.`)));
    });
    child.once('exit', (status, signal) => {
      if (!this.#stopping) this.#options.onUnexpectedEnd(signal ?? `status ${status ?? 0}`);
    });
    this.#log.info({ pid: child.pid, binary }, 'Envoy was started');
  }

  /** Why Envoy is not ready: not live, or without its first clusters and listeners; undefined when it is. */
  async notReady(): Promise<string | undefined> {
    try {
      const stats = await this.#numbers('^(cluster_manager.cds.update_success|listener_manager.lds.update_success|listener_manager.workers_started|server.state)$');
      const lacking = ['cluster_manager.cds.update_success', 'listener_manager.lds.update_success', 'listener_manager.workers_started'].filter((name) => !((stats.get(name) ?? 0) > 0));
      if (lacking.length > 0) return `Envoy has no configuration yet: ${lacking.join(', ')}`;
      const state = stats.get('server.state');
      return state === 0 ? undefined : `Envoy is ${['live', 'draining', 'pre-initializing', 'initializing'][state ?? 2] ?? 'not live'}`;
    } catch (error) {
      return `Envoy does not answer: ${describeError(error)}`;
    }
  }

  /** Its statistics in Prometheus' text format. */
  metrics(): Promise<string> {
    return this.#admin('GET', '/stats/prometheus?usedonly');
  }

  /** Connections that its listeners hold now, but for those of the admin interface. */
  async activeConnections(): Promise<number> {
    try {
      const stats = await this.#numbers('^listener\\..*\\.downstream_cx_active$');
      return [...stats].filter(([name]) => !name.startsWith('listener.admin.')).reduce((total, [, value]) => total + value, 0);
    } catch (_gone) {
      return 0;
    }
  }

  /** Lets connections end: of inbound listeners, or of all. */
  async drain(direction: 'inbound' | 'all'): Promise<void> {
    await this.#admin('POST', `/drain_listeners?graceful&skip_exit${direction === 'inbound' ? '&inboundonly' : ''}`);
  }

  /** Ends it, by force when it does not end. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const limit = setTimeout(() => child.kill('SIGKILL'), END_MILLISECONDS);
    await this.#ended;
    clearTimeout(limit);
  }

  /** Statistics whose names match, by name. */
  async #numbers(filter: string): Promise<Map<string, number>> {
    const text = await this.#admin('GET', `/stats?filter=${encodeURIComponent(filter)}`);
    return new Map(text.split('\n').flatMap((line) => {
      const colon = line.lastIndexOf(': ');
      return colon > 0 ? [[line.slice(0, colon), Number(line.slice(colon + 2))] as const] : [];
    }));
  }

  #admin(method: string, path: string): Promise<string> {
    return requestText({ host: '127.0.0.1', port: this.#options.adminPort, method, path, timeoutMilliseconds: ADMIN_ANSWER_MILLISECONDS, limitBytes: METRICS_LIMIT });
  }
}
