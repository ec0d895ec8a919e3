// MongoDB's protocol beside the cluster and in it: a server (FerretDB) on the host's address as its pods see it, and an application with the real driver as one program's text, to be fed to a pod's Node.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { provideGoProgram } from '../../../tools/peers/index.ts';
import type { Findings } from '../../support/mongodb-findings.ts';
import type { TestNamespace } from './test-namespace.ts';

/** A running database. */
export interface FerretDb {
  readonly port: number;
  stop(): Promise<void>;
}

const CLIENT = fileURLToPath(new URL('../../support/mongodb-client.ts', import.meta.url));

/** Starts a database on a free port of the address; resolves once it listens. */
export async function startFerretDb(address: string): Promise<FerretDb> {
  const peer = await provideGoProgram('ferretdb');
  if (!peer.found) throw new Error(peer.reason);
  // Whatever ends the tests ends the server.
  const server = spawn('setpriv', ['--pdeathsig', 'TERM', peer.path, `${address}:0`], { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(server, 'exit');
  let [output, errors] = ['', ''];
  server.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  await new Promise<void>((resolve, reject) => {
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('\n')) resolve();
    });
    server.once('error', reject).once('exit', () => reject(new Error(`FerretDB does not serve: ${errors}`)));
  });
  return {
    port: Number(new URL(output.trim()).port),
    stop: async () => {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

/** The application's text: the program of test/support with the driver in it. */
export async function bundleMongoDbClient(): Promise<string> {
  // The driver's companions for other clouds and encryptions are optional; it does without those that are not there.
  const { outputFiles } = await build({ entryPoints: [CLIENT], bundle: true, write: false, platform: 'node', format: 'cjs', target: 'node24', minify: true, logLevel: 'error' });
  return outputFiles[0]?.text ?? '';
}

/** What the application finds at each address when it runs in a pod that has Node. */
export async function findingsInPod(space: TestNamespace, pod: string, container: string, client: string, addresses: readonly string[], patienceMilliseconds = 20_000): Promise<Record<string, Findings>> {
  const result = await space.exec(pod, ['node', '-', String(patienceMilliseconds), ...addresses], { container, input: client, timeoutMilliseconds: 90_000 });
  if (result.status !== 0) throw new Error(`the driver did not run in ${pod}: ${result.stderr}`);
  const findings = JSON.parse(result.stdout) as Findings[];
  return Object.fromEntries(findings.map((each, index) => [addresses[index], each]));
}
