// Writes a file of the node in one step: a runtime that reads it meanwhile has the old text or the new one, never half of one.
// A file that is there keeps what its maker gave it: its mode, its owner, and its place behind a symbolic link.
import { randomUUID } from 'node:crypto';
import { chmod, chown, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { describeError } from '../../shared/lib/index.ts';
import { createLogger } from '../../shared/observability/index.ts';

/** A network's configuration may hold credentials: a new one is its owner's alone. */
const PRIVATE = 0o600;
const log = createLogger('cni-install');

/** How a file is placed. */
export interface PlaceOptions {
  /** The mode, whatever the file had. */
  readonly mode?: number;
  /** The file whose mode and owner a new one takes over: the one that it stands in for. */
  readonly inPlaceOf?: string;
}

/** Puts a file in place in one step; false when it was there already. */
export async function placeFile(target: string, content: string, { mode, inPlaceOf = target }: PlaceOptions = {}): Promise<boolean> {
  const path = await unlessMissing(realpath(target)) ?? target;
  if ((await unlessMissing(readFile(path, 'utf8'))) === content) return false;
  const model = await unlessMissing(stat(path)) ?? (await unlessMissing(stat(inPlaceOf)));
  const fresh = `${path}.mizzen-${randomUUID()}`;
  try {
    await writeFile(fresh, content, { mode: PRIVATE, flag: 'wx' });
    await chmod(fresh, mode ?? (model ? model.mode & 0o7777 : PRIVATE));
    if (model) await giveTo(fresh, model);
    await rename(fresh, path);
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
  return true;
}

// Without the right to give files away the node's file becomes this program's: said, and better than a node whose pods cannot be captured.
async function giveTo(path: string, { uid, gid }: { readonly uid: number; readonly gid: number }): Promise<void> {
  const own = await stat(path);
  if (own.uid === uid && own.gid === gid) return;
  try {
    await chown(path, uid, gid);
  } catch (error) {
    log.warn({ path, uid, gid, error: describeError(error) }, 'a file of the node could not be given back to its owner');
  }
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
