// A container engine for tests, found or started: DOCKER_HOST, a socket at its usual place, or podman, which needs no daemon, started on a socket and
// with storage of its own for as long as it is wanted.
import { spawn, type ChildProcess } from 'node:child_process';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { EngineVisit } from './engine-visit.ts';
import { lastLine, runToEnd } from './peers/index.ts';

/** An engine that answers. */
export interface ContainerEngine {
  readonly found: true;
  /** What it calls itself, with its version. */
  readonly name: string;
  /** `unix:///...`, for DOCKER_HOST. */
  readonly host: string;
  /** Variables that the engine's clients need. */
  readonly environment: Readonly<Record<string, string>>;
  /** Loads an image archive, which holds the image of that reference. */
  load(archive: string, reference: string): Promise<void>;
  /** Pulls an image; gives the reason when that does not work in time. */
  pull(image: string, timeoutMilliseconds: number): Promise<string | undefined>;
  /** Ends the engine when it was started here, with all that it has; from the user's engine it takes out what was loaded and pulled and was not there before, with containers that still run it. */
  stop(): Promise<void>;
}

/** An engine, or in one line why there is none. */
export type FoundEngine = ContainerEngine | { readonly found: false; readonly reason: string };

const USUAL_SOCKETS = ['/var/run/docker.sock', '/run/podman/podman.sock', ...(process.env['XDG_RUNTIME_DIR'] ? [`${process.env['XDG_RUNTIME_DIR']}/podman/podman.sock`] : [])];
const ANSWER_MILLISECONDS = 15_000;
const REMOVAL_MILLISECONDS = 60_000;

/** Finds an engine, or starts podman where it is installed. */
export async function findContainerEngine(): Promise<FoundEngine> {
  const given = process.env['DOCKER_HOST']?.replace(/^unix:\/\//, '');
  for (const socket of given ? [given] : USUAL_SOCKETS) {
    const name = existsSync(socket) ? await engineName(socket) : undefined;
    if (name !== undefined) return engineOfUser(socket, name);
  }
  if (given) return { found: false, reason: `no container engine answers at DOCKER_HOST=${given}` };
  return startPodman();
}

function engineOfUser(socket: string, name: string): ContainerEngine {
  const visit = new EngineVisit((method, path) => ask(socket, method, path, REMOVAL_MILLISECONDS));
  const engine = engineAt(socket, name, {}, () => visit.end());
  return {
    ...engine,
    load: async (archive, reference) => {
      await visit.remember(reference);
      await engine.load(archive, reference);
    },
    pull: async (image, timeoutMilliseconds) => {
      await visit.remember(image);
      return engine.pull(image, timeoutMilliseconds);
    },
  };
}

async function startPodman(): Promise<FoundEngine> {
  if ((await runToEnd(['podman', '--version'])).status !== 0) return { found: false, reason: 'there is no container engine here: no DOCKER_HOST, no socket at its usual place, no podman' };
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-podman-'));
  const configuration = join(folder, 'containers.conf');
  mkdirSync(join(folder, 'run'));
  writeFileSync(configuration, PODMAN_CONFIGURATION);
  const socket = join(folder, 'podman.sock');
  const environment = { CONTAINERS_CONF: configuration };
  const child = spawn('podman', ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), 'system', 'service', '--time=0', `unix://${socket}`], { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const stop = async (): Promise<void> => {
    await runToEnd(['podman', '--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), 'rm', '--all', '--force', '--time', '0'], { environment });
    await end(child);
    // Layers are mounted while containers run; unmounting is podman's own affair.
    await runToEnd(['podman', '--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), 'system', 'reset', '--force'], { environment });
    rmSync(folder, { recursive: true, force: true });
  };
  for (const limit = Date.now() + ANSWER_MILLISECONDS; Date.now() < limit && child.exitCode === null; await sleep(100)) {
    const name = existsSync(socket) ? await engineName(socket) : undefined;
    if (name !== undefined) return engineAt(socket, name, environment, stop);
  }
  await stop();
  return { found: false, reason: `podman is installed and does not serve: ${lastLine(log) || 'no answer in time'}` };
}

/** runc knows every form of control groups; limits no higher than an unprivileged process of this machine may have. */
const PODMAN_CONFIGURATION = `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
`;

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(limit);
}

async function engineName(socket: string): Promise<string | undefined> {
  try {
    const { status, body } = await ask(socket, 'GET', '/version', ANSWER_MILLISECONDS);
    const { Version = '', Components = [] } = JSON.parse(body) as { Version?: string; Components?: readonly { Name: string }[] };
    return status === 200 ? `${Components[0]?.Name ?? 'engine'} ${Version}` : undefined;
  } catch (_silent) {
    return undefined;
  }
}

function engineAt(socket: string, name: string, environment: Readonly<Record<string, string>>, stop: () => Promise<void>): ContainerEngine {
  return {
    found: true, name, host: `unix://${socket}`, environment, stop,
    load: async (archive) => {
      const { status, body } = await ask(socket, 'POST', '/images/load', 120_000, archive);
      if (status !== 200 || body.includes('"error"')) throw new Error(`${name} did not load ${archive}: ${lastLine(body)}`);
    },
    pull: async (image, timeoutMilliseconds) => {
      try {
        const { status, body } = await ask(socket, 'POST', `/images/create?fromImage=${encodeURIComponent(image)}`, timeoutMilliseconds);
        return status === 200 && !body.includes('"error"') ? undefined : lastLine(body).slice(0, 200);
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    },
  };
}

/** One request of the engine's interface, with a file as its body when one is named. */
function ask(socket: string, method: string, path: string, timeoutMilliseconds: number, bodyFile?: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket, method, path, headers: { host: 'engine', ...(bodyFile === undefined ? {} : { 'content-type': 'application/x-tar' }) } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => resolve({ status: response.statusCode ?? 0, body })).on('error', reject);
    });
    const limit = setTimeout(() => sent.destroy(new Error(`no answer within ${timeoutMilliseconds / 1000} s`)), timeoutMilliseconds);
    sent.on('close', () => clearTimeout(limit)).on('error', reject);
    if (bodyFile === undefined) sent.end();
    else createReadStream(bodyFile).on('error', (error) => sent.destroy(error)).pipe(sent);
  });
}
