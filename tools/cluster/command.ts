// Runs other programs for the cluster tools: to their end with their output, or detached for as long as the cluster lives.
import { spawn } from 'node:child_process';
import { ClusterError } from './errors.ts';

/** What a program may be given besides its arguments. */
export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly timeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface CommandResult {
  /** Its exit status; undefined when a signal ended it or it could not be started. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const LONGEST_QUOTE = 2000;

/** Runs a program to its end, whatever its status. */
export function attempt(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env },
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.timeoutMilliseconds === undefined ? {} : { timeout: options.timeoutMilliseconds, killSignal: 'SIGKILL' as const }),
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    // A program that ends without reading its input closes the pipe; its status tells what there is to tell.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => resolve({ ...output, status: undefined, stderr: `${output.stderr}${error.message}` }));
    child.on('close', (code) => resolve({ ...output, status: code ?? undefined }));
  });
}

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
