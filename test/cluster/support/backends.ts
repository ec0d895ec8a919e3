// Programs that run beside the cluster, on the host's address as its pods see it, for the length of a test.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A running program. */
export interface Backend {
  readonly url: string;
  log(): string;
  stop(): Promise<void>;
}

/** Starts `command` in a folder of its own with these files in it, and waits until `readyPath` answers 200. */
export async function startBackend(url: string, readyPath: string, command: (folder: string) => readonly string[], files: Readonly<Record<string, string>> = {}, readySeconds = 90): Promise<Backend> {
  const folder = mkdtempSync(join(tmpdir(), 'backend-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  const [program = '', ...args] = command(folder);
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (log = `${log}${text}`.slice(-20_000)));
  let ended = false;
  const end = new Promise<void>((resolve) => child.once('close', () => {
    ended = true;
    resolve();
  }));
  child.once('error', (error) => (log += error.message));
  const backend: Backend = {
    url, log: () => log,
    stop: async () => {
      child.kill('SIGTERM');
      const limit = setTimeout(() => child.kill('SIGKILL'), 5000);
      await end;
      clearTimeout(limit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const limit = Date.now() + readySeconds * 1000; ; await sleep(250)) {
    const status = await fetch(`${url}${readyPath}`).then((response) => response.status, () => 0);
    if (status === 200) return backend;
    if (ended || Date.now() > limit) {
      await backend.stop();
      throw new Error(`${program} did not become ready:\n${log.slice(-2000)}`);
    }
  }
}
