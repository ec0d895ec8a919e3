// Counters, gauges and histograms of the data plane under Envoy's names (`cluster.<name>.upstream_rq_total`). Cells are made when first asked for
// and kept; adding to one is an addition in a typed array. Telemetry and the admin endpoint read them through `snapshot`.

/** A value that only grows. */
export interface Counter {
  readonly name: string;
  add(amount: number): void;
  readonly value: number;
}

/** A value that goes up and down. */
export interface Gauge {
  readonly name: string;
  add(amount: number): void;
  set(value: number): void;
  readonly value: number;
}

/** Envoy's upper bounds of histogram buckets, in milliseconds. */
export const HISTOGRAM_BOUNDS: readonly number[] = [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000];

class Cell implements Counter, Gauge {
  readonly name: string;
  readonly #cells: Float64Array;
  readonly #index: number;

  constructor(name: string, cells: Float64Array, index: number) {
    this.name = name;
    this.#cells = cells;
    this.#index = index;
  }

  add(amount: number): void {
    this.#cells[this.#index] = (this.#cells[this.#index] ?? 0) + amount;
  }

  set(value: number): void {
    this.#cells[this.#index] = value;
  }

  get value(): number {
    return this.#cells[this.#index] ?? 0;
  }
}

/** A distribution of observations over `HISTOGRAM_BOUNDS`. */
export class Histogram {
  readonly name: string;
  /** Observations at or under each bound, not cumulative; the last cell counts what is above all. */
  readonly buckets = new Float64Array(HISTOGRAM_BOUNDS.length + 1);
  sum = 0;
  count = 0;

  constructor(name: string) {
    this.name = name;
  }

  record(value: number): void {
    let index = 0;
    while (index < HISTOGRAM_BOUNDS.length && value > (HISTOGRAM_BOUNDS[index] ?? Infinity)) index += 1;
    this.buckets[index] = (this.buckets[index] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/** Everything that was counted, at one moment. */
export interface StatsSnapshot {
  readonly counters: readonly { readonly name: string; readonly value: number }[];
  readonly gauges: readonly { readonly name: string; readonly value: number }[];
  readonly histograms: readonly { readonly name: string; readonly buckets: Float64Array; readonly sum: number; readonly count: number }[];
}

const CHUNK = 256;

/** All statistics of one data plane. */
export class StatsStore {
  readonly #counters = new Map<string, Cell>();
  readonly #gauges = new Map<string, Cell>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #writers: (() => void)[] = [];
  #cells = new Float64Array(CHUNK);
  #used = 0;

  counter(name: string): Counter {
    return this.#cell(this.#counters, name);
  }

  gauge(name: string): Gauge {
    return this.#cell(this.#gauges, name);
  }

  histogram(name: string): Histogram {
    let histogram = this.#histograms.get(name);
    if (!histogram) this.#histograms.set(name, histogram = new Histogram(name));
    return histogram;
  }

  /** Calls `write` before each reading, for gauges that cost more to keep than to find out. */
  beforeSnapshot(write: () => void): void {
    this.#writers.push(write);
  }

  /** Forgets the statistics whose names start with `prefix`, when what they describe is gone. */
  removePrefix(prefix: string): void {
    for (const map of [this.#counters, this.#gauges, this.#histograms]) {
      for (const name of map.keys()) if (name.startsWith(prefix)) map.delete(name);
    }
  }

  /** Sets every counter to zero and empties every histogram. */
  resetCounters(): void {
    for (const counter of this.#counters.values()) counter.set(0);
    for (const histogram of this.#histograms.values()) {
      histogram.buckets.fill(0);
      histogram.sum = 0;
      histogram.count = 0;
    }
  }

  snapshot(): StatsSnapshot {
    for (const write of this.#writers) write();
    const list = (cells: ReadonlyMap<string, Cell>): { name: string; value: number }[] => [...cells.values()].map(({ name, value }) => ({ name, value }));
    return {
      counters: list(this.#counters), gauges: list(this.#gauges),
      histograms: [...this.#histograms.values()].map(({ name, buckets, sum, count }) => ({ name, buckets: buckets.slice(), sum, count })),
    };
  }

  #cell(map: Map<string, Cell>, name: string): Cell {
    let cell = map.get(name);
    if (cell) return cell;
    if (this.#used === CHUNK) {
      this.#cells = new Float64Array(CHUNK);
      this.#used = 0;
    }
    cell = new Cell(name, this.#cells, this.#used);
    this.#used += 1;
    map.set(name, cell);
    return cell;
  }
}
