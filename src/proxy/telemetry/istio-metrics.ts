// Istio's standard metrics, counted at the end of each stream. Series are made when first seen, up to a limit; beyond it streams are counted in
// one series for the overflow, so that a client can not fill the memory with labels.
import type { IstioStatsConfig } from '../config/index.ts';
import { HISTOGRAM_BOUNDS } from '../stream/stats-store.ts';
import type { HeaderReader, PeerMetadata, StreamInfo } from '../stream/stream-info.ts';
import { HTTP_LABELS, istioLabels, TCP_LABELS } from './istio-labels.ts';
import { histogramLines, labelText } from './prometheus-text.ts';

/** Duration, request size, response size: each with buckets, sum and count in one array. */
const WIDTH = HISTOGRAM_BOUNDS.length + 3;

interface HttpSeries {
  readonly values: readonly string[];
  requests: number;
  readonly distributions: Float64Array;
}

interface TcpSeries {
  readonly values: readonly string[];
  sent: number;
  received: number;
  opened: number;
  closed: number;
}

/** Counts streams and renders the counts. */
export class IstioMetrics {
  readonly #local: PeerMetadata;
  readonly #build: { readonly component: string; readonly tag: string };
  readonly #limit: number;
  readonly #http = new Map<string, HttpSeries>();
  readonly #tcp = new Map<string, TcpSeries>();
  readonly #opened = new WeakSet<StreamInfo>();
  #overflow = 0;

  constructor(local: PeerMetadata, version: string, limit = 5000) {
    this.#local = local;
    this.#build = { component: 'proxy', tag: version };
    this.#limit = limit;
  }

  /** Counts a finished stream. */
  record(info: StreamInfo, requestHeaders: HeaderReader | null, config: IstioStatsConfig): void {
    const values = istioLabels(info, requestHeaders, config, this.#local);
    if (info.protocol === 'TCP') this.#recordTcp(info, values);
    else this.#recordHttp(info, values);
  }

  /** Counts a TCP connection that has been taken. */
  recordStart(info: StreamInfo, config: IstioStatsConfig): void {
    const series = this.#series(this.#tcp, istioLabels(info, null, config, this.#local), newTcpSeries);
    if (!series) return;
    series.opened += 1;
    this.#opened.add(info);
  }

  /** The text exposition. */
  render(): string {
    let text = `# TYPE istio_build gauge\nistio_build${labelText(Object.entries(this.#build))} 1\n`;
    text += this.#renderHttp();
    text += this.#renderTcp();
    if (this.#overflow > 0) text += `# TYPE mizzen_proxy_series_overflow_total counter\nmizzen_proxy_series_overflow_total ${this.#overflow}\n`;
    return text;
  }

  /** Sets all counts to zero. */
  reset(): void {
    this.#http.clear();
    this.#tcp.clear();
  }

  #recordHttp(info: StreamInfo, values: readonly string[]): void {
    const series = this.#series(this.#http, values, newHttpSeries);
    if (!series) return;
    series.requests += 1;
    observe(series.distributions, 0, Math.max(0, info.endMilliseconds - info.startMilliseconds));
    observe(series.distributions, WIDTH, info.bytesReceived);
    observe(series.distributions, 2 * WIDTH, info.bytesSent);
  }

  #recordTcp(info: StreamInfo, values: readonly string[]): void {
    const series = this.#series(this.#tcp, values, newTcpSeries);
    if (!series) return;
    if (!this.#opened.has(info)) series.opened += 1;
    series.closed += 1;
    series.sent += info.bytesSent;
    series.received += info.bytesReceived;
  }

  #series<T>(map: Map<string, T>, values: readonly string[], make: (values: readonly string[]) => T): T | undefined {
    const key = values.join('\u0001');
    const known = map.get(key);
    if (known) return known;
    if (map.size >= this.#limit) {
      this.#overflow += 1;
      return undefined;
    }
    const made = make(values);
    map.set(key, made);
    return made;
  }

  #renderHttp(): string {
    if (this.#http.size === 0) return '';
    const all = [...this.#http.values()].map((series) => ({ series, labels: pairs(HTTP_LABELS, series.values) }));
    let text = '# TYPE istio_requests_total counter\n';
    for (const { series, labels } of all) text += `istio_requests_total${labelText(labels)} ${series.requests}\n`;
    for (const [index, name] of ['istio_request_duration_milliseconds', 'istio_request_bytes', 'istio_response_bytes'].entries()) {
      text += `# TYPE ${name} histogram\n`;
      for (const { series, labels } of all) {
        const cells = series.distributions.subarray(index * WIDTH, (index + 1) * WIDTH);
        text += histogramLines(name, labels, HISTOGRAM_BOUNDS, cells, cells[WIDTH - 2] ?? 0, cells[WIDTH - 1] ?? 0);
      }
    }
    return text;
  }

  #renderTcp(): string {
    let text = '';
    for (const [name, field] of [['istio_tcp_sent_bytes_total', 'sent'], ['istio_tcp_received_bytes_total', 'received'], ['istio_tcp_connections_opened_total', 'opened'], ['istio_tcp_connections_closed_total', 'closed']] as const) {
      if (this.#tcp.size > 0) text += `# TYPE ${name} counter\n`;
      for (const series of this.#tcp.values()) text += `${name}${labelText(pairs(TCP_LABELS, series.values))} ${series[field]}\n`;
    }
    return text;
  }
}

function newHttpSeries(values: readonly string[]): HttpSeries {
  return { values, requests: 0, distributions: new Float64Array(3 * WIDTH) };
}

function newTcpSeries(values: readonly string[]): TcpSeries {
  return { values, sent: 0, received: 0, opened: 0, closed: 0 };
}

function observe(cells: Float64Array, offset: number, value: number): void {
  let index = 0;
  while (index < HISTOGRAM_BOUNDS.length && value > (HISTOGRAM_BOUNDS[index] ?? Infinity)) index += 1;
  cells[offset + index] = (cells[offset + index] ?? 0) + 1;
  cells[offset + WIDTH - 2] = (cells[offset + WIDTH - 2] ?? 0) + value;
  cells[offset + WIDTH - 1] = (cells[offset + WIDTH - 1] ?? 0) + 1;
}

function pairs(names: readonly string[], values: readonly string[]): readonly (readonly [string, string])[] {
  return names.map((name, index) => [name, values[index] ?? ''] as const);
}
