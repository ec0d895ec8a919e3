// Packages of the npm registry whose files go into images as they are (Node itself, native add-ons): read from the registry's own archive, which is checked against
// package-lock.json each time. What is unpacked in node_modules is not taken: nothing tells whether it was changed since.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { readTar } from './file-tree.ts';

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly license?: string;
}

/** The files of a package, by their paths in it. */
export interface NpmPackage {
  /** The content of a file that must be there. */
  read(path: string): Buffer;
}

/** A package of the version that package-lock.json names, from its archive in `cache`, fetched by npm when it is not there or is damaged. */
export async function provideNpmPackage(root: string, name: string, cache: string): Promise<NpmPackage> {
  const locked = lockedPackage(root, name);
  const files = new Map<string, Buffer>();
  for (const entry of await readTar(Readable.from([gunzipSync(verifiedArchive(name, locked, cache))]))) {
    // Packages lie in a folder of any one name.
    if (entry.type === 'file') files.set(entry.path.slice(entry.path.indexOf('/') + 1), typeof entry.content === 'string' ? Buffer.from(entry.content) : entry.content);
  }
  return {
    read(path) {
      const content = files.get(path);
      if (content === undefined) throw new Error(`the npm package ${name} ${locked.version} has no file ${path}`);
      return content;
    },
  };
}

/** What package-lock.json says of a package at the top of node_modules. */
export function lockedPackage(root: string, name: string): LockedPackage {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, LockedPackage>> };
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json names no package ${name}`);
  return locked;
}

function verifiedArchive(name: string, { version, integrity }: LockedPackage, cache: string): Buffer {
  const folder = join(cache, 'npm-archives');
  const path = join(folder, `${name.replaceAll('/', '+')}-${version}.tgz`);
  const kept = existsSync(path) ? readFileSync(path) : undefined;
  if (kept !== undefined && integrityOf(kept) === integrity) return kept;
  const partial = `${path}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  try {
    const fetched = fetchArchive(name, version, partial);
    const archive = readFileSync(fetched);
    const found = integrityOf(archive);
    if (found !== integrity) throw new Error(`${name} ${version} has the integrity ${found}, and package-lock.json says ${integrity ?? 'nothing'}`);
    renameSync(fetched, path);
    return archive;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** A digest as package-lock.json writes it. */
function integrityOf(archive: Buffer): string {
  return `sha512-${createHash('sha512').update(archive).digest('base64')}`;
}

/** Fetches an archive into a folder of its own, from npm's cache where that has it; gives its file. */
function fetchArchive(name: string, version: string, folder: string): string {
  const { error, status, stderr } = spawnSync('npm', ['pack', `${name}@${version}`, '--pack-destination', folder, '--prefer-offline', '--ignore-scripts', '--loglevel=error'], { cwd: folder, encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`the npm package ${name} ${version} cannot be fetched, and an image needs it: ${error?.message ?? stderr.trim()}`);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new Error(`npm fetched no archive of ${name} ${version}`);
  return join(folder, file);
}
