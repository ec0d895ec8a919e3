// Counters, gauges and histograms in the Prometheus text format, for everything outside the proxy's hot path. The home of prom-client.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Label values of one series; keys are those that the metric was made with. */
export type MetricLabels<L extends string> = Record<L, string | number>;

/** A value that only grows. */
export interface CounterMetric<L extends string> {
  add(labels: MetricLabels<L>, amount?: number): void;
}

/** A value that is set. */
export interface GaugeMetric<L extends string> {
  set(labels: MetricLabels<L>, value: number): void;
  add(labels: MetricLabels<L>, amount: number): void;
  remove(labels: MetricLabels<L>): void;
}

/** A distribution of observations. */
export interface HistogramMetric<L extends string> {
  observe(labels: MetricLabels<L>, value: number): void;
}

/** A set of metrics with unique names; asking for a name a second time gives the same metric. */
export class MetricsRegistry {
  readonly #registry = new Registry();

  counter<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): CounterMetric<L> {
    const counter = (this.#registry.getSingleMetric(name) as Counter<L> | undefined) ?? new Counter({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
    return { add: (labels, amount = 1) => counter.inc(labels, amount) };
  }

  gauge<L extends string = never>(name: string, help: string, labelNames: readonly L[] = []): GaugeMetric<L> {
    const gauge = (this.#registry.getSingleMetric(name) as Gauge<L> | undefined) ?? new Gauge({ name, help, labelNames: [...labelNames], registers: [this.#registry] });
    return { set: (labels, value) => gauge.set(labels, value), add: (labels, amount) => gauge.inc(labels, amount), remove: (labels) => gauge.remove(labels) };
  }

  histogram<L extends string = never>(name: string, help: string, labelNames: readonly L[] = [], buckets?: readonly number[]): HistogramMetric<L> {
    const histogram = (this.#registry.getSingleMetric(name) as Histogram<L> | undefined)
      ?? new Histogram({ name, help, labelNames: [...labelNames], registers: [this.#registry], ...(buckets ? { buckets: [...buckets] } : {}) });
    return { observe: (labels, value) => histogram.observe(labels, value) };
  }

  /** Adds the process's own metrics (CPU, memory, event loop). */
  collectProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** The text exposition of every metric. */
  render(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Content type of `render`'s text. */
  get contentType(): string {
    return this.#registry.contentType;
  }
}

/** The program's own registry, that its /metrics endpoint shows. */
export const programMetrics = /* @__PURE__ */ new MetricsRegistry();
