import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { missingFor } from './preflight.ts';
import { checkName } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'mizzen-preflight-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

it('`missingFor` says in one line that Go is needed, and for what', async () => {
  vi.stubEnv('PATH', folder);
  vi.stubEnv('MIZZEN_CACHE', folder);
  const reason = await missingFor({ scope: 'node' });
  expect(reason).toMatch(/^Go 1\.26 or newer is needed to build Kubernetes, CoreDNS, the pause program, and there is no go in the PATH/);
  expect(reason).not.toContain('\n');
});

it('`checkName` refuses what cannot stand in a path or a cgroup', () => {
  for (const name of ['', '../x', 'A', 'a b', '-a', 'a-', 'a'.repeat(31)]) expect(() => checkName(name), name).toThrow(/no name for a cluster/);
  for (const name of ['a', 'ring3', 'a-b', 'a'.repeat(30)]) expect(() => checkName(name)).not.toThrow();
});
