// The Job controller: runs pods until enough of them have succeeded or too many have failed.
import { deepEqual } from '../../shared/lib/index.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { controllerKey, ownKey, startController, type ControllerContext } from './controller.ts';
import { condition, isActive, isReady, nameSuffix, podFromTemplate, timestamp, withCondition } from './pod-state.ts';
import { JOBS, PODS } from './resources.ts';

interface Outcome {
  readonly type: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** Starts the controller; returns the way to stop it. */
export function startJobController(context: ControllerContext): () => void {
  return startController(context, {
    name: 'job-controller',
    sources: [{ resource: JOBS, keys: ownKey }, { resource: PODS, keys: controllerKey('Job') }],
    reconcile: async (namespace, name, again) => {
      const job = context.client.table(JOBS).get(namespace, name);
      if (!job || job.metadata.deletionTimestamp) return;
      if (isOver(job)) await expire(context, job, again);
      else await work(context, job, again);
    },
  });
}

function isOver(job: StoredObject): boolean {
  return condition(job, 'Complete')?.status === 'True' || condition(job, 'Failed')?.status === 'True';
}

async function expire(context: ControllerContext, job: StoredObject, again: (milliseconds: number) => void): Promise<void> {
  if (job.spec.ttlSecondsAfterFinished === undefined) return;
  const ended = condition(job, 'Complete')?.lastTransitionTime ?? condition(job, 'Failed')?.lastTransitionTime ?? timestamp();
  const left = Date.parse(ended) + job.spec.ttlSecondsAfterFinished * 1000 - Date.now();
  if (left > 0) again(left);
  else await context.client.delete(JOBS, job.metadata.namespace, job.metadata.name, { propagationPolicy: 'Background' });
}

async function work(context: ControllerContext, job: StoredObject, again: (milliseconds: number) => void): Promise<void> {
  const pods = context.client.table(PODS).ownedBy(job.metadata.uid);
  const succeeded = pods.filter((pod) => pod.status?.phase === 'Succeeded').length;
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed').length;
  const outcome = judge(job, succeeded, failed + restarts(pods, job));
  let active = pods.filter(isActive);
  if (outcome || job.spec.suspend) {
    for (const pod of active) await context.client.delete(PODS, pod.metadata.namespace, pod.metadata.name, { uid: pod.metadata.uid });
    active = [];
  } else {
    active = [...active, ...(await createMissing(context, job, active.length, succeeded))];
    if (job.spec.activeDeadlineSeconds !== undefined) again(Date.parse(job.status?.startTime ?? timestamp()) + job.spec.activeDeadlineSeconds * 1000 - Date.now() + 100);
  }
  await writeStatus(context, job, { active, succeeded, failed }, outcome);
}

function restarts(pods: readonly StoredObject[], job: StoredObject): number {
  if (job.spec.template.spec.restartPolicy !== 'OnFailure') return 0;
  return pods.filter(isActive).reduce((sum, pod) => sum + (pod.status?.containerStatuses ?? []).reduce((count: number, status: { restartCount: number }) => count + status.restartCount, 0), 0);
}

function judge(job: StoredObject, succeeded: number, failures: number): Outcome | undefined {
  if (failures > (job.spec.backoffLimit ?? 6)) return { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const deadline = job.spec.activeDeadlineSeconds;
  if (deadline !== undefined && job.status?.startTime && Date.parse(job.status.startTime) + deadline * 1000 <= Date.now()) {
    return { type: 'Failed', reason: 'DeadlineExceeded', message: 'Job was active longer than specified deadline' };
  }
  return succeeded >= (job.spec.completions ?? 1) ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' } : undefined;
}

async function createMissing(context: ControllerContext, job: StoredObject, active: number, succeeded: number): Promise<StoredObject[]> {
  const wanted = Math.min(job.spec.parallelism ?? 1, (job.spec.completions ?? 1) - succeeded);
  const created: StoredObject[] = [];
  for (let count = active; count < wanted; count += 1) {
    const pod = await context.client.create(PODS, podFromTemplate(job, job.spec.template, `${job.metadata.name}-${nameSuffix()}`, { 'batch.kubernetes.io/job-name': job.metadata.name, 'job-name': job.metadata.name, 'batch.kubernetes.io/controller-uid': job.metadata.uid }));
    context.events.record(job, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
    created.push(pod);
  }
  return created;
}

async function writeStatus(context: ControllerContext, job: StoredObject, pods: { active: StoredObject[]; succeeded: number; failed: number }, outcome: Outcome | undefined): Promise<void> {
  const now = timestamp();
  const status = {
    startTime: job.status?.startTime ?? now,
    active: pods.active.length, ready: pods.active.filter(isReady).length, succeeded: pods.succeeded, failed: pods.failed,
    ...(outcome?.type === 'Complete' ? { completionTime: now } : {}),
    ...(outcome ? { conditions: withCondition(job.status?.conditions, { type: outcome.type, status: 'True', reason: outcome.reason, message: outcome.message, lastProbeTime: now }) } : job.status?.conditions ? { conditions: job.status.conditions } : {}),
  };
  if (deepEqual(job.status ?? {}, status)) return;
  await context.client.patch(JOBS, job.metadata.namespace, job.metadata.name, { status }, 'status');
  if (outcome) context.events.record(job, outcome.type === 'Complete' ? 'Normal' : 'Warning', outcome.type === 'Complete' ? 'Completed' : outcome.reason, outcome.message);
}
