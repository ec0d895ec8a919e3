// A small HTTP or HTTPS server as a Component, for admin, metrics, health and webhooks: limits on every input, JSON in and out,
// certificates that can be renewed while it serves, a stop that lets requests under way finish.
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Secret } from '../lib/index.ts';
import { createLogger, type Logger } from '../observability/index.ts';
import { HttpError, matchRoute, type HttpRequest, type HttpResponse, type HttpRoute } from './router.ts';

/** A server's certificate. */
export interface ServerIdentity {
  readonly certificateChainPem: string;
  readonly privateKeyPem: Secret;
}

/** What a server serves, where, and within which limits. */
export interface HttpServerOptions {
  readonly name: string;
  /** Address to bind; all when absent. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly routes: readonly HttpRoute[];
  /** HTTPS with this certificate, which `setIdentity` replaces later. */
  readonly identity?: ServerIdentity;
  readonly bodyLimitBytes?: number;
  /** Time in which a request must have arrived whole. */
  readonly requestTimeoutMilliseconds?: number;
  /** Time that `stop` gives to requests under way. */
  readonly stopTimeoutMilliseconds?: number;
}

const DEFAULT_BODY_LIMIT = 8 * 1024 * 1024;

/** A server from `start` to `stop`. */
export class HttpServer {
  readonly name: string;
  readonly #options: HttpServerOptions;
  readonly #log: Logger;
  #server: Server | undefined;
  #identity: ServerIdentity | undefined;
  #underWay = 0;
  #whenQuiet: (() => void) | undefined;

  constructor(options: HttpServerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#identity = options.identity;
    this.#log = createLogger(options.name);
  }

  /** The port it listens on, once started. */
  get port(): number {
    return (this.#server?.address() as AddressInfo | null)?.port ?? this.#options.port;
  }

  /** Replaces the certificate: new connections get the new one. */
  setIdentity(identity: ServerIdentity): void {
    this.#identity = identity;
    if (this.#server instanceof HttpsServer) this.#server.setSecureContext(tlsOptions(identity));
  }

  async start(_signal?: AbortSignal): Promise<void> {
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#serve(request, response);
    const limits = { requestTimeout: this.#options.requestTimeoutMilliseconds ?? 30_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 };
    const server = this.#identity ? createHttpsServer({ ...limits, ...tlsOptions(this.#identity), minVersion: 'TLSv1.2' }, listener) : createHttpServer(limits, listener);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#options.port, this.#options.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (error) => this.#log.error({ error: error.message }, 'server failed'));
    this.#server = server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    await new Promise<void>((resolve) => {
      const limit = setTimeout(resolve, this.#options.stopTimeoutMilliseconds ?? 5_000);
      this.#whenQuiet = () => {
        clearTimeout(limit);
        resolve();
      };
      if (this.#underWay === 0) this.#whenQuiet();
    });
    server.closeAllConnections();
    await closed;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    this.#underWay += 1;
    response.on('close', () => {
      gone.abort();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#whenQuiet?.();
    });
    // A stopping server must not keep idle connections alive.
    if (!this.#server) response.setHeader('connection', 'close');
    try {
      const answer = await this.#answer(incoming, gone.signal);
      await write(incoming, response, answer);
    } catch (error) {
      if (gone.signal.aborted) return;
      const status = error instanceof HttpError ? error.status : 500;
      if (status >= 500) this.#log.error({ path: incoming.url, error: error instanceof Error ? error.stack ?? error.message : String(error) }, 'request failed');
      if (response.headersSent) {
        response.destroy();
        return;
      }
      if (status === 413) response.setHeader('connection', 'close');
      await write(incoming, response, { status, body: `${error instanceof HttpError ? error.message : 'internal error'}\n` });
    }
  }

  async #answer(incoming: IncomingMessage, signal: AbortSignal): Promise<HttpResponse> {
    const url = parseTarget(incoming.url ?? '/');
    const method = incoming.method ?? 'GET';
    const match = matchRoute(this.#options.routes, method, url.pathname);
    if (!('route' in match)) {
      if (match.allowed.length === 0) throw new HttpError(404, `nothing is served at ${url.pathname}`);
      return { status: 405, headers: { allow: match.allowed.join(', ') }, body: 'method not allowed\n' };
    }
    const body = await readBody(incoming, this.#options.bodyLimitBytes ?? DEFAULT_BODY_LIMIT);
    return match.route.handler(requestOf(incoming, url, body, match.rest, signal));
  }
}

function requestOf(incoming: IncomingMessage, url: URL, body: Buffer, rest: string, signal: AbortSignal): HttpRequest {
  return {
    method: incoming.method ?? 'GET', path: url.pathname, query: url.searchParams, headers: incoming.headers, body, rest, signal,
    remoteAddress: incoming.socket.remoteAddress ?? '',
    json: () => {
      try {
        return JSON.parse(body.toString('utf8')) as unknown;
      } catch (cause) {
        throw new HttpError(400, `the body is not JSON: ${(cause as Error).message}`, { cause });
      }
    },
  };
}

function parseTarget(target: string): URL {
  try {
    return new URL(target, 'http://localhost');
  } catch (cause) {
    throw new HttpError(400, 'the request target is not a URL', { cause });
  }
}

async function readBody(incoming: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(incoming.headers['content-length'] ?? 0) > limit) throw new HttpError(413, `the body is larger than ${limit} bytes`);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > limit) throw new HttpError(413, `the body is larger than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function write(incoming: IncomingMessage, response: ServerResponse, { status = 200, headers = {}, body }: HttpResponse): Promise<void> {
  if (body instanceof Readable) {
    response.writeHead(status, headers);
    await pipeline(body, response);
    return;
  }
  const isText = typeof body === 'string' || body === undefined;
  const isBytes = body instanceof Uint8Array;
  const bytes = isBytes ? Buffer.from(body) : Buffer.from(isText ? body ?? '' : `${JSON.stringify(body)}\n`);
  const type = isText ? 'text/plain; charset=utf-8' : isBytes ? 'application/octet-stream' : 'application/json';
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length, ...headers });
  response.end(incoming.method === 'HEAD' ? undefined : bytes);
}

function tlsOptions(identity: ServerIdentity): { cert: string; key: string } {
  return { cert: identity.certificateChainPem, key: identity.privateKeyPem.reveal() };
}
