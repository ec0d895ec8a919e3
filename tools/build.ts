// Bundles each program of src/main and each sample into one file under dist/, as the images carry them.
// `--if-changed` does nothing when no source is newer than the last build.
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildVersion, versionDefine } from './program-version.ts';
import { flag, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = join(root, 'dist/.stamp');

function newest(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true }).reduce((latest, entry) => {
    const path = join(folder, entry.name);
    return Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, statSync(folder).mtimeMs);
}

function entryPoints(): Record<string, string> {
  const mains = readdirSync(join(root, 'src/main')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const entries = Object.fromEntries(mains.map((file) => [basename(file, '.ts'), join(root, 'src/main', file)]));
  // A sample app is a folder of samples/ with a <name>.ts for each program in its `apps` folder.
  const samples = join(root, 'samples');
  for (const sample of existsSync(samples) ? readdirSync(samples) : []) {
    const apps = join(samples, sample, 'apps');
    if (!existsSync(apps)) continue;
    for (const file of readdirSync(apps)) {
      if (file.endsWith('.ts') && !file.endsWith('.test.ts')) entries[`samples/${sample}-${basename(file, '.ts')}`] = join(apps, file);
    }
  }
  return entries;
}

// An import of a built-in module by name makes Node read every property of it, and reading some loads what nobody asked for (`WebSocket` of node:http: a whole HTTP
// client, 5 MB). Taken this way, only what is used is read.
const quietBuiltins: Plugin = {
  name: 'quiet-builtins',
  setup(bundler) {
    const known = new Set(builtinModules.map((name) => name.replace(/^node:/, '')));
    bundler.onResolve({ filter: /^(?:node:)?[a-z0-9_]+(?:\/[a-z0-9_]+)*$/ }, ({ path }) => (known.has(path.replace(/^node:/, '')) ? { path, namespace: 'builtin', sideEffects: false } : undefined));
    bundler.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`, loader: 'js' }));
  },
};

// Loading these only gives their exports: a program that uses none does not carry them.
const withoutEffects: Plugin = {
  name: 'without-effects',
  setup(bundler) {
    const looking = {};
    bundler.onResolve({ filter: /^prom-client$|^\.\/x509\.ts$/ }, async ({ path, pluginData, ...rest }) => {
      if (pluginData === looking) return undefined;
      const { importer, resolveDir, kind } = rest;
      return { ...(await bundler.resolve(path, { importer, resolveDir, kind, pluginData: looking })), sideEffects: false };
    });
  },
};

/** What a build gave: with `write: false` the files themselves, and always what each was made from. */
export interface ProgramBuild {
  /** Contents by path below dist/. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** The source files, from the project's folder, in each bundle. */
  readonly sources: ReadonlyMap<string, readonly string[]>;
}

/** Bundles every program and sample for a version, into dist/ or only into memory. */
export async function buildPrograms(version: string, write: boolean): Promise<ProgramBuild> {
  // The proxy runs once a pod: its text, which the engine holds in memory, is made small, and what gRPC's introspection alone would load stays outside.
  const { proxy, ...others } = entryPoints();
  const shared = {
    absWorkingDir: root,
    outdir: join(root, 'dist'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: 'linked',
    logLevel: 'warning',
    metafile: true,
    write,
    define: versionDefine(version),
    // An older Node would stop somewhere inside with an error that says nothing. Some packages are CommonJS inside and call require for Node's own modules.
    banner: { js: "if (Number(process.versions.node.split('.')[0]) < 24) { process.stderr.write(`Node 24 or newer is needed; this is Node ${process.versions.node}. Use npm start, npm run mizzen, or node_modules/.bin/node.\\n`); process.exit(1); } import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    external: ['koffi', 'bufferutil', 'utf-8-validate'],
    plugins: [quietBuiltins, withoutEffects],
  } satisfies BuildOptions;
  const built = [
    await build({ ...shared, entryPoints: others }),
    await build({ ...shared, entryPoints: { proxy: proxy ?? '' }, minify: true, keepNames: false, external: [...shared.external, '@grpc/proto-loader'] }),
  ];
  const files = built.flatMap(({ outputFiles }) => outputFiles ?? []).map(({ path, contents }): [string, Buffer] => [relative(shared.outdir, path), Buffer.from(contents)]);
  const sources = built.flatMap(({ metafile }) => Object.entries(metafile.outputs)).filter(([path]) => path.endsWith('.js'))
    .map(([path, { inputs }]): [string, string[]] => [relative(shared.outdir, join(root, path)), Object.keys(inputs)]);
  return { files: new Map(files), sources: new Map(sources) };
}

const OPTIONS = { 'if-changed': flag('does nothing when no source is newer than the last build') };
const USAGE = { program: 'build', about: 'Bundles each program and sample into one file under dist/. MIZZEN_BUILD_VERSION says which version they are.', options: OPTIONS } satisfies Usage<typeof OPTIONS>;

async function main({ values }: CommandLine<typeof OPTIONS>): Promise<number> {
  const inputs = ['src', 'samples', 'tools', 'package-lock.json'].map((path) => join(root, path));
  const version = buildVersion(root, process.env);
  const stamp = [version, Math.max(...inputs.map((path) => (existsSync(path) && statSync(path).isFile() ? statSync(path).mtimeMs : newest(path))))].join(' ');
  if (values['if-changed'] && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return 0;
  mkdirSync(join(root, 'dist'), { recursive: true });
  await buildPrograms(version, true);
  writeFileSync(stampFile, stamp);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runProgram(USAGE, main);
