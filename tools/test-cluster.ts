// `npm run test:cluster` (ring 3): boots a real Kubernetes, runs test/cluster/bare on it, installs the operator and a mesh, runs the rest of test/cluster,
// takes the cluster down again whatever happens, and ends with one line that counts. Where it cannot run, it says why in one line; under CI=true that is a failure.
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attachCluster, ClusterError, hasIpv6, Kubectl, MAXIMUM_NODES, startCluster, stopCluster, type RealCluster } from './cluster/index.ts';
import { buildImages, imageCache } from './images/index.ts';
import { flag, oneOf, text, textOr, wholeNumber, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { readCounts, reportArguments, summaryLine, sumOf, type TestCounts } from './toolchain/test-report.ts';
import { RING_OPERANDS, RING_OPTIONS, vitestArguments } from './toolchain/vitest.ts';
import { CLUSTER_VARIABLE } from '../test/cluster/support/cluster-under-test.ts';
import { installMesh, installOperator } from '../test/cluster/support/mesh-installation.ts';
import { RING_IMAGES } from '../test/cluster/support/ring-images.ts';

const OPTIONS = {
  name: textOr('NAME', 'ring3', "the cluster's name"),
  nodes: wholeNumber('N', { minimum: 1, maximum: MAXIMUM_NODES, fallback: 2 }, `how many nodes, 1 to ${MAXIMUM_NODES}`),
  // Both families are tried wherever the kernel has both.
  'ip-family': oneOf('FAMILY', ['ipv4', 'dual'], hasIpv6() ? 'dual' : 'ipv4', 'ipv4 or dual; dual where the kernel has IPv6'),
  use: text('NAME', 'runs on a cluster that --keep or cluster:up left, as it is; nothing is booted, installed or removed'),
  refresh: flag('with --use: builds and loads the images first, restarts the operator, and installs what is missing'),
  keep: flag('leaves the cluster running'),
  bare: flag('runs test/cluster/bare alone, whose tests install the mesh themselves'),
  ...RING_OPTIONS,
};

const USAGE = {
  program: 'test:cluster',
  about: 'Runs the tests of test/cluster on a real Kubernetes with a mesh, booted for them and removed afterwards. Needs root on Linux.',
  options: OPTIONS, ...RING_OPERANDS,
} satisfies Usage<typeof OPTIONS>;

/** `bare`: before the operator is there. `mesh`: with the ring's mesh. */
type Phase = 'bare' | 'mesh';

interface Request {
  readonly name: string;
  readonly nodes: number;
  readonly ipFamily: 'ipv4' | 'dual';
  readonly use: boolean;
  readonly refresh: boolean;
  readonly keep: boolean;
  readonly phases: readonly Phase[];
  /** For vitest. */
  readonly line: CommandLine<typeof OPTIONS>;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache/cluster-test-report.json');
const start = Date.now();
const interrupted = new AbortController();
let tests: ChildProcess | undefined;

function progress(line: string): void {
  process.stderr.write(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
}

function requestOf(line: CommandLine<typeof OPTIONS>): Request {
  const { name, nodes, 'ip-family': ipFamily, use, refresh, keep, bare } = line.values;
  return { name: use ?? name, nodes, ipFamily, use: use !== undefined, refresh, keep, phases: phasesOf(bare, use !== undefined, line.operands), line };
}

function phasesOf(bare: boolean, use: boolean, filters: readonly string[]): readonly Phase[] {
  if (bare || filters.some((filter) => filter.includes('bare'))) return ['bare'];
  // A cluster in use has its mesh, which the bare tests would take away.
  return use || filters.length > 0 ? ['mesh'] : ['bare', 'mesh'];
}

/** The cluster to test on; throws a ClusterError when this machine cannot have one. */
async function obtainCluster(request: Request): Promise<RealCluster> {
  if (request.use) return attachCluster(request.name);
  return startCluster({ name: request.name, nodes: request.nodes, ipFamily: request.ipFamily, endsWithStarter: !request.keep, progress, signal: interrupted.signal });
}

async function loadImages(cluster: RealCluster): Promise<void> {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const images = await buildImages({ root, output: RING_IMAGES, architectures: [architecture], only: [], versions: [], cache: imageCache(process.env), progress });
  interrupted.signal.throwIfAborted();
  await Promise.all(cluster.nodes.map((node) => node.importImages(images.map((image) => join(RING_IMAGES, image.archive)))));
  progress(`the nodes hold the images (${images.length})`);
}

async function installRing(cluster: RealCluster): Promise<void> {
  const kubectl = new Kubectl(cluster.kubectl, cluster.kubeconfig);
  await installOperator(kubectl, progress);
  interrupted.signal.throwIfAborted();
  await installMesh(kubectl, progress);
}

/** Runs the tests of a phase. */
async function runTests(request: Request, phase: Phase): Promise<TestCounts> {
  const status = await new Promise<number>((resolve) => {
    tests = spawn(process.execPath, vitestArguments(root, 'vitest.cluster.config.ts', ['--reporter=verbose', ...reportArguments(report)], request.line),
    { cwd: root, stdio: 'inherit', env: { ...process.env, [CLUSTER_VARIABLE]: request.name, MIZZEN_TEST_PHASE: phase } });
    tests.on('error', () => resolve(1));
    tests.on('exit', (code) => resolve(code ?? 1));
  });
  interrupted.signal.throwIfAborted();
  return readCounts(report, status);
}

async function testOn(request: Request): Promise<readonly TestCounts[]> {
  // Outside of what is cleared up below: a name that is taken is somebody else's cluster. One that fails half-way is removed by its watchdog when this process ends.
  const cluster = await obtainCluster(request);
  const ours = !request.use && !request.keep;
  try {
    interrupted.signal.throwIfAborted();
    const furnish = !request.use || request.refresh;
    if (furnish) await loadImages(cluster);
    const counts: TestCounts[] = [];
    for (const phase of request.phases) {
      interrupted.signal.throwIfAborted();
      if (phase === 'mesh' && furnish) await installRing(cluster);
      interrupted.signal.throwIfAborted();
      counts.push(await runTests(request, phase));
    }
    return counts;
  } finally {
    if (ours) {
      await stopCluster(request.name);
      progress('the cluster is gone');
    }
  }
}

async function main(line: CommandLine<typeof OPTIONS>): Promise<number> {
  try {
    const counts = sumOf(await testOn(requestOf(line)));
    process.stdout.write(summaryLine(counts));
    return counts.failed === 0 ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    const unsupported = error instanceof ClusterError && error.code === 'CLUSTER_UNSUPPORTED';
    process.stderr.write(`test:cluster: ${unsupported ? `cannot run here: ${error.message}` : error instanceof Error ? error.message : String(error)}\n`);
    const skipped = unsupported && process.env['CI'] !== 'true';
    process.stdout.write(unsupported ? '0 passed, 0 failed, 1 skipped\n' : '0 passed, 1 failed, 0 skipped\n');
    return skipped ? 0 : 1;
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted.abort(new Error(`interrupted by ${signal}`));
    tests?.kill(signal);
  });
}

await runProgram(USAGE, main);
