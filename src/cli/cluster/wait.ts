// Waits for the cluster to become what is expected, and says in the end what was still missing.
import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../../shared/lib/index.ts';

/** The expected state did not come in time. */
export class WaitError extends Error {
  constructor(what: string, seconds: number, missing: string) {
    super(`${what} did not happen within ${seconds} s: ${missing}`);
    this.name = 'WaitError';
  }
}

/** How long to wait and how often to look. */
export interface WaitOptions {
  readonly timeoutMilliseconds?: number;
  readonly intervalMilliseconds?: number;
  readonly signal?: AbortSignal;
  /** Told what is missing each time it changes. */
  readonly report?: (missing: string) => void;
}

/** Asks `missing` until it gives undefined; what it throws counts as missing too. */
export async function waitUntil(what: string, missing: () => Promise<string | undefined>, options: WaitOptions = {}): Promise<void> {
  const { timeoutMilliseconds = 60_000, intervalMilliseconds = 250, signal, report } = options;
  const deadline = performance.now() + timeoutMilliseconds;
  let last = '';
  for (;;) {
    signal?.throwIfAborted();
    const text = await missing().catch(describeError);
    if (text === undefined) return;
    if (text !== last) report?.(text);
    last = text;
    if (performance.now() > deadline) throw new WaitError(what, Math.round(timeoutMilliseconds / 1000), last);
    await sleep(intervalMilliseconds, undefined, signal ? { signal } : {});
  }
}
