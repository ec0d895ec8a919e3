// `npm run test:apiserver`: ring 2. Boots etcd and kube-apiserver of one Kubernetes minor after another, runs the suites of
// config/vitest.apiserver.config.ts against each, and ends with one line that counts. Arguments: `--kubernetes 1.36` for one minor,
// `--record` to write what the real server answers into the contract's goldens; the rest goes to vitest.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { missingFor, startCluster, stopCluster, type KubernetesMinor, type RealCluster } from './cluster/index.ts';
import { readCounts, reportArguments, summaryLine, sumOf, type TestCounts } from './toolchain/test-report.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const minors: readonly KubernetesMinor[] = ['1.35', '1.36'];
const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { stopping.abort(); });

function parse(args: readonly string[]): { chosen: readonly KubernetesMinor[]; record: boolean; rest: string[] } {
  const rest = args.filter((argument) => argument !== '--record');
  const at = rest.indexOf('--kubernetes');
  const wanted = at < 0 ? undefined : rest.splice(at, 2)[1];
  const chosen = minors.filter((minor) => wanted === undefined || minor === wanted);
  if (chosen.length === 0) throw new Error(`--kubernetes is one of ${minors.join(', ')}, not ${wanted ?? 'nothing'}`);
  return { chosen, record: args.includes('--record'), rest };
}

function parsedArguments(): ReturnType<typeof parse> {
  try {
    return parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`test:apiserver: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}

/** Runs vitest in a process of its own; it ends with this one. */
function vitest(minor: KubernetesMinor, { kubeconfig, kubectl }: RealCluster, record: boolean, rest: readonly string[]): Promise<TestCounts> {
  const report = join(root, `.cache/apiserver-report-${minor}.json`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--config', join(root, 'config/vitest.apiserver.config.ts'), '--reporter=default', ...reportArguments(report), ...rest], {
      cwd: root, stdio: 'inherit', env: { ...process.env, MIZZEN_TEST_KUBECONFIG: kubeconfig, MIZZEN_KUBECTL: process.env['MIZZEN_KUBECTL'] ?? kubectl, ...(record ? { MIZZEN_RECORD_CONTRACT: '1' } : {}) },
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

async function runMinor(minor: KubernetesMinor, record: boolean, rest: readonly string[]): Promise<TestCounts> {
  const missing = await missingFor({ scope: 'apiserver', kubernetes: minor });
  if (missing !== undefined) {
    process.stdout.write(`ring 2 on Kubernetes ${minor} is skipped: ${missing}\n`);
    return { passed: 0, failed: 0, skipped: 1 };
  }
  const name = `ring2-${String(process.pid)}`;
  try {
    const cluster = await startCluster({ name, kubernetes: minor, scope: 'apiserver', endsWithStarter: true, signal: stopping.signal, progress: (line) => process.stderr.write(`ring 2: ${line}\n`) });
    return await vitest(minor, cluster, record, rest);
  } catch (error) {
    process.stderr.write(`ring 2 on Kubernetes ${minor} failed: ${error instanceof Error ? error.message : String(error)}\n`);
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    await stopCluster(name, 'apiserver');
  }
}

if (process.argv.includes('--help')) {
  process.stdout.write(`Runs the suites of config/vitest.apiserver.config.ts on real API servers, of Kubernetes ${minors.join(' and ')}. Needs Go for the first build.

  npm run test:apiserver -- [options] [file filters]

  --kubernetes MINOR     ${minors.join(' or ')} alone
  --record               writes what the real servers answer into the goldens of test/contract
  --help                 prints this
`);
  process.exit(0);
}
const { chosen, record, rest } = parsedArguments();
const counts: TestCounts[] = [];
for (const minor of chosen) {
  if (stopping.signal.aborted) break;
  counts.push(await runMinor(minor, record, rest));
}
const total = sumOf(counts);
process.stdout.write(summaryLine(total));
// In continuous integration a ring that cannot run is a failure.
const incomplete = process.env['CI'] === 'true' && total.skipped > 0 && total.passed === 0;
process.exit(stopping.signal.aborted ? 130 : total.failed > 0 || incomplete ? 1 : 0);
