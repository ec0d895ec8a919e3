// Tests that want a container engine, through testcontainers: our images in it, and the smoke on k3s where images can be pulled. tools/test-k3s.ts finds the engine.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: { include: ['test/k3s/**/*.test.ts'], pool: 'forks', maxWorkers: 1, fileParallelism: false, testTimeout: 120_000, hookTimeout: 300_000, passWithNoTests: false },
});
