// One agent of a node at a time: agents of two versions, or of two meshes, change the same configuration file, and what one wrote between another's reading and writing would be lost.
import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** An agent that was killed leaves its lock; nobody holds one this long. */
const ABANDONED_MILLISECONDS = 10_000;
const PAUSE_MILLISECONDS = 50;
const PATIENCE_MILLISECONDS = 20_000;

/** Runs `work` while it holds the lock, a folder that only one can make. Throws when the lock is not to be had. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  await acquire(path);
  try {
    return await work();
  } finally {
    await rmdir(path).catch(() => undefined); // taken for abandoned by another: it has it now
  }
}

async function acquire(path: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MILLISECONDS;
  while (!(await tryToMake(path))) {
    const age = Date.now() - (await stat(path).then(({ mtimeMs }) => mtimeMs, () => Date.now()));
    if (age > ABANDONED_MILLISECONDS) await rmdir(path).catch(() => undefined); // another was quicker
    else if (Date.now() > deadline) throw new Error(`another agent holds ${path}`);
    else await sleep(PAUSE_MILLISECONDS * (0.5 + Math.random()));
  }
}

async function tryToMake(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
