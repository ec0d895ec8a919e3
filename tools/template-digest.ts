// Tells of each template directory whether it is frozen and as it was released; with --release it freezes one: from then on a change of it fails (ADR 6).
// What is released stands in one place, templates/versions.yaml.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTextFiles } from '../src/operator/template-files.ts';
import { digestText, parseVersionRegistry } from '../src/operator/versions/index.ts';
import { text, UsageError, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';

/** How a version's directory stands to its release. */
export interface TemplateState {
  readonly name: string;
  readonly digest: string;
  readonly state: 'open' | 'frozen' | 'changed';
  readonly line: string;
}

/** The states of all versions that have a directory. */
export function templateStates(templates: string): TemplateState[] {
  const entries = parseVersionRegistry(readTextFiles(templates)).entries.filter(({ status, released }) => status !== 'eol' || released !== undefined);
  return entries.map(({ name, released }): TemplateState => {
    const digest = `sha256:${createHash('sha256').update(digestText(readTextFiles(join(templates, name)))).digest('hex')}`;
    if (released === undefined) return { name, digest, state: 'open', line: `${name} ${digest}: not released, may change` };
    if (released.digest === digest) return { name, digest, state: 'frozen', line: `${name} ${digest}: released on ${released.on}, unchanged` };
    return { name, digest, state: 'changed', line: `${name} ${digest}: CHANGED since its release on ${released.on}; take the change back, and make it in a new version` };
  });
}

/** Freezes a version that is not released yet. */
export function freezeVersion(templates: string, name: string, on: string): void {
  const states = templateStates(templates);
  const found = states.find((state) => state.name === name);
  if (found === undefined) throw new UsageError(`--release is one of ${states.map((state) => state.name).join(', ')}, not '${name}'`);
  if (found.state !== 'open') throw new UsageError(`${name} is released already, and a release is not made twice`);
  const file = join(templates, 'versions.yaml');
  const before = readFileSync(file, 'utf8');
  const entry = `  - name: ${name}\n`;
  if (!before.includes(entry)) throw new Error(`${file} has no line '${entry.trim()}' to write the release under`);
  writeFileSync(file, before.replace(entry, `${entry}    released: { on: '${on}', digest: '${found.digest}' }\n`));
}

const OPTIONS = { release: text('VERSION', 'freezes the directory of a version, as its images are published') };
const USAGE = {
  program: 'template-digest', command: 'node tools/template-digest.ts', about: 'Tells which template directories are released, and whether they are as they were then.', options: OPTIONS,
} satisfies Usage<typeof OPTIONS>;

async function main({ values: { release } }: CommandLine<typeof OPTIONS>): Promise<number> {
  const templates = join(dirname(fileURLToPath(import.meta.url)), '../templates');
  if (release !== undefined) freezeVersion(templates, release, new Date().toISOString().slice(0, 10));
  const states = templateStates(templates);
  for (const { line } of states) process.stdout.write(`${line}\n`);
  return states.some(({ state }) => state === 'changed') ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runProgram(USAGE, main);
