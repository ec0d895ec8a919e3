// The table of a small server's routes: method and path to a handler. Paths are exact or end in `/*`, which matches anything below.
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';

/** A request as handlers see it: the body is read already. */
export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** What `/*` stood for; empty for exact paths. */
  readonly rest: string;
  readonly remoteAddress: string;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** The body as JSON; throws HttpError 400 when it is not. */
  json(): unknown;
}

/** What a handler answers. An object body is sent as JSON, a string as text. */
export interface HttpResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable | object;
}

/** Answers a request; a thrown HttpError becomes its status, anything else 500. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** One row of the table. */
export interface HttpRoute {
  /** Upper-case; any method when absent. GET answers HEAD too. */
  readonly method?: string;
  /** `/metrics`, or `/debug/*` for all below. */
  readonly path: string;
  readonly handler: HttpHandler;
}

/** A failure with a status and a message for the client. */
export class HttpError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HttpError';
    this.status = status;
  }
}

/** What a look-up in the table found. */
export type RouteMatch = { readonly route: HttpRoute; readonly rest: string } | { readonly allowed: readonly string[] };

/** The row for a request: exact paths before `/*`, longer ones first. Otherwise the methods that the path allows: none when it is unknown. */
export function matchRoute(routes: readonly HttpRoute[], method: string, path: string): RouteMatch {
  const candidates = routes.map((route) => ({ route, rest: restOf(route.path, path) })).filter((one): one is { route: HttpRoute; rest: string } => one.rest !== undefined)
    .sort((left, right) => Number(left.route.path.endsWith('/*')) - Number(right.route.path.endsWith('/*')) || right.route.path.length - left.route.path.length);
  const asked = method === 'HEAD' ? ['HEAD', 'GET'] : [method];
  const found = candidates.find(({ route }) => route.method === undefined || asked.includes(route.method));
  return found ?? { allowed: [...new Set(candidates.map(({ route }) => route.method ?? ''))] };
}

function restOf(pattern: string, path: string): string | undefined {
  if (!pattern.endsWith('/*')) return pattern === path ? '' : undefined;
  const prefix = pattern.slice(0, -1);
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}
