// `npm run test:conformance`: runs the Gateway API's own conformance suite against the mesh on a real Kubernetes, writes its report into
// test/conformance/gateway-api, and ends with one line that counts. See docs/architecture/gateway-api.md and --help.
import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { KubeClient } from '../../src/shared/kube/index.ts';
import { attachCluster, ClusterError, clusterNames, missingFor, startCluster, stopCluster, type RealCluster } from '../cluster/index.ts';
import { buildImages, imageCache } from '../images/index.ts';
import { readExpectations, suiteArguments } from './expectations.ts';
import { ConformanceError, conformancePrograms, type ConformancePrograms } from './go-programs.ts';
import { balanceLoads } from './load-balancer.ts';
import { installMesh } from './mesh.ts';
import { suiteImages } from './suite-images.ts';
import { parseResults, withSortedProfiles, type TestResult } from './suite-results.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const folder = join(root, 'test/conformance/gateway-api');
const output = join(root, '.cache/conformance');

const USAGE = `Runs the conformance suite of the Gateway API against this mesh on a real Kubernetes cluster on this machine.

  npm run test:conformance -- [options]

  --cluster NAME   the cluster to use; one that is there is kept and its mesh left as it is (default: conformance, made and removed)
  --test NAMES     tests of the suite, with commas between, instead of all; no report is written then
  --quick          short time limits, for a first look: what would come right a little later counts as failed; no report is written
  --keep           leaves the cluster there, with the suite's gateways and backends
  --reinstall      installs images, definitions and mesh on a cluster that is there already
  --log FILE       where the suite's whole output goes (default: .cache/conformance/suite.log)
  --help           prints this
`;

interface Request {
  readonly cluster: string;
  readonly test: string | undefined;
  readonly quick: boolean;
  readonly keep: boolean;
  readonly reinstall: boolean;
  readonly log: string;
}

function requestOf(args: string[]): Request | undefined {
  const { values } = parseArgs({
    args, allowPositionals: false,
    options: { cluster: { type: 'string', default: 'conformance' }, test: { type: 'string' }, quick: { type: 'boolean' }, keep: { type: 'boolean' }, reinstall: { type: 'boolean' }, log: { type: 'string', default: join(output, 'suite.log') }, help: { type: 'boolean' } },
  });
  if (values.help === true) return undefined;
  return { cluster: values.cluster, test: values.test, quick: values.quick === true, keep: values.keep === true, reinstall: values.reinstall === true, log: values.log };
}

