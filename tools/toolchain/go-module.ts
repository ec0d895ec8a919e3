// Builds programs of a Go module into the cache outside the tree, once for each content of the module and each set of flags. All that the project builds with Go
// comes from here: the cluster's programs, the conformance suite, peers, the registry, kubectl.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { cacheFolder, madeOnce } from './cache-folder.ts';
import { attempt } from './command.ts';

/** What to build, and how it is told to the user. */
export interface GoModule {
  /** The module's folder. */
  readonly source: string;
  /** Name of the folder in the cache, before version and digest; it may lead through folders. */
  readonly name: string;
  readonly version?: string;
  /** Arguments of `go` by the binary's name, the verb first: `build` or `test`. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Further names of the first binary. */
  readonly links?: readonly string[];
  /** What Go is told by its variables, in place of a static build without the state of the source tree. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What decides the build besides the module's files, as the digest takes it; all of the above when absent. */
  readonly recipe?: unknown;
  /** For the user who waits: what it is, and how long it takes the first time. */
  readonly title: string;
  readonly duration: string;
}

/** Whom a build tells what it does, who may stop it, and where it goes when not into the usual folder. */
export interface BuildReport {
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  readonly cache?: string;
}

/** Why a module was not built: no Go here, or Go refused. */
export class GoModuleError extends Error {
  readonly missingGo: boolean;

  constructor(message: string, missingGo: boolean) {
    super(message);
    this.name = 'GoModuleError';
    this.missingGo = missingGo;
  }
}

const STATIC_BUILD = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false' };
/** A release of Go that a module asks for is not fetched behind the user's back. */
const NO_OTHER_GO = { GOTOOLCHAIN: 'local' };
const PROGRESS_INTERVAL_MILLISECONDS = 20_000;
const LONGEST_QUOTE = 3000;

/** Builds a module's programs unless the cache has them; gives the folder that holds them. */
export async function buildGoModule(module: GoModule, report: BuildReport): Promise<string> {
  return madeOnce(folderOf(module, report.cache), (unfinished) => build(module, unfinished, report), () => report.progress(`waiting for another process that builds ${module.title} ...`));
}

/** Whether the cache has a module's programs. */
export function isBuilt(module: GoModule): boolean {
  return existsSync(folderOf(module));
}

function folderOf(module: GoModule, cache = cacheFolder()): string {
  return join(cache, [module.name, ...(module.version === undefined ? [] : [module.version]), digestOf(module)].join('-'));
}

function digestOf({ source, programs, links, environment, recipe }: GoModule): string {
  const hash = createHash('sha256').update(JSON.stringify(recipe ?? [programs, process.arch, ...(links === undefined ? [] : [links]), ...(environment === undefined ? [] : [environment])]));
  for (const name of filesOf(source)) hash.update(`\n${name}\n`).update(readFileSync(join(source, name)));
  return hash.digest('hex').slice(0, 12);
}

function filesOf(source: string): string[] {
  return readdirSync(source, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => relative(source, join(entry.parentPath, entry.name))).sort();
}

async function build(module: GoModule, folder: string, { progress, signal }: BuildReport): Promise<void> {
  if ((await attempt(['go', 'version'], { directory: '/', env: NO_OTHER_GO })).status !== 0) throw new GoModuleError(`there is no Go here to build ${module.title}`, true);
  const called = [module.title, ...(module.version === undefined ? [] : [module.version])].join(' ');
  const start = Date.now();
  progress(`building ${called} from its Go modules, ${module.duration} the first time ...`);
  const timer = setInterval(() => progress(`building ${called}, ${module.duration} the first time, so far ${elapsedSince(start)} ...`), PROGRESS_INTERVAL_MILLISECONDS);
  try {
    for (const [binary, flags] of Object.entries(module.programs)) await buildProgram(module, join(folder, binary), flags, signal);
  } finally {
    clearInterval(timer);
  }
  const [first = ''] = Object.keys(module.programs);
  for (const link of module.links ?? []) symlinkSync(first, join(folder, link));
  progress(`built ${called} in ${elapsedSince(start)}`);
}

async function buildProgram({ source, title, environment }: GoModule, output: string, [verb = '', ...rest]: readonly string[], signal: AbortSignal | undefined): Promise<void> {
  const result = await attempt(['go', verb, '-mod=readonly', '-o', output, ...rest], { directory: source, env: { ...(environment ?? STATIC_BUILD), ...NO_OTHER_GO }, ...(signal === undefined ? {} : { signal }) });
  signal?.throwIfAborted();
  if (result.status !== 0) throw new GoModuleError(`${title} could not be built; \`cd ${source} && go ${verb} ${rest.map((argument) => (argument.includes(' ') ? `'${argument}'` : argument)).join(' ')}\` repeats it:\n${result.stderr.trim().slice(-LONGEST_QUOTE)}`, false);
}

function elapsedSince(start: number): string {
  const seconds = Math.round((Date.now() - start) / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
