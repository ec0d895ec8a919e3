// Envoy's arithmetic of priorities, overprovisioning and panic, by the tables of its documentation and by properties.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadOfCounts, priorityAt, type PriorityLoad } from './priority-load.ts';

type Priority = readonly [hosts: number, healthy: number, degraded?: number, excluded?: number];

function load(priorities: readonly Priority[], panicThreshold = 50, overprovisioning = 140): PriorityLoad {
  return loadOfCounts(priorities.map(([hosts, healthy, degraded = 0, excluded = 0]) => ({ hosts, healthy, degraded, excluded })), overprovisioning, panicThreshold);
}

describe('load by priority', () => {
  it.each([
    // Percent of healthy hosts in two priorities, and what each gets.
    [100, 100, [100, 0]], [72, 72, [100, 0]], [71, 71, [99, 1]], [50, 50, [70, 30]], [25, 100, [35, 65]], [25, 25, [50, 50]],
  ])('%i %% and %i %% healthy make %j', (first, second, expected) => {
    expect(load([[100, first], [100, second]]).healthy).toEqual(expected);
  });

  it('spills over three priorities', () => {
    expect(load([[100, 25], [100, 25], [100, 20]], 0).healthy).toEqual([37, 35, 28]);
    expect(load([[100, 0], [100, 0], [100, 100]]).healthy).toEqual([0, 0, 100]);
    expect(load([[100, 100], [100, 0]]).healthy).toEqual([100, 0]);
  });

  it('fills with degraded hosts what the healthy ones of all priorities cannot take', () => {
    expect(load([[100, 0, 100], [100, 100]])).toMatchObject({ healthy: [0, 100], degraded: [0, 0] });
    expect(load([[100, 50, 20], [100, 0]])).toMatchObject({ healthy: [72, 0], degraded: [28, 0] });
    expect(load([[10, 0, 10]])).toMatchObject({ healthy: [0], degraded: [100], panic: [false] });
  });

  it('follows the overprovisioning factor', () => {
    expect(load([[100, 50], [100, 100]], 50, 100).healthy).toEqual([50, 50]);
    expect(load([[100, 50], [100, 100]], 50, 200).healthy).toEqual([100, 0]);
  });

  it('panics only where too few are healthy while all priorities together cannot carry the load', () => {
    expect(load([[100, 25], [100, 25]]).panic).toEqual([true, true]);
    expect(load([[100, 25], [100, 100]]).panic).toEqual([false, false]);
    expect(load([[100, 60]]).panic).toEqual([false]);
    expect(load([[100, 5], [100, 55]]).panic).toEqual([true, false]);
    expect(load([[100, 25], [100, 25]], 0).panic).toEqual([false, false]);
    expect(load([[10, 0]], 0)).toEqual({ healthy: [100], degraded: [0], panic: [false] });
  });

  it('in panic everywhere shares by size', () => {
    expect(load([[5, 0], [15, 0]])).toMatchObject({ healthy: [25, 75], panic: [true, true] });
    expect(load([[0, 0], [3, 0]]).healthy).toEqual([0, 100]);
    expect(load([[1, 0], [1, 0], [1, 0]]).healthy).toEqual([34, 33, 33]);
  });

  it('does not count hosts that are left out', () => {
    expect(load([[10, 5, 0, 5]])).toEqual({ healthy: [100], degraded: [0], panic: [false] });
  });

  it('always makes 100, so that each point falls into a priority that has hosts to offer', () => {
    const priority = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map(([healthy, degraded, failed]): Priority => [healthy + degraded + failed, healthy, degraded]);
    fc.assert(fc.property(fc.array(priority, { minLength: 1, maxLength: 5 }), fc.integer({ min: 0, max: 100 }), (priorities, threshold) => {
      const found = load(priorities, threshold);
      expect([...found.healthy, ...found.degraded].reduce((sum, part) => sum + part, 0)).toBe(100);
      const anybody = priorities.some(([, healthy, degraded = 0]) => healthy + degraded > 0);
      for (const point of [1, 50, 100]) {
        const { priority: chosen, degraded } = priorityAt(found, point);
        const [hosts = 0, healthy = 0, weak = 0] = priorities[chosen] ?? [];
        if (anybody && !found.panic[chosen]) expect(degraded ? weak : healthy).toBeGreaterThan(0);
        else if (found.panic[chosen] && priorities.some(([all]) => all > 0) && found.panic.every(Boolean)) expect(hosts).toBeGreaterThan(0);
      }
    }), { numRuns: 200 });
  });
});
