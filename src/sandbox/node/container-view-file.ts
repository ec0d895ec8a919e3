// Finds the module that is preloaded into containers, and makes plain JavaScript of it when it is given as TypeScript
// source: stripping types in every container would cost each of them most of its start.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** The Node option that preloads the view. */
export function containerViewOption(viewPath: string, directory: string): string {
  const path = viewPath.endsWith('.ts') ? strip(viewPath, directory) : viewPath;
  return `--import=${pathToFileURL(path).href}`;
}

function strip(viewPath: string, directory: string): string {
  mkdirSync(directory, { recursive: true });
  for (const file of readdirSync(dirname(viewPath))) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts')) continue;
    const code = stripTypeScriptTypes(readFileSync(join(dirname(viewPath), file), 'utf8'));
    writeFileSync(join(directory, file.replace(/\.ts$/, '.mjs')), code.replace(/from '\.\/([\w-]+)\.ts'/g, "from './$1.mjs'"));
  }
  return join(directory, basename(viewPath).replace(/\.ts$/, '.mjs'));
}
