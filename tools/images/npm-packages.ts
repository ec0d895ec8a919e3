// Packages of the npm registry that exist for one platform each (Node itself, native add-ons): this machine's are installed, the others' are fetched by npm and checked against package-lock.json.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { readTar } from './file-tree.ts';

interface PackageLock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity?: string; readonly license?: string }>>;
}

/** Folder with the unpacked package of the version that package-lock.json names, installed or fetched into `cache`. */
export async function provideNpmPackage(root: string, name: string, cache: string): Promise<string> {
  const locked = lockedPackage(root, name);
  const installed = join(root, 'node_modules', name);
  if (existsSync(join(installed, 'package.json')) && versionOf(installed) === locked.version) return installed;
  const folder = join(cache, 'npm', `${name.replaceAll('/', '+')}-${locked.version}`);
  if (existsSync(join(folder, 'package.json'))) return folder;
  const partial = `${folder}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  try {
    const archive = fetchArchive(name, locked.version, partial);
    const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
    if (integrity !== locked.integrity) throw new Error(`${name} ${locked.version} has the integrity ${integrity}, and package-lock.json says ${locked.integrity ?? 'nothing'}`);
    const unpacked = join(partial, 'unpacked');
    for (const entry of await readTar(Readable.from([gunzipSync(archive)]))) {
      if (entry.type !== 'file') continue;
      // Packages lie in a folder of any one name.
      const path = join(unpacked, entry.path.slice(entry.path.indexOf('/') + 1));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, entry.content, { mode: entry.mode ?? 0o644 });
    }
    renameSync(unpacked, folder);
    return folder;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

/** What package-lock.json says of a package at the top of node_modules. */
export function lockedPackage(root: string, name: string): { readonly version: string; readonly integrity?: string; readonly license?: string } {
  const locked = (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as PackageLock).packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json names no package ${name}`);
  return locked;
}

function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

function fetchArchive(name: string, version: string, folder: string): Buffer {
  const { error, status, stderr } = spawnSync('npm', ['pack', `${name}@${version}`, '--pack-destination', folder, '--ignore-scripts', '--loglevel=error'], { cwd: folder, encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`the npm package ${name} ${version} cannot be fetched, and an image for its platform needs it: ${error?.message ?? stderr.trim()}`);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new Error(`npm fetched no archive of ${name} ${version}`);
  return readFileSync(join(folder, file));
}
