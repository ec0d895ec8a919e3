// Limits of what a cluster has under way, one set for each routing priority. The router and the pools take a slot before they begin and give it back.
import type { CircuitBreakerConfig } from '../config/runtime-config.ts';

/** What is limited. */
export type LimitedResource = 'connections' | 'pending' | 'requests' | 'retries';

/** Slots in use against their limits. */
export class CircuitBreaker {
  connections = 0;
  pending = 0;
  requests = 0;
  retries = 0;
  #limits: Readonly<Record<LimitedResource, number>> = { connections: 1024, pending: 1024, requests: 1024, retries: 3 };

  constructor(config: CircuitBreakerConfig) {
    this.configure(config);
  }

  configure(config: CircuitBreakerConfig): void {
    this.#limits = { connections: config.maximumConnections, pending: config.maximumPendingRequests, requests: config.maximumRequests, retries: config.maximumRetries };
  }

  /** Whether one more would be over the limit. */
  full(resource: LimitedResource): boolean {
    return this[resource] >= this.#limits[resource];
  }
}
