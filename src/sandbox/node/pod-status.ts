// The status of a pod as a function of its containers: phase, conditions, container statuses.
import type { StoredObject } from '../api-server/internal-client.ts';
import { nodeAddress } from '../network/index.ts';
import type { ContainerRunner } from './container-runner.ts';
import type { PodContext } from './pod-context.ts';

type Spec = StoredObject['spec'];
type Condition = { type: string; status: string; lastTransitionTime?: string; reason?: string; message?: string };

/** The phase of a pod. */
export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

/** The status to write for a pod. */
export function podStatus(context: PodContext, init: readonly ContainerRunner[], apps: readonly ContainerRunner[], startTime: string): Record<string, unknown> {
  const { pod, podIp } = context;
  const phase = podPhase(pod, init, apps);
  const over = phase === 'Succeeded' || phase === 'Failed';
  const hostIp = nodeAddress(context.services.slot);
  return {
    phase,
    conditions: conditions(pod, init, apps, over),
    hostIP: hostIp, hostIPs: [{ ip: hostIp }], podIP: podIp, podIPs: [{ ip: podIp }],
    startTime, qosClass: qosClass(pod),
    ...(init.length > 0 ? { initContainerStatuses: init.map(containerStatus) } : {}),
    containerStatuses: apps.map(containerStatus),
    ...((pod.spec.ephemeralContainers ?? []).length > 0 ? { ephemeralContainerStatuses: pod.spec.ephemeralContainers.map(ephemeralStatus) } : {}),
    observedGeneration: pod.metadata.generation ?? 1,
  };
}

function containerStatus(runner: ContainerRunner): Record<string, unknown> {
  const image = runner.spec.image ?? '';
  const waits = runner.state.waiting !== undefined && runner.restartCount === 0;
  return {
    name: runner.spec.name, image, imageID: waits ? '' : image, ready: runner.ready, started: runner.started, restartCount: runner.restartCount,
    state: runner.state, lastState: runner.lastState, ...(waits ? {} : { containerID: runner.containerId }),
  };
}

/** Containers for looking inside are never started: there is no inside that other programs could be put into. */
function ephemeralStatus({ name, image }: Spec): Record<string, unknown> {
  const message = 'the sandbox runs programs, not images, and cannot start a container in a running pod; use kubectl exec or kubectl logs';
  return { name, image, imageID: '', ready: false, restartCount: 0, state: { waiting: { reason: 'CreateContainerError', message } }, lastState: {} };
}

/** Whether every init container has ended well and every sidecar has started. */
export function isInitialized(init: readonly ContainerRunner[]): boolean {
  return init.every((runner) => (runner.kind === 'sidecar' ? runner.started || runner.restartCount > 0 : runner.state.terminated?.exitCode === 0));
}

function podPhase(pod: StoredObject, init: readonly ContainerRunner[], apps: readonly ContainerRunner[]): PodPhase {
  if (init.some((runner) => runner.kind === 'init' && runner.done && runner.state.terminated?.exitCode !== 0)) return 'Failed';
  if (apps.length > 0 && apps.every((runner) => runner.done)) {
    // The sidecars are stopped before the pod is over.
    if (init.some((runner) => runner.kind === 'sidecar' && runner.state.running)) return 'Running';
    return apps.every((runner) => runner.state.terminated?.exitCode === 0) ? 'Succeeded' : 'Failed';
  }
  const begun = apps.some((runner) => runner.state.running || runner.state.terminated || runner.restartCount > 0);
  const waitsForFirst = apps.some((runner) => runner.state.waiting && runner.restartCount === 0 && !runner.lastState.terminated);
  return begun && !waitsForFirst ? 'Running' : pod.status?.phase === 'Running' ? 'Running' : 'Pending';
}

function conditions(pod: StoredObject, init: readonly ContainerRunner[], apps: readonly ContainerRunner[], over: boolean): Condition[] {
  const present: Condition[] = pod.status?.conditions ?? [];
  const initialized = isInitialized(init) || apps.some((runner) => runner.state.running);
  const lasting = [...init.filter((runner) => runner.kind === 'sidecar'), ...apps];
  const unready = lasting.filter((runner) => !runner.ready).map((runner) => runner.spec.name);
  const succeeded = over && apps.every((runner) => runner.state.terminated?.exitCode === 0);
  const notReady = over ? { reason: succeeded ? 'PodCompleted' : 'PodFailed', message: '' } : { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  const containersReady = unready.length === 0 && !over;
  const gates: string[] = (pod.spec.readinessGates ?? []).map((gate: Spec) => gate.conditionType);
  const closed = gates.filter((gate) => present.find((entry) => entry.type === gate)?.status !== 'True');
  const ready = containersReady && closed.length === 0;
  const started = apps.some((runner) => runner.state.running) || init.some((runner) => runner.state.running ?? runner.state.terminated);
  const own: Condition[] = [
    { type: 'PodReadyToStartContainers', status: over ? 'False' : started || initialized ? 'True' : 'False' },
    initialized ? { type: 'Initialized', status: 'True', ...(succeeded ? { reason: 'PodCompleted' } : {}) } : { type: 'Initialized', status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${init.filter((runner) => !runner.ready && !runner.started).map((runner) => runner.spec.name).join(' ')}]` },
    ready ? { type: 'Ready', status: 'True' } : { type: 'Ready', status: 'False', ...(containersReady ? { reason: 'ReadinessGatesNotReady', message: `corresponding condition of pod readiness gate "${closed[0]}" is not true.` } : notReady) },
    containersReady ? { type: 'ContainersReady', status: 'True' } : { type: 'ContainersReady', status: 'False', ...notReady },
    { type: 'PodScheduled', status: 'True' },
  ];
  const types = new Set(own.map((entry) => entry.type));
  return [...own.map((entry) => {
    const before = present.find((candidate) => candidate.type === entry.type);
    return { ...entry, lastTransitionTime: before?.status === entry.status && before.lastTransitionTime ? before.lastTransitionTime : `${new Date().toISOString().slice(0, 19)}Z` };
  }), ...present.filter((entry) => !types.has(entry.type))];
}

function qosClass(pod: StoredObject): string {
  const containers: Spec[] = [...(pod.spec.containers ?? []), ...(pod.spec.initContainers ?? [])];
  const lists = containers.map((container) => container.resources ?? {});
  if (lists.every((resources) => Object.keys(resources.limits ?? {}).length === 0 && Object.keys(resources.requests ?? {}).length === 0)) return 'BestEffort';
  const guaranteed = lists.every((resources) => ['cpu', 'memory'].every((name) => resources.limits?.[name] !== undefined && String(resources.requests?.[name] ?? resources.limits[name]) === String(resources.limits[name])));
  return guaranteed ? 'Guaranteed' : 'Burstable';
}
