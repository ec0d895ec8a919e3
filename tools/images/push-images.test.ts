// Pushing to a registry that others wrote, and the manifests that name what was pushed.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { parseOperatorOptions } from '../../src/operator/index.ts';
import { file, imageCache, pushImages, referencePrefix, startRegistry, writeManifests, writeMultiPlatformImage, type BuiltImage, type Registry } from './index.ts';

const root = join(import.meta.dirname, '../..');
let folder = '';
let registry: Registry;
let images: BuiltImage[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mizzen-push-'));
  registry = await startRegistry({ root, cache: imageCache(process.env), folder: join(folder, 'registry'), host: '127.86.0.1' });
  if (!registry.found) process.stderr.write(`pushing images: skipped: ${registry.reason}\n`);
  const names = [['mizzen-operator', 'v3.1.0'], ['mizzend', 'v3.1.0'], ['mizzen-proxy', 'v3.1.0'], ['mizzen-cni', 'v3.0.0'], ['httpbin', 'v1']] as const;
  images = await Promise.all(names.map(async ([name, tag]): Promise<BuiltImage> => {
    const archive = `${name}-${tag}.tar`;
    const variants = (['amd64', 'arm64'] as const).map((architecture) => ({ platform: { os: 'linux' as const, architecture }, layers: [{ files: [file('shared', 'of all')] }, { files: [file('own', name + architecture)] }], config: {} }));
    const { digest } = await writeMultiPlatformImage({ reference: `docker.io/mizzen/${name}:${tag}`, output: join(folder, archive), variants });
    return { name, tag, reference: `docker.io/mizzen/${name}:${tag}`, archive, digest, platforms: [], input: '' };
  }));
}, 180_000);

afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  if (registry.found) await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

function url(): string {
  if (!registry.found) throw new Error(registry.reason);
  return registry.url;
}

describe('`pushImages`', () => {
  test('puts every image with its platforms into the registry, by tag and by digest', async ({ skip }) => {
    if (!registry.found) skip(registry.reason);
    await pushImages(images, { output: folder, registry: url(), progress: () => undefined });
    for (const { name, tag, digest } of images) {
      const index = await fetch(`${url()}/v2/mizzen/${name}/manifests/${tag}`);
      expect(index.headers.get('docker-content-digest')).toBe(digest);
      const { manifests } = (await index.json()) as { manifests: { digest: string; platform: { architecture: string } }[] };
      expect(manifests.map(({ platform }) => platform.architecture)).toEqual(['amd64', 'arm64']);
      for (const manifest of manifests) {
        const { layers } = (await (await fetch(`${url()}/v2/mizzen/${name}/manifests/${manifest.digest}`)).json()) as { layers: { digest: string; size: number }[] };
        for (const layer of layers) expect((await (await fetch(`${url()}/v2/mizzen/${name}/blobs/${layer.digest}`)).arrayBuffer()).byteLength).toBe(layer.size);
      }
    }
  });

  test('does not send again what is there', async ({ skip }) => {
    if (!registry.found) skip(registry.reason);
    await pushImages(images, { output: folder, registry: url(), progress: () => undefined });
    const calls = vi.spyOn(globalThis, 'fetch');
    await pushImages(images, { output: folder, registry: url(), progress: () => undefined });
    expect(calls.mock.calls.filter(([, init]) => init?.method === 'POST')).toEqual([]);
    expect(calls.mock.calls.filter(([, init]) => init?.method === 'HEAD').length).toBeGreaterThan(0);
  });

  test('refuses an archive that was built anew since its digest was read', async () => {
    const other = images.slice(0, 1).map((image) => ({ ...image, digest: `sha256:${'0'.repeat(64)}` }));
    await expect(pushImages(other, { output: folder, registry: 'http://127.86.0.9:9', progress: () => undefined })).rejects.toThrow(/mizzen-operator-v3\.1\.0\.tar does not hold mizzen-operator@sha256:0+: it was built anew/);
  });

  test('says what is wrong with a registry', async () => {
    const push = (address: string) => pushImages(images, { output: folder, registry: address, progress: () => undefined });
    await expect(push('http://127.86.0.9:9')).rejects.toThrow('the registry http://127.86.0.9:9 does not answer; is it running, and is the scheme (http or https) right?');
    await expect(push('registry.example.com')).rejects.toThrow(/with its scheme/);
    vi.spyOn(globalThis, 'fetch').mockImplementation(() => Promise.resolve(new Response('denied', { status: 401 })));
    await expect(push('https://registry.example.com')).rejects.toThrow(/answered HEAD \/v2\/mizzen\/mizzen-operator\/blobs\/sha256:[0-9a-f]+ with 401: denied; this registry asks for a log-in/);
  });
});

test('`referencePrefix` is what an image reference starts with', () => {
  expect(referencePrefix('http://127.0.0.1:5000')).toBe('127.0.0.1:5000/mizzen');
  expect(referencePrefix('https://registry.example.com/team/mesh/')).toBe('registry.example.com/team/mesh');
});

describe('`writeManifests`', () => {
  test('names images by digest, tells the operator those that it installs, and changes nothing else', () => {
    const output = join(folder, 'manifests');
    const paths = writeManifests({ root, images, prefix: 'registry.example.com/mesh', folder: output });
    expect(paths).toEqual(['operator.yaml', 'samples/httpbin/httpbin.yaml', 'samples/bookinfo/bookinfo.yaml'].map((path) => join(output, path)));
    const digestOf = (name: string): string => images.find((image) => image.name === name)?.digest ?? '';
    const objects = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Record<string, any>);
    const written = objects(readFileSync(join(output, 'operator.yaml'), 'utf8'));
    const container = written.find(({ kind }) => kind === 'Deployment')?.['spec'].template.spec.containers[0];
    expect(container.image).toBe(`registry.example.com/mesh/mizzen-operator@${digestOf('mizzen-operator')}`);
    const environment = Object.fromEntries(container.env.filter(({ value }: { value?: string }) => value !== undefined).map(({ name, value }: { name: string; value: string }) => [name, value]));
    expect(environment).toEqual({
      RELATED_IMAGE_V3_0_CNI: `registry.example.com/mesh/mizzen-cni@${digestOf('mizzen-cni')}`,
      RELATED_IMAGE_V3_1_DISCOVERY: `registry.example.com/mesh/mizzend@${digestOf('mizzend')}`,
      RELATED_IMAGE_V3_1_PROXY: `registry.example.com/mesh/mizzen-proxy@${digestOf('mizzen-proxy')}`,
    });
    expect(parseOperatorOptions([], environment, { version: '0', templatesDirectory: '', crdsDirectory: '' }).relatedImages?.size).toBe(3);
    const original = objects(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'));
    const own = original.find(({ kind }) => kind === 'Deployment')?.['spec'].template.spec.containers[0];
    container.image = own.image;
    container.env = container.env.slice(0, own.env.length);
    expect(written).toEqual(original);
    expect(readFileSync(join(output, 'samples/httpbin/httpbin.yaml'), 'utf8')).toContain(`image: registry.example.com/mesh/httpbin@${digestOf('httpbin')}\n`);
  });

  test('refuses to write an operator without an image of its own', () => {
    expect(() => writeManifests({ root, images: [], prefix: 'x', folder: join(folder, 'none') })).toThrow(/mizzen\/mizzen-operator:v3\.1\.0, which was not built/);
  });
});
