// The program from outside: arguments in, text and exit status out.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { suggest } from './output/suggest.ts';
import { renderTable } from './output/table.ts';
import { runCli } from './program.ts';
import { smokeSteps } from './story/smoke/run-smoke.ts';

async function run(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await runCli(args, {
    stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } }, env: {}, version: '9.9.9', root: '/nowhere', signal: new AbortController().signal,
    startSandbox: async () => { throw new Error('no room for a sandbox'); },
  });
  return { status, out, err };
}

test('help lists the commands and explains each', async () => {
  for (const args of [[], ['help'], ['--help']]) expect(await run(...args)).toMatchObject({ status: 0, out: expect.stringMatching(/up +Bring up a mesh[^]*proxy-status[^]*version/) as string });
  for (const args of [['help', 'up'], ['up', '--help']]) expect(await run(...args)).toMatchObject({ status: 0, out: expect.stringContaining('--smoke') as string });
});

test('version prints the version', async () => {
  expect((await run('version')).out).toMatch(/^mizzen 9\.9\.9 \(Node /);
  expect(JSON.parse((await run('version', '--output', 'json')).out)).toMatchObject({ version: '9.9.9' });
  expect((await run('--version')).status).toBe(0);
});

test('wrong usage ends with status 2 and says what to do', async () => {
  expect(await run('upp')).toMatchObject({ status: 2, err: expect.stringContaining("Did you mean 'up'?") as string });
  expect(await run('up', '--smok')).toMatchObject({ status: 2, err: expect.stringContaining('unknown flag --smok') as string });
  expect(await run('up', '--json', 'file')).toMatchObject({ status: 2, err: expect.stringContaining('--smoke') as string });
  expect(await run('up', '--kubeconfig', 'no/such/file')).toMatchObject({ status: 2, err: expect.stringMatching(/^[^\n]*--kubeconfig no\/such\/file: there is no such file[^\n]*\n/) as string });
  expect(await run('up', 'extra')).toMatchObject({ status: 2 });
  expect(await run('proxy-config')).toMatchObject({ status: 2 });
});

test('up says why the sandbox did not start, and ends with status 1', async () => {
  const { status, err } = await run('up');
  expect(status).toBe(1);
  expect(err).toContain('no room for a sandbox');
});

test('up refuses a version that there is not, before it starts anything', async () => {
  let err = '';
  const status = await runCli(['up', '--version', 'v9'], {
    stdout: { write: () => undefined }, stderr: { write: (text) => { err += text; } }, env: {}, version: '9.9.9', root: join(import.meta.dirname, '../..'), signal: new AbortController().signal,
    startSandbox: async () => { throw new Error('it was started'); },
  });
  expect(status).toBe(2);
  expect(err).toMatch(/no mesh version 'v9'; known: v3\.0, v3\.1/);
});

test('the smoke test has every step of its plan, once', () => {
  expect(smokeSteps.map(([name]) => name)).toEqual([
    'install', 'injection', 'ingress', 'canary-split', 'header-route', 'fault-delay', 'fault-abort', 'timeout', 'retry', 'circuit-breaker', 'mirror', 'consistent-hash', 'mtls-strict-refuses-plaintext',
    'spiffe-identity', 'authorization-deny', 'bad-config-refused', 'metrics', 'tracing', 'member-removed', 'control-plane-restart', 'upgrade-under-load', 'failed-upgrade-rolls-back', 'uninstall-clean',
  ]);
});

test('suggest finds near words only', () => {
  expect([suggest('proxy-stat', ['proxy-status', 'up']), suggest('xyz', ['proxy-status', 'up']), suggest('pu', ['up'])]).toEqual(['proxy-status', undefined, undefined]);
});

test('renderTable lines columns up', () => {
  expect(renderTable(['A', 'LONG'], [['aaa', 'b'], ['a', 'c']])).toBe('A     LONG\naaa   b\na     c\n');
});
