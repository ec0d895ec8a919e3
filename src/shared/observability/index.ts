// Logs, metrics and traces.
export { createLogger, isLogLevel, logLevels, setLogLevel, type Logger, type LogLevel } from './logger.ts';
export { MetricsRegistry, programMetrics, type CounterMetric, type GaugeMetric, type HistogramMetric, type MetricLabels } from './metrics.ts';
