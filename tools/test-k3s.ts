// `npm run test:k3s`: tests that want a container engine. Finds or starts one, loads our images into it, runs test/k3s through testcontainers, and leaves nothing behind,
// neither in an engine that was started here nor in the user's.
// Where there is no engine, or k3s' image cannot be pulled, it says so in one line and counts what did not run as skipped, never as passed.
import { spawn, type ChildProcess } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ENGINE_IMAGES, IMAGE_FOLDER_VARIABLE, K3S_IMAGE_VARIABLE } from '../test/k3s/engine-under-test.ts';
import { findContainerEngine, type ContainerEngine } from './container-engine.ts';
import { buildImages, imageCache } from './images/index.ts';
import type { CommandLine, Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';
import { readCounts, reportArguments, summaryLine } from './toolchain/test-report.ts';
import { RING_OPERANDS, RING_OPTIONS, vitestArguments } from './toolchain/vitest.ts';

/** The one place that pins k3s: by its release, or by whatever MIZZEN_K3S_IMAGE names, such as the same with its digest (that of the index, one for all platforms) or an image of your own registry. */
const K3S_IMAGE = process.env['MIZZEN_K3S_IMAGE'] || 'docker.io/rancher/k3s:v1.34.1-k3s1';
const PULL_MILLISECONDS = 120_000;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const report = join(root, '.cache/k3s-test-report.json');
const imageFolder = join(root, '.cache/cluster-images');
let tests: ChildProcess | undefined;
let interrupted = false;

function say(line: string): void {
  process.stderr.write(`test:k3s: ${line}\n`);
}

/** Runs the tests on an engine; resolves with vitest's status. */
function runTests(engine: ContainerEngine, k3sImage: string, line: CommandLine<typeof RING_OPTIONS>): Promise<number> {
  return new Promise((resolve) => {
    tests = spawn(process.execPath, vitestArguments(root, 'vitest.k3s.config.ts', ['--reporter=verbose', ...reportArguments(report)], line), {
      cwd: root, stdio: 'inherit',
      // The engine's own reaper would have to be pulled; what these tests start they stop, and the engine that was started here ends with all it has.
      env: { ...process.env, ...engine.environment, DOCKER_HOST: engine.host, TESTCONTAINERS_RYUK_DISABLED: 'true', [IMAGE_FOLDER_VARIABLE]: imageFolder, [K3S_IMAGE_VARIABLE]: k3sImage },
    });
    tests.on('error', () => resolve(1));
    tests.on('exit', (code) => resolve(code ?? 1));
  });
}

const USAGE = {
  program: 'test:k3s',
  about: 'Runs the tests of test/k3s in a container engine: that of DOCKER_HOST, one at its usual socket, or podman, started for them. Leaves nothing behind.',
  options: RING_OPTIONS, ...RING_OPERANDS,
  notes: `The image of k3s is ${K3S_IMAGE}; MIZZEN_K3S_IMAGE names another, or the same by its digest.`,
} satisfies Usage<typeof RING_OPTIONS>;

async function main(line: CommandLine<typeof RING_OPTIONS>): Promise<number> {
  const engine = await findContainerEngine();
  if (!engine.found) {
    say(`cannot run here: ${engine.reason}`);
    process.stdout.write('0 passed, 0 failed, 1 skipped\n');
    return 0;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      interrupted = true;
      tests?.kill(signal);
    });
  }
  try {
    say(`${engine.name} at ${engine.host}`);
    const refusal = await engine.pull(K3S_IMAGE, PULL_MILLISECONDS);
    if (refusal !== undefined) say(`the smoke on k3s is skipped: ${K3S_IMAGE} cannot be pulled: ${refusal}`);
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64';
    const only = refusal === undefined ? [] : [...ENGINE_IMAGES];
    const images = await buildImages({ root, output: imageFolder, architectures: [architecture], only, versions: refusal === undefined ? [] : ['v3.1.0'], cache: imageCache(process.env), progress: say });
    for (const image of images.filter(({ name }) => ENGINE_IMAGES.some((wanted) => wanted === name))) await engine.load(join(imageFolder, image.archive), image.reference);
    if (interrupted) return 130;
    const status = await runTests(engine, refusal === undefined ? K3S_IMAGE : '', line);
    process.stdout.write(summaryLine(readCounts(report, status)));
    return status;
  } finally {
    await engine.stop();
  }
}

/** A run that breaks off is one failure to whoever adds up the rings. */
async function counted(line: CommandLine<typeof RING_OPTIONS>): Promise<number> {
  try {
    return await main(line);
  } catch (error) {
    process.stdout.write('0 passed, 1 failed, 0 skipped\n');
    throw error;
  }
}

await runProgram(USAGE, counted);
