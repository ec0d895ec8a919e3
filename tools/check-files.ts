// Rules on names and sizes that no linter has: kebab-case, no folder where code goes to be lost, files of a readable size,
// nothing left to do, and no trace of a machine or a package registry.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const MAXIMUM_LINES = 400;
const LOST_NAMES = /(^|\/)(utils?|helpers?|common|misc)(\.ts|\/|$)/;
const KEBAB_CASE = /^[a-z0-9]+([-.][a-z0-9]+)*$/;
const FORBIDDEN_TEXT: readonly { readonly pattern: RegExp; readonly reason: string }[] = [
  { pattern: new RegExp('\\b(TO' + 'DO|FIX' + 'ME|X' + 'XX)\\b'), reason: 'finish it, or say in the status table that it is missing' },
  { pattern: new RegExp('registry\\.' + 'npmjs|proxy\\.' + 'golang\\.org|repo1?\\.' + 'maven|files\\.' + 'pythonhosted|static\\.' + 'crates'), reason: 'no package registry is named in the project' },
  { pattern: new RegExp('(^|[\\s"\'`(=])/' + '(work|root|home)/'), reason: 'no path of a machine is named in the project' },
];
const EXPORTED = /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|class|interface|type|const|let) (?<name>[A-Za-z_$][\w$]*)/;
const CONSTANT = /^export const [A-Za-z_$]/;
/** What holds only in TypeScript and configuration files. */
const FORBIDDEN_CODE: typeof FORBIDDEN_TEXT = [
  { pattern: /import\.meta\.url\)?\)?\.pathname/, reason: 'a space in a path is %20 there; use fileURLToPath' },
];

/** The breaches found in the files that git knows or would add, one line each. */
export function checkFiles(root: string): string[] {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' }).split('\n').filter(Boolean);
  return files.flatMap((file) => [...checkName(file), ...checkText(root, file)]);
}

function checkName(file: string): string[] {
  if (!/^(src|test|tools|samples|bench)\//.test(file)) return [];
  const found: string[] = [];
  if (LOST_NAMES.test(file)) found.push(`${file}: name the file or folder after what is in it`);
  if (file.endsWith('.ts') && !KEBAB_CASE.test(basename(file, '.ts'))) found.push(`${file}: file names are kebab-case`);
  return found;
}

function checkText(root: string, file: string): string[] {
  if (/\.(png|ico|svg)$|package-lock\.json$/.test(file)) return [];
  let text: string;
  try {
    text = readFileSync(join(root, file), 'utf8');
  } catch (error) {
    // A file deleted in the work tree is still in the index until the deletion is committed.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const lines = text.split('\n');
  const rules = /\.(ts|mjs)$/.test(file) ? [...FORBIDDEN_TEXT, ...FORBIDDEN_CODE] : FORBIDDEN_TEXT;
  const found = lines.flatMap((line, index) => rules.filter(({ pattern }) => pattern.test(line)).map(({ reason }) => `${file}:${index + 1}: ${reason}`));
  if (/^(src|tools)\/.*\.ts$/.test(file) && !file.endsWith('.test.ts') && lines.length > MAXIMUM_LINES) found.push(`${file}: ${lines.length} lines; cut it where its ideas part (${MAXIMUM_LINES} at most)`);
  if (/^src\/.*\.ts$/.test(file) && !/\.test\.ts$|\.d\.ts$|\/(generated|testdata)\//.test(file)) found.push(...checkDocumentation(file, lines));
  return found;
}

/** Exported declarations that no doc comment explains: the first of each name, and the first line of a group of constants, need one. */
export function checkDocumentation(file: string, lines: readonly string[]): string[] {
  const explained = new Set<string>();
  return lines.flatMap((line, index) => {
    const name = EXPORTED.exec(line)?.groups?.['name'];
    if (name === undefined) return [];
    let above = index - 1;
    while (/^\/\/ eslint-|^@/.test(lines[above] ?? '')) above -= 1;
    const previous = EXPORTED.exec(lines[above] ?? '');
    const explains = (lines[above] ?? '').trimEnd().endsWith('*/') || explained.has(name) || (CONSTANT.test(line) && previous !== null && explained.has(previous.groups?.['name'] ?? ''));
    if (explains) explained.add(name);
    return explains ? [] : [`${file}:${index + 1}: say above ${name} what it is, in a doc comment`];
  });
}
