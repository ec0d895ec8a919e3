import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hostCovers, hostsOverlap, mostSpecificMatch, narrowerHost, resolveHost } from './host-name.ts';

const label = fc.stringMatching(/^[a-z]{1,3}$/);
const exact = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const host = fc.oneof(exact, exact.map((name) => `*.${name}`), fc.constant('*'));

describe('hostCovers', () => {
  it('is reflexive and transitive', () => {
    fc.assert(fc.property(host, host, host, (a, b, c) => hostCovers(a, a) && (!(hostCovers(a, b) && hostCovers(b, c)) || hostCovers(a, c))));
  });

  it('covers exactly the names that end in the wildcard\'s suffix', () => {
    fc.assert(fc.property(exact, exact, (name, suffix) => hostCovers(`*.${suffix}`, name) === (name.endsWith(`.${suffix}`) && name !== `.${suffix}`)));
  });

  it('makes the narrower of two overlapping hosts the one that the other covers', () => {
    fc.assert(fc.property(host, host, (a, b) => !hostsOverlap(a, b) || (hostCovers(a, narrowerHost(a, b)) && hostCovers(b, narrowerHost(a, b)))));
  });

  it.each([
    ['*.example', 'example', false], ['*.example', 'a.example', true], ['*.example', 'a.b.example', true], ['*', '*.x', true], ['a.example', '*.example', false], ['*.b.example', '*.example', false],
  ])('%s over %s is %s', (pattern, name, expected) => expect(hostCovers(pattern, name)).toBe(expected));
});

describe('mostSpecificMatch', () => {
  it('prefers exact names, then longer suffixes, then the first', () => {
    const pick = (patterns: string[]): string | undefined => mostSpecificMatch(patterns, (pattern) => pattern, 'a.b.c');
    expect(pick(['*', '*.c', '*.b.c', 'a.b.c'])).toBe('a.b.c');
    expect(pick(['*', '*.b.c', '*.c'])).toBe('*.b.c');
    expect(pick(['x'])).toBeUndefined();
  });
});

describe('resolveHost', () => {
  it.each([['reviews', 'reviews.ns.svc.cluster.local'], ['a.example', 'a.example'], ['*', '*'], ['Reviews', 'reviews.ns.svc.cluster.local']])('makes %s %s', (given, expected) => {
    expect(resolveHost(given, 'ns', 'cluster.local')).toBe(expected);
  });
});
