// The files of a layer as plain data, from folders and from tar streams. Owners, modes and order are ours to say: a layer must come out the same on every machine.
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { extract } from 'tar-stream';

/** One entry of a layer. `path` has no leading slash; owner and group are 0 when not said. */
export type FileEntry = Owned & (
  | { readonly type: 'file'; readonly mode?: number; readonly content: Buffer | string }
  | { readonly type: 'directory'; readonly mode?: number }
  | { readonly type: 'symlink'; readonly target: string }
);

interface Owned {
  readonly path: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** A file of a layer. */
export function file(path: string, content: Buffer | string, mode = 0o644): FileEntry {
  return { type: 'file', path, content, mode };
}

/** A directory of a layer. */
export function directory(path: string, mode = 0o755): FileEntry {
  return { type: 'directory', path, mode };
}

/** A symbolic link of a layer. */
export function symlink(path: string, target: string): FileEntry {
  return { type: 'symlink', path, target };
}

/** What a folder holds, below `at`. Only whether a file is executable is taken from the disk: owners and other bits differ between machines. */
export function readTree(folder: string, at = ''): FileEntry[] {
  return readdirSync(folder).sort().flatMap((name) => {
    const source = join(folder, name);
    const path = at === '' ? name : `${at}/${name}`;
    const status = lstatSync(source);
    if (status.isSymbolicLink()) return [symlink(path, readlinkSync(source))];
    if (status.isDirectory()) return [directory(path), ...readTree(source, path)];
    if (!status.isFile()) throw new Error(`${source} is neither file, directory nor symbolic link; an image cannot hold it`);
    return [file(path, readFileSync(source), (status.mode & 0o111) === 0 ? 0o644 : 0o755)];
  });
}

/** The entries of a tar stream, with the owners and modes that it says. `wanted` chooses by path; hard links become copies. */
export async function readTar(stream: Readable, wanted: (path: string) => boolean = () => true): Promise<FileEntry[]> {
  const entries: FileEntry[] = [];
  const files = new Map<string, Buffer>();
  const unpack = extract();
  stream.on('error', (error) => unpack.destroy(error));
  for await (const entry of stream.pipe(unpack)) {
    const { name, type, uid = 0, gid = 0, linkname } = entry.header;
    // Some writers put the kind of the file in as well.
    const mode = (entry.header.mode ?? 0o644) & 0o7777;
    const path = normalize(name);
    const content = await buffer(entry);
    if (path === '' || !wanted(path)) continue;
    const owner = { path, uid, gid };
    if (type === 'directory') entries.push({ ...owner, type, mode });
    else if (type === 'symlink') entries.push({ ...owner, type, target: linkname ?? '' });
    else if (type === 'file' || type === 'contiguous-file') {
      files.set(path, content);
      entries.push({ ...owner, type: 'file', mode, content });
    } else if (type === 'link') {
      const original = files.get(normalize(linkname ?? ''));
      if (original === undefined) throw new Error(`the hard link ${path} names ${linkname ?? 'nothing'}, which does not come before it`);
      entries.push({ ...owner, type: 'file', mode, content: original });
    } else throw new Error(`${path} is a ${type ?? 'thing of no type'}, which an image cannot hold`);
  }
  return entries;
}

/** Entries in the order of a layer: sorted, parents before their contents, missing parents added; of two entries with one path the later stays. */
export function arrange(entries: readonly FileEntry[]): FileEntry[] {
  const byPath = new Map<string, FileEntry>();
  for (const entry of entries) {
    checkPath(entry.path);
    for (let at = entry.path.lastIndexOf('/'); at > 0; at = entry.path.lastIndexOf('/', at - 1)) {
      const parent = entry.path.slice(0, at);
      if (!byPath.has(parent)) byPath.set(parent, directory(parent));
    }
    byPath.set(entry.path, entry);
  }
  return [...byPath.values()].sort((left, right) => (left.path < right.path ? -1 : left.path > right.path ? 1 : 0));
}

function normalize(path: string): string {
  return path.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, '').replace(/^\.$/, '');
}

function checkPath(path: string): void {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) throw new Error(`'${path}' is no path of an image: no leading or double slash, no '.' and no '..'`);
}
