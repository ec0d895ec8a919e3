// Requests to httpbin through the ingress gateway and to single pods.
import type { Pod } from '../../cluster/mesh-types.ts';
import { livePods } from '../../cluster/readiness.ts';
import { IngressClient, type IngressRequest, type TimedResponse } from '../ingress.ts';
import { HTTPBIN_HOST } from '../mesh-objects.ts';
import type { SmokeContext } from './step.ts';

/** Sends to httpbin through the gateway. */
export function httpbin({ ingress }: Pick<SmokeContext, 'ingress'>, request: Omit<IngressRequest, 'host'>): Promise<TimedResponse> {
  return ingress.send({ ...request, host: HTTPBIN_HOST });
}

/** The pods of one version. */
export function httpbinPods(context: SmokeContext, version: string): Promise<Pod[]> {
  return livePods(context.client, 'httpbin', `app=httpbin,version=${version}`);
}

/** One request straight to a pod's address, in plain text, past every gateway and proxy of the caller. */
export async function sendToPod(pod: Pod, port: number, request: IngressRequest): Promise<TimedResponse> {
  const client = new IngressClient(pod.status?.podIP ?? '', port);
  try {
    return await client.send(request);
  } finally {
    client.close();
  }
}
