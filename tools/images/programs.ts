// The bundles that images carry, built for a version and kept by what they were built from, so that nothing is bundled twice.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildPrograms } from '../build.ts';
import { markUsed } from './cache.ts';
import { verifySources } from './npm-packages.ts';

/** The programs of one version. */
export interface Programs {
  readonly version: string;
  /** A file below dist/, e.g. `proxy.js`. */
  readonly read: (path: string) => Buffer;
  /** The source files of a bundle, from the project's folder. */
  readonly sources: (path: string) => readonly string[];
}

const SOURCES = ['src', 'samples', 'tools/build.ts', 'tools/images/npm-packages.ts', 'tools/program-version.ts', 'package-lock.json'];

/** Builds the programs of a version, or finds them in the folder `programs` of `cache`. What comes from node_modules is what package-lock.json names, or nothing is built. */
export async function providePrograms(root: string, version: string, cache: string): Promise<Programs> {
  const number = version.replace(/^v/, '');
  const folder = join(cache, 'programs', `${number}-${sourceDigest(root, SOURCES)}`);
  const sourcesFile = join(folder, 'sources.json');
  if (existsSync(sourcesFile)) markUsed(folder);
  else await store(root, folder, number, cache);
  const sources = JSON.parse(readFileSync(sourcesFile, 'utf8')) as Record<string, string[]>;
  return {
    version,
    read: (path) => readFileSync(join(folder, path)),
    sources: (path) => {
      const found = sources[path];
      if (found === undefined) throw new Error(`there is no bundle ${path}; known: ${Object.keys(sources).join(', ')}`);
      return found;
    },
  };
}

/** A digest over the contents of files and folders of the project. Tests and what git ignores beside sources do not count. */
export function sourceDigest(root: string, paths: readonly string[]): string {
  const hash = createHash('sha256');
  for (const path of paths.flatMap((start) => filesBelow(root, start))) hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  return hash.digest('hex').slice(0, 24);
}

async function store(root: string, folder: string, version: string, cache: string): Promise<void> {
  const { files, sources } = await buildPrograms(version, false);
  await verifySources(root, [...sources.values()].flat(), cache);
  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  for (const [path, content] of files) {
    mkdirSync(dirname(join(partial, path)), { recursive: true });
    writeFileSync(join(partial, path), content);
  }
  writeFileSync(join(partial, 'sources.json'), JSON.stringify(Object.fromEntries(sources)));
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
}

function filesBelow(root: string, path: string): string[] {
  const entries = existsSync(join(root, path)) ? directoryEntries(join(root, path)) : [];
  if (entries === undefined) return [path];
  return entries.flatMap((name) => (name.endsWith('.test.ts') || name === 'testdata' ? [] : filesBelow(root, `${path}/${name}`)));
}

function directoryEntries(path: string): string[] | undefined {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}
