// Builds a Go module of tools/cluster/go into the cache outside the tree, once for each content of the module and each set of flags.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { attempt } from './command.ts';
import { ClusterError } from './errors.ts';
import { exclusively } from './exclusive.ts';

/** What to build, and how it is told to the user. */
export interface GoProgram {
  /** Folder under tools/cluster/go. */
  readonly module: string;
  readonly binary: string;
  /** Further names that the binary goes by. */
  readonly links: readonly string[];
  readonly version: string;
  readonly linkerFlags: string;
  /** For the user who waits: the name, and how long it takes the first time. */
  readonly title: string;
  readonly duration: string;
}

/** Whom a build tells what it does, and who may stop it. */
export interface BuildReport {
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

const BUILD_ENVIRONMENT = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -modcacherw' };
const PROGRESS_INTERVAL_MILLISECONDS = 20_000;

/** The folder for what is built once and kept between runs. */
export function cacheFolder(): string {
  return process.env['MIZZEN_CACHE'] || join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'mizzen');
}

/** Builds a program unless the cache has it; gives the folder that holds its binary. */
export async function buildGoProgram(program: GoProgram, report: BuildReport): Promise<string> {
  const source = sourceOf(program);
  const folder = folderOf(program);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder(), { recursive: true });
  return exclusively(`${folder}.lock`, async () => {
    if (!existsSync(folder)) await build(program, source, folder, report);
    return folder;
  }, () => report.progress(`waiting for another process that builds ${program.title} ...`));
}

/** Whether the cache has a program. */
export function isBuilt(program: GoProgram): boolean {
  return existsSync(folderOf(program));
}

function sourceOf(program: GoProgram): string {
  return fileURLToPath(new URL(`go/${program.module}/`, import.meta.url));
}

function folderOf(program: GoProgram): string {
  return join(cacheFolder(), `${program.module}-${program.version}-${digestOf(sourceOf(program), program)}`);
}

function digestOf(source: string, program: GoProgram): string {
  const hash = createHash('sha256').update(JSON.stringify([program.linkerFlags, program.links, BUILD_ENVIRONMENT, process.arch]));
  for (const name of readdirSync(source).sort()) hash.update(`\n${name}\n`).update(readFileSync(join(source, name)));
  return hash.digest('hex').slice(0, 12);
}

async function build(program: GoProgram, source: string, folder: string, { progress, signal }: BuildReport): Promise<void> {
  const unfinished = `${folder}.${process.pid}.new`;
  const start = Date.now();
  const elapsed = () => {
    const seconds = Math.round((Date.now() - start) / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  };
  progress(`building ${program.title} ${program.version} from its Go modules, ${program.duration} the first time ...`);
  const timer = setInterval(() => progress(`building ${program.title} ${program.version}, ${program.duration} the first time, so far ${elapsed()} ...`), PROGRESS_INTERVAL_MILLISECONDS);
  try {
    mkdirSync(unfinished, { recursive: true });
    const result = await attempt(['go', 'build', '-ldflags', program.linkerFlags, '-o', join(unfinished, program.binary), '.'], { directory: source, env: BUILD_ENVIRONMENT, ...(signal === undefined ? {} : { signal }) });
    signal?.throwIfAborted();
    if (result.status !== 0) throw new ClusterError('CLUSTER_BUILD', `${program.title} could not be built; \`cd ${source} && go build .\` repeats it:\n${result.stderr.trim().slice(-3000)}`);
    for (const link of program.links) symlinkSync(program.binary, join(unfinished, link));
    renameSync(unfinished, folder);
  } finally {
    clearInterval(timer);
    rmSync(unfinished, { recursive: true, force: true });
  }
  progress(`built ${program.title} ${program.version} in ${elapsed()}`);
}
