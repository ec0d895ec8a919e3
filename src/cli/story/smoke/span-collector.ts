// A receiver of spans in Zipkin's JSON form (API v2), in memory: what a tracing system would be for the mesh.
import { HttpServer, type HttpResponse, type HttpRequest } from '../../../shared/http/index.ts';

/** A span as far as the test looks at it. */
export interface Span {
  readonly traceId: string;
  readonly id: string;
  readonly parentId?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly localEndpoint?: { readonly serviceName?: string };
  readonly tags?: Readonly<Record<string, string>>;
}

const KEPT = 50_000;

/** Takes spans from `start` to `stop`. */
export class SpanCollector {
  #spans: Span[] = [];
  #server: HttpServer | undefined;

  /** Listens on any port of `host`; gives the address to send to. */
  async start(host: string): Promise<string> {
    const server = new HttpServer({ name: 'span-collector', host, port: 0, routes: [{ method: 'POST', path: '/api/v2/spans', handler: (request) => this.#take(request) }] });
    await server.start();
    this.#server = server;
    return `${host}:${server.port}`;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
  }

  /** The spans of a trace so far. */
  trace(traceId: string): Span[] {
    const wanted = traceId.padStart(32, '0');
    return this.#spans.filter((span) => span.traceId.padStart(32, '0') === wanted);
  }

  /** How many spans came in all. */
  get size(): number {
    return this.#spans.length;
  }

  #take(request: HttpRequest): HttpResponse {
    const spans = request.json();
    if (!Array.isArray(spans)) return { status: 400, body: 'a list of spans is expected\n' };
    this.#spans.push(...(spans as Span[]));
    if (this.#spans.length > KEPT) this.#spans = this.#spans.slice(-KEPT / 2);
    return { status: 202 };
  }
}
