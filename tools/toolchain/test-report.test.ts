import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readCounts, reportArguments, summaryLine, sumOf } from './test-report.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-test-report-'));
const path = join(folder, 'deep/report.json');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('counts what vitest reported, and a failure that no test has', () => {
  reportArguments(path);
  writeFileSync(path, JSON.stringify({ numPassedTests: 5, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 }));
  expect(readCounts(path, 0)).toEqual({ passed: 5, failed: 0, skipped: 3 });
  expect(readCounts(path, null)).toEqual({ passed: 5, failed: 1, skipped: 3 });
  expect(summaryLine(sumOf([readCounts(path, 0), readCounts(path, 1)]))).toBe('10 passed, 1 failed, 6 skipped\n');
});

it('does not take an earlier run\'s report for this one\'s', () => {
  writeFileSync(path, '{}');
  reportArguments(path);
  expect(() => readCounts(path, 1)).toThrow('without a report');
});
