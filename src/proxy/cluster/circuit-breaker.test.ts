// Limits and what statistics tell of them.
import { describe, expect, it } from 'vitest';
import type { CircuitBreakerConfig } from '../config/runtime-config.ts';
import { StatsStore } from '../stream/stats-store.ts';
import { CircuitBreaker } from './circuit-breaker.ts';

const NONE = 4_294_967_295;
const CONFIG: CircuitBreakerConfig = { maximumConnections: NONE, maximumPendingRequests: 5, maximumRequests: 10, maximumRetries: 2, retryBudget: null, maximumConnectionsPerHost: NONE, trackRemaining: true };

function breaker(over: Partial<CircuitBreakerConfig> = {}) {
  const stats = new StatsStore();
  const made = new CircuitBreaker({ ...CONFIG, ...over }, stats, 'cb.');
  const gauges = (): Record<string, number> => {
    made.publish();
    return Object.fromEntries(stats.snapshot().gauges.map(({ name, value }) => [name, value]));
  };
  return { made, gauges };
}

describe('CircuitBreaker', () => {
  it('is full at its limit', () => {
    const { made } = breaker();
    expect([made.full('retries'), made.full('connections')]).toEqual([false, false]);
    made.retries = 2;
    expect(made.full('retries')).toBe(true);
    made.configure({ ...CONFIG, maximumRetries: 3 });
    expect(made.full('retries')).toBe(false);
  });

  it('limits retries by a share of what is under way, and never under the least', () => {
    const { made } = breaker({ maximumRetries: 0, retryBudget: { percent: 20, minimumConcurrency: 3 } });
    made.retries = 2;
    expect(made.full('retries')).toBe(false);
    made.retries = 3;
    expect(made.full('retries')).toBe(true);
    made.requests = 15;
    made.pending = 5;
    expect(made.full('retries')).toBe(false);
    made.retries = 4;
    expect(made.full('retries')).toBe(true);
  });

  it('tells which limits are reached and what is left of them, but nothing of limits that are none', () => {
    const { made, gauges } = breaker();
    made.requests = 10;
    made.pending = 1;
    expect(gauges()).toEqual({ 'cb.rq_pending_open': 0, 'cb.remaining_pending': 4, 'cb.rq_open': 1, 'cb.remaining_rq': 0, 'cb.rq_retry_open': 0, 'cb.remaining_retries': 2 });
    made.requests = 9;
    expect(gauges()).toMatchObject({ 'cb.rq_open': 0, 'cb.remaining_rq': 1 });
    expect(Object.keys(breaker({ trackRemaining: false, retryBudget: { percent: 1, minimumConcurrency: 1 } }).gauges()).sort()).toEqual(['cb.rq_open', 'cb.rq_pending_open', 'cb.rq_retry_open']);
  });
});
