// control-plane-restart: with every control plane pod killed, proxies go on with what they have and lose no request; afterwards they take new configuration.
import { podType } from '../../cluster/mesh-types.ts';
import { livePods, missingReplacements } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { MESH_NAMESPACE } from '../mesh-objects.ts';
import { httpbin } from './httpbin-traffic.ts';
import { seeReviews } from './bookinfo-traffic.ts';
import { claim, settled, withHttpbinRoutes, type SmokeStep } from './step.ts';
import { underLoad } from './traffic.ts';

const toV2 = '    - route: [{ destination: { host: httpbin, subset: v2, port: { number: 8000 } } }]\n';

/** The smoke step `control-plane-restart`; the line at the top of this file is what it claims. */
export const controlPlaneRestart: SmokeStep = async (context) => {
  const { client, signal } = context;
  let turn = 0;
  const send = async (): Promise<string | undefined> => {
    const status = (turn += 1) % 2 === 0 ? (await httpbin(context, { path: '/get' })).status : (await seeReviews(context.ingress)).status;
    return status === 200 ? undefined : `status ${status}`;
  };
  const { value, load } = await underLoad(25, send, async () => {
    const pods = await livePods(client, MESH_NAMESPACE, 'app=istiod');
    claim(pods.length > 0, 'there is no control plane pod (label app=istiod)');
    await Promise.all(pods.map((pod) => client.delete(podType, pod.metadata?.name ?? '', MESH_NAMESPACE, { gracePeriodSeconds: 0 })));
    const started = performance.now();
    await waitUntil('the return of the control plane', () => missingReplacements(client, MESH_NAMESPACE, pods, pods.length, 'app=istiod'), { signal, timeoutMilliseconds: 90_000 });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    await withHttpbinRoutes(context, toV2, () => settled(context, 'new configuration after the restart', async () => {
      const { status, body } = await httpbin(context, { path: '/get' });
      return status === 200 && (JSON.parse(body) as { version: string }).version === 'v2';
    }, 10));
    return { killed: pods.length, seconds };
  });
  claim(load.failed === 0, `${load.failed} of ${load.requests} requests failed: ${load.failures.join('; ')}`);
  return { killed: value.killed, back_after_seconds: value.seconds, requests: load.requests, failed: load.failed };
};
