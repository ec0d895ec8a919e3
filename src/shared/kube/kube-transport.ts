// Sends HTTP requests to the API server: credentials and TLS from the kubeconfig, kept-alive connections, retries that are safe.
// KubeClient and the watch stream stand on it.
import type { KubeConfig } from '@kubernetes/client-node';
import { createHash } from 'node:crypto';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions as HttpsRequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeError } from './kube-error.ts';

const REQUEST_TIMEOUT_MILLISECONDS = 60_000;
const MAXIMUM_ATTEMPTS = 4;
const MAXIMUM_RETRY_AFTER_SECONDS = 5;

/** Query values; undefined ones are left out. */
export type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

/** One request, by path on the server. */
export interface KubeRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Absolute path, for example `/api/v1/pods`. */
  readonly path: string;
  readonly query?: QueryValues;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON unless it is a string. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMilliseconds?: number;
}

/** A whole answer. */
export interface KubeResponse {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** What is needed to open another kind of connection (a WebSocket) to the same server as the same user. */
export interface ConnectionSettings {
  readonly server: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: Pick<HttpsRequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'>;
}

type AuthorizedOptions = HttpsRequestOptions & { headers: Record<string, string> };

/** The way to one API server as one user. */
export class KubeTransport {
  readonly #config: KubeConfig;
  readonly #server: URL;
  readonly #userAgent: string;
  readonly #plainAgent = new HttpAgent({ keepAlive: true });
  #tlsAgent: { readonly key: string; readonly agent: HttpsAgent } | undefined;

  constructor(config: KubeConfig, userAgent: string) {
    this.#config = config;
    this.#server = new URL(config.getCurrentCluster()?.server ?? '');
    this.#userAgent = userAgent;
  }

  /** Address of the server. */
  get server(): string {
    return this.#server.href.replace(/\/$/, '');
  }

  /** Sends and reads the whole answer; throws KubeError for a status of 400 and above. */
  async send(request: KubeRequest): Promise<KubeResponse> {
    const response = await this.sendAny(request);
    if (response.status >= 400) throw KubeError.fromResponse(describe(request), response.status, response.body);
    return response;
  }

  /** Sends and reads the whole answer, whatever its status; throws KubeError when no answer comes. */
  async sendAny(request: KubeRequest): Promise<KubeResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= MAXIMUM_ATTEMPTS || request.signal?.aborted === true;
      try {
        const message = await this.#open(request, request.timeoutMilliseconds ?? REQUEST_TIMEOUT_MILLISECONDS);
        const response = { status: message.statusCode ?? 0, headers: message.headers, body: await readText(message) };
        const wait = last ? undefined : retryAfter(response);
        if (wait === undefined) return response;
        await sleep(wait * 1000, undefined, request.signal ? { signal: request.signal } : {});
      } catch (cause) {
        if (last || !mayRepeat(request, cause)) throw new KubeError(describe(request), 0, '', reasonOf(cause), {}, cause);
      }
    }
  }

  /** Opens an answer of unknown length (a watch, a followed log); throws KubeError for a status of 400 and above. No timeout after the headers. */
  async stream(request: KubeRequest): Promise<IncomingMessage> {
    let message: IncomingMessage;
    try {
      message = await this.#open(request, undefined);
    } catch (cause) {
      throw new KubeError(describe(request), 0, '', reasonOf(cause), {}, cause);
    }
    if ((message.statusCode ?? 0) < 400) return message;
    throw KubeError.fromResponse(describe(request), message.statusCode ?? 0, await readText(message));
  }

  /** Credentials and TLS settings as they are now. */
  async connectionSettings(): Promise<ConnectionSettings> {
    const { headers, ca, cert, key, servername, rejectUnauthorized } = await this.#authorize();
    const tls = Object.fromEntries(Object.entries({ ca, cert, key, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined));
    return { server: this.server, headers, tls };
  }

  /** Closes idle connections. */
  close(): void {
    this.#plainAgent.destroy();
    this.#tlsAgent?.agent.destroy();
  }

  async #open(request: KubeRequest, timeout: number | undefined): Promise<IncomingMessage> {
    const authorized = await this.#authorize();
    const body = request.body === undefined ? undefined : Buffer.from(typeof request.body === 'string' ? request.body : JSON.stringify(request.body));
    const url = new URL(this.#server.href.replace(/\/$/, '') + request.path);
    for (const [name, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const options: HttpsRequestOptions = {
      ...authorized,
      method: request.method,
      headers: {
        accept: 'application/json',
        'user-agent': this.#userAgent,
        ...(body ? { 'content-type': request.contentType ?? 'application/json', 'content-length': String(body.length) } : {}),
        ...authorized.headers,
        ...request.headers,
      },
      agent: this.#agentFor(authorized),
      ...(request.signal ? { signal: request.signal } : {}),
    };
    return exchange(url, options, body, timeout);
  }

  async #authorize(): Promise<AuthorizedOptions> {
    const options: HttpsRequestOptions = { headers: {} };
    if (this.#server.protocol === 'https:') await this.#config.applyToHTTPSOptions(options);
    const headers = Object.fromEntries(Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]));
    return { ...options, headers };
  }

  #agentFor(options: HttpsRequestOptions): HttpAgent {
    if (this.#server.protocol === 'http:') return this.#plainAgent;
    // client-node keeps one agent a user for ever; ours is renewed when the files behind it change, unless a proxy makes it special.
    if (this.#config.getCurrentCluster()?.proxyUrl) return options.agent as HttpAgent;
    const key = createHash('sha256').update(String(options.ca ?? '')).update('\0').update(String(options.cert ?? '')).update('\0').update(String(options.key ?? '')).digest('hex');
    if (this.#tlsAgent?.key !== key) {
      const { ca, cert, key: privateKey, servername, rejectUnauthorized } = options;
      const settings = Object.fromEntries(Object.entries({ ca, cert, key: privateKey, servername, rejectUnauthorized }).filter(([, value]) => value !== undefined));
      this.#tlsAgent = { key, agent: new HttpsAgent({ keepAlive: true, keepAliveMsecs: 30_000, ...settings }) };
    }
    return this.#tlsAgent.agent;
  }
}

function exchange(url: URL, options: RequestOptions, body: Buffer | undefined, timeout: number | undefined): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
    const fail = (error: Error): void => reject(Object.assign(error, { reusedSocket: request.reusedSocket }));
    request.on('error', fail);
    request.on('response', resolve);
    if (timeout !== undefined) request.setTimeout(timeout, () => request.destroy(new Error(`no answer within ${timeout / 1000} seconds`)));
    request.end(body);
  });
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds the server asks us to wait before the same request is tried again. */
function retryAfter(response: KubeResponse): number | undefined {
  if (response.status !== 429 && response.status !== 503) return undefined;
  const seconds = Number(response.headers['retry-after']);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, MAXIMUM_RETRY_AFTER_SECONDS) : undefined;
}

/** A kept-alive connection may close just as we write to it; reads are repeated then, and a request that was never taken (refused) is always safe but pointless. */
function mayRepeat(request: KubeRequest, error: unknown): boolean {
  const { code, reusedSocket } = error as { code?: string; reusedSocket?: boolean };
  return reusedSocket === true && (code === 'ECONNRESET' || code === 'EPIPE') && request.method !== 'POST';
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return message || code || 'the connection failed';
}

function describe(request: KubeRequest): string {
  return `${request.method} ${request.path}`;
}
