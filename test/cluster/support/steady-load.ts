// A steady stream of requests over kept connections while something happens to the mesh; counts every answer that is not what it should be.
import { Agent, request } from 'node:http';

/** One kind of request in the stream. */
export interface LoadTarget {
  readonly name: string;
  readonly path: string;
  readonly host?: string;
  /** How often, beside the others. */
  readonly weight: number;
  /** What is wrong with an answer; undefined when nothing is. */
  readonly judge?: (status: number, body: string) => string | undefined;
}

/** What the stream saw. */
export interface LoadReport {
  readonly requests: number;
  readonly failed: number;
  /** Failures by second and kind, in words; the first hundred. */
  readonly failures: readonly string[];
  /** The slowest answer, in milliseconds. */
  readonly slowestMilliseconds: number;
  readonly seconds: number;
}

/** Where and how fast. */
export interface LoadOptions {
  readonly address: string;
  readonly port: number;
  /** At most; fewer when the answers take longer than the connections allow. */
  readonly requestsPerSecond: number;
  readonly connections: number;
  readonly targets: readonly LoadTarget[];
  /** A request without an answer by then has failed. */
  readonly timeoutMilliseconds?: number;
}

/** A stream that runs until it is stopped. */
export class SteadyLoad {
  readonly #options: LoadOptions;
  readonly #agent: Agent;
  readonly #schedule: readonly LoadTarget[];
  readonly #failures: string[] = [];
  readonly #started = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #pending = new Set<Promise<void>>();
  #ticked = performance.now();
  #credit = 0;
  #sent = 0;
  #failed = 0;
  #slowest = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.connections, scheduling: 'fifo' });
    this.#schedule = options.targets.flatMap((target) => Array.from({ length: target.weight }, () => target));
    this.#timer = setInterval(() => this.#tick(), 5);
  }

  /** Requests sent so far. */
  get sent(): number {
    return this.#sent;
  }

  /** Failures so far. */
  get failed(): number {
    return this.#failed;
  }

  /** Ends the stream, waits for what is under way, and tells. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.#agent.destroy();
    return { requests: this.#sent, failed: this.#failed, failures: this.#failures, slowestMilliseconds: Math.round(this.#slowest), seconds: Math.round((performance.now() - this.#started) / 100) / 10 };
  }

  #tick(): void {
    const { requestsPerSecond, connections } = this.#options;
    const now = performance.now();
    // A pause of this process is not made up for with a flood.
    this.#credit = Math.min(this.#credit + ((now - this.#ticked) / 1000) * requestsPerSecond, requestsPerSecond / 10);
    this.#ticked = now;
    // A request waits for no connection: a slow machine gets fewer requests, not a queue in this process.
    while (this.#credit >= 1 && this.#pending.size < connections) {
      this.#credit -= 1;
      this.#start();
    }
  }

  #start(): void {
    const target = this.#schedule[this.#sent % this.#schedule.length];
    if (target === undefined) return;
    this.#sent += 1;
    const started = performance.now();
    const at = ((started - this.#started) / 1000).toFixed(1);
    const work = this.#send(target).then((problem) => {
      this.#slowest = Math.max(this.#slowest, performance.now() - started);
      if (problem !== undefined) this.#fail(`${at} s ${target.name} after ${Math.round(performance.now() - started)} ms: ${problem}`);
    });
    this.#pending.add(work);
    void work.finally(() => this.#pending.delete(work));
  }

  #fail(text: string): void {
    this.#failed += 1;
    if (this.#failures.length < 100) this.#failures.push(text.slice(0, 300));
  }

  #send({ path, host, judge }: LoadTarget): Promise<string | undefined> {
    const { address, port, timeoutMilliseconds = 15_000 } = this.#options;
    return new Promise((resolve) => {
      const failed = (error: Error & { code?: string }): void => resolve(`${error.code ?? error.name}: ${error.message}`);
      const outgoing = request({ host: address, port, path, agent: this.#agent, headers: host === undefined ? {} : { host }, signal: AbortSignal.timeout(timeoutMilliseconds) }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => { body += chunk; });
        response.on('error', failed);
        response.on('end', () => {
          const status = response.statusCode ?? 0;
          resolve(status === 200 ? judge?.(status, body) : `status ${status} ${String(response.headers['x-envoy-response-flags'] ?? '')} ${body.slice(0, 120)}`.trim());
        });
      });
      outgoing.on('error', failed);
      outgoing.end();
    });
  }
}
