// Runs other programs for the cluster tools: to a good end, or detached for as long as the cluster lives.
import { spawn } from 'node:child_process';
import { cancellation } from '../toolchain/cancellation.ts';
import { attempt, type CommandOptions } from '../toolchain/command.ts';
import { ClusterError } from './errors.ts';

export { attempt, type CommandOptions, type CommandResult } from '../toolchain/command.ts';

const LONGEST_QUOTE = 2000;
const LONGEST_COMMAND = 200;

/** Runs a program that must succeed; gives what it wrote to standard output. `told` is what an error calls the command: itself when absent. */
export async function run(command: readonly string[], options: CommandOptions = {}, told: string = command.join(' ')): Promise<string> {
  const result = await attempt(command, options);
  if (result.status === 0) return result.stdout;
  const output = `${result.stderr}${result.stdout}`.trim();
  const line = told.replaceAll(/\s+/g, ' ');
  throw new ClusterError('CLUSTER_COMMAND', `\`${line.length > LONGEST_COMMAND ? `${line.slice(0, LONGEST_COMMAND)} ...` : line}\` ${result.status === undefined ? 'did not run to its end' : `ended with status ${result.status}`}: ${output.slice(-LONGEST_QUOTE)}`);
}

/** Starts a program that outlives this one; its output goes to `log`, an open file. */
export function startDetached(command: readonly string[], log: number): number {
  cancellation()?.throwIfAborted();
  const [program = '', ...args] = command;
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' });
  child.on('error', () => undefined);
  child.unref();
  if (child.pid === undefined) throw new ClusterError('CLUSTER_COMMAND', `${program} could not be started`);
  return child.pid;
}

/** A text that the shell takes as one word. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Asks until the answer is there, or throws when the time is over, with what `describe` says then. */
export async function waitUntil<T>(ask: () => Promise<T | undefined> | T | undefined, timeoutMilliseconds: number, describe: () => string | Promise<string>): Promise<T> {
  const end = Date.now() + timeoutMilliseconds;
  for (;;) {
    cancellation()?.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new ClusterError('CLUSTER_TIMEOUT', `${await describe()} (waited ${Math.round(timeoutMilliseconds / 1000)} s)`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
