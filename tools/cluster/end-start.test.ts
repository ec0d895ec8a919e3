// Removing a cluster that another process is starting: that process is told, and waited for.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { isAlive, processIdentity } from '../toolchain/exclusive.ts';
import { endStart } from './end-start.ts';
import { newState, writeState } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-end-start-'));
beforeAll(() => vi.stubEnv('MIZZEN_CACHE', folder));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('tells the starter to give up and waits until it is gone; a cluster that is ready is nobody\'s to give up', async () => {
  const starter = spawn('sh', ['-c', 'trap "sleep 0.3; exit 0" TERM; while :; do sleep 0.05; done'], { stdio: 'ignore' });
  const identity = await vi.waitFor(() => processIdentity(starter.pid ?? 0) ?? Promise.reject(new Error('not yet')));
  await new Promise((resolve) => setTimeout(resolve, 200));
  const state = { ...newState({ name: 'x', scope: 'apiserver', kubernetes: '1.35', nodes: 0, proxyMode: 'iptables', ipFamily: 'ipv4', snapshotter: '' }), starter: identity };
  const lines: string[] = [];
  writeState({ ...state, ready: true });
  await endStart('x', 'apiserver', (line) => lines.push(line));
  expect([lines, isAlive(identity)]).toEqual([[], true]);
  writeState(state);
  await endStart('x', 'apiserver', (line) => lines.push(line));
  expect([lines.length, isAlive(identity)]).toEqual([1, false]);
  expect(lines[0]).toContain(`process ${identity.pid} is starting 'x'`);
});
