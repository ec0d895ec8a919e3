// Runs before each test file of the ring: a test that fails leaves a file that shows the cluster as it was then.
import { afterEach } from 'vitest';
import { clusterUnderTest } from './cluster-under-test.ts';
import { writeDiagnostics } from './diagnostics.ts';

afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const file = await writeDiagnostics(clusterUnderTest(), task.name);
  process.stderr.write(`the cluster when '${task.name}' failed: ${file}\n`);
});
