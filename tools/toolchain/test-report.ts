// What a run of vitest came to, from its JSON report; for the runners of the rings, whose last line counts.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** How many tests did what. */
export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
}

/** Makes room for a report, so that the one of an earlier run is not taken for this one's; gives vitest's arguments that ask for it. */
export function reportArguments(path: string): string[] {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  return ['--reporter=json', `--outputFile.json=${path}`];
}

/** What vitest reported, and its status (null when a signal ended it). Without a report the run failed. */
export function readCounts(path: string, status: number | null): TestCounts {
  let report: Report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch (error) {
    throw new Error(`vitest ended with status ${String(status)} and without a report`, { cause: error });
  }
  // A file that fails before its first test has no failed test of its own; it must still count.
  return { passed: report.numPassedTests, failed: Math.max(report.numFailedTests, status === 0 ? 0 : 1), skipped: report.numPendingTests + report.numTodoTests };
}

/** The sum of several runs. */
export function sumOf(counts: readonly TestCounts[]): TestCounts {
  const sum = (field: keyof TestCounts) => counts.reduce((total, each) => total + each[field], 0);
  return { passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

/** The line that a ring ends with. */
export function summaryLine({ passed, failed, skipped }: TestCounts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped\n`;
}
