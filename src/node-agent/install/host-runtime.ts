// The plugin's run time on the node. A node has no Node.js, so this program's own goes there with the loader and the libraries that it runs with, and a launcher that needs nothing but /bin/sh.
// Its folder is named after its content: versions of the mesh with the same run time share it, and a file that a runtime may be starting is never written to.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, copyFile, mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** The files of the run time: on this image, by their name in the folder. */
export interface RuntimeFiles {
  readonly program: string;
  readonly loader: string;
  readonly libraries: readonly string[];
}

/** Folder of all run times, inside the node's folder of CNI plugins. */
export const RUNTIME_FOLDER = 'mizzen-runtime';
const EXECUTABLE = 0o755;
/** A run time that nothing refers to is left alone this long: another agent may be about to write its launcher. */
const UNUSED_MILLISECONDS = 15 * 60_000;

/** The files that this process itself runs with, as the kernel has mapped them. */
export async function ownRuntimeFiles(): Promise<RuntimeFiles> {
  const maps = await readFile('/proc/self/maps', 'utf8');
  const files = [...new Set(maps.split('\n').map((line) => /\s(\/\S+)$/.exec(line)?.[1] ?? '').filter((path) => /\/(lib[^/]*|ld-[^/]*)\.so[^/]*$/.test(path)))];
  const loader = files.find((path) => /^ld-/.test(basename(path)));
  if (loader === undefined) throw new Error('this program runs without a dynamic loader, so its run time cannot be given to the node');
  return { program: process.execPath, loader, libraries: files.filter((path) => path !== loader) };
}

/** Places the run time with the plugin; answers the folder's path relative to the node's folder of plugins. */
export async function placeRuntime(binDirectory: string, files: RuntimeFiles, pluginFile: string): Promise<string> {
  const sources: readonly (readonly [string, string])[] = [
    [files.program, 'node'], [files.loader, basename(files.loader)], ...files.libraries.map((path) => [path, join('lib', sharedObjectName(path))] as const), [pluginFile, 'cni.mjs'],
  ];
  const digest = await digestOf(sources);
  const relative = join(RUNTIME_FOLDER, digest);
  const target = join(binDirectory, relative);
  if (!(await exists(target))) {
    const fresh = `${target}.${randomUUID()}`;
    await mkdir(join(fresh, 'lib'), { recursive: true });
    for (const [source, name] of sources) {
      await copyFile(source, join(fresh, name));
      await chmod(join(fresh, name), EXECUTABLE);
    }
    // Another agent may have been first: its folder has the same content.
    await rename(fresh, target).catch(async (error: unknown) => {
      await rm(fresh, { recursive: true, force: true });
      if (!(await exists(target))) throw error;
    });
  }
  const now = new Date();
  await utimes(target, now, now);
  return relative;
}

// The name that programs ask for: a mapped file has its whole version, as libstdc++.so.6.0.30 for libstdc++.so.6.
function sharedObjectName(path: string): string {
  return basename(path).replace(/(\.so\.\d+)[.\d]*$/, '$1');
}

/** The plugin as the container runtime starts it. */
export function launcherText(relative: string, loader: string): string {
  return `#!/bin/sh\n# The mesh's CNI plugin; everything it runs with is in its own folder.\nunset NODE_OPTIONS LD_PRELOAD LD_LIBRARY_PATH\ndir="\${0%/*}/${relative}"\nexec "$dir/${basename(loader)}" --inhibit-cache --library-path "$dir/lib" "$dir/node" "$dir/cni.mjs"\n`;
}

/** Removes the run times that no launcher names; `immediately` also those that were placed just now. */
export async function removeUnusedRuntimes(binDirectory: string, immediately = false): Promise<void> {
  const folder = join(binDirectory, RUNTIME_FOLDER);
  const names = await readdir(folder).catch(() => []);
  const used = await launchersOf(binDirectory);
  for (const name of names) {
    const path = join(folder, name);
    const age = await stat(path).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0); // another agent has just given it its name
    if (!used.includes(`${RUNTIME_FOLDER}/${name}"`) && (immediately || age > UNUSED_MILLISECONDS)) await rm(path, { recursive: true, force: true });
  }
  await rmdir(folder).catch(() => undefined); // something is in it
}

async function launchersOf(binDirectory: string): Promise<string> {
  const texts = (await readdir(binDirectory, { withFileTypes: true })).filter((entry) => entry.isFile() && entry.name.endsWith('-istio-cni')).map((entry) => readFile(join(binDirectory, entry.name), 'utf8').catch(() => ''));
  return (await Promise.all(texts)).join('\n');
}

async function digestOf(sources: readonly (readonly [string, string])[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [source, name] of sources) {
    hash.update(`${name}\0`);
    for await (const part of createReadStream(source)) hash.update(part as Buffer);
  }
  return hash.digest('hex').slice(0, 16);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false);
}
