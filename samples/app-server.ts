// What the sample applications have in common: a plain Node HTTP server with a few routes, and calls to other services that carry the
// caller's tracing and user headers on, which is all that a mesh asks of an application.
import { createServer, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';

/** One request with its body read. */
export interface AppRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What the route's pattern caught. */
  readonly params: readonly string[];
  readonly incoming: IncomingMessage;
}

/** An answer; objects are sent as JSON. Undefined when the handler has written the response itself. */
export interface AppResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer | object;
}

/** A pattern over the path and what answers it. */
export interface AppRoute {
  readonly method?: string;
  readonly path: RegExp;
  readonly handler: (request: AppRequest, response: ServerResponse) => AppResponse | undefined | Promise<AppResponse | undefined>;
}

/** Headers that belong to a request on its whole way through the services. */
const CARRIED = [
  'x-request-id', 'x-ot-span-context', 'b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'x-b3-flags',
  'traceparent', 'tracestate', 'baggage', 'x-cloud-trace-context', 'authorization', 'end-user', 'user-agent', 'x-mesh-test',
] as const;

/** A service still routes requests to a pod for a moment after it was told to stop. */
const LAME_DUCK_MILLISECONDS = 4_000;
const BODY_LIMIT = 16 * 1024 * 1024;

/** Name of the pod, as Kubernetes sets it. */
export const podName = process.env.POD_NAME ?? process.env.HOSTNAME ?? hostname();

/** Serves until SIGTERM, then finishes what is under way. */
export function serve(name: string, port: number, routes: readonly AppRoute[]): void {
  const server = createServer((incoming, response) => {
    void answer(routes, incoming, response).catch((error: unknown) => {
      process.stderr.write(`${name}: ${incoming.method} ${incoming.url}: ${String(error)}\n`);
      if (response.headersSent) response.destroy();
      else write(response, { status: 500, body: { error: 'internal error' } });
    });
  });
  server.keepAliveTimeout = 75_000;
  server.listen(port, () => process.stdout.write(`${name} serves on port ${port}\n`));
  const stop = (): void => {
    setTimeout(() => {
      server.close(() => process.exit(0));
      server.closeIdleConnections();
      setTimeout(() => process.exit(0), 10_000).unref();
    }, LAME_DUCK_MILLISECONDS);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', () => process.exit(0));
}

/** What another service answered. */
export interface ServiceAnswer {
  readonly status: number;
  readonly body: string;
}

/** Options of a call. */
export interface CallOptions {
  readonly timeoutMilliseconds: number;
  readonly attempts?: number;
  /** Headers beside those carried on from the caller. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Which of Node's two clients makes the call; their ways through an HTTP proxy differ. */
  readonly client?: 'http' | 'fetch';
}

/** Calls another service in the name of `caller`; undefined when no answer comes in time. */
export async function callService(caller: AppRequest, url: string, options: CallOptions): Promise<ServiceAnswer | undefined> {
  const headers = { ...carriedHeaders(caller.headers), ...options.headers };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await (options.client === 'fetch' ? viaFetch : viaHttp)(url, headers, options.timeoutMilliseconds);
    } catch (error) {
      process.stderr.write(`call to ${url} failed: ${error instanceof Error ? error.message : String(error)}\n`);
      if (attempt >= (options.attempts ?? 1)) return undefined;
    }
  }
}

/** The headers of a request that its onward calls must have. */
export function carriedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(CARRIED.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]];
  }));
}

async function viaFetch(url: string, headers: Record<string, string>, timeout: number): Promise<ServiceAnswer> {
  const response = await fetch(url, { headers, signal: AbortSignal.timeout(timeout) });
  return { status: response.status, body: await response.text() };
}

function viaHttp(url: string, headers: Record<string, string>, timeout: number): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { headers, signal: AbortSignal.timeout(timeout) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') }));
    });
    request.on('error', reject);
    request.end();
  });
}

async function answer(routes: readonly AppRoute[], incoming: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(incoming.url ?? '/', 'http://app');
  const method = incoming.method ?? 'GET';
  for (const route of routes) {
    const match = route.path.exec(url.pathname);
    if (!match || (route.method !== undefined && route.method !== method)) continue;
    const body = await readBody(incoming);
    if (!body) {
      write(response, { status: 413, body: { error: 'body too large' } });
      return;
    }
    const result = await route.handler({ method, url, headers: incoming.headers, body, params: match.slice(1), incoming }, response);
    if (result) write(response, result);
    return;
  }
  write(response, { status: 404, body: { error: `nothing at ${url.pathname}` } });
}

async function readBody(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function write(response: ServerResponse, { status = 200, headers = {}, body = '' }: AppResponse): void {
  const isPlain = typeof body === 'string' || Buffer.isBuffer(body);
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  response.writeHead(status, { 'content-type': isPlain ? 'text/plain; charset=utf-8' : 'application/json', 'content-length': bytes.length, ...(headers as Record<string, string | string[]>) });
  response.end(bytes);
}
