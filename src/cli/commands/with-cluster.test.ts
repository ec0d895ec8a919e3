// What commands say when there is no cluster to speak to.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { runCli } from '../program.ts';

const home = mkdtempSync(join(tmpdir(), 'mizzen-home-'));
beforeEach(() => {
  vi.unstubAllEnvs();
  vi.stubEnv('HOME', home);
  vi.stubEnv('KUBECONFIG', undefined);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

async function run(...args: string[]): Promise<{ status: number; err: string }> {
  let err = '';
  const status = await runCli(args, {
    stdout: { write: () => undefined }, stderr: { write: (text) => { err += text; } }, env: {}, version: '9.9.9', root: '/nowhere', signal: new AbortController().signal,
    startSandbox: async () => { throw new Error('not asked for'); },
  });
  return { status, err };
}

test.each([['proxy-status'], ['proxy-config', 'routes', 'pod.namespace']])('without a kubeconfig %s says where to get one', async (...args) => {
  const { status, err } = await run(...args);
  expect(status).toBe(1);
  expect(err).toContain('set KUBECONFIG as `npm start` printed');
  expect(err).not.toMatch(/ECONNREFUSED|ENOENT/);
});

test('a kubeconfig that is not there is named', async () => {
  expect((await run('proxy-status', '--kubeconfig', join(home, 'none'))).err).toContain(`kubeconfig ${join(home, 'none')} cannot be reached`);
});
