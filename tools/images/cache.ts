// The folder where downloads, bundles and finished layers are kept between runs, outside the tree.
import { existsSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** What was used so lately may be in use by another run. */
const LATELY_MILLISECONDS = 10 * 60_000;

/** The folder: `images` in MIZZEN_CACHE, else in the user's cache folder. */
export function imageCache(environment: Readonly<Record<string, string | undefined>>): string {
  return join(environment['MIZZEN_CACHE'] || join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mizzen'), 'images');
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
