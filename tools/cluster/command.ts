// Runs other programs for the cluster tools: to a good end, or detached for as long as the cluster lives.
import { spawn } from 'node:child_process';
import { attempt, type CommandOptions } from '../toolchain/command.ts';
import { ClusterError } from './errors.ts';

export { attempt, type CommandOptions, type CommandResult } from '../toolchain/command.ts';

const LONGEST_QUOTE = 2000;

/** Runs a program that must succeed; gives what it wrote to standard output. */
export async function run(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await attempt(command, options);
  if (result.status === 0) return result.stdout;
  const output = `${result.stderr}${result.stdout}`.trim();
  throw new ClusterError('CLUSTER_COMMAND', `\`${command.join(' ').slice(0, LONGEST_QUOTE)}\` ${result.status === undefined ? 'did not run to its end' : `ended with status ${result.status}`}: ${output.slice(-LONGEST_QUOTE)}`);
}

/** Starts a program that outlives this one; its output goes to `log`, an open file. */
export function startDetached(command: readonly string[], log: number): number {
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
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new ClusterError('CLUSTER_TIMEOUT', `${await describe()} (waited ${Math.round(timeoutMilliseconds / 1000)} s)`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
