// failed-upgrade-rolls-back: a change whose control plane never becomes ready is taken back by itself; the condition names the component; traffic does not notice.
import { getCondition } from '../../../shared/kube/index.ts';
import { controlPlaneType, deploymentType } from '../../cluster/mesh-types.ts';
import { missingControlPlane, missingDeployments } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { MESH_NAME, MESH_NAMESPACE } from '../mesh-objects.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, type SmokeContext, type SmokeStep } from './step.ts';
import { underLoad } from './traffic.ts';

const DEADLINE_SECONDS = 12;

async function discoveryImage({ client }: SmokeContext): Promise<string> {
  return (await client.get(deploymentType, `istiod-${MESH_NAME}`, MESH_NAMESPACE)).spec?.template?.spec?.containers?.[0]?.image ?? '';
}

/** The smoke step `failed-upgrade-rolls-back`; the line at the top of this file is what it claims. */
export const failedUpgradeRollsBack: SmokeStep = async (context) => {
  const { client, signal } = context;
  const imageBefore = await discoveryImage(context);
  const broken = {
    techPreview: { upgrade: { waveDeadlineSeconds: DEADLINE_SECONDS } },
    runtime: { components: { pilot: { container: { imageTag: `${imageBefore.split(':').at(-1) ?? ''}-unavailable` } } } },
  };
  const send = async (): Promise<string | undefined> => {
    const { status } = await httpbin(context, { path: '/get' });
    return status === 200 ? undefined : `status ${status}`;
  };
  try {
    const { value, load } = await underLoad(30, send, async () => {
      await client.patch(controlPlaneType, MESH_NAME, MESH_NAMESPACE, { spec: broken });
      await waitUntil('the broken roll-out', async () => ((await discoveryImage(context)).endsWith('-unavailable') ? undefined : 'the Deployment has the old image'), { signal, timeoutMilliseconds: 30_000, intervalMilliseconds: 100 });
      let message = '';
      await waitUntil('the roll-back', async () => {
        const reconciled = getCondition((await client.get(controlPlaneType, MESH_NAME, MESH_NAMESPACE)).status?.conditions, 'Reconciled');
        message = reconciled?.message ?? '';
        if (reconciled?.status !== 'False' || !/roll/i.test(`${reconciled.reason} ${message}`)) return `Reconciled: ${reconciled?.reason ?? 'unknown'} ${message}`;
        const image = await discoveryImage(context);
        return image === imageBefore ? missingDeployments(client, MESH_NAMESPACE) : `the Deployment still has ${image}`;
      }, { signal, timeoutMilliseconds: 120_000 });
      return message;
    });
    claim(load.failed === 0, `${load.failed} of ${load.requests} requests failed: ${load.failures.join('; ')}`);
    claim(value.includes('istio-discovery') || value.includes(`istiod-${MESH_NAME}`), `the condition does not name the component: ${value}`);
    return { condition: value.slice(0, 300), requests: load.requests, failed: load.failed, image: imageBefore };
  } finally {
    await client.patch(controlPlaneType, MESH_NAME, MESH_NAMESPACE, { spec: { techPreview: { upgrade: null }, runtime: null } });
    await waitUntil('the mesh to be ready again', () => missingControlPlane(client, MESH_NAME, MESH_NAMESPACE), { signal, timeoutMilliseconds: 120_000 });
  }
};
