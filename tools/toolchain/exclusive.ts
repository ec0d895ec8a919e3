// Work that only one process at a time may do, such as building a binary into the shared cache: a lock file that names its owner,
// taken over when the owner is gone.
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cancellation } from './cancellation.ts';

/** A process id with its start time, as nobody else has it again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since the machine started. */
  readonly started: string;
}

/** The identity of a running process; undefined when there is none. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name, in parentheses, may hold anything; the state after it tells a zombie.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const started = fields?.[19];
  return started === undefined || fields?.[0] === 'Z' ? undefined : { pid, started };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.started === identity.started;
}

/** The text of a file; undefined when it is not there. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Runs `work` while no other process runs work under the same lock file. */
export async function exclusively<T>(lock: string, work: () => Promise<T>, onWait: () => void): Promise<T> {
  // A name and a content of its own for each call: one process may ask twice at a time.
  const call = randomUUID();
  const own = `${lock}.${call}`;
  writeFileSync(own, JSON.stringify({ ...processIdentity(process.pid), call }));
  try {
    for (let told = false; !take(own, lock); told = true) {
      if (!told) onWait();
      await new Promise((resolve) => setTimeout(resolve, 300));
      cancellation()?.throwIfAborted();
    }
    return await work();
  } finally {
    if (textOf(lock) === textOf(own)) rmSync(lock, { force: true });
    rmSync(own, { force: true });
  }
}

/** Takes the lock by linking a whole file to its name, which either succeeds or finds another's. */
function take(own: string, lock: string): boolean {
  try {
    linkSync(own, lock);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const owner = textOf(lock);
  const inode = statSync(lock, { throwIfNoEntry: false })?.ino;
  // Between reading and removing another may have taken it over: the inode tells.
  if (owner !== undefined && !isAlive(JSON.parse(owner) as ProcessIdentity) && statSync(lock, { throwIfNoEntry: false })?.ino === inode) rmSync(lock, { force: true });
  return false;
}