const started = Date.now();
function progress(line: string): void {
  process.stderr.write(`${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
}

/** What has to be undone when the run is interrupted. */
let undo: () => Promise<void> = async () => undefined;
for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.once(signal, () => {
    progress(`ended by ${signal}`);
    void undo().finally(() => process.exit(status));
  });
}

/** The cluster with the mesh, and whether it was made here. */
async function prepare(request: Request, programs: ConformancePrograms): Promise<{ cluster: RealCluster; made: boolean }> {
  const present = clusterNames().includes(request.cluster);
  if (present && !request.reinstall) return { cluster: attachCluster(request.cluster), made: false };
  const archives = [...await suiteImages(programs), ...await meshImages()];
  if (!present && !request.keep) undo = () => stopCluster(request.cluster);
  const cluster = present ? attachCluster(request.cluster) : await startCluster({ name: request.cluster, images: archives, progress });
  try {
    if (present) for (const node of cluster.nodes) await node.importImages(archives);
    await installMesh(cluster, { root, definitions: programs.definitions, channel: readExpectations(folder).channel, progress });
  } catch (error) {
    if (!present && !request.keep) await cluster.stop();
    throw error;
  }
  return { cluster, made: !present };
}

async function meshImages(): Promise<string[]> {
  const folderOfImages = join(output, 'images');
  const built = await buildImages({
    root, output: folderOfImages, architectures: [process.arch === 'arm64' ? 'arm64' : 'amd64'], only: ['mizzen-operator', 'mizzend', 'mizzen-proxy', 'mizzen-cni'], versions: ['v3.1.0'],
    cache: imageCache(process.env), progress,
  });
  return built.map(({ archive }) => join(folderOfImages, archive));
}

/** Runs the suite; gives everything that it printed. */
async function runSuite(cluster: RealCluster, programs: ConformancePrograms, request: Request): Promise<string> {
  const report = join(output, 'report.yaml');
  rmSync(report, { force: true });
  const args = suiteArguments(readExpectations(folder), { report: isWhole(request) ? report : undefined, quick: request.quick, keep: request.keep, version: packageVersion() });
  const child = spawn(programs.suite, args, { cwd: output, env: { ...process.env, KUBECONFIG: cluster.kubeconfig, ...(request.test === undefined ? {} : { CONFORMANCE_ONLY: request.test }) }, stdio: ['ignore', 'pipe', 'pipe'] });
  const undoCluster = undo;
  undo = () => {
    child.kill('SIGKILL');
    return undoCluster();
  };
  mkdirSync(dirname(request.log), { recursive: true });
  const log = openSync(request.log, 'w');
  const chunks: string[] = [];
  let ended = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      chunks.push(text);
      writeSync(log, text);
      for (const [, name = '', outcome = ''] of text.matchAll(/^=== ENDED (\S+) (passed|failed)$/gm)) progress(`${++ended} ${outcome}: ${name}`);
    });
  }
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve());
  });
  undo = undoCluster;
  closeSync(log);
  return chunks.join('');
}

/** Whether the run is one to report about. */
function isWhole({ test, quick }: Request): boolean {
  return test === undefined && !quick;
}

function packageVersion(): string {
  return `v${(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version}`;
}

function failuresText(results: readonly TestResult[]): string {
  const lines = results.filter(({ outcome }) => outcome === 'failed').flatMap(({ name, reasons }) => [`FAIL ${name}`, ...reasons.map((reason) => `     ${reason}`)]);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

async function main(request: Request): Promise<number> {
  const missing = await missingFor({});
  if (missing !== undefined && process.env['CI'] !== 'true') {
    process.stdout.write(`skipped: ${missing}\n0 passed, 0 failed, 1 skipped\n`);
    return 0;
  }
  mkdirSync(output, { recursive: true });
  const programs = await conformancePrograms(progress);
  const { cluster, made } = await prepare(request, programs);
  const balancing = new AbortController();
  const client = KubeClient.fromDefault({ kubeconfigText: readFileSync(cluster.kubeconfig, 'utf8') });
  try {
    await balanceLoads(client, balancing.signal);
    progress('running the suite');
    const results = parseResults(await runSuite(cluster, programs, request));
    if (results.length === 0) throw new ConformanceError(`the suite ran no test; its output is in ${request.log}`);
    if (isWhole(request)) writeReport(results);
    process.stdout.write(failuresText(results));
    const count = (outcome: TestResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
    process.stdout.write(`${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`);
    return count('failed') === 0 ? 0 : 1;
  } finally {
    balancing.abort();
    client.close();
    if (made && !request.keep) await cluster.stop();
  }
}

/** The report goes into the project only from a whole run that passed; else it stays beside the log. */
function writeReport(results: readonly TestResult[]): void {
  const made = join(output, 'report.yaml');
  if (!existsSync(made)) throw new ConformanceError('the suite wrote no report: it was ended, or failed outside its tests; see its output');
  if (results.every(({ outcome }) => outcome !== 'failed')) writeFileSync(join(folder, 'report.yaml'), withSortedProfiles(readFileSync(made, 'utf8')));
}

try {
  const request = requestOf(process.argv.slice(2));
  if (request) process.exitCode = await main(request);
  else process.stdout.write(USAGE);
} catch (error) {
  if (!(error instanceof ConformanceError) && !(error instanceof ClusterError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`test:conformance: ${error.message}\n`);
  process.exitCode = 1;
}
