// The general writer of images.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory, file, readTar, symlink, writeImage, writeMultiPlatformImage } from './index.ts';
import { blobOf, manifestOf, readArchive } from './read-archive.ts';

let folder = '';
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'mizzen-writer-'))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const AMD64 = { os: 'linux', architecture: 'amd64' } as const;
const ARM64 = { os: 'linux', architecture: 'arm64' } as const;
const reference = 'docker.io/mizzen/example:v1';

test('an image has its files with the owners and modes that were said, parents before contents, and fixed times', async () => {
  const long = `deep/${'x'.repeat(120)}/file`;
  const output = join(folder, 'one.tar');
  const files = [file('bin/tool', '#!/bin/x\n', 0o755), symlink('tool', 'bin/tool'), directory('tmp', 0o1777), file(long, 'far'), { ...file('owned', ''), uid: 1000, gid: 2000 }];
  const written = await writeImage({ reference, output, platform: AMD64, layers: [{ files }], config: { entrypoint: ['/bin/tool'], user: '7:8', environment: { A: 'b' }, labels: { title: 'x' } } });
  const archive = await readArchive(output);
  expect(archive.images).toMatchObject([{ digest: written.digest, annotations: { 'io.containerd.image.name': reference } }]);
  const manifest = manifestOf(archive, manifestOf(archive, written.digest).manifests?.[0]?.digest ?? '');
  const config = JSON.parse(blobOf(archive, manifest.config?.digest ?? '').toString()) as Record<string, unknown>;
  expect(config).toMatchObject({ os: 'linux', architecture: 'amd64', created: '1970-01-01T00:00:00Z', config: { Entrypoint: ['/bin/tool'], User: '7:8', Env: [expect.stringMatching(/^PATH=/), 'A=b'], Labels: { title: 'x' } } });
  const layer = gunzipSync(blobOf(archive, manifest.layers?.[0]?.digest ?? ''));
  const entries = await readTar(Readable.from([layer]));
  expect(entries.map(({ path }) => path)).toEqual(['bin', 'bin/tool', 'deep', `deep/${'x'.repeat(120)}`, long, 'owned', 'tmp', 'tool']);
  expect(entries).toContainEqual({ type: 'file', path: 'bin/tool', mode: 0o755, uid: 0, gid: 0, content: Buffer.from('#!/bin/x\n') });
  expect(entries).toContainEqual({ type: 'symlink', path: 'tool', target: 'bin/tool', uid: 0, gid: 0 });
  expect(entries).toContainEqual({ type: 'directory', path: 'tmp', mode: 0o1777, uid: 0, gid: 0 });
  expect(entries).toContainEqual({ type: 'file', path: 'owned', mode: 0o644, uid: 1000, gid: 2000, content: Buffer.alloc(0) });
});

test('neither the order of files nor the times and rights of a folder change a byte', async () => {
  const contents = [file('a', '1'), file('b/c', '2'), file('b/d', '3', 0o755)];
  for (const [name, mode] of [['left', 0o600], ['right', 0o664]] as const) {
    mkdirSync(join(folder, name, 'b'), { recursive: true });
    for (const entry of contents) if (entry.type === 'file') writeFileSync(join(folder, name, entry.path), entry.content, { mode: entry.path === 'b/d' ? 0o755 : mode });
  }
  utimesSync(join(folder, 'right/a'), 1, 1);
  const sources = [{ tree: join(folder, 'left') }, { tree: join(folder, 'right') }, { files: contents }, { files: contents.toReversed() }];
  const bytes = [];
  for (const [index, source] of sources.entries()) {
    const output = join(folder, `same-${index}.tar`);
    await writeImage({ reference, output, platform: AMD64, layers: [source], config: {} });
    bytes.push(readFileSync(output).toString('base64'));
  }
  expect(new Set(bytes).size).toBe(1);
});

test('an image for several platforms is one index, and what they share is there once', async () => {
  const shared = { files: [file('shared', 'x'.repeat(1000))] };
  const output = join(folder, 'several.tar');
  const { digest, variants } = await writeMultiPlatformImage({ reference, output, created: 60, variants: [{ platform: AMD64, layers: [shared], config: {} }, { platform: ARM64, layers: [shared, { files: [file('own', '')] }], config: {} }] });
  const archive = await readArchive(output);
  expect(manifestOf(archive, digest).manifests?.map(({ platform }) => platform)).toEqual([AMD64, ARM64]);
  expect(variants[0]?.layers[0]?.digest).toBe(variants[1]?.layers[0]?.digest);
  // The index, two manifests, two configurations and two layers.
  expect(archive.blobs.size).toBe(7);
});

test.each(['/etc/passwd', 'a/../b', 'a//b', '', './a'])('a path that leaves the image is refused: %j', async (path) => {
  await expect(writeImage({ reference, output: join(folder, 'bad.tar'), platform: AMD64, layers: [{ files: [file(path, '')] }], config: {} })).rejects.toThrow(/is no path of an image/);
});

test('a damaged archive is noticed', async () => {
  const output = join(folder, 'damaged.tar');
  await writeImage({ reference, output, platform: AMD64, layers: [{ files: [file('a', 'b')] }], config: { user: 'somebody' } });
  const bytes = readFileSync(output);
  bytes.write('nobody!!', bytes.indexOf('somebody'));
  writeFileSync(output, bytes);
  await expect(readArchive(output)).rejects.toThrow(/is damaged/);
});

test('a full disk is told with its folder and leaves no part of an archive', async () => {
  const full = join(folder, 'full');
  const output = join(full, 'image.tar');
  mkdirSync(full);
  symlinkSync('/dev/full', `${output}.${process.pid}.partial`);
  const layers = [{ files: [file('large', 'x'.repeat(1_000_000))] }, { files: [file('other', 'y')] }];
  await expect(writeImage({ reference, output, platform: AMD64, layers, config: {} })).rejects.toThrow(`${full} has no space left (ENOSPC): free some there, or name another folder with --output`);
  expect(readdirSync(full)).toEqual([]);
});
