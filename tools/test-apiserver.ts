// `npm run test:apiserver`: ring 2. Boots etcd and kube-apiserver of one Kubernetes minor after another, runs the suites of
// config/vitest.apiserver.config.ts against each, and ends with one line that counts.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingFor, startCluster, stopCluster, type KubernetesMinor, type RealCluster } from './cluster/index.ts';
import { flag, someOf, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { readCounts, reportArguments, summaryLine, sumOf, type TestCounts } from './toolchain/test-report.ts';
import { RING_OPERANDS, RING_OPTIONS, vitestArguments } from './toolchain/vitest.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const minors: readonly KubernetesMinor[] = ['1.35', '1.36'];
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { stopping.abort(); });

const OPTIONS = {
  kubernetes: someOf('MINOR', minors, `${minors.join(' or ')} alone; all when absent`),
  record: flag('writes what the real servers answer into the goldens of test/contract'),
  ...RING_OPTIONS,
};
type Line = CommandLine<typeof OPTIONS>;

const USAGE = {
  program: 'test:apiserver',
  about: `Runs the suites of config/vitest.apiserver.config.ts on real API servers, of Kubernetes ${minors.join(' and ')}. Needs Go for the first build.`,
  options: OPTIONS, ...RING_OPERANDS,
} satisfies Usage<typeof OPTIONS>;

/** Runs vitest in a process of its own; it ends with this one. */
function vitest(minor: KubernetesMinor, { kubeconfig, kubectl }: RealCluster, line: Line): Promise<TestCounts> {
  const report = join(root, `.cache/apiserver-report-${minor}.json`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, vitestArguments(root, 'vitest.apiserver.config.ts', ['--reporter=default', ...reportArguments(report)], line), {
      cwd: root, stdio: 'inherit', env: { ...process.env, MIZZEN_TEST_KUBECONFIG: kubeconfig, MIZZEN_KUBECTL: process.env['MIZZEN_KUBECTL'] ?? kubectl, ...(line.values.record ? { MIZZEN_RECORD_CONTRACT: '1' } : {}) },
    });
    const end = (): void => { child.kill('SIGTERM'); };
    stopping.signal.addEventListener('abort', end, { once: true });
    child.on('error', reject);
    child.on('exit', (status) => {
      stopping.signal.removeEventListener('abort', end);
      try {
        resolve(readCounts(report, status));
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function runMinor(minor: KubernetesMinor, line: Line): Promise<TestCounts> {
  const missing = await missingFor({ scope: 'apiserver', kubernetes: minor });
  if (missing !== undefined) {
    process.stdout.write(`ring 2 on Kubernetes ${minor} is skipped: ${missing}\n`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const name = `ring2-${String(process.pid)}`;
  try {
    const cluster = await startCluster({ name, kubernetes: minor, scope: 'apiserver', endsWithStarter: true, signal: stopping.signal, progress: (line) => process.stderr.write(`ring 2: ${line}\n`) });
    return await vitest(minor, cluster, line);
  } catch (error) {
    process.stderr.write(`ring 2 on Kubernetes ${minor} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await stopCluster(name, 'apiserver');
  }
}

async function main(line: Line): Promise<number> {
  const counts: TestCounts[] = [];
  for (const minor of minors.filter((each) => line.values.kubernetes.length === 0 || line.values.kubernetes.includes(each))) {
    if (stopping.signal.aborted) break;
    counts.push(await runMinor(minor, line));
  }
  const total = sumOf(counts);
  process.stdout.write(summaryLine(total));
  // In continuous integration a ring that cannot run is a failure.
  const incomplete = process.env['CI'] === 'true' && total.skipped > 0 && total.passed === 0;
  return stopping.signal.aborted ? 130 : total.failed > 0 || incomplete ? 1 : 0;
}

await runProgram(USAGE, main);
// What the suites' servers left open is no reason to wait.
process.exit();
