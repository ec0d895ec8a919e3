// HTTP through the mesh's ingress gateway, as a browser outside the cluster would: kept-alive connections, time measured.
import { Agent, request } from 'node:http';

/** An answer with the time it took. */
export interface TimedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly milliseconds: number;
}

/** What to ask. */
export interface IngressRequest {
  readonly path: string;
  /** The Host header; the address itself when absent. */
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMilliseconds?: number;
}

/** A client of one address. */
export class IngressClient {
  readonly address: string;
  readonly port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(address: string, port: number) {
    this.address = address;
    this.port = port;
  }

  /** The address as a URL. */
  get url(): string {
    return `http://${this.address}:${this.port}`;
  }

  /** Sends one request and reads the answer; rejects when none comes. */
  send({ path, host, method = 'GET', headers = {}, body, timeoutMilliseconds = 30_000 }: IngressRequest): Promise<TimedResponse> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const outgoing = request({
        host: this.address, port: this.port, path, method, agent: this.#agent, signal: AbortSignal.timeout(timeoutMilliseconds),
        headers: { ...headers, ...(host ? { host } : {}), ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
      }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString('utf8'), milliseconds: performance.now() - started }));
      });
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Closes the kept connections. */
  close(): void {
    this.#agent.destroy();
  }
}
