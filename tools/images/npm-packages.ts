// Packages of the npm registry whose files go into images: read from the registry's own archive, which is checked against package-lock.json each time. Node itself and
// native add-ons are taken from there; JavaScript is bundled from node_modules, of which nothing tells whether it was changed since, so what was bundled is compared.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { readTar } from './file-tree.ts';

interface LockedPackage {
  readonly version: string;
  /** What the registry calls it, where an alias stands for it. */
  readonly name?: string;
  readonly integrity?: string;
  readonly license?: string;
}

/** The files of a package, by their paths in it. */
export interface NpmPackage {
  readonly version: string;
  /** The content of a file; undefined when it is not there. */
  find(path: string): Buffer | undefined;
  /** The content of a file that must be there. */
  read(path: string): Buffer;
}

/** A package of the version that package-lock.json names, at the top of node_modules or, as `a/node_modules/b`, inside of another: from its archive in `cache`, fetched by npm when it is not there or is damaged. */
export async function provideNpmPackage(root: string, name: string, cache: string): Promise<NpmPackage> {
  const locked = lockedPackage(root, name);
  const files = new Map<string, Buffer>();
  for (const entry of await readTar(Readable.from([gunzipSync(verifiedArchive(name, locked, cache))]))) {
    // Packages lie in a folder of any one name.
    if (entry.type === 'file') files.set(entry.path.slice(entry.path.indexOf('/') + 1), typeof entry.content === 'string' ? Buffer.from(entry.content) : entry.content);
  }
  return {
    version: locked.version,
    find: (path) => files.get(path),
    read(path) {
      const content = files.get(path);
      if (content === undefined) throw new Error(`the npm package ${name} ${locked.version} has no file ${path}`);
      return content;
    },
  };
}

/** What package-lock.json says of a package in node_modules. */
export function lockedPackage(root: string, name: string): LockedPackage {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { readonly packages: Readonly<Record<string, LockedPackage>> };
  const locked = packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json names no package ${name}`);
  return locked;
}

function verifiedArchive(name: string, { version, integrity, name: registered }: LockedPackage, cache: string): Buffer {
  const folder = join(cache, 'npm-archives');
  const path = join(folder, `${name.replaceAll('/', '+')}-${version}.tgz`);
  const kept = existsSync(path) ? readFileSync(path) : undefined;
  if (kept !== undefined && integrityOf(kept) === integrity) return kept;
  const partial = `${path}.${process.pid}.partial`;
  mkdirSync(partial, { recursive: true });
  try {
    const fetched = keptByNpm(integrity, partial) ?? fetchArchive(registered ?? name.replace(/^.*node_modules\//, ''), version, partial);
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

/** Copies an archive that npm's cache has under its digest; undefined when it has none. To ask npm for each package would take minutes. */
function keptByNpm(integrity: string | undefined, folder: string): string | undefined {
  const digest = integrity === undefined ? '' : Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex');
  const kept = join(npmCache(), '_cacache/content-v2/sha512', digest.slice(0, 2), digest.slice(2, 4), digest.slice(4));
  if (digest.length !== 128 || !existsSync(kept)) return undefined;
  const copy = join(folder, 'kept.tgz');
  copyFileSync(kept, copy);
  return integrityOf(readFileSync(copy)) === integrity ? copy : undefined;
}

let cacheOfNpm: string | undefined;

function npmCache(): string {
  // Under npm it is in the environment; else npm has to be asked.
  cacheOfNpm ??= process.env['npm_config_cache'] || spawnSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).stdout?.trim() || '/nonexistent';
  return cacheOfNpm;
}

/** Throws unless the files of node_modules among `sources` (paths from the project's folder) are those of the archives that package-lock.json vouches for. */
export async function verifySources(root: string, sources: Iterable<string>, cache: string): Promise<void> {
  const byPackage = new Map<string, string[]>();
  for (const source of new Set(sources)) {
    const name = /^node_modules\/(?<name>(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(source)?.groups?.['name'];
    if (name !== undefined) byPackage.set(name, [...byPackage.get(name) ?? [], source]);
  }
  for (const [name, paths] of [...byPackage].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const genuine = await provideNpmPackage(root, name, cache);
    const changed = paths.find((path) => genuine.find(path.slice(`node_modules/${name}/`.length))?.equals(readFileSync(join(root, path))) !== true);
    if (changed !== undefined) throw new Error(`${changed} is not that of ${name} ${genuine.version}, which package-lock.json names, and no image is built from it; \`npm ci --ignore-scripts\` installs what is named`);
  }
}

/** Fetches an archive into a folder of its own, from npm's cache where that has it; gives its file. */
function fetchArchive(name: string, version: string, folder: string): string {
  const { error, status, stderr } = spawnSync('npm', ['pack', `${name}@${version}`, '--pack-destination', folder, '--prefer-offline', '--ignore-scripts', '--loglevel=error'], { cwd: folder, encoding: 'utf8' });
  if (error !== undefined || status !== 0) throw new Error(`the npm package ${name} ${version} cannot be fetched, and an image needs it: ${error?.message ?? stderr.trim()}`);
  const file = readdirSync(folder).find((entry) => entry.endsWith('.tgz'));
  if (file === undefined) throw new Error(`npm fetched no archive of ${name} ${version}`);
  return join(folder, file);
}
