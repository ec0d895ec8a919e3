import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { provideNpmPackage, verifySources } from './npm-packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-npm-packages-'));
const cache = join(folder, 'cache');
const kept = join(cache, 'npm-archives/@scope+thing-1.0.0.tgz');
const published = join(folder, 'published.tgz');
let archive: Buffer;

async function archiveOf(content: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: 'package/bin/thing' }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

beforeAll(async () => {
  archive = await archiveOf('good');
  const integrity = `sha512-${createHash('sha512').update(archive).digest('base64')}`;
  writeFileSync(join(folder, 'package-lock.json'), JSON.stringify({ packages: { 'node_modules/@scope/thing': { version: '1.0.0', integrity } } }));
  // In npm's place: puts what is "published" where it is told to.
  const programs = join(folder, 'programs');
  mkdirSync(programs);
  writeFileSync(join(programs, 'npm'), `#!/bin/sh\n[ "$1" = config ] && { echo '${join(folder, 'npm-cache')}'; exit; }\ncp '${published}' "$4/thing.tgz"\n`, { mode: 0o755 });
  vi.stubEnv('npm_config_cache', '');
  vi.stubEnv('PATH', `${programs}${delimiter}${process.env['PATH'] ?? ''}`);
  // What is installed has the right version and the wrong content.
  mkdirSync(join(folder, 'node_modules/@scope/thing/bin'), { recursive: true });
  writeFileSync(join(folder, 'node_modules/@scope/thing/package.json'), '{ "version": "1.0.0" }');
  writeFileSync(join(folder, 'node_modules/@scope/thing/bin/thing'), 'installed');
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('refuses an archive that package-lock.json does not vouch for, and keeps none of it', async () => {
  writeFileSync(published, await archiveOf('evil'));
  await expect(provideNpmPackage(folder, '@scope/thing', cache)).rejects.toThrow('package-lock.json says sha512-');
  expect(() => readFileSync(kept)).toThrow('ENOENT');
});

it('reads the verified archive, not what is installed, and fetches again what was changed in the cache', async () => {
  writeFileSync(published, archive);
  expect((await provideNpmPackage(folder, '@scope/thing', cache)).read('bin/thing').toString()).toBe('good');
  writeFileSync(kept, await archiveOf('evil'));
  const thing = await provideNpmPackage(folder, '@scope/thing', cache);
  expect(thing.read('bin/thing').toString()).toBe('good');
  expect(readFileSync(kept)).toEqual(archive);
  expect(() => thing.read('missing')).toThrow('has no file missing');
});

it('finds out that something else was bundled than what package-lock.json names, and takes npm\'s own copy where it is genuine', async () => {
  const sources = ['src/main.ts', 'node_modules/@scope/thing/bin/thing', 'builtin:fs'];
  await expect(verifySources(folder, sources, cache)).rejects.toThrow('node_modules/@scope/thing/bin/thing is not that of @scope/thing 1.0.0, which package-lock.json names');
  writeFileSync(join(folder, 'node_modules/@scope/thing/bin/thing'), 'good');
  await verifySources(folder, sources, cache);
  await expect(verifySources(folder, ['node_modules/@scope/thing/bin/other'], cache)).rejects.toThrow('bin/other is not that of');
  await expect(verifySources(folder, ['node_modules/stranger/index.js'], cache)).rejects.toThrow('package-lock.json names no package stranger');
  // With nothing published any more, only what npm keeps is left; a damaged copy is not taken.
  rmSync(kept);
  writeFileSync(published, await archiveOf('evil'));
  const digest = createHash('sha512').update(archive).digest('hex');
  const copy = join(folder, 'npm-cache/_cacache/content-v2/sha512', digest.slice(0, 2), digest.slice(2, 4), digest.slice(4));
  mkdirSync(join(copy, '..'), { recursive: true });
  writeFileSync(copy, 'damaged');
  await expect(verifySources(folder, sources, cache)).rejects.toThrow('package-lock.json says sha512-');
  writeFileSync(copy, archive);
  await verifySources(folder, sources, cache);
});
