// The scheduler: binds each pod to the one node, when the pod's node selector and affinity allow it.
import type { StoredObject } from '../api-server/internal-client.ts';
import { ownKey, startController, type ControllerContext } from './controller.ts';
import { condition, isTerminal, withCondition } from './pod-state.ts';
import { NODES, PODS } from './resources.ts';

/** Starts the scheduler; returns the way to stop it. */
export function startScheduler(context: ControllerContext): () => void {
  const pods = context.client.table(PODS);
  return startController(context, {
    name: 'default-scheduler',
    sources: [
      { resource: PODS, keys: (pod) => (pod.spec?.nodeName || isTerminal(pod) ? [] : ownKey(pod)) },
      { resource: NODES, keys: () => pods.list().filter((pod) => !pod.spec?.nodeName).flatMap(ownKey) },
    ],
    reconcile: async (namespace, name) => {
      const pod = pods.get(namespace, name);
      if (!pod || pod.spec?.nodeName || pod.metadata.deletionTimestamp || (pod.spec?.schedulingGates ?? []).length > 0) return;
      const nodes = context.client.table(NODES).list();
      const node = nodes.find((candidate) => refusal(pod, candidate) === undefined);
      if (node) await bind(context, pod, node);
      else await refuse(context, pod, nodes);
    },
  });
}

/** Why a pod may not run on a node; undefined when it may. */
export function refusal(pod: StoredObject, node: StoredObject): string | undefined {
  if (node.spec?.unschedulable) return 'node(s) were unschedulable';
  const labels = node.metadata.labels ?? {};
  for (const [key, value] of Object.entries(pod.spec?.nodeSelector ?? {})) if (labels[key] !== value) return "node(s) didn't match Pod's node affinity/selector";
  const terms: { matchExpressions?: NodeRequirement[] }[] | undefined = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms && !terms.some((term) => (term.matchExpressions ?? []).every((requirement) => meets(requirement, labels[requirement.key])))) {
    return "node(s) didn't match Pod's node affinity/selector";
  }
  return undefined;
}

interface NodeRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: string[];
}

function meets(requirement: NodeRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? [];
  switch (requirement.operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return value !== undefined && Number(value) > Number(values[0]);
    default: return value !== undefined && Number(value) < Number(values[0]);
  }
}

async function bind(context: ControllerContext, pod: StoredObject, node: StoredObject): Promise<void> {
  await context.client.patch(PODS, pod.metadata.namespace, pod.metadata.name, { metadata: { uid: pod.metadata.uid }, spec: { nodeName: node.metadata.name } });
  context.events.record(pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.metadata.namespace}/${pod.metadata.name} to ${node.metadata.name}`);
}

async function refuse(context: ControllerContext, pod: StoredObject, nodes: readonly StoredObject[]): Promise<void> {
  const reasons = [...new Set(nodes.map((node) => refusal(pod, node)))].map((reason) => `${nodes.length} ${reason ?? ''}`).join(', ');
  const message = nodes.length === 0 ? 'no nodes available to schedule pods' : `0/${nodes.length} nodes are available: ${reasons}.`;
  if (condition(pod, 'PodScheduled')?.message === message) return;
  const conditions = withCondition(pod.status?.conditions, { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message });
  await context.client.patch(PODS, pod.metadata.namespace, pod.metadata.name, { status: { phase: 'Pending', conditions } }, 'status');
  context.events.record(pod, 'Warning', 'FailedScheduling', message);
}
