// Says what is wrong with a cluster's pods: which, why, and the last lines that they wrote.
import { isConditionTrue, type KubeClient } from '../../shared/kube/index.ts';
import { podType, type ContainerStatus, type Pod } from './mesh-types.ts';

const LOG_LINES = 12;

/** Lines about every pod of the namespaces that is not ready; empty when all are. */
export async function diagnosePods(client: KubeClient, namespaces: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  for (const namespace of namespaces) {
    const pods = await client.listAll(podType, { namespace });
    for (const pod of pods.filter((one) => !isConditionTrue(one.status?.conditions, 'Ready'))) lines.push(...await diagnosePod(client, pod));
  }
  return lines;
}

async function diagnosePod(client: KubeClient, pod: Pod): Promise<string[]> {
  const { name = '', namespace = '' } = pod.metadata ?? {};
  const lines = [`pod ${namespace}/${name}: ${pod.status?.phase ?? 'not scheduled'}${pod.status?.message ? `, ${pod.status.message}` : ''}`];
  for (const status of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    if (status.ready && status.state?.running) continue;
    lines.push(`  container ${status.name}: ${describeState(status)}${status.restartCount ? `, restarted ${status.restartCount} times` : ''}`);
    lines.push(...(await lastLogLines(client, namespace, name, status.name)).map((line) => `    | ${line}`));
  }
  return lines;
}

function describeState({ state }: ContainerStatus): string {
  if (state?.waiting) return `${state.waiting.reason ?? 'waiting'}${state.waiting.message ? `: ${state.waiting.message}` : ''}`;
  if (state?.terminated) return `${state.terminated.reason ?? 'ended'} with exit status ${state.terminated.exitCode ?? '?'}${state.terminated.message ? `: ${state.terminated.message}` : ''}`;
  return state?.running ? 'runs but is not ready' : 'not started';
}

async function lastLogLines(client: KubeClient, namespace: string, pod: string, container: string): Promise<string[]> {
  for (const previous of [false, true]) {
    const answer = await client.requestAny({ method: 'GET', path: `/api/v1/namespaces/${namespace}/pods/${pod}/log`, query: { container, tailLines: LOG_LINES, previous: previous || undefined } });
    if (answer.status === 200 && answer.body.trim() !== '') return answer.body.trimEnd().split('\n').slice(-LOG_LINES).map((line) => line.slice(0, 400));
  }
  return [];
}
