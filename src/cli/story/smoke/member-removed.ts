// member-removed: a namespace taken off the roll loses label, injection and routes; put back, it gains them again.
import { namespaceType, podType } from '../../cluster/mesh-types.ts';
import { isInjected, livePods, missingMembers, missingReplacements } from '../../cluster/readiness.ts';
import { waitUntil } from '../../cluster/wait.ts';
import { memberRollYaml, MEMBERS, MESH_NAMESPACE } from '../mesh-objects.ts';
import { httpbin } from './httpbin-traffic.ts';
import { claim, type SmokeContext, type SmokeStep } from './step.ts';

const LABEL = 'maistra.io/member-of';

async function restartPods(context: SmokeContext): Promise<number> {
  const { client, signal } = context;
  const before = await livePods(client, 'httpbin');
  await Promise.all(before.map((pod) => client.delete(podType, pod.metadata?.name ?? '', 'httpbin')));
  await waitUntil('the restart of httpbin', () => missingReplacements(client, 'httpbin', before, before.length), { signal, timeoutMilliseconds: 90_000 });
  return (await livePods(client, 'httpbin')).filter(isInjected).length;
}

/** The smoke step `member-removed`; the line at the top of this file is what it claims. */
export const memberRemoved: SmokeStep = async (context) => {
  const { client, applier, signal } = context;
  const remaining = MEMBERS.filter((member) => member !== 'httpbin');
  let outside: { injected: number; status: number } | undefined;
  try {
    await applier.apply(memberRollYaml(remaining));
    await waitUntil('the removal of the member', async () => {
      const missing = await missingMembers(client, MESH_NAMESPACE, remaining);
      if (missing !== undefined) return missing;
      const labels = (await client.get(namespaceType, 'httpbin')).metadata?.labels ?? {};
      return LABEL in labels ? `the namespace still has the label ${LABEL}` : undefined;
    }, { signal });
    const injected = await restartPods(context);
    let status = 0;
    await waitUntil('the end of the routes', async () => {
      status = (await httpbin(context, { path: '/get' })).status;
      return status === 404 ? undefined : `httpbin still answers ${status}`;
    }, { signal });
    outside = { injected, status };
    claim(injected === 0, `${injected} pods got a proxy outside the mesh`);
  } finally {
    await applier.apply(memberRollYaml());
    await waitUntil('the return of the member', () => missingMembers(client, MESH_NAMESPACE, MEMBERS), { signal });
  }
  const inside = await restartPods(context);
  claim(inside === 3, `${inside} of 3 pods have a proxy after the return`);
  await waitUntil('the return of the routes', async () => {
    const { status } = await httpbin(context, { path: '/get' });
    return status === 200 ? undefined : `httpbin answers ${status}`;
  }, { signal });
  return { injected_outside: outside.injected, status_outside: outside.status, injected_after_return: inside };
};
