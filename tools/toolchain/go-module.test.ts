import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { madeOnce } from './cache-folder.ts';
import { buildGoModule, GoModuleError, type GoModule } from './go-module.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-go-module-'));
const cache = join(folder, 'cache');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('`madeOnce`', () => {
  it('lets one caller fill the folder, whose name is there only when it is complete', async () => {
    const path = join(cache, 'deep/made');
    let filled = 0;
    const fill = async (unfinished: string) => {
      filled += 1;
      expect(existsSync(path)).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
      writeFileSync(join(unfinished, 'file'), 'content');
    };
    expect(await Promise.all([1, 2, 3].map(() => madeOnce(path, fill, () => undefined)))).toEqual([path, path, path]);
    expect(filled).toBe(1);
    expect(readdirSync(join(cache, 'deep'))).toEqual(['made']);
  });

  it('leaves nothing of what failed, and tries again', async () => {
    const path = join(cache, 'failed/made');
    await expect(madeOnce(path, () => Promise.reject(new Error('no')), () => undefined)).rejects.toThrow('no');
    expect(readdirSync(join(cache, 'failed'))).toEqual([]);
    expect(await madeOnce(path, () => Promise.resolve(), () => undefined)).toBe(path);
  });
});

describe.skipIf(spawnSync('go', ['version']).status !== 0)('`buildGoModule`', () => {
  const source = join(folder, 'source');
  const module: GoModule = { source, name: 'hello', version: '1', programs: { hello: ['build', '-ldflags', '-s -w', '.'] }, links: ['again'], title: 'hello', duration: 'a moment' };
  const lines: string[] = [];
  const report = { cache, progress: (line: string) => lines.push(line) };
  const write = (greeting: string) => {
    mkdirSync(source, { recursive: true });
    writeFileSync(join(source, 'go.mod'), 'module hello\n\ngo 1.21\n');
    writeFileSync(join(source, 'main.go'), `package main\n\nfunc main() { ${greeting} }\n`);
  };

  it('builds once for each content of the module', async () => {
    write('println("a")');
    const first = await buildGoModule(module, report);
    expect(spawnSync(join(first, 'again'), { encoding: 'utf8' }).stderr).toBe('a\n');
    const told = lines.length;
    expect(await buildGoModule(module, report)).toBe(first);
    expect(lines.length).toBe(told);
    write('println("b")');
    const second = await buildGoModule(module, report);
    expect(spawnSync(join(second, 'hello'), { encoding: 'utf8' }).stderr).toBe('b\n');
    expect(await buildGoModule({ ...module, links: [] }, report)).not.toBe(second);
  }, 120_000);

  it('says what Go says of a module that does not compile', async () => {
    write('undefinedFunction()');
    const failure = await buildGoModule(module, report).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(GoModuleError);
    expect(failure).toMatchObject({ missingGo: false, message: expect.stringContaining('undefinedFunction') as unknown });
  }, 120_000);
});
