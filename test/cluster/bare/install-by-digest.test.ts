// An installation from a registry of the user's own, as docs/operate/installation.md has it: everything that runs was pulled by digest from there, the sidecars too.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageCache, pushImages, referencePrefix, startRegistry, writeManifests } from '../../../tools/images/index.ts';
import { removeEverything } from '../support/bare-cluster.ts';
import { clusterUnderTest } from '../support/cluster-under-test.ts';
import { RING_IMAGES, ringImages } from '../support/ring-images.ts';

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly containers: readonly Container[]; readonly initContainers?: readonly Container[] };
    readonly status: { readonly containerStatuses?: readonly Status[]; readonly initContainerStatuses?: readonly Status[] };
  }[];
}
interface Container {
  readonly name: string;
  readonly image: string;
}
interface Status {
  readonly name: string;
  readonly ready: boolean;
  readonly imageID: string;
}

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const CONTROL_PLANE = [
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'istio-system' } },
  { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'httpbin' } },
  { apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: 'istio-system' }, spec: { version: 'v3.1', profiles: ['default', 'small'] } },
  { apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: 'istio-system' }, spec: { members: ['httpbin'] } },
];

describe('an installation by digest', () => {
  const { cluster, kubectl } = clusterUnderTest();
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-by-digest-'));
  let prefix = '';
  let stopRegistry: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    await removeEverything();
    const registry = await startRegistry({ root: ROOT, cache: imageCache(process.env), folder: join(folder, 'registry'), host: cluster.hostAddress ?? '' });
    if (!registry.found) throw new Error(registry.reason);
    stopRegistry = registry.stop;
    const images = ringImages().filter(({ name }) => name !== 'test-tools');
    await pushImages(images, { output: RING_IMAGES, registry: registry.url, progress: () => undefined });
    await cluster.allowPlainRegistry(new URL(registry.url).host);
    prefix = referencePrefix(registry.url);
    writeManifests({ root: ROOT, images, prefix, folder });
  }, 400_000);
  afterAll(async () => {
    await removeEverything();
    await stopRegistry?.();
    rmSync(folder, { recursive: true, force: true });
  }, 400_000);

  /** Every container of a namespace with the image that it names and the one that runs. */
  async function containersOf(namespace: string): Promise<(Container & { readonly pod: string; readonly running: string })[]> {
    const pods = JSON.parse(await kubectl.run(['--namespace', namespace, 'get', 'pods', '--output', 'json'])) as PodList;
    return pods.items.flatMap(({ metadata, spec, status }) => {
      const statuses = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
      return [...spec.containers, ...(spec.initContainers ?? [])].map(({ name, image }) => ({ pod: metadata.name, name, image, running: statuses.find((found) => found.name === name)?.imageID ?? '' }));
    });
  }

  it('brings up the operator, a control plane and its gateways', async () => {
    await kubectl.run(['apply', '--server-side', '--filename', join(ROOT, 'crds')]);
    await kubectl.run(['apply', '--filename', join(folder, 'operator.yaml')]);
    await kubectl.run(['--namespace', 'mizzen-operator', 'rollout', 'status', 'deployment/mizzen-operator', '--timeout=180s'], { timeoutMilliseconds: 200_000 });
    for (const object of CONTROL_PLANE) await kubectl.run(['apply', '--filename', '-'], { input: JSON.stringify(object) });
    await kubectl.run(['--namespace', 'istio-system', 'wait', '--for=condition=Ready', 'servicemeshcontrolplane/basic', '--timeout=240s'], { timeoutMilliseconds: 260_000 });
  }, 480_000);

  it('injects sidecars by digest', async () => {
    await kubectl.run(['--namespace', 'httpbin', 'apply', '--filename', join(folder, 'samples/httpbin/httpbin.yaml')]);
    await kubectl.run(['--namespace', 'httpbin', 'wait', 'deployment', '--all', '--for=condition=Available', '--timeout=180s'], { timeoutMilliseconds: 200_000 });
    const containers = await containersOf('httpbin');
    expect(containers.map(({ name }) => name)).toEqual(expect.arrayContaining(['httpbin', 'istio-proxy', 'istio-init']));
  }, 300_000);

  it('runs nothing but what the registry has', async () => {
    const containers = (await Promise.all(['mizzen-operator', 'istio-system', 'httpbin'].map(containersOf))).flat();
    expect(containers.length).toBeGreaterThan(5);
    for (const { pod, name, image, running } of containers) {
      expect(image, `${pod}: ${name}`).toMatch(new RegExp(`^${prefix.replaceAll('.', '\\.')}/[a-z-]+@sha256:[0-9a-f]{64}$`));
      expect(running, `${pod}: ${name}`).toContain(image.split('@')[1]);
    }
  });
});
