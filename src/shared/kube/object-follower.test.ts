// Single objects, followed together: one watch for each, as long as somebody holds it, and no more than the bound.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../../test/support/fake-kube-apiserver.ts';
import type { KubernetesObject, ResourceType } from '../api/meta/index.ts';
import { KubeClient } from './kube-client.ts';
import { ObjectFollower } from './object-follower.ts';

interface Note extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}
const NoteType: ResourceType<Note> = { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', scope: 'Namespaced' };

let api: FakeKubeApiServer;
let client: KubeClient;
let follower: ObjectFollower<Note>;
const put = (name: string, text: string): unknown => api.put('/api/v1/configmaps', { metadata: { name, namespace: 'a' }, ...{ data: { text } } });

beforeEach(async () => {
  api = await new FakeKubeApiServer().start();
  client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  follower = new ObjectFollower(client, NoteType, { maximum: 2, transform: ({ data }) => ({ data: { text: data?.['text'] ?? '' } }) });
});

afterEach(async () => {
  await follower.stop();
  client.close();
  await api.stop();
});

describe('`ObjectFollower`', () => {
  test('shares one watch among the holders of an object, and ends it with the last', async () => {
    put('x', 'one');
    const [first, second] = [vi.fn(), vi.fn()];
    const holds = [follower.hold('a/x', first), follower.hold('a/x', second)];
    expect(await Promise.all(holds.map(async (hold) => hold?.waitForRead(2_000)))).toEqual([true, true]);
    expect(holds.map((hold) => hold?.get())).toEqual([{ data: { text: 'one' } }, { data: { text: 'one' } }]);
    await vi.waitFor(() => expect(api.watcherCount).toBe(1));
    holds[0]?.release();
    holds[0]?.release();
    first.mockClear();
    second.mockClear();
    put('x', 'two');
    await vi.waitFor(() => expect(second).toHaveBeenCalledTimes(1));
    expect([first.mock.calls.length, holds[1]?.get()?.data]).toEqual([0, { text: 'two' }]);
    holds[1]?.release();
    expect(follower.size).toBe(0);
    await vi.waitFor(() => expect(api.watcherCount).toBe(0));
  });

  test('tells what is not there from what has not been read', async () => {
    const there = follower.hold('a/none', () => undefined);
    expect(there?.isRead()).toBe(false);
    expect(await there?.waitForRead()).toBe(true);
    expect([there?.get(), there?.isRead()]).toEqual([undefined, true]);
    await api.stop();
    expect(await follower.hold('b/none', () => undefined)?.waitForRead(50)).toBe(false);
  });

  test('follows no more objects than its bound, others once one is given back, and the same one again', async () => {
    const holds = ['x', 'y'].map((name) => follower.hold(`a/${name}`, () => undefined));
    expect(holds.every((hold) => hold !== undefined)).toBe(true);
    expect(follower.hold('a/z', () => undefined)).toBeUndefined();
    expect(follower.hold('a/y', () => undefined)).toBeDefined();
    holds[0]?.release();
    put('z', 'late');
    const late = follower.hold('a/z', () => undefined);
    expect([await late?.waitForRead(2_000), late?.get()?.data]).toEqual([true, { text: 'late' }]);
  });

  test('follows nothing once it was stopped, and lets nobody wait', async () => {
    const hold = follower.hold('b/x', () => undefined);
    await follower.stop();
    await hold?.waitForRead();
    expect([follower.size, follower.hold('a/x', () => undefined)]).toEqual([0, undefined]);
  });
});
