// What is told of finished streams: metrics, access logs, spans.
export { compileFormat } from './access-log-format.ts';
export { prometheusName, renderEnvoyStats } from './envoy-stats.ts';
export { mergeTexts } from './prometheus-text.ts';
export type { SendToCluster } from './span-exporter.ts';
export { Telemetry, type TelemetryOptions } from './telemetry.ts';
