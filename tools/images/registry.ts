// A real OCI registry for tests and walk-throughs: go-containerregistry's `crane registry serve`, built from a module that pins it, kept outside the tree.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** A registry that runs, or in one line why there is none. */
export type Registry = { readonly found: true; readonly url: string; readonly stop: () => Promise<void> } | { readonly found: false; readonly reason: string };

const PACKAGE = 'github.com/google/go-containerregistry/cmd/crane';
const START_MILLISECONDS = 10_000;

/** Starts a registry that keeps what it gets in `folder`; `host` is the address that it listens on. */
export async function startRegistry({ root, cache, folder, host = '127.0.0.1' }: { root: string; cache: string; folder: string; host?: string }): Promise<Registry> {
  const crane = provideCrane(join(root, 'tools/images/go/crane'), cache);
  if (!crane.found) return crane;
  mkdirSync(folder, { recursive: true });
  const child = spawn(crane.path, ['registry', 'serve', '--address', `${host}:0`, '--disk', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await listeningPort(child);
  return { found: true, url: `http://${host}:${port}`, stop: () => end(child) };
}

/** A crane of the pinned version: a client and a registry. */
export function provideCrane(module: string, cache: string): { readonly found: true; readonly path: string } | { readonly found: false; readonly reason: string } {
  const hash = createHash('sha256');
  for (const name of ['go.mod', 'go.sum']) hash.update(readFileSync(join(module, name)));
  const path = join(cache, `crane-${hash.digest('hex').slice(0, 12)}`);
  if (existsSync(path)) return { found: true, path };
  if (spawnSync('go', ['version']).status !== 0) return { found: false, reason: 'no crane for a registry: there is no Go here to build it' };
  mkdirSync(cache, { recursive: true });
  process.stderr.write('building crane from its Go modules (once, under a minute) ...\n');
  const partial = `${path}.${process.pid}.partial`;
  const built = spawnSync('go', ['build', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', partial, PACKAGE], { cwd: module, env: { ...process.env, CGO_ENABLED: '0' }, encoding: 'utf8' });
  if (built.status !== 0) {
    rmSync(partial, { force: true });
    return { found: false, reason: `no crane for a registry: it could not be built: ${built.stderr.trim().split('\n').at(-1) ?? ''}` };
  }
  renameSync(partial, path);
  return { found: true, path };
}

/** It says on standard error on which port it serves. */
function listeningPort(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => fail('it did not say its port'), START_MILLISECONDS);
    const fail = (reason: string): void => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`the registry did not start: ${reason}. ${text.trim()}`));
    };
    child.on('error', (error) => fail(error.message));
    child.on('exit', (status) => fail(`it ended with status ${String(status)}`));
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const port = /serving on port (\d+)|:(\d+)\s*$/m.exec(text);
      if (port === null) return;
      clearTimeout(timer);
      resolve(port[1] ?? port[2] ?? '');
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}
