// Puts a capture plan into the kernel's packet filter, once: rules that are there already stay. Runs in the pod's network namespace.
import { execFile } from 'node:child_process';
import { chainsOf, restoreText, type CapturePlan } from '../capture/index.ts';

/** Runs a program with input; resolves with its output, rejects with what it wrote to standard error. */
export type RunProgram = (program: string, args: readonly string[], input?: string) => Promise<string>;

/** Says that the packet filter could not be changed. */
export class FirewallError extends Error {}

/** Runs programs as children of this process, in another network namespace when `netns` names one. */
export function programRunner(netns?: string): RunProgram {
  return (program, args, input) => new Promise((resolve, reject) => {
    const [file, list] = netns === undefined ? [program, args] : ['nsenter', [`--net=${netns}`, '--', program, ...args]];
    const child = execFile(file, [...list], (error, stdout, stderr) => (error ? reject(new FirewallError(`${program} ${args.join(' ')}: ${stderr.trim() || error.message}`)) : resolve(stdout)));
    // A program that reads no input may be gone before it is written; how it ended says all.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
}

/** Applies a plan and verifies that its chains are there; returns false when they were there before. */
export async function applyCapture(plan: CapturePlan, run: RunProgram): Promise<boolean> {
  const prefix = plan.family === 'IPv6' ? 'ip6tables' : 'iptables';
  if (await isApplied(plan, prefix, run)) return false;
  await run(`${prefix}-restore`, ['--noflush'], restoreText(plan));
  for (const route of plan.routes) await run('ip', [...(plan.family === 'IPv6' ? ['-6'] : []), ...route]);
  if (!(await isApplied(plan, prefix, run))) throw new FirewallError(`${prefix} took the rules but does not show them; is another backend (legacy or nft) in use?`);
  return true;
}

async function isApplied(plan: CapturePlan, prefix: string, run: RunProgram): Promise<boolean> {
  const present = await run(`${prefix}-save`, []);
  return chainsOf(plan.rules).every((chain) => present.includes(`:${chain} `));
}
