import { describe, expect, it } from 'vitest';
import { parseResults, withSortedProfiles } from './suite-results.ts';

const OUTPUT = `=== RUN   TestConformance
=== RUN   TestConformance/Works
    conformance.go:77: 2026-11-20T16:00:00Z: Running Works
=== RUN   TestConformance/Works/part
=== ENDED Works passed
=== RUN   TestConformance/Other
    conformance.go:60: unsupported
=== ENDED Other skipped
=== RUN   TestConformance/Breaks
=== RUN   TestConformance/Breaks/first
    http.go:325: 2026-11-20T16:00:01Z: Response expectation failed for request: {URL: x}  not ready yet: expected 200, got 404 (after 3s)
    http.go:306: 2026-11-20T16:00:02Z: timeout while waiting after 3 attempts, 0/3 successes
=== RUN   TestConformance/Breaks/second
=== ENDED Breaks failed
=== RUN   TestConformance/CutOff
`;

describe('parseResults', () => {
  it('tells how each test of the suite ended, and what its failing parts said last', () => {
    expect(parseResults(OUTPUT)).toEqual([
      { name: 'Works', outcome: 'passed', reasons: [] },
      { name: 'Other', outcome: 'skipped', reasons: [] },
      { name: 'Breaks', outcome: 'failed', reasons: ['first: not ready: expected 200, got 404 (after 3s) | timeout while waiting after 3 attempts, 0/3 successes'] },
      { name: 'CutOff', outcome: 'failed', reasons: [] },
    ]);
  });

  it('finds no result in the output of a suite that did not start', () => {
    expect(parseResults('=== RUN   TestConformance\npanic: no cluster\n')).toEqual([]);
  });
});

it('two reports with the same profiles are the same text', () => {
  const report = (...names: readonly string[]): string => `kind: ConformanceReport\nprofiles:\n${names.map((name) => `- core: { result: success }\n  name: ${name}\n`).join('')}`;
  expect(withSortedProfiles(report('MESH-HTTP', 'GATEWAY-TLS'))).toBe(withSortedProfiles(report('GATEWAY-TLS', 'MESH-HTTP')));
  expect(withSortedProfiles(report('B', 'A'))).toMatch(/name: A[^]*name: B/);
});
