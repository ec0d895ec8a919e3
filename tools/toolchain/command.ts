// Runs another program to its end for the tools, with its output.
import { spawn } from 'node:child_process';

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
