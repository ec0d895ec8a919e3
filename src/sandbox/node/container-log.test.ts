import { existsSync, mkdtempSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ContainerLog, type LogReadOptions } from './container-log.ts';

const directory = mkdtempSync(join(tmpdir(), 'log-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function read(log: ContainerLog, options: Partial<LogReadOptions> = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of log.read({ follow: false, timestamps: false, ...options }, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('ContainerLog', () => {
  it('gives the last lines, whether or not the last one is ended', async () => {
    const log = new ContainerLog(join(directory, 'tail'));
    writeSync(log.descriptor, 'one\ntwo\nthree\n');
    expect(await read(log, { tailLines: 2 })).toBe('two\nthree\n');
    writeSync(log.descriptor, 'four');
    expect(await read(log, { tailLines: 2 })).toBe('three\nfour');
    expect(await read(log, { tailLines: 9 })).toBe('one\ntwo\nthree\nfour');
    expect(await read(log, { timestamps: true, tailLines: 1 })).toMatch(/^\d{4}-\S+Z four$/);
    log.close();
  });

  it('finds the last lines across the blocks it reads', async () => {
    const log = new ContainerLog(join(directory, 'blocks'));
    const line = `${'x'.repeat(999)}\n`;
    writeSync(log.descriptor, line.repeat(300));
    expect((await read(log, { tailLines: 200 })).length).toBe(200_000);
    log.close();
  });

  it('follows until the container ends', async () => {
    const log = new ContainerLog(join(directory, 'follow'));
    const following = read(log, { follow: true });
    for (const word of ['a', 'b', 'c']) {
      writeSync(log.descriptor, `${word}\n`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    log.close();
    expect(await following).toBe('a\nb\nc\n');
  });

  it('is cut when it has grown too long, and goes on', async () => {
    const log = new ContainerLog(join(directory, 'long'));
    writeSync(log.descriptor, Buffer.alloc(11 * 1024 * 1024, 'y\n'));
    log.tick();
    expect(existsSync(join(directory, 'long.1'))).toBe(true);
    writeSync(log.descriptor, 'after\n');
    expect(await read(log)).toBe('after\n');
    log.close();
  });
});
