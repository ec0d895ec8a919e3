// Runs another program to its end for the tools, with its output.
import { spawn } from 'node:child_process';
import { cancellation } from './cancellation.ts';

/** What a program may be given besides its arguments. */
export interface CommandOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
  readonly timeoutMilliseconds?: number;
  /** Ends the program; that of the work which this is part of when absent. */
  readonly signal?: AbortSignal;
}

/** A program that was told to end and does not is killed then. */
const GRACE_MILLISECONDS = 5_000;

/** How a program ended. */
export interface CommandResult {
  /** Its exit status; undefined when a signal ended it or it could not be started. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end, whatever its status; rejects with its signal's reason when that is aborted. */
export async function attempt(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const signal = options.signal ?? cancellation();
  signal?.throwIfAborted();
  const result = await runToEnd(command, options, signal);
  signal?.throwIfAborted();
  return result;
}

function runToEnd(command: readonly string[], options: CommandOptions, signal: AbortSignal | undefined): Promise<CommandResult> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...options.env },
      // Out of reach of a terminal's interrupt, which is for us to pass on: what it ends by itself would look like a failure.
      detached: signal !== undefined,
      ...(options.directory === undefined ? {} : { cwd: options.directory }),
      ...(options.timeoutMilliseconds === undefined ? {} : { timeout: options.timeoutMilliseconds, killSignal: 'SIGKILL' as const }),
    });
    const stopEnding = signal === undefined ? () => undefined : endWith(signal, child.pid);
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    // A program that ends without reading its input closes the pipe; its status tells what there is to tell.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
    const settle = (result: CommandResult): void => {
      stopEnding();
      resolve(result);
    };
    child.on('error', (error) => settle({ ...output, status: undefined, stderr: `${output.stderr}${error.message}` }));
    child.on('close', (code) => settle({ ...output, status: code ?? undefined }));
  });
}

/** Ends a process group when the signal is aborted; gives the way to leave it alone. */
function endWith(signal: AbortSignal, leader: number | undefined): () => void {
  let timer: NodeJS.Timeout | undefined;
  const end = (): void => {
    killGroup(leader, 'SIGTERM');
    timer = setTimeout(() => killGroup(leader, 'SIGKILL'), GRACE_MILLISECONDS);
  };
  signal.addEventListener('abort', end, { once: true });
  return () => {
    signal.removeEventListener('abort', end);
    clearTimeout(timer);
  };
}

function killGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
