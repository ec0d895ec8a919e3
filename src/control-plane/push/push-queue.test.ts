// The push queue: merging, bounds, independence of connections.
import { describe, expect, test } from 'vitest';
import type { MeshSnapshot, SnapshotChange } from '../../mesh/index.ts';
import { mergePushRequests, PushQueue, type PushRequest } from './index.ts';

function gate(): { readonly promise: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open };
}

const sum = (older: number[], newer: number[]): number[] => [...older, ...newer];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('PushQueue', () => {
  test('merges requests for a connection that is being pushed', async () => {
    const pushed: number[][] = [];
    const first = gate();
    const queue = new PushQueue<string, number[]>(2, sum, async (_connection, request) => {
      pushed.push(request);
      if (pushed.length === 1) await first.promise;
    }, () => undefined);
    for (const value of [1, 2, 3]) queue.enqueue('a', [value]);
    await turn();
    expect([pushed, queue.depth, queue.active]).toEqual([[[1]], 1, 1]);
    first.open();
    await queue.whenIdle();
    expect(pushed).toEqual([[1], [2, 3]]);
  });

  test('pushes at most so many connections at a time, in the order in which they asked', async () => {
    const order: string[] = [];
    let active = 0;
    let most = 0;
    const queue = new PushQueue<string, number[]>(3, sum, async (connection) => {
      order.push(connection);
      most = Math.max(most, (active += 1));
      await turn();
      active -= 1;
    }, () => undefined);
    const names = Array.from({ length: 20 }, (_, index) => `c${index}`);
    for (const name of names) queue.enqueue(name, [1]);
    await queue.whenIdle();
    expect([order, most]).toEqual([names, 3]);
  });

  test('a failing push is reported and does not hold up others', async () => {
    const errors: string[] = [];
    const done: string[] = [];
    const queue = new PushQueue<string, number[]>(1, sum, async (connection) => {
      if (connection === 'bad') throw new Error('broken pipe');
      done.push(connection);
    }, (connection, error) => errors.push(`${connection}: ${(error as Error).message}`));
    for (const name of ['bad', 'good']) queue.enqueue(name, [1]);
    await queue.whenIdle();
    expect([errors, done]).toEqual([['bad: broken pipe'], ['good']]);
  });

  test('a removed connection is not pushed, a closed queue takes nothing more and waits for what is under way', async () => {
    const pushed: string[] = [];
    const hold = gate();
    const queue = new PushQueue<string, number[]>(1, sum, async (connection) => {
      pushed.push(connection);
      await hold.promise;
    }, () => undefined);
    for (const name of ['a', 'gone']) queue.enqueue(name, [1]);
    queue.remove('gone');
    const closed = queue.close();
    queue.enqueue('late', [1]);
    hold.open();
    await closed;
    expect(pushed).toEqual(['a']);
  });
});

describe('mergePushRequests', () => {
  const change = (endpointsOnly: boolean, kinds: string[], changedClusters: string[]): SnapshotChange => ({ endpointsOnly, kinds: new Set(kinds), changedClusters: new Set(changedClusters), changedWorkloads: new Set() });
  const request = (number: number, value: SnapshotChange | undefined, since: number, secrets: string[] = []): PushRequest => ({ snapshot: { number } as MeshSnapshot, change: value, since, secrets: new Set(secrets) });

  test('keeps the newest snapshot, the oldest time and every change', () => {
    const merged = mergePushRequests(request(4, change(true, ['Endpoints'], ['a']), 10, ['s']), request(5, change(false, ['Gateway'], ['b']), 20, ['t']));
    expect(merged).toEqual({ snapshot: { number: 5 }, since: 10, secrets: new Set(['s', 't']), change: change(false, ['Endpoints', 'Gateway'], ['a', 'b']) });
  });

  test('a request for everything stays one', () => {
    expect(mergePushRequests(request(1, undefined, 1), request(2, change(true, [], []), 2)).change).toBeUndefined();
  });
});
