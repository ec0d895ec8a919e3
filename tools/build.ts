// Bundles each program of src/main and each sample into one file under dist/, as the images carry them.
// `--if-changed` does nothing when no source is newer than the last build.
import { build, type BuildOptions, type Plugin } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildVersion, versionDefine } from './program-version.ts';

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

const inputs = ['src', 'samples', 'tools', 'package-lock.json'].map((path) => join(root, path));
const version = buildVersion(root, process.env);
const stamp = [version, Math.max(...inputs.map((path) => (existsSync(path) && statSync(path).isFile() ? statSync(path).mtimeMs : newest(path))))].join(' ');
if (!(process.argv.includes('--if-changed') && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  // The proxy runs once a pod: its text, which the engine holds in memory, is made small, and what gRPC's introspection alone would load stays outside.
  const { proxy, ...others } = entryPoints();
  const shared: BuildOptions = {
    outdir: join(root, 'dist'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: 'linked',
    logLevel: 'warning',
    define: versionDefine(version),
    // An older Node would stop somewhere inside with an error that says nothing. Some packages are CommonJS inside and call require for Node's own modules.
    banner: { js: "if (Number(process.versions.node.split('.')[0]) < 24) { process.stderr.write(`Node 24 or newer is needed; this is Node ${process.versions.node}. Use npm start, npm run mizzen, or node_modules/.bin/node.\\n`); process.exit(1); } import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    external: ['koffi', 'bufferutil', 'utf-8-validate'],
    plugins: [quietBuiltins, withoutEffects],
  };
  await build({ ...shared, entryPoints: others });
  await build({ ...shared, entryPoints: { proxy: proxy ?? '' }, minify: true, keepNames: false, external: [...(shared.external ?? []), '@grpc/proto-loader'] });
  writeFileSync(stampFile, stamp);
}
