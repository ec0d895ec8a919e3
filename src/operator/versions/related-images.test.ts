// Images by digest from the operator's environment.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseImage } from '../manifest/images.ts';
import { readTextFiles } from '../template-files.ts';
import { parseVersionRegistry, readRelatedImages, relatedImageVariable } from './index.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;
const templates = readTextFiles(join(import.meta.dirname, '../../../templates'));

function imagesOf(environment: Readonly<Record<string, string>>, version: string) {
  const related = readRelatedImages(environment);
  if (!related.ok) throw new Error('refused');
  const directory = parseVersionRegistry(templates, related.value).directory(version);
  if (!directory.ok) throw new Error('no such version');
  return directory.value.descriptor.images;
}

test('`relatedImageVariable` names a variable that a shell can set', () => {
  expect(relatedImageVariable('v3.1', 'discovery')).toBe('RELATED_IMAGE_V3_1_DISCOVERY');
});

test('an image that the environment names stands in place of the version\'s own, of that version alone', () => {
  const environment = { RELATED_IMAGE_V3_1_PROXY: `127.0.0.1:5000/mizzen/mizzen-proxy@${DIGEST}`, PATH: '/bin' };
  expect(imagesOf(environment, 'v3.1')).toEqual({ discovery: 'mizzen/mizzend:v3.1.0', cni: 'mizzen/mizzen-cni:v3.1.0', proxy: `127.0.0.1:5000/mizzen/mizzen-proxy:v3.1.0@${DIGEST}` });
  expect(imagesOf(environment, 'v3.0').proxy).toBe('mizzen/mizzen-proxy:v3.0.0');
});

test('a tag may be named as well as a digest', () => {
  expect(imagesOf({ RELATED_IMAGE_V3_0_CNI: 'registry.example.com/cni:nightly' }, 'v3.0').cni).toBe('registry.example.com/cni:nightly');
});

test.each(['', 'UPPER/case@sha256:00', 'x@sha256:0', 'a b', 'name\n'])('what is no image reference is refused: %j', (value) => {
  const read = readRelatedImages({ RELATED_IMAGE_V3_1_PROXY: value });
  if (value === '') expect(read).toMatchObject({ ok: true });
  else expect(read).toMatchObject({ ok: false, error: [{ code: 'MESH_OP_RELATED_IMAGE', path: 'RELATED_IMAGE_V3_1_PROXY' }] });
});

const own = `registry:5000/mizzen/mizzen-proxy:v3.1.0@${DIGEST}`;

test.each([
  [{}, `registry:5000/mizzen/mizzen-proxy@${DIGEST}`],
  [{ imageRegistry: 'mirror.example.com' }, `mirror.example.com/mizzen-proxy@${DIGEST}`],
  [{ imageTag: 'v3.1.1' }, 'registry:5000/mizzen/mizzen-proxy:v3.1.1'],
  [{ imageName: 'my-proxy' }, 'registry:5000/mizzen/my-proxy:v3.1.0'],
  [{ imageName: 'mizzen-proxy' }, `registry:5000/mizzen/mizzen-proxy@${DIGEST}`],
  [{ imageName: 'other.example.com/proxy@sha256:1' }, 'other.example.com/proxy@sha256:1'],
])('`chooseImage` keeps a digest while nobody names another image or tag: %j', (choice, image) => {
  expect(chooseImage(own, choice)).toBe(image);
});
