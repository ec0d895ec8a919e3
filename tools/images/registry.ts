// A real OCI registry for tests and walk-throughs: go-containerregistry's `crane registry serve`, built from a module that pins it, kept outside the tree.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildGoModule, GoModuleError } from '../toolchain/go-module.ts';

/** A registry that runs, or in one line why there is none. */
export type Registry = { readonly found: true; readonly url: string; readonly stop: () => Promise<void> } | { readonly found: false; readonly reason: string };

const PACKAGE = 'github.com/google/go-containerregistry/cmd/crane';
const START_MILLISECONDS = 10_000;

/** Starts a registry that keeps what it gets in `folder`; `host` is the address that it listens on. */
export async function startRegistry({ root, cache, folder, host = '127.0.0.1' }: { root: string; cache: string; folder: string; host?: string }): Promise<Registry> {
  const crane = await provideCrane(join(root, 'tools/images/go/crane'), cache);
  if (!crane.found) return crane;
  mkdirSync(folder, { recursive: true });
  const child = spawn(crane.path, ['registry', 'serve', '--address', `${host}:0`, '--disk', folder], { stdio: ['ignore', 'ignore', 'pipe'] });
  const port = await listeningPort(child);
  return { found: true, url: `http://${host}:${port}`, stop: () => end(child) };
}

/** A crane of the pinned version: a client and a registry. */
async function provideCrane(source: string, cache: string): Promise<{ readonly found: true; readonly path: string } | { readonly found: false; readonly reason: string }> {
  const report = { cache, progress: (line: string) => process.stderr.write(`${line}\n`) };
  try {
    const folder = await buildGoModule({ source, name: 'crane', programs: { crane: ['build', '-trimpath', '-ldflags', '-s -w', PACKAGE] }, title: 'crane', duration: 'under a minute' }, report);
    return { found: true, path: join(folder, 'crane') };
  } catch (error) {
    if (error instanceof GoModuleError) return { found: false, reason: `no crane for a registry: ${error.message}` };
    throw error;
  }
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
