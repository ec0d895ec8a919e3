// The folder where downloads, bundles and finished layers are kept between runs, outside the tree.
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../toolchain/cache-folder.ts';

/** What was used so lately may be in use by another run. */
const LATELY_MILLISECONDS = 10 * 60_000;

/** The folder: `images` in the cache of all that is built or fetched once. */
export function imageCache(environment: Readonly<Record<string, string | undefined>>): string {
  return join(cacheFolder(environment), 'images');
}

/** Notes that entries were used now. */
export function markUsed(...paths: readonly string[]): void {
  const now = new Date();
  for (const path of paths) utimesSync(path, now, now);
}

/** Removes the entries of a folder but the `count` that were used last. */
export function keepNewest(folder: string, count: number): void {
  if (!existsSync(folder)) return;
  const entries = readdirSync(folder).map((name) => ({ path: join(folder, name), used: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }));
  const old = entries.sort((left, right) => right.used - left.used).slice(count).filter(({ used }) => Date.now() - used > LATELY_MILLISECONDS);
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}
