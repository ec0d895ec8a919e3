// What a peer is: a program that somebody else wrote and that tests put on the other side of ours. Peers are never shipped and never
// committed; they are fetched at a pinned version into a folder outside the tree and kept there.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A peer's program ready to run, or in one line why it is not here. */
export type Peer = { readonly found: true; readonly version: string; readonly path: string } | { readonly found: false; readonly reason: string };

/** The folder of everything fetched: MIZZEN_CACHE, else `mizzen` in the user's cache folder. */
export function cacheFolder(): string {
  const given = process.env['MIZZEN_CACHE'];
  if (given) return given;
  return join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mizzen');
}

/** What came of a program that was run to its end. */
export interface Outcome {
  /** -1 when it could not be started. */
  readonly status: number;
  readonly output: string;
}

/** Runs a program to its end and gives its output, both streams together. */
export function runToEnd(command: readonly string[], options: { readonly cwd?: string; readonly environment?: Readonly<Record<string, string>> } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { cwd: options.cwd, env: { ...process.env, ...options.environment }, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.on('error', (error) => resolve({ status: -1, output: error.message }));
    child.on('close', (status) => resolve({ status: status ?? 1, output }));
  });
}

/** Fetches into the cache once: `make` fills an empty folder, which takes its name only when it is complete. Gives the folder, or why not. */
export async function cached(name: string, make: (folder: string) => Promise<string | undefined>): Promise<{ readonly folder: string } | { readonly reason: string }> {
  const folder = join(cacheFolder(), 'peers', name);
  if (existsSync(folder)) return { folder };
  const growing = `${folder}.${process.pid}`;
  rmSync(growing, { recursive: true, force: true });
  mkdirSync(growing, { recursive: true });
  process.stderr.write(`fetching ${name} (once) ...\n`);
  const reason = await make(growing);
  if (reason !== undefined) {
    rmSync(growing, { recursive: true, force: true });
    return { reason };
  }
  try {
    renameSync(growing, folder);
  } catch (error) {
    // Another run was quicker; its folder holds the same.
    rmSync(growing, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return { folder };
}

/** The last line of a program's output that says something: the part of a failure that fits in one line. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() ?? '';
}

/** A short name for the content of files, so that a changed pin is another folder. */
export function digestOf(...files: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 12);
}
