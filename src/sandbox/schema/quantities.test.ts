// Quantities come out in one form, and mean what they meant.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { amountOf, formatQuantity, parseQuantity } from './quantities.ts';

const canonical = (text: string | number): string => {
  const quantity = parseQuantity(text);
  return typeof quantity === 'string' ? `! ${quantity}` : formatQuantity(quantity);
};

describe('quantities', () => {
  it.each([['1000m', '1'], ['0.5', '500m'], ['1.5Gi', '1536Mi'], ['1024Mi', '1Gi'], ['1000Mi', '1000Mi'], ['100000', '100k'], ['1e3', '1e3'], ['512', '512'], ['-2.50', '-2500m'], ['0', '0'], ['0.0000000001', '1n']])('%s is written %s', (text, expected) => {
    expect(canonical(text)).toBe(expected);
  });

  it.each(['lots', '', '1KK', '1 Gi', '--1'])('%j is none', (text) => { expect(canonical(text)).toMatch(/^! /); });
});

it('the canonical form is of the same amount, and its own', () => {
  fc.assert(fc.property(fc.integer({ min: -1_000_000, max: 1_000_000 }), fc.constantFrom('', 'm', 'k', 'Ki', 'M', 'Mi', 'e2'), (number, suffix) => {
    const text = canonical(`${String(number)}${suffix}`);
    expect(canonical(text)).toBe(text);
    expect(amountOf(text)).toBeCloseTo(amountOf(`${String(number)}${suffix}`), 6);
  }), { numRuns: 60 });
});
