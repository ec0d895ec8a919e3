// What all streams of one HTTP connection manager share.
import type { HttpConnectionManagerConfig } from '../../../config/filter-config.ts';
import type { RouteTable } from '../../../route/route-table.ts';
import type { Counter, Gauge, Histogram } from '../../../stream/stats-store.ts';
import type { StreamObserver } from '../../../stream/stream-info.ts';
import type { HttpFilterInstance } from '../../http/api.ts';
import type { FilterServices } from '../../services.ts';

/** Statistics of a connection manager, `http.<prefix>.downstream_...`. */
export interface ManagerStats {
  readonly requests: Counter;
  readonly active: Gauge;
  /** By the first digit of the status. */
  readonly byClass: readonly (Counter | undefined)[];
  readonly time: Histogram;
  readonly connections: Counter;
  readonly connectionsActive: Gauge;
  readonly protocolErrors: Counter;
}

/** The shared parts. */
export interface ManagerContext {
  readonly config: HttpConnectionManagerConfig;
  readonly services: FilterServices;
  readonly filters: readonly HttpFilterInstance[];
  readonly observers: readonly StreamObserver[];
  readonly stats: ManagerStats;
  routeTable(): RouteTable | undefined;
}

/** Makes the statistics of `prefix`. */
export function managerStats({ stats }: FilterServices, prefix: string): ManagerStats {
  const name = (what: string): string => `http.${prefix}.downstream_${what}`;
  return {
    requests: stats.counter(name('rq_total')), active: stats.gauge(name('rq_active')), time: stats.histogram(name('rq_time')),
    byClass: [undefined, ...[1, 2, 3, 4, 5].map((digit) => stats.counter(name(`rq_${digit}xx`)))],
    connections: stats.counter(name('cx_total')), connectionsActive: stats.gauge(name('cx_active')), protocolErrors: stats.counter(name('cx_protocol_error')),
  };
}
