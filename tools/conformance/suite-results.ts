// Reads what the suite's test binary printed with -test.v: how each test of the suite ended, and why those that failed did; and its report.
import { parse, stringify } from 'yaml';

/** How one test of the suite ended. */
export interface TestResult {
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What the test and its parts said when they failed. */
  readonly reasons: readonly string[];
}

const ROOT = 'TestConformance/';
const MAXIMUM_REASONS = 12;

/** The tests directly below the root; the root itself and their parts are not counted. A test that was under way when the suite was ended counts as failed. */
export function parseResults(output: string): TestResult[] {
  const lines = output.split('\n');
  const said = linesByTest(lines);
  const outcomes = new Map<string, TestResult['outcome']>();
  for (const line of lines) {
    const begun = /^=== RUN\s+TestConformance\/([^/\s]+)$/.exec(line)?.[1];
    if (begun !== undefined) outcomes.set(begun, 'failed');
    const [, name, outcome] = /^=== ENDED (\S+) (passed|failed|skipped)$/.exec(line) ?? [];
    if (name !== undefined) outcomes.set(name, outcome as TestResult['outcome']);
  }
  return [...outcomes].map(([name, outcome]) => ({ name, outcome, reasons: outcome === 'failed' ? reasonsOf(name, said) : [] }));
}

/** Lines that each test said, by its full name: `=== NAME` and `=== CONT` say who speaks. */
function linesByTest(lines: readonly string[]): Map<string, string[]> {
  const said = new Map<string, string[]>();
  let speaker = '';
  for (const line of lines) {
    const change = /^=== (?:RUN|NAME|CONT|PAUSE)\s+(\S+)/.exec(line);
    if (change) speaker = change[1] ?? '';
    else if (line !== '' && !/^(\s*--- |=== )/.test(line)) said.set(speaker, [...(said.get(speaker) ?? []), line.trim()]);
  }
  return said;
}

/** For each part that raised an error, or said last that something was not as expected: its name, the errors, and the last thing that it said. */
function reasonsOf(test: string, said: ReadonlyMap<string, readonly string[]>): string[] {
  const parts = [...said].filter(([name]) => name === `${ROOT}${test}` || name.startsWith(`${ROOT}${test}/`));
  const failing = parts.filter(([, own]) => own.some((line) => /^Error( Trace)?:/.test(line) || /timeout while waiting|[Ff]atal|panic/.test(line)));
  return (failing.length > 0 ? failing : parts.slice(-1)).slice(0, MAXIMUM_REASONS).map(([name, own]) => {
    const errors = own.flatMap((line, index) => (/^Error:/.test(line) ? [line, own[index + 1] ?? ''] : /^Messages:/.test(line) ? [line] : []));
    const last = own.map((line) => line.replace(/^\S+\.go:\d+: \S+Z: /, '').replace(/^.* not ready yet: /, 'not ready: ')).filter((line) => line !== '' && !/^(Error|Error Trace|Test|Messages):/.test(line) && !/^\S+\.go:\d+$/.test(line)).slice(-3);
    return `${name.slice(ROOT.length + test.length + 1) || '(itself)'}: ${[...errors, ...last].join(' | ').slice(0, 1_000)}`;
  });
}

/** The suite's report with its profiles by name: it lists them in any order, which would make two equal reports differ. */
export function withSortedProfiles(report: string): string {
  const { profiles, ...rest } = parse(report) as { readonly profiles: readonly { readonly name: string }[] };
  return stringify({ ...rest, profiles: profiles.toSorted((left, right) => (left.name < right.name ? -1 : 1)) });
}
