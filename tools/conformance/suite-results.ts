// Reads what the suite's test binary printed with -test.v: how each test of the suite ended, and why those that failed did.

/** How one test of the suite ended. */
export interface TestResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  readonly seconds: number;
  /** What the test and its parts said when they failed. */
  readonly reasons: readonly string[];
}

const ROOT = 'TestConformance/';
const MAXIMUM_REASONS = 12;

/** The tests directly below the root; the root itself and their parts are not counted. */
export function parseResults(output: string): TestResult[] {
  const lines = output.split('\n');
  const said = linesByTest(lines);
  const results: TestResult[] = [];
  for (const line of lines) {
    const end = /^\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)/.exec(line);
    const name = end?.[2]?.startsWith(ROOT) ? end[2].slice(ROOT.length) : undefined;
    if (!end || name === undefined || name.includes('/')) continue;
    const outcome = end[1] === 'PASS' ? 'passed' : end[1] === 'FAIL' ? 'failed' : 'skipped';
    results.push({ name, outcome, seconds: Number(end[3]), reasons: outcome === 'failed' ? reasonsOf(name, lines, said) : [] });
  }
  return results;
}

/** Lines that each test said, by its full name: `=== NAME` and `=== CONT` say who speaks. */
function linesByTest(lines: readonly string[]): Map<string, string[]> {
  const said = new Map<string, string[]>();
  let speaker = '';
  for (const line of lines) {
    const change = /^=== (?:RUN|NAME|CONT|PAUSE)\s+(\S+)/.exec(line);
    if (change) speaker = change[1] ?? '';
    else if (!/^\s*--- /.test(line)) said.set(speaker, [...(said.get(speaker) ?? []), line.trim()]);
  }
  return said;
}

/** For each failing part without failing parts of its own: its name, the errors it raised, and the last thing it said. */
function reasonsOf(test: string, lines: readonly string[], said: ReadonlyMap<string, readonly string[]>): string[] {
  const failing = lines.flatMap((line) => /^\s*--- FAIL: (\S+)/.exec(line)?.[1] ?? []).filter((name) => name === `${ROOT}${test}` || name.startsWith(`${ROOT}${test}/`));
  const leaves = failing.filter((name) => !failing.some((other) => other.startsWith(`${name}/`)));
  return leaves.slice(0, MAXIMUM_REASONS).flatMap((name) => {
    const own = said.get(name) ?? [];
    const errors = own.filter((line, index) => /^(Error:|Messages:)/.test(line) || /^(Error:)/.test(own[index - 1] ?? ''));
    const last = own.filter((line) => line !== '' && !/^(Error|Error Trace|Test|Messages):/.test(line) && !/^\/.*\.go:\d+$/.test(line)).slice(-3);
    return [`${name.slice(ROOT.length + test.length + 1) || '(itself)'}: ${[...errors.slice(0, 4), ...last].join(' | ').slice(0, 900)}`];
  });
}
