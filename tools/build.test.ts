// The programs as they are built.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/mizzen.js', import.meta.url));

test('an older Node is told in one line what is needed', () => {
  const older = "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } })";
  const { status, stderr } = spawnSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(older)}`, program, 'version'], { encoding: 'utf8' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^Node 24 or newer is needed; this is Node 20\.1\.0\. .*\n$/);
});
