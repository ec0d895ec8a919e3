// The observer of finished streams: counts, logs and traces each by the configuration of the filter that runs it.
import type { FilterChainConfig, HttpConnectionManagerConfig, IstioStatsConfig, TcpProxyConfig, TracingConfig } from '../config/index.ts';
import type { StatsSnapshot } from '../stream/stats-store.ts';
import type { PeerMetadata, StreamObserver } from '../stream/stream-info.ts';
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

/** All telemetry of a proxy. */
export class Telemetry {
  readonly istio: IstioMetrics;
  readonly spans: SpanExporter;
  readonly #accessLogs: AccessLogWriter;
  readonly #reporter: SpanReporter;

  constructor(options: TelemetryOptions) {
    this.istio = new IstioMetrics(options.local, options.version);
    this.spans = new SpanExporter(options.send);
    this.#accessLogs = new AccessLogWriter({ hostname: options.hostname, environment: options.environment });
    this.#reporter = { nodeId: options.nodeId, serviceName: options.serviceName, address: options.address, meshId: options.meshId, local: options.local, environment: options.environment };
  }

  /** The observers of one terminal filter, by what its chain is configured with. */
  observersFor(filter: HttpConnectionManagerConfig | TcpProxyConfig, chain: FilterChainConfig): readonly StreamObserver[] {
    const http = filter.kind === 'http_connection_manager';
    const stats = (http ? filter.httpFilters : chain.filters).find((candidate): candidate is IstioStatsConfig & { readonly name: string } => candidate.kind === 'istio_stats');
    const observers: StreamObserver[] = [];
    if (stats) observers.push(this.#counting(stats));
    for (const log of filter.accessLogs) observers.push({ onStreamEnd: (info, requestHeaders, responseHeaders) => this.#accessLogs.write(log, { info, requestHeaders, responseHeaders }) });
    if (http && filter.tracing?.provider) observers.push(this.#tracing(filter.tracing, filter.tracing.provider));
    return observers;
  }

  /** Istio's metrics and the data plane's statistics in the Prometheus text format. */
  renderPrometheus(snapshot: StatsSnapshot): string {
    return this.istio.render() + renderEnvoyStats(snapshot);
  }

  async close(): Promise<void> {
    this.#accessLogs.close();
    await this.spans.flush();
  }

  #counting(config: IstioStatsConfig): StreamObserver {
    return {
      onConnectionStart: (info) => this.istio.recordStart(info, config),
      onStreamEnd: (info, requestHeaders) => this.istio.record(info, requestHeaders, config),
    };
  }

  #tracing(config: TracingConfig, provider: NonNullable<TracingConfig['provider']>): StreamObserver {
    return {
      onStreamEnd: (info, requestHeaders) => {
        const span = zipkinSpan(info, requestHeaders, config, this.#reporter);
        if (span) this.spans.add(provider, span);
      },
    };
  }
}
