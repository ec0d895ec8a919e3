// Runs ring 1 (`npm test`), or rewrites the goldens (`npm run golden`), and ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { flag, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { readCounts, reportArguments, summaryLine } from './toolchain/test-report.ts';
import { RING_OPERANDS, RING_OPTIONS, vitestArguments } from './toolchain/vitest.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache/test-report.json');

const OPTIONS = { ...RING_OPTIONS, update: flag('rewrites the goldens, as `npm run golden` does') };
const USAGE = { program: 'test', about: 'Runs the tests that stand beside the code and in test/, of this machine alone: npm test -- src/proxy runs a part.', options: OPTIONS, ...RING_OPERANDS } satisfies Usage<typeof OPTIONS>;

async function main(line: CommandLine<typeof OPTIONS>): Promise<number> {
  const reporters = ['--reporter=default', ...reportArguments(report)];
  const { status } = spawnSync(process.execPath, vitestArguments(root, 'vitest.config.ts', reporters, line), { cwd: root, stdio: 'inherit', env: { ...process.env, ...(line.values.update ? { MIZZEN_UPDATE_GOLDENS: '1' } : {}) } });
  process.stdout.write(summaryLine(readCounts(report, status)));
  return status ?? 1;
}

await runProgram(USAGE, main);
