// `npm run check`: the three type checks, lint, the import table, names and sizes, and that generated files are up to date.
// `npm run check -- src/proxy` lints one part. Every step runs even when one before it failed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkFiles } from './check-files.ts';
import type { Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { summaryLine } from './toolchain/test-report.ts';

interface Step {
  readonly name: string;
  readonly run: () => Promise<string>;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Runs a program; resolves with what it printed when it failed, with nothing when it succeeded. */
function program(script: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, script), ...args], { cwd: root });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
    child.on('error', (error) => resolve(`${script} could not be started: ${error.message}`));
    child.on('exit', (code) => resolve(code === 0 ? '' : text || `${script} ended with status ${code}`));
  });
}

const tsc = 'node_modules/typescript/bin/tsc';
const USAGE = { program: 'check', about: 'Checks types, imports, lint, names and sizes, and that generated files are up to date: npm run check -- src/proxy lints a part.', options: {}, operands: '[folder or file to lint]' } satisfies Usage<Record<never, never>>;

const stepsFor = (parts: readonly string[]): readonly Step[] => [
  { name: 'types', run: () => program(tsc, ['-p', '.']) },
  { name: 'types of pure folders', run: () => program(tsc, ['-p', 'config/tsconfig.pure.json']) },
  ...(existsSync(join(root, 'src/console/web')) ? [{ name: 'types of the web page', run: () => program(tsc, ['-p', 'config/tsconfig.web.json']) }] : []),
  { name: 'imports', run: () => program('node_modules/dependency-cruiser/bin/dependency-cruise.mjs', ['src', '--config', 'config/dependency-cruiser.mjs', '--output-type', 'err']) },
  { name: 'lint', run: () => program('node_modules/eslint/bin/eslint.js', ['--config', 'config/eslint.config.mjs', '--max-warnings=-1', '--quiet', ...(parts.length === 0 ? ['.'] : parts)]) },
  { name: 'names and sizes', run: () => Promise.resolve(checkFiles(root).join('\n')) },
  { name: 'generated files', run: () => program('tools/generate.ts', ['--check']) },
];

async function main({ operands }: { readonly operands: readonly string[] }): Promise<number> {
  const steps = stepsFor(operands);
  let failed = 0;
  for (const step of steps) {
    const start = performance.now();
    const problem = await step.run();
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stdout.write(`${problem === '' ? 'ok    ' : 'FAILED'} ${step.name} (${seconds} s)\n${problem === '' ? '' : `${problem.trimEnd()}\n`}`);
    if (problem !== '') failed += 1;
  }
  process.stdout.write(summaryLine({ passed: steps.length - failed, failed, skipped: 0 }));
  return failed === 0 ? 0 : 1;
}

await runProgram(USAGE, main);
