// injection: every application pod has a proxy, one that declines it has none.
import type { KubernetesObject } from '../../../shared/api/meta/index.ts';
import { podType } from '../../cluster/mesh-types.ts';
import { isInjected, livePods } from '../../cluster/readiness.ts';
import { MEMBERS } from '../mesh-objects.ts';
import { claim, type SmokeStep } from './step.ts';

/** The smoke step `injection`; the line at the top of this file is what it claims. */
export const injection: SmokeStep = async ({ client }) => {
  let injected = 0;
  for (const namespace of MEMBERS) {
    for (const pod of await livePods(client, namespace)) {
      claim(isInjected(pod), `pod ${namespace}/${pod.metadata?.name} has no container istio-proxy`);
      claim(pod.metadata?.annotations?.['sidecar.istio.io/status'] !== undefined, `pod ${namespace}/${pod.metadata?.name} has no annotation sidecar.istio.io/status`);
      injected += 1;
    }
  }
  claim(injected >= 9, `expected the nine sample pods, found ${injected}`);
  const name = 'declines-a-proxy';
  const pod: KubernetesObject & { spec: unknown } = {
    metadata: { name, namespace: 'httpbin', labels: { 'sidecar.istio.io/inject': 'false' } }, spec: { restartPolicy: 'Never', containers: [{ name: 'app', image: 'mizzen/httpbin:v1' }] },
  };
  const created = await client.create(podType, pod as never);
  await client.delete(podType, name, 'httpbin', { gracePeriodSeconds: 0 });
  claim(!isInjected(created), 'a pod labelled sidecar.istio.io/inject=false got a proxy');
  return { injected, declined: 1 };
};
