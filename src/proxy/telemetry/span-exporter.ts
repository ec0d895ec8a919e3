// Sends spans in batches to a Zipkin collector. Spans that can not be sent are dropped and counted: tracing never holds back traffic.
import { createLogger } from '../../shared/observability/index.ts';
import { describeError } from '../../shared/lib/index.ts';
import type { TracingConfig } from '../config/index.ts';
import type { ZipkinSpan } from './zipkin-span.ts';

type Provider = NonNullable<TracingConfig['provider']>;

/** Sends a body to a cluster; rejects when it did not get there. */
export type SendToCluster = (request: { readonly cluster: string; readonly path: string; readonly host: string; readonly contentType: string; readonly body: string }) => Promise<void>;

const BATCH = 100;
const LIMIT = 2000;
const INTERVAL_MILLISECONDS = 1000;

/** Gathers spans a collector. */
export class SpanExporter {
  readonly #send: SendToCluster;
  readonly #log = createLogger('tracing');
  readonly #pending = new Map<string, { readonly provider: Provider; spans: ZipkinSpan[] }>();
  #timer: NodeJS.Timeout | undefined;
  #sent = 0;
  #dropped = 0;
  #failing = false;

  constructor(send: SendToCluster) {
    this.#send = send;
  }

  /** Spans sent and dropped so far. */
  get counts(): { readonly sent: number; readonly dropped: number } {
    return { sent: this.#sent, dropped: this.#dropped };
  }

  /** Takes a span for the collector of `provider`. */
  add(provider: Provider, span: ZipkinSpan): void {
    const key = `${provider.cluster} ${provider.path}`;
    let batch = this.#pending.get(key);
    if (!batch) this.#pending.set(key, batch = { provider, spans: [] });
    if (batch.spans.length >= LIMIT) {
      this.#dropped += 1;
      return;
    }
    batch.spans.push(span);
    if (batch.spans.length === BATCH) void this.flush();
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => void this.flush(), INTERVAL_MILLISECONDS);
      this.#timer.unref();
    }
  }

  /** Sends all that is gathered. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batches = [...this.#pending.values()].filter(({ spans }) => spans.length > 0);
    this.#pending.clear();
    await Promise.all(batches.map(({ provider, spans }) => this.#sendBatch(provider, spans)));
  }

  async #sendBatch(provider: Provider, spans: readonly ZipkinSpan[]): Promise<void> {
    try {
      await this.#send({ cluster: provider.cluster, path: provider.path, host: provider.hostname, contentType: 'application/json', body: JSON.stringify(spans) });
      this.#sent += spans.length;
      this.#failing = false;
    } catch (error) {
      this.#dropped += spans.length;
      if (!this.#failing) this.#log.warn({ cluster: provider.cluster, error: describeError(error) }, 'spans were not sent and are dropped');
      this.#failing = true;
    }
  }
}
