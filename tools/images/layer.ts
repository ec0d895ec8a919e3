// One layer of an image: a tar of sorted entries with fixed times, compressed with fixed settings, kept in a cache by what it holds.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { markUsed } from './cache.ts';
import { writeFailure } from './disk-space.ts';
import { arrange, readTree, type FileEntry } from './file-tree.ts';

/** Where a layer's files come from: entries in memory, or a folder of the disk, or both (entries win). */
export interface LayerSource {
  readonly files?: readonly FileEntry[];
  readonly tree?: string;
}

/** A finished layer. `file` holds the compressed bytes. */
export interface Layer {
  readonly file: string;
  /** Digest and size of the compressed bytes. */
  readonly digest: string;
  readonly size: number;
  /** Digest and size of the tar within. */
  readonly diffId: string;
  readonly uncompressedSize: number;
}

const compress = promisify(gzip);
// Counted in what keys a cached layer: raise it when the bytes that come out of the same entries change.
const FORMAT = 1;

/** Writes a layer into `cache`, or finds it there. */
export async function writeLayer(source: LayerSource, cache: string): Promise<Layer> {
  const entries = arrange([...(source.tree === undefined ? [] : readTree(source.tree)), ...(source.files ?? [])]);
  const key = layerKey(entries);
  const description = join(cache, `${key}.json`);
  const blob = join(cache, `${key}.tar.gz`);
  if (existsSync(description) && existsSync(blob)) {
    markUsed(description, blob);
    return { ...(JSON.parse(readFileSync(description, 'utf8')) as Layer), file: blob };
  }
  mkdirSync(cache, { recursive: true });
  const tar = await layerTar(entries);
  const bytes = await compress(tar, { level: 6 });
  const layer: Layer = { file: blob, digest: sha256(bytes), size: bytes.length, diffId: sha256(tar), uncompressedSize: tar.length };
  writeAtOnce(blob, bytes);
  writeAtOnce(description, JSON.stringify({ ...layer, file: undefined }));
  return layer;
}

/** `sha256:` and the digest of some bytes. */
export function sha256(bytes: Buffer | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Writes a file so that nobody ever sees a part of it. */
export function writeAtOnce(path: string, bytes: Buffer | string): void {
  const partial = `${path}.${process.pid}.partial`;
  try {
    writeFileSync(partial, bytes);
    renameSync(partial, path);
  } catch (error) {
    throw writeFailure(error, dirname(path), 'have the files elsewhere: --output names the folder of the archives, MIZZEN_CACHE that of what is kept between runs');
  } finally {
    rmSync(partial, { force: true });
  }
}

function layerKey(entries: readonly FileEntry[]): string {
  const hash = createHash('sha256').update(`${FORMAT} ${process.versions.zlib}\n`);
  for (const { path, uid = 0, gid = 0, ...entry } of entries) {
    const rest = entry.type === 'file' ? [entry.mode ?? 0o644, sha256(entry.content)] : entry.type === 'directory' ? [entry.mode ?? 0o755] : [entry.target];
    hash.update(JSON.stringify([path, uid, gid, entry.type, ...rest]));
  }
  return hash.digest('hex').slice(0, 40);
}

async function layerTar(entries: readonly FileEntry[]): Promise<Buffer> {
  const archive = pack();
  const whole = buffer(archive);
  for (const entry of entries) {
    const owner = { name: entry.path, uid: entry.uid ?? 0, gid: entry.gid ?? 0, uname: '', gname: '', mtime: new Date(0) };
    if (entry.type === 'directory') archive.entry({ ...owner, name: `${entry.path}/`, type: 'directory', mode: entry.mode ?? 0o755 });
    else if (entry.type === 'symlink') archive.entry({ ...owner, type: 'symlink', linkname: entry.target, mode: 0o777 });
    else archive.entry({ ...owner, type: 'file', mode: entry.mode ?? 0o644 }, Buffer.from(entry.content));
  }
  archive.finalize();
  return await whole;
}
