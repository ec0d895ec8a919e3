// Reaches ports of pods through the API server's proxy subresource: debug pages of mizzend, nothing of the user's network needed.
import type { KubeClient } from '../../shared/kube/index.ts';

/** GET of a pod's HTTP port through the API server. */
export async function getFromPod(client: KubeClient, namespace: string, pod: string, port: number, path: string): Promise<string> {
  const answer = await client.request({ method: 'GET', path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}:${port}/proxy${path}`, headers: { accept: '*/*' } });
  return answer.body;
}
