// `npm run test:interop` (the peers' ring): our programs beside real ones of others on loopback addresses, without privilege, and in captured pods as root. Where a peer cannot be had it
// says why in one line and counts as skipped; under CI=true that is a failure. Ends with one line that counts.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { provideEnvoy } from './peers/index.ts';
import type { CommandLine, Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { readCounts, reportArguments, summaryLine } from './toolchain/test-report.ts';
import { RING_OPERANDS, RING_OPTIONS, vitestArguments } from './toolchain/vitest.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache/interop-test-report.json');

const USAGE = {
  program: 'test:interop',
  about: 'Runs the tests of test/interop: our programs beside real ones of others, an Envoy above all, which is fetched once. Those with captured pods need root.',
  options: RING_OPTIONS, ...RING_OPERANDS,
} satisfies Usage<typeof RING_OPTIONS>;

async function main(line: CommandLine<typeof RING_OPTIONS>): Promise<number> {
  const envoy = await provideEnvoy();
  if (!envoy.found) {
    process.stderr.write(`test:interop: cannot run here: ${envoy.reason}\n`);
    const failed = process.env['CI'] === 'true';
    process.stdout.write(failed ? '0 passed, 1 failed, 0 skipped\n' : '0 passed, 0 failed, 1 skipped\n');
    return failed ? 1 : 0;
  }
  const { status } = spawnSync(process.execPath, vitestArguments(root, 'vitest.interop.config.ts', ['--reporter=default', ...reportArguments(report)], line), { cwd: root, stdio: 'inherit' });
  process.stdout.write(summaryLine(readCounts(report, status)));
  return status ?? 1;
}

await runProgram(USAGE, main);
