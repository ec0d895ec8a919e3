// Debouncing: bursts, their longest time, and the scope of what they hold.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Debouncer } from './index.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function debouncer(): { readonly debouncer: Debouncer; readonly acts: string[] } {
  const acts: string[] = [];
  const limits = { full: { quietMilliseconds: 100, maximumMilliseconds: 1_000 }, endpoints: { quietMilliseconds: 20, maximumMilliseconds: 200 } };
  return { acts, debouncer: new Debouncer(limits, (scope) => acts.push(scope)) };
}

describe('Debouncer', () => {
  test('acts once when a burst has ended', () => {
    const { debouncer: target, acts } = debouncer();
    for (let count = 0; count < 5; count += 1) {
      target.note('full');
      vi.advanceTimersByTime(90);
    }
    expect(acts).toEqual([]);
    vi.advanceTimersByTime(10);
    expect(acts).toEqual(['full']);
    vi.advanceTimersByTime(5_000);
    expect(acts).toEqual(['full']);
  });

  test('acts at the latest after the maximum, however long the burst', () => {
    const { debouncer: target, acts } = debouncer();
    for (let time = 0; time < 1_950; time += 50) {
      target.note('full');
      vi.advanceTimersByTime(50);
    }
    expect(acts).toEqual(['full']);
  });

  test('endpoints alone are quicker; with anything else in the burst it counts as full', () => {
    const { debouncer: target, acts } = debouncer();
    target.note('endpoints');
    vi.advanceTimersByTime(20);
    expect(acts).toEqual(['endpoints']);
    target.note('full');
    target.note('endpoints');
    vi.advanceTimersByTime(20);
    expect(acts).toEqual(['endpoints']);
    vi.advanceTimersByTime(80);
    expect(acts).toEqual(['endpoints', 'full']);
  });

  test('what was cancelled is forgotten', () => {
    const { debouncer: target, acts } = debouncer();
    target.note('full');
    target.cancel();
    vi.advanceTimersByTime(5_000);
    expect(acts).toEqual([]);
  });
});
