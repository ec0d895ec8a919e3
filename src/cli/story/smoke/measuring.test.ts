// The pure parts of the smoke test.
import { describe, expect, test } from 'vitest';
import { binomialBounds } from './binomial.ts';
import { counterSum, parseSamples } from './prometheus-text.ts';
import { percentile, tally, underLoad } from './traffic.ts';

describe('binomialBounds', () => {
  test('agree with tables: 2,000 choices of one in ten', () => {
    const { lower, upper } = binomialBounds(2_000, 0.1);
    expect([lower, upper]).toEqual([expect.any(Number), expect.any(Number)]);
    // Five standard deviations of 13.4 around 200, a little wider above than below.
    expect(lower).toBeGreaterThan(132);
    expect(lower).toBeLessThan(142);
    expect(upper).toBeGreaterThan(262);
    expect(upper).toBeLessThan(272);
  });

  test('are exact for a small case', () => {
    // Ten choices of one half: 0 or 10 have mass 1/1024 each, 1 or 9 have 10/1024.
    expect(binomialBounds(10, 0.5, 0.005)).toEqual({ lower: 1, upper: 9 });
    expect(binomialBounds(10, 0.5, 0.0001)).toEqual({ lower: 0, upper: 10 });
  });

  test('leave no room where there is no choice', () => {
    expect(binomialBounds(5, 0)).toEqual({ lower: 0, upper: 0 });
    expect(binomialBounds(5, 1)).toEqual({ lower: 5, upper: 5 });
  });
});

test('parseSamples reads Prometheus text with escapes and without labels', () => {
  const text = '# TYPE a counter\na{x="1",y="say \\"hi\\", {ok}"} 3\na{x="2",y=""} 4.5 1700000000\nup 1\nbad line\n';
  expect(parseSamples(text)).toEqual([
    { name: 'a', labels: { x: '1', y: 'say "hi", {ok}' }, value: 3 }, { name: 'a', labels: { x: '2', y: '' }, value: 4.5 }, { name: 'up', labels: {}, value: 1 },
  ]);
  expect(counterSum(text, 'a', { y: '' })).toBe(4.5);
  expect(counterSum(text, 'a', {})).toBe(7.5);
});

test('underLoad counts failures and waits for what is under way', async () => {
  let sent = 0;
  const { value, load } = await underLoad(2, async () => ((sent += 1) % 5 === 0 ? 'fifth' : undefined), async () => 'done');
  expect(value).toBe('done');
  expect(load.requests).toBe(sent);
  expect(load.failed).toBe(Math.floor(sent / 5));
});

test('tally and percentile', () => {
  expect(tally(['a', 'b', 'a'])).toEqual({ a: 2, b: 1 });
  expect(percentile([5, 1, 3, 2, 4], 0.5)).toBe(3);
});
