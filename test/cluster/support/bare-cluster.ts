// A cluster without the mesh, for tests that install it themselves.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clusterUnderTest } from './cluster-under-test.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const NAMESPACES = ['bookinfo', 'httpbin', 'istio-system', 'mizzen-operator'];

/** Removes whatever an earlier test installed: meshes first, while the operator is there to clean up after them. */
export async function removeEverything(): Promise<void> {
  const { kubectl } = clusterUnderTest();
  for (const kind of ['servicemeshmemberroll', 'servicemeshcontrolplane']) {
    const { status, stderr } = await kubectl.attempt(['delete', kind, '--all', '--all-namespaces', '--timeout=120s'], { timeoutMilliseconds: 150_000 });
    if (status !== 0 && !stderr.includes("doesn't have a resource type")) throw new Error(`${kind} cannot be removed: ${stderr}`);
  }
  await kubectl.run(['delete', 'namespace', ...NAMESPACES, '--ignore-not-found', '--wait', '--timeout=180s'], { timeoutMilliseconds: 200_000 });
  await kubectl.run(['delete', '-f', join(ROOT, 'deploy/operator.yaml'), '--ignore-not-found', '--timeout=60s'], { timeoutMilliseconds: 90_000 });
  await kubectl.run(['delete', '-f', join(ROOT, 'crds'), '--ignore-not-found', '--timeout=60s'], { timeoutMilliseconds: 90_000 });
}
