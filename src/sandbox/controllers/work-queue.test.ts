import { describe, expect, it } from 'vitest';
import { eventually } from '../testdata/eventually.ts';
import { WorkQueue } from './work-queue.ts';

describe('WorkQueue', () => {
  it('merges a key that waits, and runs it again when it changed during its work', async () => {
    const seen: string[] = [];
    let release = (): void => undefined;
    const queue = new WorkQueue({
      workers: 2, onFailure: () => undefined,
      work: async (key) => {
        seen.push(key);
        if (seen.length === 1) await new Promise<void>((resolve) => { release = resolve; });
      },
    });
    for (const key of ['a', 'a', 'a']) queue.add(key);
    await eventually(() => seen.length === 1);
    queue.add('a');
    queue.add('b');
    await eventually(() => seen.length === 2);
    expect(seen).toEqual(['a', 'b']);
    release();
    await eventually(() => seen.length === 3);
    expect(seen).toEqual(['a', 'b', 'a']);
    queue.stop();
  });

  it('tries a failed key again, later each time, until it succeeds', async () => {
    const times: number[] = [];
    const failures: number[] = [];
    const queue = new WorkQueue({
      workers: 1, onFailure: (_key, _error, count) => failures.push(count),
      work: async () => {
        times.push(Date.now());
        if (times.length < 4) throw new Error('not yet');
      },
    });
    queue.add('a');
    await eventually(() => times.length === 4);
    expect(failures).toEqual([1, 2, 3]);
    expect((times[3] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(60);
    queue.stop();
  });

  it('keeps the sooner of two delays and does nothing after stop', async () => {
    const seen: string[] = [];
    const queue = new WorkQueue({ workers: 1, onFailure: () => undefined, work: async (key) => { seen.push(key); } });
    queue.addAfter('a', 60_000);
    queue.addAfter('a', 10);
    await eventually(() => seen.length === 1);
    queue.add('b');
    queue.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(seen).toEqual(['a']);
  });
});
