// What a peer is: a program that somebody else wrote and that tests put on the other side of ours. Peers are never shipped and never
// committed; they are fetched at a pinned version into a folder outside the tree and kept there.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cacheFolder, madeOnce } from '../toolchain/cache-folder.ts';

/** A peer's program ready to run, or in one line why it is not here. */
export type Peer = { readonly found: true; readonly version: string; readonly path: string } | { readonly found: false; readonly reason: string };

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

/** Fetches into the cache once: `make` fills an empty folder, or says why it cannot. Gives the folder, or why not. */
export async function cached(name: string, make: (folder: string) => Promise<string | undefined>): Promise<{ readonly folder: string } | { readonly reason: string }> {
  let reason: string | undefined;
  try {
    return {
      folder: await madeOnce(join(cacheFolder(), 'peers', name), async (folder) => {
        process.stderr.write(`fetching ${name} (once) ...\n`);
        reason = await make(folder);
        if (reason !== undefined) throw new Error(reason);
      }, () => process.stderr.write(`waiting for another process that fetches ${name} ...\n`)),
    };
  } catch (error) {
    if (reason === undefined) throw error;
    return { reason };
  }
}

/** The last line of a program's output that says something: the part of a failure that fits in one line. */
export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1)?.trim() ?? '';
}
