// Source files planted in a temporary directory and judged by the project's import table, through dependency-cruiser's programming interface.
import { cruise, type ICruiseResult, type IForbiddenRuleType } from 'dependency-cruiser';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** One breach: the rule that found it, and the two files. */
export interface Breach {
  readonly rule: string;
  readonly from: string;
  readonly to: string;
}

/** The folders of src/ with what they may import, and the rules made of them (config/dependency-cruiser.mjs, which has no types). */
export interface ImportTable {
  readonly MAY_IMPORT: Readonly<Record<string, readonly string[]>>;
  readonly PURE: readonly string[];
  readonly ONLY_IN: Readonly<Record<string, readonly string[]>>;
  readonly MUST_NOT_REACH: Readonly<Record<string, readonly string[]>>;
  readonly default: { readonly forbidden: IForbiddenRuleType[] };
}

/** Reads the import table. */
export async function readImportTable(): Promise<ImportTable> {
  const path: string = new URL('../../config/dependency-cruiser.mjs', import.meta.url).href;
  return (await import(path)) as ImportTable;
}

/** The text of a file at `from` that imports the files `targets`, both from the root, and the modules `names`. */
export function importing(from: string, targets: readonly string[], names: readonly string[] = []): string {
  const paths = targets.map((target) => relative(dirname(from), target)).map((path) => (path.startsWith('.') ? path : `./${path}`));
  return [...paths, ...names].map((path, index) => `import * as a${index} from '${path}';\nvoid a${index};\n`).join('') || 'export const planted = true;\n';
}

/** Writes `files` (path from the root -> text) into a directory of its own and gives the breaches of the rules that `wanted` chooses. */
export async function breachesOf(table: ImportTable, files: ReadonlyMap<string, string>, wanted: (rule: string) => boolean): Promise<Breach[]> {
  const root = mkdtempSync(join(tmpdir(), 'mizzen-planted-'));
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    writeFileSync(join(root, 'package.json'), '{"type":"module"}\n');
    const { output } = await cruise(['src'], {
      baseDir: root, validate: true, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' },
      ruleSet: { forbidden: table.default.forbidden.filter(({ name }) => wanted(name ?? '')) },
    });
    if (typeof output === 'string') throw new Error(`dependency-cruiser answered with text: ${output}`);
    return (output satisfies ICruiseResult).summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Files of stand-ins for the installed packages `names`. */
export function plantedPackages(names: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => [[`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' })], [`node_modules/${name}/index.js`, 'module.exports = {};\n']]);
}
