// CronJobs on a whole sandbox. A schedule counts in minutes: the tests set the last time back, so that something is due at once.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredObject } from '../api-server/internal-client.ts';
import { eventually } from '../testdata/eventually.ts';
import { startTestCluster, type TestCluster } from '../testdata/test-cluster.ts';
import { CRON_JOBS, JOBS } from './resources.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await startTestCluster(); });
afterAll(async () => {
  expect(cluster.errors).toEqual([]);
  await cluster.stop();
});

const NS = 'default';
const EVENTS = { group: '', resource: 'events' };
const minutesAgo = (minutes: number): string => `${new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19)}Z`;
const jobsOf = async (name: string): Promise<StoredObject[]> => (await cluster.client.list(JOBS, { namespace: NS })).filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name && metadata.deletionTimestamp === undefined);
const get = (name: string): Promise<StoredObject | undefined> => cluster.client.get(CRON_JOBS, NS, name);
const reasons = async (name: string): Promise<string[]> => (await cluster.client.list(EVENTS, { namespace: NS })).filter((event) => (event['involvedObject'] as { name: string }).name === name).map((event) => String(event['reason']));

/** A CronJob that is suspended until its last time is set back. */
async function start(name: string, spec: object, args: string[] = ['echo', 'done'], last = 3): Promise<void> {
  const container = { name: 'main', image: 'test/program:1', args };
  await cluster.client.create(CRON_JOBS, {
    apiVersion: 'batch/v1', kind: 'CronJob', metadata: { name, namespace: NS },
    spec: { schedule: '* * * * *', suspend: true, jobTemplate: { metadata: { labels: { from: name } }, spec: { backoffLimit: 0, template: { spec: { restartPolicy: 'Never', terminationGracePeriodSeconds: 1, containers: [container] } } } }, ...spec },
  });
  await cluster.client.patch(CRON_JOBS, NS, name, { status: { lastScheduleTime: minutesAgo(last) } }, 'status');
  await cluster.client.patch(CRON_JOBS, NS, name, { spec: { suspend: false } });
}

describe('a CronJob', () => {
  it('makes the Job of the last time that has passed, follows it and says when it has succeeded', async () => {
    await start('simple', {});
    const [job] = await eventually(async () => { const list = await jobsOf('simple'); return list.length > 0 && list; });
    expect(job?.metadata.name).toMatch(/^simple-\d{8}$/);
    expect(job?.metadata).toMatchObject({ labels: { from: 'simple' }, annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': expect.stringMatching(/:00Z$/) }, ownerReferences: [{ kind: 'CronJob', controller: true }] });
    const done = await eventually(async () => { const found = await get('simple'); return found?.status?.lastSuccessfulTime !== undefined && !found.status.active && found; });
    expect(done.status.lastScheduleTime).toMatch(/:00Z$/);
    await eventually(async () => { const seen = await reasons('simple'); return seen.includes('SuccessfulCreate') && seen.includes('SawCompletedJob'); });
  });

  it('makes none while it is suspended', async () => {
    await start('asleep', {});
    await eventually(async () => (await jobsOf('asleep')).length > 0);
    await cluster.client.patch(CRON_JOBS, NS, 'asleep', { spec: { suspend: true } });
    const before = (await jobsOf('asleep')).length;
    await cluster.client.patch(CRON_JOBS, NS, 'asleep', { status: { lastScheduleTime: minutesAgo(30) } }, 'status');
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    expect((await jobsOf('asleep')).length).toBe(before);
  });

  it.each([['Forbid', 1], ['Replace', 1], ['Allow', 2]] as const)('with concurrency policy %s has %i at a time', async (concurrencyPolicy, count) => {
    const name = concurrencyPolicy.toLowerCase();
    // The first is of two minutes ago, the second of this one.
    await start(name, { concurrencyPolicy, schedule: `${String(new Date(Date.now() - 120_000).getMinutes())} * * * *` }, ['serve'], 10);
    const [first] = await eventually(async () => { const found = await get(name); return found?.status?.active?.length === 1 && jobsOf(name); });
    await cluster.client.patch(CRON_JOBS, NS, name, { spec: { schedule: '* * * * *' } });
    const uids = async (): Promise<string[]> => (await jobsOf(name)).map(({ metadata }) => metadata.uid);
    if (concurrencyPolicy === 'Forbid') await eventually(async () => (await reasons(name)).includes('JobAlreadyActive'));
    else await eventually(async () => (await get(name))?.status?.active?.length === count && (await uids()).length === count && (await uids()).some((uid) => uid !== first?.metadata.uid));
    expect((await uids()).includes(first?.metadata.uid ?? '')).toBe(concurrencyPolicy !== 'Replace');
    expect(await uids()).toHaveLength(count);
    await cluster.client.delete(CRON_JOBS, NS, name, { propagationPolicy: 'Background' });
    await eventually(async () => (await jobsOf(name)).length === 0);
  });

  it('keeps as many Jobs that have ended as its limits say', async () => {
    await start('history', { successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0 });
    await eventually(async () => { const found = await get('history'); return found?.status?.lastScheduleTime !== undefined && (await reasons('history')).includes('SuccessfulDelete') && (await jobsOf('history')).length === 0; });
  });

  it('makes none for a time that is past its deadline, and says so', async () => {
    const minute = new Date(Date.now() - 5 * 60_000).getMinutes();
    await start('late', { startingDeadlineSeconds: 60, schedule: `${String(minute)} * * * *` }, ['echo', 'done'], 20);
    await eventually(async () => (await reasons('late')).includes('MissSchedule'));
    expect(await jobsOf('late')).toEqual([]);
  });
});
