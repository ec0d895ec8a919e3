// Bundles each program of src/main and each sample into one file under dist/, as the images carry them.
// `--if-changed` does nothing when no source is newer than the last build.
import { build } from 'esbuild';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

const inputs = ['src', 'samples', 'tools', 'package-lock.json'].map((path) => join(root, path));
const stamp = String(Math.max(...inputs.map((path) => (existsSync(path) && statSync(path).isFile() ? statSync(path).mtimeMs : newest(path)))));
if (!(process.argv.includes('--if-changed') && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp)) {
  mkdirSync(join(root, 'dist'), { recursive: true });
  await build({
    entryPoints: entryPoints(),
    outdir: join(root, 'dist'),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    sourcemap: 'linked',
    logLevel: 'warning',
    // Some packages are CommonJS inside and call require for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    external: ['koffi', 'bufferutil', 'utf-8-validate'],
  });
  writeFileSync(stampFile, stamp);
}
