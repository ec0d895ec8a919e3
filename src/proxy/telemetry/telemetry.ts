// The observer of finished streams: counts, logs and traces each by the configuration of the filter that ran it.
import type { RuntimeConfig, NetworkFilterConfig } from '../config/index.ts';
import type { StatsSnapshot } from '../stream/stats-store.ts';
import type { HeaderReader, PeerMetadata, StreamInfo, StreamObserver, StreamTelemetry } from '../stream/stream-info.ts';
import { AccessLogWriter } from './access-log-writer.ts';
import { renderEnvoyStats } from './envoy-stats.ts';
import { IstioMetrics } from './istio-metrics.ts';
import { SpanExporter, type SendToCluster } from './span-exporter.ts';
import { zipkinSpan, type SpanReporter } from './zipkin-span.ts';

/** Who this proxy is, for labels and spans. */
export interface TelemetryOptions {
  readonly local: PeerMetadata;
  readonly nodeId: string;
  readonly serviceName: string;
  readonly address: string;
  readonly meshId: string;
  readonly version: string;
  readonly hostname: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly send: SendToCluster;
}

const NOTHING: StreamTelemetry = { accessLogs: [], tracing: null, istioStats: null };

/** All telemetry of a proxy. */
export class Telemetry implements StreamObserver {
  readonly istio: IstioMetrics;
  readonly spans: SpanExporter;
  readonly #accessLogs: AccessLogWriter;
  readonly #reporter: SpanReporter;
  /** Telemetry of each listener's first HTTP and TCP filters, for streams that do not say. */
  #byListener: ReadonlyMap<string, { readonly http: StreamTelemetry; readonly tcp: StreamTelemetry }> = new Map();

  constructor(options: TelemetryOptions) {
    this.istio = new IstioMetrics(options.local, options.version);
    this.spans = new SpanExporter(options.send);
    this.#accessLogs = new AccessLogWriter({ hostname: options.hostname, environment: options.environment });
    this.#reporter = { nodeId: options.nodeId, serviceName: options.serviceName, address: options.address, meshId: options.meshId, local: options.local, environment: options.environment };
  }

  /** Learns the listeners of a configuration that is applied. */
  configure(config: RuntimeConfig): void {
    this.#byListener = new Map(Object.entries(config.listeners).map(([name, listener]) => {
      const chains = [...listener.filterChains, ...(listener.defaultFilterChain ? [listener.defaultFilterChain] : [])].map((chain) => chain.filters);
      return [name, { http: telemetryOf(chains, 'http_connection_manager'), tcp: telemetryOf(chains, 'tcp_proxy') }];
    }));
  }

  onConnectionStart(info: StreamInfo): void {
    const { istioStats } = this.#for(info);
    if (istioStats) this.istio.recordStart(info, istioStats);
  }

  onStreamEnd(info: StreamInfo, requestHeaders: HeaderReader | null, responseHeaders: HeaderReader | null): void {
    const { accessLogs, tracing, istioStats } = this.#for(info);
    if (istioStats) this.istio.record(info, requestHeaders, istioStats);
    for (const log of accessLogs) this.#accessLogs.write(log, { info, requestHeaders, responseHeaders });
    if (!tracing?.provider || !info.trace?.sampled) return;
    const span = zipkinSpan(info, requestHeaders, tracing, this.#reporter);
    if (span) this.spans.add(tracing.provider, span);
  }

  /** Istio's metrics and the data plane's statistics in the Prometheus text format. */
  renderPrometheus(snapshot: StatsSnapshot): string {
    return this.istio.render() + renderEnvoyStats(snapshot);
  }

  async close(): Promise<void> {
    this.#accessLogs.close();
    await this.spans.flush();
  }

  #for(info: StreamInfo): StreamTelemetry {
    if (info.telemetry) return info.telemetry;
    const known = this.#byListener.get(info.connection.listenerName);
    return known ? (info.protocol === 'TCP' ? known.tcp : known.http) : NOTHING;
  }
}

function telemetryOf(chains: readonly (readonly NetworkFilterConfig[])[], kind: 'http_connection_manager' | 'tcp_proxy'): StreamTelemetry {
  for (const filters of chains) {
    const terminal = filters.at(-1);
    if (terminal?.kind === 'http_connection_manager' && kind === terminal.kind) {
      return { accessLogs: terminal.accessLogs, tracing: terminal.tracing, istioStats: terminal.httpFilters.find((filter) => filter.kind === 'istio_stats') ?? null };
    }
    if (terminal?.kind === 'tcp_proxy' && kind === terminal.kind) {
      return { accessLogs: terminal.accessLogs, tracing: null, istioStats: filters.find((filter) => filter.kind === 'istio_stats') ?? null };
    }
  }
  return NOTHING;
}
