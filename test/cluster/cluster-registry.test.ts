// Nodes pull images by digest from a real OCI registry without TLS, also in the place of a public one; and find loaded ones by digest without any registry.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { imageCache, pushImages, startRegistry } from '../../tools/images/index.ts';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { RING_IMAGES, ringImages } from './support/ring-images.ts';
import { TestNamespace } from './support/test-namespace.ts';

const { cluster } = clusterUnderTest();
const folder = mkdtempSync(join(tmpdir(), 'mizzen-registry-'));
const [image] = ringImages('test-tools');
let space: TestNamespace;
let registry: { readonly url: string; readonly stop: () => Promise<void> };

beforeAll(async () => {
  space = await TestNamespace.create('cluster-registry');
  const started = await startRegistry({ root: fileURLToPath(new URL('../..', import.meta.url)), cache: imageCache(process.env), folder, host: cluster.hostAddress ?? '' });
  if (!started.found) throw new Error(started.reason);
  registry = started;
  if (image !== undefined) await pushImages([image], { output: RING_IMAGES, registry: registry.url, progress: () => undefined });
});
afterAll(async () => {
  await registry?.stop();
  await space?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a pod of an image to its end; gives what it printed. */
async function runPod(name: string, reference: string, imagePullPolicy: string): Promise<string> {
  await space.apply({
    apiVersion: 'v1', kind: 'Pod', metadata: { name },
    spec: { restartPolicy: 'Never', containers: [{ name: 'say', image: reference, imagePullPolicy, command: ['echo', 'it runs'] }] },
  });
  await space.kubectl('wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s');
  return space.logs(name);
}

it('pulls by digest from a plain registry that is allowed', async () => {
  const { host } = new URL(registry.url);
  await cluster.allowPlainRegistry(host);
  expect(await runPod('pulled', `${host}/mizzen/test-tools@${image?.digest ?? ''}`, 'Always')).toBe('it runs\n');
});

it('pulls from a registry that stands in for a public one', async () => {
  await cluster.mirrorRegistry('registry.example.com', new URL(registry.url).host);
  expect(await runPod('mirrored', `registry.example.com/mizzen/test-tools:${image?.tag ?? ''}`, 'Always')).toBe('it runs\n');
});

it('finds a loaded image by digest and pulls nothing', async () => {
  expect(await runPod('loaded', `docker.io/mizzen/test-tools@${image?.digest ?? ''}`, 'Never')).toBe('it runs\n');
});
