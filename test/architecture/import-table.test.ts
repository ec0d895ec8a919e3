// The import table catches every forbidden pair of folders and no other: each folder gets a file that imports a file of every other.
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { breachesOf, importing, plantedPackages, readImportTable } from './planted-sources.ts';

const table = await readImportTable();
const folders = Object.keys(table.MAY_IMPORT);
const within = (folder: string, parent: string): boolean => folder === parent || folder.startsWith(`${parent}/`);
const asker = (folder: string, name = 'asks'): string => `src/${folder}/${name}.ts`;
const asked = (folder: string): string => `src/${folder}/answers.ts`;
const folderOf = (path: string): string => path.replace(/^src\//, '').replace(/\/[^/]+$/, '');

/** What the table means: each row that covers the importing folder must cover the imported one. */
function mayImport(from: string, to: string): boolean {
  return folders.filter((row) => within(from, row)).every((row) => within(to, row) || (table.MAY_IMPORT[row] ?? []).some((allowed) => within(to, allowed)));
}

test('every forbidden ordered pair of folders is caught, and no other', async () => {
  const files = new Map(folders.flatMap((from): [string, string][] => [
    [asker(from), importing(asker(from), folders.filter((to) => to !== from).map(asked))],
    [asked(from), importing(asked(from), [])],
  ]));
  const caught = new Set((await breachesOf(table, files, (rule) => rule.startsWith('layer-'))).map(({ from, to }) => `${folderOf(from)} -> ${folderOf(to)}`));
  const forbidden = folders.flatMap((from) => folders.filter((to) => to !== from && !mayImport(from, to)).map((to) => `${from} -> ${to}`));
  expect(forbidden.length).toBeGreaterThan(folders.length * 10);
  expect([...caught].sort()).toEqual(forbidden.sort());
});

test('tests and test data may import any folder, and nothing that runs may import them', async () => {
  const files = new Map(['asks.test', 'testdata/asks'].map((name): [string, string] => [asker('shared/lib', name), importing(asker('shared/lib', name), [asked('proxy/net')])]));
  files.set(asked('proxy/net'), importing(asked('proxy/net'), [asker('shared/lib', 'asks.test'), asker('shared/lib', 'testdata/asks')]));
  const breaches = await breachesOf(table, files, (rule) => rule.startsWith('layer-') || rule === 'no-test-from-src');
  expect(breaches.filter(({ from }) => from.includes('shared/lib'))).toEqual([]);
  expect(breaches.filter(({ rule }) => rule === 'no-test-from-src')).toHaveLength(2);
});

test('a folder without a row, an import of a program, and a way into a part past its front door are caught', async () => {
  const files = new Map([
    ['src/new-folder/asks.ts', importing('src/new-folder/asks.ts', [asked('shared/lib')])],
    [asker('cli'), importing(asker('cli'), ['src/main/operator.ts'])],
    ['src/main/operator.ts', importing('src/main/operator.ts', [asked('operator/apply')])],
    ...['operator/apply', 'shared/lib'].map((folder): [string, string] => [asked(folder), importing(asked(folder), [])]),
  ]);
  const rules = (await breachesOf(table, files, (rule) => ['every-folder-has-a-row', 'nobody-imports-main', 'main-through-front-doors'].includes(rule))).map(({ rule }) => rule);
  expect(rules.sort()).toEqual(['every-folder-has-a-row', 'main-through-front-doors', 'nobody-imports-main']);
});

test('a library is imported in its home alone, and a pure folder imports nothing of Node', async () => {
  const packages = Object.keys(table.ONLY_IN).map((name) => (name.endsWith('/') ? `${name}library` : name));
  const files = new Map([...plantedPackages(packages), ...folders.map((folder): [string, string] => [asker(folder), importing(asker(folder), [], [...packages, 'node:fs'])])]);
  const breaches = await breachesOf(table, files, (rule) => rule.startsWith('one-home-') || rule === 'pure-no-node');
  const caught = new Set(breaches.map(({ from, to }) => `${folderOf(from)} -> ${to.replace(/^node_modules\//, '').replace(/\/index\.js$/, '')}`));
  const foreign = packages.flatMap((name) => {
    const homes = Object.entries(table.ONLY_IN).find(([row]) => name === row || (row.endsWith('/') && name.startsWith(row)))?.[1] ?? [];
    return folders.filter((folder) => !homes.some((home) => within(folder, home))).map((folder) => `${folder} -> ${name}`);
  });
  const impure = folders.filter((folder) => table.PURE.some((pure) => within(folder, pure))).map((folder) => `${folder} -> fs`);
  expect([...caught].sort()).toEqual([...foreign, ...impure].sort());
});

test.each(Object.entries(table.MUST_NOT_REACH))('what program %s must not reach is caught behind another file', async (program, patterns) => {
  const wrong = folders.filter((folder) => patterns.some((pattern) => new RegExp(pattern).test(asked(folder))));
  expect(wrong.length).toBeGreaterThan(0);
  const files = new Map([
    [`src/main/${program}.ts`, importing(`src/main/${program}.ts`, [asker('shared/lib')])],
    [asker('shared/lib'), importing(asker('shared/lib'), wrong.map(asked))],
    ...wrong.map((folder): [string, string] => [asked(folder), importing(asked(folder), [])]),
  ]);
  const reached = (await breachesOf(table, files, (rule) => rule === `reach-${program}`)).map(({ to }) => folderOf(to));
  expect(reached.sort()).toEqual(wrong.sort());
});

test('every row is a folder that exists, or one of the planned console', () => {
  const source = fileURLToPath(new URL('../../src/', import.meta.url));
  const present = (folder: string): boolean => statSync(`${source}${folder}`, { throwIfNoEntry: false })?.isDirectory() === true && readdirSync(`${source}${folder}`).length > 0;
  expect(folders.filter((folder) => !within(folder, 'console') && !present(folder))).toEqual([]);
});
