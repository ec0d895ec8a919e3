// Work that can be given up: every command, wait and lock below it ends as soon as its signal is aborted. The signal comes along by itself, as the work is many
// layers deep and each of them would only hand it on.
import { AsyncLocalStorage } from 'node:async_hooks';

const present = new AsyncLocalStorage<AbortSignal>();

/** Runs `work`, whose commands and waits throw the signal's reason once it is aborted. */
export async function cancellable<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  if (signal === undefined) return work();
  signal.throwIfAborted();
  const result = await present.run(signal, work);
  signal.throwIfAborted();
  return result;
}

/** Does all parts at once. The first that fails cancels the others, and is what this throws once they have all ended. */
export async function together<T>(parts: readonly (() => Promise<T>)[]): Promise<T[]> {
  const failure = new AbortController();
  const outer = cancellation();
  const signal = outer === undefined ? failure.signal : AbortSignal.any([outer, failure.signal]);
  const done = present.run(signal, () => parts.map(async (part) => {
    try {
      return await part();
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  }));
  await Promise.allSettled(done);
  signal.throwIfAborted();
  return Promise.all(done);
}

/** The signal of the work that this is part of. */
export function cancellation(): AbortSignal | undefined {
  return present.getStore();
}
