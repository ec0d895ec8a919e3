// The folder outside the tree for what is built or fetched once and kept between runs, and the way in which things come into it.
import { accessSync, constants, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { exclusively } from './exclusive.ts';

/** The folder: MIZZEN_CACHE, else `mizzen` in the user's cache folder. Throws where neither can be made, as for a user without a home. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const folder = environment['MIZZEN_CACHE'] || join(environment['XDG_CACHE_HOME'] || join(homeOf(environment), '.cache'), 'mizzen');
  if (!existsSync(folder) && !isWritable(nearestFolder(folder))) throw new Error(advice(folder));
  return folder;
}

/** What is wrong with a cache folder, and what to do. */
function advice(folder: string): string {
  return `what is built or fetched once is kept in ${folder}, which this user cannot write; set MIZZEN_CACHE to a folder of your own, as in \`MIZZEN_CACHE=/tmp/mizzen-cache npm run ...\``;
}

function homeOf(environment: Readonly<Record<string, string | undefined>>): string {
  try {
    return environment['HOME'] || homedir();
  } catch (_noSuchUser) {
    return '/';
  }
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch (_refused) {
    return false;
  }
}

/** Makes a folder once: one process at a time fills an empty one, which takes its name only when it is complete. What `fill` throws leaves nothing behind. */
export async function madeOnce(folder: string, fill: (unfinished: string) => Promise<void>, onWait: () => void): Promise<string> {
  if (existsSync(folder)) return folder;
  const parent = dirname(folder);
  // Also a cache that others may only read serves what it has.
  if (!isWritable(nearestFolder(parent))) throw new Error(advice(parent));
  mkdirSync(parent, { recursive: true });
  return exclusively(`${folder}.lock`, async () => {
    if (existsSync(folder)) return folder;
    const unfinished = `${folder}.${process.pid}.new`;
    try {
      rmSync(unfinished, { recursive: true, force: true });
      mkdirSync(unfinished);
      await fill(unfinished);
      renameSync(unfinished, folder);
    } finally {
      rmSync(unfinished, { recursive: true, force: true });
    }
    return folder;
  }, onWait);
}
