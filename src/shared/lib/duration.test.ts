import { describe, expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

describe('parseDuration', () => {
  it.each([
    ['1.5s', 1500], ['1m30s', 90_000], ['250ms', 250], ['500us', 0.5], ['0s', 0], ['0', 0], ['24h', 86_400_000], ['1h1m1s', 3_661_000], ['-1s', -1000],
    ['10', undefined], ['soon', undefined], ['s', undefined], ['', undefined], ['1s ', undefined],
  ])('reads %j as %s milliseconds', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });
});
