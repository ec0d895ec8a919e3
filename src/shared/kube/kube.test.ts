// The client and everything on it, against a small API server over real HTTP that can be made to fail.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import type { Condition, KubernetesObject, ResourceType } from '../api/meta/index.ts';
import type { KubeError} from './index.ts';
import { addFinalizer, Controller, EventRecorder, Informer, KubeClient, LeaderElector, removeFinalizer, serverVersion, setCondition, WorkQueue, type InformerOptions, type ObjectChange } from './index.ts';

interface Thing extends KubernetesObject { spec?: { size?: number } | undefined; status?: { ready?: boolean } | undefined }
const things: ResourceType<Thing> = { group: 'test.io', version: 'v1', kind: 'Thing', plural: 'things', scope: 'Namespaced' };
const THINGS = '/apis/test.io/v1/things';

async function cluster(): Promise<{ server: FakeKubeApiServer; client: KubeClient }> {
  const server = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: server.kubeconfig });
  onTestFinished(async () => {
    client.close();
    await server.stop();
  });
  return { server, client };
}

const thing = (name: string, size = 1): Thing & { metadata: { name: string; namespace: string } } & Record<string, unknown> => ({ metadata: { name, namespace: 'a' }, spec: { size } });

async function follow(client: KubeClient, options: InformerOptions<Thing> = {}): Promise<Informer<Thing>> {
  const informer = new Informer(client, things, { backoff: { initialMilliseconds: 10, maximumMilliseconds: 50 }, ...options });
  await informer.start(new AbortController().signal);
  onTestFinished(() => informer.stop());
  return informer;
}

describe('KubeClient', () => {
  test('creates, reads, replaces, patches, applies and deletes', async () => {
    const { client } = await cluster();
    const created = await client.create(things, thing('x'));
    expect(created).toMatchObject({ apiVersion: 'test.io/v1', kind: 'Thing', metadata: { name: 'x', namespace: 'a' } });
    await client.replaceStatus(things, { ...created, status: { ready: true } });
    expect(await client.patch(things, 'x', 'a', { spec: { size: 2 } })).toMatchObject({ spec: { size: 2 }, status: { ready: true } });
    await expect(client.replace(things, created)).rejects.toSatisfy((error: KubeError) => error.isConflict() && !error.isAlreadyExists());
    await expect(client.create(things, thing('x'))).rejects.toSatisfy((error: KubeError) => error.isAlreadyExists());
    expect(await client.apply(things, thing('y', 5), { fieldManager: 'test', force: true })).toMatchObject({ spec: { size: 5 } });
    expect((await client.listAll(things)).map((one) => one.metadata?.name)).toEqual(['x', 'y']);
    expect(await client.delete(things, 'x', 'a')).toBe(true);
    expect(await client.delete(things, 'x', 'a')).toBe(false);
    expect(await client.find(things, 'x', 'a')).toBeUndefined();
    expect((await serverVersion(client)).gitVersion).toBe('v1.34.0+fake');
  });

  test('sends field manager, force and dry run as the API names them', async () => {
    const { server, client } = await cluster();
    await client.apply(things, thing('y'), { fieldManager: 'mizzen', force: true, dryRun: true });
    const request = server.requests.at(-1);
    expect(Object.fromEntries(request?.query ?? [])).toEqual({ fieldManager: 'mizzen', force: 'true', dryRun: 'All' });
    expect(request?.headers['content-type']).toBe('application/apply-patch+yaml');
  });

  test('reads long lists in parts', async () => {
    const { server, client } = await cluster();
    for (let index = 0; index < 1_203; index += 1) server.put(THINGS, thing(`t${index}`));
    expect(await client.listAll(things, { namespace: 'a' })).toHaveLength(1_203);
    expect(server.requests.map(({ query }) => query.get('continue'))).toEqual([null, '500', '1000']);
  });

  test('waits as long as the server asks, and gives errors their reason and fields', async () => {
    const { server, client } = await cluster();
    let refusals = 2;
    server.intercept = () => ((refusals -= 1) >= 0 ? { status: 429, headers: { 'retry-after': '0' } } : undefined);
    expect(await client.listAll(things)).toEqual([]);
    server.intercept = () => ({ status: 422, reason: 'Invalid', message: 'spec.size: must be positive' });
    await expect(client.create(things, thing('x'))).rejects.toMatchObject({ status: 422, reason: 'Invalid', message: 'POST /apis/test.io/v1/namespaces/a/things: 422 Invalid: spec.size: must be positive' });
  });

  test('says which request failed when no server answers', async () => {
    const { server, client } = await cluster();
    await server.stop();
    await expect(client.get(things, 'x', 'a')).rejects.toSatisfy((error: KubeError) => error.status === 0 && error.isTransient() && error.message.includes('ECONNREFUSED'));
  });
});

