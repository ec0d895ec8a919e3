// The Dockerfile and `npm run images` make the same images: the Dockerfile's text against the definitions for every image, and a real build of some where buildah is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { imageConfig, IMAGES } from '../../tools/images/definitions.ts';
import { buildImages, imageCache, readTar, stageImages } from '../../tools/images/index.ts';
import { blobOf, manifestOf, readArchive, type Descriptor } from '../../tools/images/read-archive.ts';

const root = join(import.meta.dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8');

interface Stage {
  readonly parent: string;
  readonly lines: readonly string[];
}

function stages(): Map<string, Stage> {
  const found = new Map<string, Stage>();
  for (const text of dockerfile.split(/^(?=FROM )/m).slice(1)) {
    const [, parent = '', name = ''] = /^FROM (\S+) AS (\S+)/.exec(text) ?? [];
    found.set(name, { parent, lines: text.split('\n').slice(1).filter((line) => line !== '' && !line.startsWith('#')) });
  }
  return found;
}

/** What an image's stage says, with what it takes over from the stages below. */
function linesOf(all: ReadonlyMap<string, Stage>, name: string): string[] {
  const stage = all.get(name);
  return stage === undefined ? [] : [...linesOf(all, stage.parent), ...stage.lines];
}

describe('the Dockerfile', () => {
  const all = stages();

  test.each(IMAGES.map((definition) => [definition.name, definition] as const))('has the image %s as it is defined', (name, definition) => {
    const lines = linesOf(all, name);
    const copied = lines.flatMap((line) => /^COPY --from=build \/(\S+) \/$/.exec(line)?.[1] ?? []);
    expect(copied).toEqual(['base', ...(definition.bundles.length > 0 ? ['node'] : []), ...(definition.extraLayers ?? []), name]);
    const config = imageConfig(definition, {});
    const environment = Object.fromEntries(lines.flatMap((line) => (line.startsWith('ENV ') ? line.slice(4).split(' ').map((setting) => setting.split('=')) : [])));
    expect(environment).toEqual({ PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...config.environment });
    expect(lines.filter((line) => line.startsWith('USER ')).at(-1)).toBe(`USER ${config.user ?? ''}`);
    expect(lines.find((line) => line.startsWith('ENTRYPOINT '))).toBe(config.entrypoint === undefined ? undefined : `ENTRYPOINT ${JSON.stringify(config.entrypoint).replace(',', ', ')}`);
    expect(lines.find((line) => line.startsWith('CMD '))).toBe(config.command === undefined ? undefined : `CMD ${JSON.stringify(config.command)}`);
  });

  test('begins only from its own stages, from nothing, or from an image with a digest or one that a build names', () => {
    const known = new Set(['scratch', ...all.keys()]);
    const foreign = [...all.values()].map(({ parent }) => parent).filter((parent) => !known.has(parent));
    expect(foreign).toEqual(['${NODE_IMAGE}']);
    const [, fallback = ''] = /^ARG NODE_IMAGE=(\S+)$/m.exec(dockerfile) ?? [];
    expect(fallback).toMatch(/^node:24[\w.-]*(?:@sha256:[0-9a-f]{64})?$/);
    // How a release names it by digest.
    expect(readFileSync(join(root, 'docs/architecture/images.md'), 'utf8')).toContain('--build-arg NODE_IMAGE=');
    // Whatever is copied comes from a stage too.
    for (const [, from = ''] of dockerfile.matchAll(/--from=(\S+)/g)) expect(known).toContain(from);
  });

  test('has no other images', () => {
    expect([...all.keys()].filter((name) => !['make', 'build', 'base', 'node'].includes(name)).sort()).toEqual(IMAGES.map(({ name }) => name).sort());
  });
});

const absent = (program: string): boolean => spawnSync(program, ['--version']).status !== 0;
const missing = absent('buildah') ? 'no buildah here' : absent('dpkg-deb') || absent('apt-get') ? 'no apt and dpkg here to unpack Debian packages with' : process.getuid?.() !== 0 ? 'buildah is tried as root only' : undefined;
if (missing !== undefined) process.stderr.write(`Dockerfile: the build is skipped: ${missing}\n`);

describe.skipIf(missing !== undefined)('a build of the Dockerfile', () => {
  const built = ['mizzen-cni'];
  const options = { root, architectures: ['amd64' as const], only: built, versions: ['v3.1.0'], cache: imageCache(process.env), progress: () => undefined };
  let folder = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mizzen-dockerfile-'));
    await stageImages({ ...options, output: join(folder, 'stage') });
    await buildImages({ ...options, output: join(folder, 'images') });
  }, 300_000);
  afterAll(() => {
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  test.each(built)('has the same files as `npm run images`: %s', async (name) => {
    const output = join(folder, `${name}.tar`);
    const store = ['--root', join(folder, 'store'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
    const result = spawnSync('buildah', [...store, 'build', '--pull-never', '--isolation', 'chroot', '--build-context', `build=${join(folder, 'stage')}`, '--target', name, '--tag', `oci-archive:${output}`, '.'], { cwd: root, encoding: 'utf8' });
    expect(result.status, result.stderr).toBe(0);
    const [docker, own] = await Promise.all([contents(output), contents(join(folder, 'images', `${name}-v3.1.0.tar`))]);
    expect(docker.files).toEqual(own.files);
    expect(docker.config).toEqual(own.config);
    expect(Object.keys(docker.files).length).toBeGreaterThan(30);
  }, 300_000);
});

/** Every path of an image with its kind, mode, owner and a digest of its contents, and how it is started. */
async function contents(path: string): Promise<{ files: Record<string, string>; config: object }> {
  const archive = await readArchive(path);
  let manifest = manifestOf(archive, archive.images[0]?.digest ?? '');
  if (manifest.manifests) manifest = manifestOf(archive, manifest.manifests[0]?.digest ?? '');
  const files: Record<string, string> = {};
  for (const layer of manifest.layers ?? []) {
    for (const entry of await readTar(Readable.from([unpacked(blobOf(archive, layer.digest), layer)]))) {
      const what = entry.type === 'symlink' ? entry.target : `${(entry.mode ?? 0).toString(8)} ${entry.type === 'file' ? createHash('sha256').update(entry.content).digest('hex') : ''}`;
      files[entry.path] = `${entry.type} ${entry.uid ?? 0}:${entry.gid ?? 0} ${what}`;
    }
  }
  const { User, Env, Entrypoint, WorkingDir } = (JSON.parse(blobOf(archive, manifest.config?.digest ?? '').toString()) as { config: Record<string, unknown> }).config;
  return { files, config: { User, Env: [...(Env as string[])].sort(), Entrypoint, WorkingDir } };
}

function unpacked(bytes: Buffer, { mediaType }: Descriptor): Buffer {
  return mediaType.endsWith('gzip') ? gunzipSync(bytes) : bytes;
}
