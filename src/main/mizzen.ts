#!/usr/bin/env node
// The command line's program: hands the sandbox, with the programs that its images stand for, to the commands.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCli, type StartSandbox } from '../cli/index.ts';
import { startSandbox as startCluster, type ImageProgram, type ImageTable } from '../sandbox/index.ts';
import { createLogger } from '../shared/observability/index.ts';
import { PROGRAM_VERSION } from '../shared/process/index.ts';
import { usePino } from '../shared/observability/pino-sink.ts';
import { describeError } from '../shared/lib/index.ts';

usePino();

const log = createLogger('sandbox');

/** The project's folder: one floor above the bundle, or two above the source. */
function findRoot(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return [join(here, '..'), join(here, '../..')].find((folder) => existsSync(join(folder, 'crds'))) ?? join(here, '..');
}

const root = findRoot();
const programs = join(root, 'dist');

function program(file: string): ImageProgram {
  return { command: [process.execPath, join(programs, file)] };
}

/** Images by name without tag. */
const images: ImageTable = {
  'mizzen/mizzen-operator': program('operator.js'),
  'mizzen/mizzend': program('mizzend.js'),
  // Named as in Istio's image, where commands of its documentation look for it.
  'mizzen/mizzen-proxy': { ...program('proxy.js'), executables: { 'pilot-agent': program('proxy.js').command } },
  'mizzen/mizzen-cni': program('node-agent.js'),
  'mizzen/httpbin': program('samples/httpbin-httpbin.js'),
  ...Object.fromEntries(['productpage', 'details', 'reviews', 'ratings'].map((app) => [`mizzen/bookinfo-${app}`, program(`samples/bookinfo-${app}.js`)])),
};

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'mizzen-'));
  } catch (error) {
    throw new Error(`SANDBOX_DIRECTORY_UNUSABLE: no folder can be made in ${tmpdir()}: ${describeError(error)}. Set TMPDIR, or give --directory, to a folder that you may write.`, { cause: error });
  }
}

const startSandbox: StartSandbox = async ({ directory }) => {
  const own = directory === undefined ? temporaryFolder() : undefined;
  const forget = (): void => {
    if (own !== undefined) rmSync(own, { recursive: true, force: true });
  };
  try {
    const cluster = await startCluster({
      directory: own ?? directory ?? '', images, containerViewPath: join(programs, 'container-view.js'), keep: own === undefined,
      onProgress: (message) => log.info({}, message), onError: (component, error) => log.error({ component, error: describeError(error) }, 'the sandbox failed at something'),
    });
    return {
      kubeconfig: cluster.kubeconfigPath, nodeAddress: cluster.nodeAddress,
      stop: async () => {
        await cluster.stop();
        forget();
      },
    };
  } catch (error) {
    forget();
    throw error;
  }
};

const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ending.abort());
// The runner that started this program says so: when it is gone without a word, nobody is left who could stop what runs here.
if (process.env.MIZZEN_RUNNER === String(process.ppid)) {
  const runner = process.ppid;
  setInterval(() => { if (process.ppid !== runner) ending.abort(); }, 500).unref();
}

// A reader of our output that goes away (`mizzen proxy-config ... | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const status = await runCli(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, env: process.env, version: PROGRAM_VERSION, root, startSandbox, signal: ending.signal });
process.exitCode = status;
// What was interrupted may still wait for its next try, though everything that it worked on has been stopped.
if (ending.signal.aborted) process.exit(status);