describe('Informer', () => {
  test('holds what is there and follows changes', async () => {
    const { server, client } = await cluster();
    server.put(THINGS, thing('old'));
    const informer = await follow(client);
    const changes: string[] = [];
    informer.onChange((change: ObjectChange<Thing>) => changes.push(`${change.type} ${change.key}`));
    server.put(THINGS, thing('new'));
    server.put(THINGS, thing('new', 2));
    server.remove(THINGS, 'old', 'a');
    await vi.waitFor(() => expect(changes).toEqual(['added a/old', 'added a/new', 'updated a/new', 'deleted a/old']));
    expect([...informer.entries()].map(([key, object]) => [key, object.spec?.size])).toEqual([['a/new', 2]]);
  });

  test('resumes an ended watch where it was, without a new list', async () => {
    const { server, client } = await cluster();
    const informer = await follow(client);
    await vi.waitFor(() => expect(server.watcherCount).toBe(1));
    server.put(THINGS, thing('x'));
    await vi.waitFor(() => expect(informer.size).toBe(1));
    server.endWatches();
    server.put(THINGS, thing('y'));
    await vi.waitFor(() => expect(informer.size).toBe(2));
    expect(server.requests.filter(({ query }) => query.get('watch') === null)).toHaveLength(1);
  });

  test('lists again when its resourceVersion is gone, and sees what was deleted meanwhile', async () => {
    const { server, client } = await cluster();
    server.put(THINGS, thing('x'));
    const informer = await follow(client);
    await vi.waitFor(() => expect(server.watcherCount).toBe(1));
    await server.stop();
    server.remove(THINGS, 'x', 'a');
    server.put(THINGS, thing('y'));
    server.compact();
    await server.start();
    await vi.waitFor(() => expect([...informer.keys()]).toEqual(['a/y']));
  });

  test('keeps its bookmark: a watch after it needs no new list even when old changes are forgotten', async () => {
    const { server, client } = await cluster();
    const informer = await follow(client);
    await vi.waitFor(() => expect(server.watcherCount).toBe(1));
    server.put('/apis/test.io/v1/others', thing('unrelated'));
    server.bookmark();
    await sleep(50);
    server.compact();
    server.endWatches();
    server.put(THINGS, thing('x'));
    await vi.waitFor(() => expect(informer.size).toBe(1));
    expect(server.requests.filter(({ query }) => query.get('watch') === null)).toHaveLength(1);
  });

  test('survives refusals and a server that is away', async () => {
    const { server, client } = await cluster();
    server.intercept = () => ({ status: 500, message: 'broken' });
    const informer = new Informer(client, things, { backoff: { initialMilliseconds: 5, maximumMilliseconds: 20 } });
    const started = informer.start(new AbortController().signal);
    onTestFinished(() => informer.stop());
    await sleep(60);
    expect(informer.hasSynced()).toBe(false);
    await server.stop();
    await sleep(60);
    server.intercept = undefined;
    server.put(THINGS, thing('x'));
    await server.start();
    await started;
    expect(informer.size).toBe(1);
  });

  test('leaves a connection that stays silent beyond its time', async () => {
    const { server, client } = await cluster();
    server.silentWatches = true;
    const realTimeout = AbortSignal.timeout.bind(AbortSignal);
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation((milliseconds) => realTimeout(milliseconds > 10_000 ? 100 : milliseconds));
    onTestFinished(() => timeout.mockRestore());
    const informer = await follow(client, { watchSeconds: 2 });
    server.put(THINGS, thing('x'));
    await sleep(30);
    server.silentWatches = false;
    await vi.waitFor(() => expect(informer.size).toBe(1));
  });

  test('of an optional kind counts an absent kind as empty, and finds it when it comes', async () => {
    const { server, client } = await cluster();
    server.intercept = () => ({ status: 404, reason: 'NotFound' });
    const informer = await follow(client, { optional: true });
    expect([informer.hasSynced(), informer.size]).toEqual([true, 0]);
    server.intercept = undefined;
    server.put(THINGS, thing('x'));
    await vi.waitFor(() => expect(informer.size).toBe(1), { timeout: 4_500 });
  });

  test('of one namespace sees no other', async () => {
    const { server, client } = await cluster();
    const informer = await follow(client, { namespace: 'a' });
    server.put(THINGS, { metadata: { name: 'x', namespace: 'b' } });
    server.put(THINGS, thing('y'));
    await vi.waitFor(() => expect([...informer.keys()]).toEqual(['a/y']));
  });
});

