import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { exclusively, isAlive, processIdentity } from './exclusive.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-exclusive-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('`exclusively`', () => {
  it('lets one process work at a time', async () => {
    const lock = join(folder, 'contended');
    const log = join(folder, 'log');
    const script = `import { appendFileSync } from 'node:fs';
import { exclusively } from ${JSON.stringify(fileURLToPath(new URL('exclusive.ts', import.meta.url)))};
await exclusively(${JSON.stringify(lock)}, async () => {
  appendFileSync(${JSON.stringify(log)}, 'in ');
  await new Promise((resolve) => setTimeout(resolve, 100));
  appendFileSync(${JSON.stringify(log)}, 'out\\n');
}, () => undefined);`;
    writeFileSync(join(folder, 'work.ts'), script);
    const result = spawnSync('sh', ['-c', `for i in 1 2 3; do "${process.execPath}" "${join(folder, 'work.ts')}" & done; wait; cat "${log}"`], { encoding: 'utf8' });
    expect(result.stdout).toBe('in out\n'.repeat(3));
    expect(existsSync(lock)).toBe(false);
  });

  it('lets calls of one process work one at a time', async () => {
    const lock = join(folder, 'within');
    const log: string[] = [];
    const work = async () => {
      log.push('in');
      await new Promise((resolve) => setTimeout(resolve, 20));
      log.push('out');
    };
    await Promise.all([exclusively(lock, work, () => undefined), exclusively(lock, work, () => undefined)]);
    expect(log).toEqual(['in', 'out', 'in', 'out']);
    expect(existsSync(lock)).toBe(false);
  });

  it('takes over from a process that is gone', async () => {
    const lock = join(folder, 'left');
    writeFileSync(lock, JSON.stringify({ pid: process.pid, started: '1' }));
    expect(await exclusively(lock, () => Promise.resolve('done'), () => undefined)).toBe('done');
  });
});

it('`isAlive` is not deceived by a number that is used again', () => {
  const own = processIdentity(process.pid);
  expect(own !== undefined && isAlive(own)).toBe(true);
  expect(isAlive({ pid: process.pid, started: '1' })).toBe(false);
});
