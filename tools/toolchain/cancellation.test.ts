// Work that is given up: what it runs ends with all that it started, and nothing of it goes on.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { run, waitUntil } from '../cluster/command.ts';
import { cancellable, together } from './cancellation.ts';
import { attempt } from './command.ts';
import { exclusively, textOf } from './exclusive.ts';

const reason = new Error('given up');

it('ends a command with the programs that it started, and says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mizzen-cancel-'));
  const controller = new AbortController();
  const working = cancellable(controller.signal, () => run(['sh', '-c', `sleep 60 & echo $! > ${folder}/pid; wait`]));
  const failure = working.catch((error: unknown) => error);
  await vi.waitFor(() => expect(textOf(join(folder, 'pid'))).toMatch(/\d\n/));
  controller.abort(reason);
  expect(await failure).toBe(reason);
  await vi.waitFor(() => expect(textOf(`/proc/${textOf(join(folder, 'pid'))?.trim() ?? ''}/cmdline`) || undefined).toBeUndefined());
  rmSync(folder, { recursive: true });
});

it('ends waiting, for an answer or for another process, and starts nothing any more', async () => {
  const lock = join(mkdtempSync(join(tmpdir(), 'mizzen-cancel-')), 'lock');
  const controller = new AbortController();
  let held = (): void => undefined;
  const holder = exclusively(lock, () => new Promise<void>((resolve) => (held = resolve)), () => undefined);
  const waits = [
    cancellable(controller.signal, () => waitUntil(() => undefined, 60_000, () => 'late')), cancellable(controller.signal, () => exclusively(lock, () => Promise.resolve(), () => undefined)),
    cancellable(controller.signal, async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      return attempt(['touch', `${lock}.made`]);
    }),
  ];
  const failures = Promise.all(waits.map((wait) => wait.catch((error: unknown) => error)));
  controller.abort(reason);
  expect(await failures).toEqual([reason, reason, reason]);
  expect(textOf(`${lock}.made`)).toBeUndefined();
  held();
  await holder;
  await expect(cancellable(controller.signal, () => Promise.resolve())).rejects.toBe(reason);
  rmSync(join(lock, '..'), { recursive: true });
});

it('ends the other parts of a work when one fails, and throws what that one failed with', async () => {
  const begun = Date.now();
  let ended = 0;
  const endless = (wait: () => Promise<unknown>) => () => wait().finally(() => (ended += 1));
  const parts = [endless(() => waitUntil(() => undefined, 60_000, () => 'late')), () => waitUntil(() => true, 1000, () => 'late').then(() => Promise.reject(reason)), endless(() => run(['sleep', '60']))];
  await expect(together(parts)).rejects.toBe(reason);
  expect(ended).toBe(2);
  expect(Date.now() - begun).toBeLessThan(30_000);
  // What comes after is no part of it.
  expect((await attempt(['true'])).status).toBe(0);
});

it('gives what the parts of a work came to, and cancels them with the whole', async () => {
  expect(await together([() => Promise.resolve(1), () => Promise.resolve(2)])).toEqual([1, 2]);
  const controller = new AbortController();
  const working = cancellable(controller.signal, () => together([() => waitUntil(() => undefined, 60_000, () => 'late')]));
  controller.abort(reason);
  await expect(working).rejects.toBe(reason);
});