describe('WorkQueue', () => {
  test('gives a key once however often it was added, and again when it was added during the work', async () => {
    const queue = new WorkQueue<string>('test');
    for (const key of ['a', 'b', 'a']) queue.add(key);
    expect(await queue.take()).toBe('a');
    queue.add('a');
    expect(await queue.take()).toBe('b');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await queue.take()).toBe('a');
    queue.close();
    expect(await queue.take()).toBeUndefined();
  });

  test('doubles the wait with each failure until the key is forgotten', () => {
    const queue = new WorkQueue<string>('test-retry', { initialRetryMilliseconds: 10, maximumRetryMilliseconds: 35 });
    expect([1, 2, 3, 4].map(() => queue.addRateLimited('a'))).toEqual([10, 20, 35, 35]);
    queue.forget('a');
    expect(queue.addRateLimited('a')).toBe(10);
    queue.close();
  });

  test('keeps the earlier of two delays', async () => {
    const queue = new WorkQueue<string>('test-delay');
    queue.addAfter('a', 10_000);
    queue.addAfter('a', 5);
    queue.addAfter('a', 10_000);
    expect(await queue.take()).toBe('a');
    queue.close();
  });
});

describe('Controller', () => {
  test('brings every changed key to its reconciler, retries failures, never works twice on one key', async () => {
    const { server, client } = await cluster();
    const informer = await follow(client);
    const busy = new Set<string>();
    const seen: string[] = [];
    let failures = 2;
    const controller = new Controller<string>('test', async (key) => {
      expect(busy.has(key)).toBe(false);
      busy.add(key);
      await sleep(5);
      busy.delete(key);
      if (key === 'a/bad' && (failures -= 1) >= 0) throw new Error('not yet');
      seen.push(`${key}=${informer.get(key)?.spec?.size ?? 'gone'}`);
    }, { concurrency: 4, initialRetryMilliseconds: 5 }).watch(informer, (object) => [`${object.metadata?.namespace}/${object.metadata?.name}`]);
    await controller.start(new AbortController().signal);
    onTestFinished(() => controller.stop());
    server.put(THINGS, thing('bad'));
    for (let size = 1; size <= 50; size += 1) server.put(THINGS, thing('x', size));
    server.remove(THINGS, 'bad', 'a');
    await vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(['a/x=50', 'a/bad=gone'])));
    expect(failures).toBeLessThan(0);
  });
});

