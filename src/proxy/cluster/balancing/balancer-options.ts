// What balancers and pickers are told besides their hosts.
import type { LoadBalancingConfig } from '../../config/runtime-config.ts';

/** What a balancer needs to know besides its hosts. */
export interface BalancerOptions {
  readonly policy: LoadBalancingConfig;
  readonly panicThresholdPercent: number;
  readonly overprovisioningPercent: number;
  random(): number;
  now(): number;
  /** Requests under way at the whole cluster, for bounded load. */
  activeRequests(): number;
  count(what: string): void;
}
