// The peers' ring: our programs beside real ones of others, one file after another, since each starts several processes.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: { include: ['test/interop/**/*.test.ts'], pool: 'forks', maxWorkers: 1, fileParallelism: false, testTimeout: 60_000, hookTimeout: 120_000, passWithNoTests: false },
});