describe('LeaderElector', () => {
  const options = (identity: string, log: string[]) => ({
    namespace: 'a', name: 'leader', identity, leaseMilliseconds: 1_000, renewDeadlineMilliseconds: 500, retryMilliseconds: 50,
    onStartedLeading: (signal: AbortSignal) => {
      log.push(`${identity} leads`);
      signal.addEventListener('abort', () => log.push(`${identity} ends`));
    },
    onLost: () => log.push(`${identity} lost`),
  });

  test('lets one lead, and the other after it gives up', async () => {
    const { client } = await cluster();
    const log: string[] = [];
    const [one, two] = [new LeaderElector(client, options('one', log)), new LeaderElector(client, options('two', log))];
    await one.start(new AbortController().signal);
    await vi.waitFor(() => expect(one.isLeader).toBe(true));
    await two.start(new AbortController().signal);
    onTestFinished(() => two.stop());
    await sleep(300);
    expect(log).toEqual(['one leads']);
    await one.stop();
    await vi.waitFor(() => expect(log).toEqual(['one leads', 'one ends', 'two leads']), { timeout: 3_000 });
  });

  test('takes over from a leader that vanished, after its lease; a leader cut off says so', async () => {
    const { server, client } = await cluster();
    const log: string[] = [];
    const one = new LeaderElector(client, options('one', log));
    await one.start(new AbortController().signal);
    onTestFinished(() => one.stop());
    await vi.waitFor(() => expect(one.isLeader).toBe(true));
    server.intercept = (method) => (method === 'PUT' ? { status: 500 } : undefined);
    await vi.waitFor(() => expect(log).toEqual(['one leads', 'one ends', 'one lost']), { timeout: 3_000 });
    server.intercept = undefined;
    const two = new LeaderElector(client, options('two', log));
    await two.start(new AbortController().signal);
    onTestFinished(() => two.stop());
    expect(two.isLeader).toBe(false);
    await vi.waitFor(() => expect(two.isLeader).toBe(true), { timeout: 4_000 });
  });
});

test('EventRecorder counts equal events up in one object and drops a flood', async () => {
  const { server, client } = await cluster();
  const recorder = new EventRecorder(client, 'mizzen');
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'x', namespace: 'a', uid: 'u' } };
  for (let count = 0; count < 3; count += 1) recorder.normal(object, 'Started', 'hello');
  for (let count = 0; count < 100; count += 1) recorder.warning(object, 'Failed', `number ${count}`);
  await recorder.flush();
  const events = server.objects('/api/v1/events');
  expect(events.find((event) => event.reason === 'Started')).toMatchObject({ count: 3, type: 'Normal', message: 'hello' });
  expect(events).toHaveLength(23);
});

test('addFinalizer and removeFinalizer win against another writer', async () => {
  const { server, client } = await cluster();
  const created = await client.create(things, thing('x'));
  server.put(THINGS, { metadata: { name: 'x', namespace: 'a', finalizers: ['other'] } } as never);
  const held = await addFinalizer(client, things, created, 'mizzen.io/test');
  expect(held.metadata?.finalizers).toEqual(['other', 'mizzen.io/test']);
  await client.delete(things, 'x', 'a');
  await removeFinalizer(client, things, held, 'other');
  await removeFinalizer(client, things, held, 'mizzen.io/test');
  expect(server.read(THINGS, 'x', 'a')).toBeUndefined();
});

test('setCondition keeps the time of the last transition while the status stays', () => {
  const [first, second, third] = [new Date('2026-01-01T00:00:00Z'), new Date('2026-01-02T00:00:00Z'), new Date('2026-01-03T00:00:00Z')];
  let list: Condition[] = setCondition(undefined, { type: 'Ready', status: 'False', reason: 'Wait' }, first);
  list = setCondition(list, { type: 'Other', status: 'True' }, first);
  list = setCondition(list, { type: 'Ready', status: 'False', reason: 'StillWait' }, second);
  expect(list[0]).toEqual({ type: 'Ready', status: 'False', reason: 'StillWait', lastTransitionTime: '2026-01-01T00:00:00Z' });
  list = setCondition(list, { type: 'Ready', status: 'True' }, third);
  expect(list.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([['Ready', '2026-01-03T00:00:00Z'], ['Other', '2026-01-01T00:00:00Z']]);
});
