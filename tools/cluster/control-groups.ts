// The cgroups of a cluster: one tree under every hierarchy of the machine, v1 or v2. Everything that belongs to the cluster lives in it,
// so that whoever cleans up finds all processes there, also those that nobody wrote down.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitUntil } from './command.ts';
import { textOf } from '../toolchain/exclusive.ts';

const ROOT = '/sys/fs/cgroup';
const KILL_MILLISECONDS = 15_000;

/** Whether the machine has cgroup v2 alone. */
export function isUnified(): boolean {
  return existsSync(join(ROOT, 'cgroup.controllers'));
}

/** Mount points of the hierarchies that a cluster's cgroups are made in; empty when there is none. */
export function hierarchies(): string[] {
  if (isUnified()) return [ROOT];
  return readFileSync('/proc/mounts', 'utf8').split('\n').map((line) => line.split(' ')).filter(([, path = '', type]) => type === 'cgroup' && path.startsWith(`${ROOT}/`)).map(([, path = '']) => path);
}

/** The hierarchies with the v2 one beside v1, in which no process is put but runtimes make folders. */
function allHierarchies(): string[] {
  return existsSync(join(ROOT, 'unified/cgroup.procs')) ? [...hierarchies(), join(ROOT, 'unified')] : hierarchies();
}

/** Makes a cgroup with the ones above it, ready for cgroups below it. */
export function createControlGroup(path: string): void {
  for (const hierarchy of hierarchies()) {
    let folder = hierarchy;
    for (const part of path.split('/')) {
      if (isUnified()) passControllersOn(folder);
      const above = folder;
      folder = join(folder, part);
      mkdirSync(folder, { recursive: true });
      // A new cpuset is empty, and takes no process before it has processors and memory.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if (!isUnified() && textOf(join(folder, file))?.trim() === '') writeFileSync(join(folder, file), readFileSync(join(above, file)));
      }
    }
  }
}

function passControllersOn(folder: string): void {
  const wanted = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ').filter((name) => ['cpu', 'cpuset', 'memory', 'pids', 'io', 'hugetlb'].includes(name));
  if (wanted.length > 0) writeFileSync(join(folder, 'cgroup.subtree_control'), wanted.map((name) => `+${name}`).join(' '));
}

/** A command that puts itself into a cgroup before it becomes `command`. */
export function inControlGroup(path: string, command: readonly string[]): string[] {
  const files = hierarchies().map((hierarchy) => join(hierarchy, path, 'cgroup.procs'));
  return ['sh', '-ec', 'while [ "$1" != -- ]; do echo $$ > "$1"; shift; done; shift; exec "$@"', 'sh', ...files, '--', ...command];
}

/** The processes in a cgroup and below it. */
export function processesIn(path: string): number[] {
  const found = new Set<number>();
  for (const hierarchy of allHierarchies()) {
    for (const folder of foldersUnder(join(hierarchy, path))) {
      for (const pid of textOf(join(folder, 'cgroup.procs'))?.split('\n').filter(Boolean) ?? []) found.add(Number(pid));
    }
  }
  return [...found];
}

/** Kills all processes in a cgroup and removes it with everything below. */
export async function removeControlGroup(path: string): Promise<void> {
  await waitUntil(() => {
    const left = processesIn(path);
    for (const pid of left) kill(pid);
    return left.length === 0 ? true : undefined;
  }, KILL_MILLISECONDS, () => `processes ${processesIn(path).join(', ')} of cgroup ${path} cannot be killed`);
  await waitUntil(() => (allHierarchies().every((hierarchy) => removeFolder(join(hierarchy, path))) ? true : undefined), KILL_MILLISECONDS, () => `cgroup ${path} cannot be removed`);
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A folder and all below it, the deepest first. */
function foldersUnder(folder: string): string[] {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory()).flatMap((entry) => foldersUnder(join(folder, entry.name)));
    return [...below, folder];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function removeFolder(folder: string): boolean {
  for (const each of foldersUnder(folder)) {
    try {
      rmdirSync(each);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // The kernel lets go of a killed process a moment later.
      if (code === 'EBUSY' || code === 'ENOTEMPTY') return false;
      if (code !== 'ENOENT') throw error;
    }
  }
  return true;
}
