// A stock kubectl as a child process, for suites whose own process may be the cluster that it speaks to.
import { spawn } from 'node:child_process';

/** How one kubectl runs. */
export interface KubectlRun {
  readonly program: string;
  readonly kubeconfig: string;
  /** Its home, for what it keeps between runs. */
  readonly home: string;
  readonly input?: string;
  /** Ends it once its output matches: for what would go on for ever. */
  readonly until?: RegExp | undefined;
  readonly timeoutMilliseconds: number;
  /** Gets all of the output so far, whenever there is more; at first nothing. */
  readonly onText?: (text: string) => void;
}

/** Runs kubectl without blocking this process; the text is standard output and error together. */
export function runKubectl(args: readonly string[], { program, kubeconfig, home, input = '', until, timeoutMilliseconds, onText }: KubectlRun): Promise<{ status: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['--kubeconfig', kubeconfig, ...args], { env: { HOME: home, PATH: process.env['PATH'] } });
    let text = '';
    onText?.(text);
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMilliseconds);
    const take = (chunk: Buffer): void => {
      text += chunk.toString();
      onText?.(text);
      if (until?.test(text)) child.kill('SIGTERM');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', reject);
    child.on('close', (status) => {
      clearTimeout(timer);
      resolve({ status, text });
    });
    child.stdin.end(input);
  });
}
