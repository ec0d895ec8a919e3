// Ring 1: every *.test.ts beside the code and under test/, run in processes of their own, two at a time.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'samples/**/*.test.ts', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/apiserver/**', 'test/cluster/**', 'test/interop/**', 'test/k3s/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A leaked rejection or a late error is a failed run, never a warning.
    dangerouslyIgnoreUnhandledErrors: false,
    passWithNoTests: false,
  },
});
