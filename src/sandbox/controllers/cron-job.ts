// The CronJob controller: makes a Job when its schedule says so, as the concurrency policy allows, and removes the oldest Jobs that have ended.
// Follows the second version of Kubernetes' CronJob controller.
import { deepEqual, describeError } from '../../shared/lib/index.ts';
import { isStatus } from '../api-server/cached-client.ts';
import type { StoredObject } from '../api-server/internal-client.ts';
import { controllerKey, controllerReference, ownKey, startController, type ControllerContext } from './controller.ts';
import { lastDue, parseSchedule, timeZoneProblem, type CronSchedule } from './cron-schedule.ts';
import { condition, timestamp } from './pod-state.ts';
import { CRON_JOBS, JOBS } from './resources.ts';

const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp';
const MISSED_LIMIT = 100;
/** After the time itself, so that a clock that is a little early does not wake the controller in vain. */
const DELAY_MILLISECONDS = 100;
/** Timers cannot wait for a month, and a schedule may wait for years. */
const LONGEST_WAIT_MILLISECONDS = 3_600_000;

type Again = (milliseconds: number) => void;
interface JobReference { readonly uid: string; readonly name: string; readonly [field: string]: unknown }
interface CronStatus { active?: readonly JobReference[]; lastScheduleTime?: string; lastSuccessfulTime?: string }

/** Starts the controller; returns the way to stop it. */
export function startCronJobController(context: ControllerContext): () => void {
  return startController(context, {
    name: 'cronjob-controller',
    sources: [{ resource: CRON_JOBS, keys: ownKey }, { resource: JOBS, keys: controllerKey('CronJob') }],
    reconcile: async (namespace, name, again) => {
      const cronJob = context.client.table(CRON_JOBS).get(namespace, name);
      if (!cronJob) return;
      await removeHistory(context, cronJob);
      const seen = followJobs(context, cronJob);
      const status = cronJob.metadata.deletionTimestamp === undefined ? await schedule(context, cronJob, seen, again) : seen;
      await writeStatus(context, cronJob, status);
    },
  });
}

function ending(job: StoredObject): 'Complete' | 'Failed' | undefined {
  return (['Complete', 'Failed'] as const).find((type) => condition(job, type)?.status === 'True');
}

function jobsOf(context: ControllerContext, cronJob: StoredObject): StoredObject[] {
  return context.client.table(JOBS).ownedBy(cronJob.metadata.uid);
}

/** Keeps as many Jobs of each ending as the limits say: the youngest. */
async function removeHistory(context: ControllerContext, cronJob: StoredObject): Promise<void> {
  const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = cronJob.spec;
  for (const [type, limit] of [['Complete', successfulJobsHistoryLimit], ['Failed', failedJobsHistoryLimit]] as const) {
    if (limit === undefined) continue;
    const ended = jobsOf(context, cronJob).filter((job) => ending(job) === type && job.metadata.deletionTimestamp === undefined).sort((a, b) => startOf(a) - startOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1));
    for (const job of ended.slice(0, Math.max(0, ended.length - limit))) await removeJob(context, cronJob, job);
  }
}

function startOf(job: StoredObject): number {
  return Date.parse(job.status?.startTime ?? job.metadata.creationTimestamp);
}

async function removeJob(context: ControllerContext, cronJob: StoredObject, job: StoredObject): Promise<void> {
  await context.client.delete(JOBS, job.metadata.namespace, job.metadata.name, { propagationPolicy: 'Background', uid: job.metadata.uid });
  context.events.record(cronJob, 'Normal', 'SuccessfulDelete', `Deleted job ${job.metadata.name}`);
}

/** The status after a look at what has become of the Jobs. */
function followJobs(context: ControllerContext, cronJob: StoredObject): CronStatus {
  const { active = [], ...status } = (cronJob.status ?? {}) as CronStatus;
  const jobs = new Map(jobsOf(context, cronJob).map((job) => [job.metadata.uid, job]));
  let { lastSuccessfulTime } = status;
  const known = new Set(active.map(({ uid }) => uid));
  for (const job of jobs.values()) {
    const type = ending(job);
    if (!known.has(job.metadata.uid)) {
      if (type === undefined) context.events.record(cronJob, 'Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${job.metadata.name}`);
    } else if (type !== undefined) context.events.record(cronJob, 'Normal', 'SawCompletedJob', `Saw completed job: ${job.metadata.name}, condition: ${type}`);
    const completed = type === 'Complete' ? job.status?.completionTime as string | undefined : undefined;
    if (completed !== undefined && (lastSuccessfulTime === undefined || Date.parse(completed) > Date.parse(lastSuccessfulTime))) lastSuccessfulTime = completed;
  }
  const running = active.filter(({ uid, name }) => {
    const job = jobs.get(uid);
    if (!job) context.events.record(cronJob, 'Normal', 'MissingJob', `Active job went missing: ${name}`);
    return job !== undefined && ending(job) === undefined;
  });
  return { ...status, ...(running.length === 0 ? {} : { active: running }), ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }) };
}

