// Debian packages as layers' files: fetched by apt into folders of our own, at the versions and digests of the lock file, unpacked without root.
// Reads apt's sources and keys from the machine; writes nothing of the machine's own apt.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { readTar, type FileEntry } from './file-tree.ts';
import type { Platform } from './write-image.ts';

/** A package at one version for one architecture. */
export interface LockedPackage {
  readonly version: string;
  /** Name of the package's file. */
  readonly file: string;
  readonly sha256: string;
}

/** What tools/images/debian.lock.json holds: which package file each architecture gets. */
export interface DebianLock {
  readonly release: string;
  readonly packages: Readonly<Record<Platform['architecture'], Readonly<Record<string, LockedPackage>>>>;
}

/** A package's files and what it says of itself. */
export interface UnpackedPackage {
  readonly name: string;
  readonly version: string;
  readonly control: string;
  readonly files: readonly FileEntry[];
}

/** Release of Debian that the packages come from; the Dockerfile's base is the same. */
export const DEBIAN_RELEASE = 'bookworm';
const LONGEST_OUTPUT = 512 * 1024 * 1024;

/** Reads the lock file. */
export function readLock(path: string): DebianLock {
  return JSON.parse(readFileSync(path, 'utf8')) as DebianLock;
}

/** Asks the package archive for the newest version of each package in Debian's release, for each architecture. */
export function resolveLock(names: readonly string[], architectures: readonly Platform['architecture'][], cache: string): DebianLock {
  const packages = architectures.map((architecture) => {
    refresh(cache, architecture);
    const listed = apt(cache, architecture, ['download', '--print-uris', ...names.map((name) => `${name}/${DEBIAN_RELEASE}*`)]);
    return [architecture, Object.fromEntries(names.map((name) => [name, findListed(listed, name)]))];
  });
  return { release: DEBIAN_RELEASE, packages: Object.fromEntries(packages) as DebianLock['packages'] };
}

/** Unpacks a package at its locked version, fetching it when `cache` does not have it. */
export async function unpackPackage(lock: DebianLock, architecture: Platform['architecture'], name: string, cache: string): Promise<UnpackedPackage> {
  const locked = lock.packages[architecture][name];
  if (locked === undefined) throw new Error(`the lock file names no package ${name} for ${architecture}; run npm run images -- --update-lock`);
  const archive = provideArchive(locked, architecture, name, cache);
  const files = await readTar(Readable.from([dpkg(['--fsys-tarfile', archive])]));
  return { name, version: locked.version, control: dpkg(['--field', archive]).toString(), files };
}

function provideArchive(locked: LockedPackage, architecture: Platform['architecture'], name: string, cache: string): string {
  const folder = join(cache, 'packages');
  const path = join(folder, locked.file);
  if (existsSync(path) && digestOf(path) === locked.sha256) return path;
  rmSync(path, { force: true });
  const partial = join(folder, `${process.pid}.partial`);
  mkdirSync(partial, { recursive: true });
  try {
    fetchPackage(locked, architecture, name, cache, partial);
    const fetched = join(partial, locked.file);
    const digest = digestOf(fetched);
    if (digest !== locked.sha256) throw new Error(`${locked.file} has the digest ${digest}, and the lock file says ${locked.sha256}. Do not use it; if the package was made anew, run npm run images -- --update-lock and look at the difference`);
    renameSync(fetched, path);
    return path;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function fetchPackage(locked: LockedPackage, architecture: Platform['architecture'], name: string, cache: string, folder: string): void {
  const request = ['download', `${name}=${locked.version}`];
  if (!existsSync(join(aptFolder(cache, architecture), 'fresh'))) refresh(cache, architecture);
  try {
    apt(cache, architecture, request, folder);
  } catch (_older) {
    // The lists may be older than the archive.
    refresh(cache, architecture);
    try {
      apt(cache, architecture, request, folder);
    } catch (error) {
      throw new Error(`the Debian package ${name} ${locked.version} (${architecture}) of the lock file cannot be had any more. Run npm run images -- --update-lock, look at what changed in tools/images/debian.lock.json, and build again`, { cause: error });
    }
  }
}

function refresh(cache: string, architecture: Platform['architecture']): void {
  apt(cache, architecture, ['update']);
  writeFileSync(join(aptFolder(cache, architecture), 'fresh'), '');
}

function aptFolder(cache: string, architecture: string): string {
  return join(cache, `apt-${architecture}`);
}

function apt(cache: string, architecture: string, args: readonly string[], folder?: string): string {
  const state = aptFolder(cache, architecture);
  mkdirSync(join(state, 'lists/partial'), { recursive: true });
  mkdirSync(join(state, 'cache/archives/partial'), { recursive: true });
  writeFileSync(join(state, 'status'), '');
  const settings = {
    'Dir::State': state, 'Dir::State::lists': join(state, 'lists'), 'Dir::State::status': join(state, 'status'), 'Dir::Cache': join(state, 'cache'),
    'APT::Architecture': architecture, 'APT::Architectures': architecture, 'APT::Sandbox::User': '', 'Acquire::Languages': 'none', 'Acquire::Retries': '3',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  return run('apt-get', [...options, '-qq', ...args], folder).toString();
}

function dpkg(args: readonly string[]): Buffer {
  return run('dpkg-deb', args);
}

function run(program: string, args: readonly string[], folder?: string): Buffer {
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd: folder, maxBuffer: LONGEST_OUTPUT, env: { ...process.env, LC_ALL: 'C' } });
  if (error !== undefined) throw new Error(`${program} could not be started (${error.message}): building images needs apt and dpkg, as Debian and Ubuntu have them`, { cause: error });
  if (status !== 0) throw new Error(`${program} ${args.at(-1) ?? ''} failed: ${stderr.toString().trim()}`);
  return stdout;
}

/** One line of `apt-get download --print-uris`: 'address' file size digest. */
function findListed(listed: string, name: string): LockedPackage {
  for (const line of listed.split('\n')) {
    const [, file = '', sha256 = ''] = /^'[^']*' (\S+) \d+ SHA256:([0-9a-f]{64})$/.exec(line) ?? [];
    if (file.startsWith(`${name}_`)) return { version: decodeURIComponent(file.split('_')[1] ?? ''), file, sha256 };
  }
  throw new Error(`the package archive that apt knows has no ${name} for Debian ${DEBIAN_RELEASE}; is that release among its sources?`);
}

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
