// upgrade-under-load: spec.version is edited from v3.0 to v3.1 while requests run; the mesh arrives there and no request fails.
import { controlPlaneType, deploymentType } from '../../cluster/mesh-types.ts';
import { missingControlPlane, missingDeployments } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { MESH_NAME, MESH_NAMESPACE } from '../mesh-objects.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, type SmokeStep } from './step.ts';
import { underLoad } from './traffic.ts';

const TARGET = 'v3.1';

/** The smoke step `upgrade-under-load`; the line at the top of this file is what it claims. */
export const upgradeUnderLoad: SmokeStep = async (context) => {
  const { client, signal } = context;
  const before = (await client.get(controlPlaneType, MESH_NAME, MESH_NAMESPACE)).spec?.version ?? '';
  claim(before !== TARGET, `the mesh is at ${TARGET} already; install v3.0 to upgrade from`);
  let turn = 0;
  const send = async (): Promise<string | undefined> => {
    const page = (turn += 1) % 2 === 0;
    const { status, body } = page ? await context.ingress.send({ path: '/productpage' }) : await httpbin(context, { path: '/get' });
    if (status !== 200) return `${page ? '/productpage' : 'httpbin'} answered ${status}`;
    return page && body.includes('class="error"') ? `the page lacks a part: ${/class="error">[^<]*/.exec(body)?.[0] ?? ''}` : undefined;
  };
  const started = performance.now();
  const { value, load } = await underLoad(25, send, async () => {
    await client.patch(controlPlaneType, MESH_NAME, MESH_NAMESPACE, { spec: { version: TARGET } });
    await waitUntil('the upgrade', async () => (await missingControlPlane(client, MESH_NAME, MESH_NAMESPACE, `${TARGET}.0`)) ?? missingDeployments(client, MESH_NAMESPACE),
      { signal, timeoutMilliseconds: 240_000, intervalMilliseconds: 300 });
    const seconds = (performance.now() - started) / 1000;
    // Old pods are still draining: what they lose would show now.
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    return seconds;
  });
  claim(load.failed === 0, `${load.failed} of ${load.requests} requests failed: ${load.failures.join('; ')}`);
  const gateway = await client.get(deploymentType, 'istio-ingressgateway', MESH_NAMESPACE);
  const discovery = await client.get(deploymentType, `istiod-${MESH_NAME}`, MESH_NAMESPACE);
  const images = [gateway, discovery].map((deployment) => deployment.spec?.template?.spec?.containers?.[0]?.image ?? '');
  claim(images.every((image) => image.endsWith(`:${TARGET}.0`)), `images after the upgrade: ${images.join(', ')}`);
  return { from: before, to: TARGET, seconds: Math.round(value * 10) / 10, requests: load.requests, failed: load.failed, images };
};