/** Makes the Job that is due, if there is one, and comes again for the next. */
async function schedule(context: ControllerContext, cronJob: StoredObject, status: CronStatus, again: Again): Promise<CronStatus> {
  if (cronJob.spec.suspend === true) return status;
  const times = readSchedule(context, cronJob);
  if (!times) return status;
  const now = new Date();
  const next = times.next(now);
  if (next) again(Math.min(LONGEST_WAIT_MILLISECONDS, next.getTime() - now.getTime() + DELAY_MILLISECONDS));
  const due = dueTime(context, cronJob, status, times, now);
  if (!due) return status;
  const { active = [] } = status;
  if (cronJob.spec.concurrencyPolicy === 'Forbid' && active.length > 0) {
    context.events.record(cronJob, 'Normal', 'JobAlreadyActive', 'Not starting job because prior execution is running and concurrency policy is Forbid');
    return status;
  }
  const kept = cronJob.spec.concurrencyPolicy === 'Replace' ? await replaceActive(context, cronJob, active) : active;
  const job = await createJob(context, cronJob, due);
  if (!job) return status;
  const reference = { kind: 'Job', namespace: job.metadata.namespace, name: job.metadata.name, uid: job.metadata.uid, apiVersion: 'batch/v1', resourceVersion: job.metadata.resourceVersion };
  return { ...status, active: [...kept.filter(({ uid }) => uid !== job.metadata.uid), reference], lastScheduleTime: timestamp(due.getTime()) };
}

function readSchedule(context: ControllerContext, cronJob: StoredObject): CronSchedule | undefined {
  const { schedule: text, timeZone } = cronJob.spec;
  const problem = timeZone === undefined ? undefined : timeZoneProblem(timeZone);
  if (problem !== undefined) {
    context.events.record(cronJob, 'Warning', 'UnknownTimeZone', `invalid timeZone: ${JSON.stringify(timeZone)}: ${problem}`);
    return undefined;
  }
  try {
    return parseSchedule(text, timeZone);
  } catch (error) {
    context.events.record(cronJob, 'Warning', 'UnparseableSchedule', `unparseable schedule: ${JSON.stringify(text)} : ${describeError(error)}`);
    return undefined;
  }
}

/** The time for which a Job is wanted now; undefined when there is none, or it has passed for too long. */
function dueTime(context: ControllerContext, cronJob: StoredObject, status: CronStatus, times: CronSchedule, now: Date): Date | undefined {
  const { startingDeadlineSeconds } = cronJob.spec;
  const since = Date.parse(status.lastScheduleTime ?? cronJob.metadata.creationTimestamp);
  const deadline = startingDeadlineSeconds === undefined ? 0 : now.getTime() - startingDeadlineSeconds * 1000;
  const due = lastDue(times, new Date(Math.max(since, deadline)), now);
  if (!due) {
    // With a deadline those that it has passed are not even looked at; the user is told of the last one.
    const late = startingDeadlineSeconds === undefined ? undefined : lastDue(times, new Date(since), now);
    if (late) context.events.record(cronJob, 'Warning', 'MissSchedule', `Missed scheduled time to start a job: ${late.time.toUTCString()}`);
    return undefined;
  }
  if (due.missed > MISSED_LIMIT) context.events.record(cronJob, 'Warning', 'TooManyMissedTimes', 'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew');
  return due.time;
}

async function replaceActive(context: ControllerContext, cronJob: StoredObject, active: readonly JobReference[]): Promise<readonly JobReference[]> {
  for (const job of jobsOf(context, cronJob).filter(({ metadata }) => active.some(({ uid }) => uid === metadata.uid))) await removeJob(context, cronJob, job);
  return [];
}

/** Makes the Job of a time. Its name is made of the time, so that one time never has two. */
async function createJob(context: ControllerContext, cronJob: StoredObject, due: Date): Promise<StoredObject | undefined> {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const name = `${cronJob.metadata.name}-${String(Math.floor(due.getTime() / 60_000))}`;
  try {
    const job = await context.client.create(JOBS, {
      apiVersion: 'batch/v1', kind: 'Job',
      metadata: { name, namespace: cronJob.metadata.namespace, ...(metadata?.labels ? { labels: metadata.labels } : {}), annotations: { ...metadata?.annotations, [SCHEDULED_AT]: timestamp(due.getTime()) }, ownerReferences: [controllerReference(cronJob)] },
      spec,
    });
    context.events.record(cronJob, 'Normal', 'SuccessfulCreate', `Created job ${name}`);
    return job;
  } catch (error) {
    const existing = isStatus(error, 409) ? context.client.table(JOBS).get(cronJob.metadata.namespace, name) : undefined;
    if (existing?.metadata.ownerReferences?.some(({ uid }) => uid === cronJob.metadata.uid)) return existing;
    context.events.record(cronJob, 'Warning', 'FailedCreate', `Error creating job: ${describeError(error)}`);
    throw error;
  }
}

async function writeStatus(context: ControllerContext, reconciled: StoredObject, { active, lastScheduleTime, lastSuccessfulTime }: CronStatus): Promise<void> {
  const cronJob = context.client.table(CRON_JOBS).get(reconciled.metadata.namespace, reconciled.metadata.name);
  if (!cronJob) return;
  const present = (cronJob.status ?? {}) as CronStatus;
  const wanted = { ...(active === undefined ? {} : { active }), ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }), ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }) };
  if (deepEqual(present, wanted)) return;
  await context.client.patch(CRON_JOBS, cronJob.metadata.namespace, cronJob.metadata.name, { status: { ...(present.active !== undefined && active === undefined ? { active: null } : {}), ...wanted } }, 'status');
}
