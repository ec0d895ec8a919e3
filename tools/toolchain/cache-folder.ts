// The folder outside the tree for what is built or fetched once and kept between runs, and the way in which things come into it.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { exclusively } from './exclusive.ts';

/** The folder: MIZZEN_CACHE, else `mizzen` in the user's cache folder. */
export function cacheFolder(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  return environment['MIZZEN_CACHE'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mizzen');
}

/** Makes a folder once: one process at a time fills an empty one, which takes its name only when it is complete. What `fill` throws leaves nothing behind. */
export async function madeOnce(folder: string, fill: (unfinished: string) => Promise<void>, onWait: () => void): Promise<string> {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
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
