// Traffic for measurements: many requests at once, or a steady stream beside something else.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../../shared/lib/index.ts';

/** Calls `send` `count` times, `concurrency` at a time; gives the results in order of the calls. */
export async function burst<T>(count: number, concurrency: number, send: (index: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next; index < count; index = next) {
      next += 1;
      results[index] = await send(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker));
  return results;
}

/** How often each value occurs. */
export function tally(values: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((left, right) => left - right);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 10) / 10;
}

/** What a steady load saw. */
export interface LoadResult {
  readonly requests: number;
  readonly failed: number;
  /** The first few failures in words. */
  readonly failures: readonly string[];
}

/** Sends a request every `intervalMilliseconds` while `work` runs; `send` gives what was wrong, or undefined. */
export async function underLoad<T>(intervalMilliseconds: number, send: () => Promise<string | undefined>, work: () => Promise<T>): Promise<{ readonly value: T; readonly load: LoadResult }> {
  const started = Date.now();
  const pending = new Set<Promise<void>>();
  const failures: string[] = [];
  let requests = 0;
  let failed = 0;
  const one = async (): Promise<void> => {
    requests += 1;
    const at = ((Date.now() - started) / 1000).toFixed(1);
    const problem = await send().catch(describeError);
    if (problem === undefined) return;
    failed += 1;
    if (failures.length < 8) failures.push(`at ${at} s: ${problem.slice(0, 200)}`);
  };
  const timer = setInterval(() => {
    const request = one();
    pending.add(request);
    void request.then(() => pending.delete(request));
  }, intervalMilliseconds);
  try {
    await sleep(intervalMilliseconds * 10);
    const value = await work();
    return { value, load: { get requests() { return requests; }, get failed() { return failed; }, failures } };
  } finally {
    clearInterval(timer);
    await Promise.all(pending);
  }
}
