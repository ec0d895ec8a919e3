// Limits of what a cluster has under way, one set for each routing priority. The router and the pools take a slot before they begin and give it back.
import type { CircuitBreakerConfig } from '../config/runtime-config.ts';
import type { StatsStore } from '../stream/stats-store.ts';

/** What is limited. */
export type LimitedResource = 'connections' | 'pending' | 'requests' | 'retries';

const UNLIMITED = 4_294_967_295;
/** Statistics of each resource: whether its limit is reached, and what is left of it. */
const NAMES: Readonly<Record<LimitedResource, { readonly open: string; readonly remaining: string }>> = {
  connections: { open: 'cx_open', remaining: 'remaining_cx' }, pending: { open: 'rq_pending_open', remaining: 'remaining_pending' },
  requests: { open: 'rq_open', remaining: 'remaining_rq' }, retries: { open: 'rq_retry_open', remaining: 'remaining_retries' },
};

/** Slots in use against their limits. */
export class CircuitBreaker {
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
  #config: CircuitBreakerConfig;
  readonly #stats: StatsStore;
  readonly #prefix: string;

  /** `prefix` is what its statistics begin with: `cluster.<name>.circuit_breakers.<priority>.`. */
  constructor(config: CircuitBreakerConfig, stats: StatsStore, prefix: string) {
    this.#config = config;
    this.#stats = stats;
    this.#prefix = prefix;
  }

  configure(config: CircuitBreakerConfig): void {
    this.#config = config;
  }

  /** Whether one more would be over the limit. */
  full(resource: LimitedResource): boolean {
    return this[resource] >= this.#limit(resource);
  }

  /** Connections that one host may have. */
  get connectionsPerHost(): number {
    return this.#config.maximumConnectionsPerHost;
  }

  #limit(resource: LimitedResource): number {
    const config = this.#config;
    switch (resource) {
      case 'connections': return config.maximumConnections;
      case 'pending': return config.maximumPendingRequests;
      case 'requests': return config.maximumRequests;
      case 'retries': {
        const { retryBudget } = config;
        return retryBudget ? Math.max(retryBudget.minimumConcurrency, Math.floor((retryBudget.percent * (this.requests + this.pending)) / 100)) : config.maximumRetries;
      }
    }
  }

  /** Writes how full it is to the statistics. They are read rarely and slots are taken with every request, so this is done for the reader; what has no limit has no statistic. */
  publish(): void {
    for (const [resource, { open, remaining }] of Object.entries(NAMES) as [LimitedResource, (typeof NAMES)[LimitedResource]][]) {
      const limit = this.#limit(resource);
      if (limit >= UNLIMITED) continue;
      this.#stats.gauge(`${this.#prefix}${open}`).set(this.full(resource) ? 1 : 0);
      if (this.#config.trackRemaining && !(resource === 'retries' && this.#config.retryBudget)) this.#stats.gauge(`${this.#prefix}${remaining}`).set(Math.max(0, limit - this[resource]));
    }
  }
}
