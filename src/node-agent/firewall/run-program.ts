// Runs the packet filter's tools, in this or in another network namespace.
import { execFile } from 'node:child_process';

/** Runs a program with input; resolves with its output, rejects with what it wrote to standard error. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<string>;

/** Says that the packet filter could not be changed. */
export class FirewallError extends Error {}

const TIMEOUT_MILLISECONDS = 20_000;
const OUTPUT_LIMIT = 16 * 1024 * 1024;
/** iptables-legacy locks a file; this folder can be written in every container, whatever its root file system. */
const LOCK_FILE = '/dev/shm/xtables.lock';

/** Runs programs as children of this process, in another network namespace when `netns` names one. */
export function programRunner(netns?: string): RunProgram {
  return (program, args, input) => new Promise((resolve, reject) => {
    const [file, list] = netns === undefined ? [program, args] : ['nsenter', [`--net=${netns}`, '--', program, ...args]];
    const options = { timeout: TIMEOUT_MILLISECONDS, maxBuffer: OUTPUT_LIMIT, env: { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin', XTABLES_LOCKFILE: LOCK_FILE } };
    const child = execFile(file, [...list], options, (error, stdout, stderr) => {
      if (error) reject(new FirewallError(`${program} ${args.join(' ')}: ${describeFailure(error, stderr)}`));
      else resolve(stdout);
    });
    // A program that reads no input may be gone before it is written; how it ended says all.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

function describeFailure(error: Error & { readonly code?: unknown; readonly killed?: boolean }, stderr: string): string {
  if (error.code === 'ENOENT') return 'the program is not installed here';
  if (error.killed) return `did not end within ${TIMEOUT_MILLISECONDS / 1_000} seconds`;
  return stderr.trim() || error.message;
}
