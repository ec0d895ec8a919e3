// Runs ring 1 (`npm test`), or rewrites the goldens (`npm run golden`), and ends with one line that counts.
// Arguments after `--` go to vitest: `npm test -- src/proxy`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache/test-report.json');
mkdirSync(dirname(report), { recursive: true });
rmSync(report, { force: true });

const update = process.argv.includes('--update');
const rest = process.argv.slice(2).filter((argument) => argument !== '--update');
const result = spawnSync(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(root, 'config/vitest.config.ts'),
  '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...rest],
{ cwd: root, stdio: 'inherit', env: { ...process.env, ...(update ? { MIZZEN_UPDATE_GOLDENS: '1' } : {}) } });

const counts = JSON.parse(readFileSync(report, 'utf8')) as Report;
const skipped = counts.numPendingTests + counts.numTodoTests;
// A file that fails before its first test has no failed test of its own; it must still count.
const failed = Math.max(counts.numFailedTests, result.status === 0 ? 0 : 1);
process.stdout.write(`${counts.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`);
process.exit(result.status ?? 1);
