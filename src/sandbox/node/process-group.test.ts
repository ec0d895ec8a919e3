import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { eventually } from '../testdata/eventually.ts';
import { ProcessTable } from './process-group.ts';

const spec = { environment: { PATH: process.env['PATH'] ?? '' }, workingDirectory: '/', stdio: 'ignore' as const };

// A process that has ended but that nobody has waited for yet does not live.
function lives(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && !/\) [ZX] /.test(readFileSync(stat, 'utf8'));
}

describe('ProcessTable', () => {
  it('tells how a process ended, by status or by signal', async () => {
    const table = new ProcessTable();
    expect(await (await table.start({ ...spec, command: ['sh', '-c', 'exit 7'] })).exit).toEqual({ code: 7, signal: undefined });
    const killed = await table.start({ ...spec, command: ['sleep', '60'] });
    killed.signal('SIGTERM');
    expect(await killed.exit).toEqual({ code: 143, signal: 'SIGTERM' });
    await expect(table.start({ ...spec, command: ['no-such-program'] })).rejects.toThrow('ENOENT');
    await table.stop();
  });

  it('ends every process with its children when it stops', async () => {
    const table = new ProcessTable();
    const group = await table.start({ ...spec, command: ['sh', '-c', 'sleep 60 & echo $!; wait'], stdio: ['ignore', 'pipe', 'ignore'] });
    const child = await new Promise<number>((resolve) => group.child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))));
    expect(lives(child)).toBe(true);
    await table.stop();
    await eventually(() => !lives(child));
    expect(lives(group.child.pid ?? 0)).toBe(false);
  });

  it('ends every process even when its own is killed without warning', async () => {
    const script = `import { ProcessTable } from ${JSON.stringify(fileURLToPath(new URL('./process-group.ts', import.meta.url)))};
      const table = new ProcessTable();
      const group = await table.start({ environment: {}, workingDirectory: '/', stdio: 'ignore', command: ['/bin/sleep', '60'] });
      console.log(group.child.pid); setInterval(() => undefined, 1000);`;
    const sandbox = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => sandbox.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))));
    expect(lives(pid)).toBe(true);
    sandbox.kill('SIGKILL');
    await eventually(() => !lives(pid), 3000);
  });
});
