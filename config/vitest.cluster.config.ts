// Ring 3: test/cluster on a real Kubernetes with a mesh. tools/test-cluster.ts boots it and names it in the environment. One file after another:
// the files restart nodes and measure what fails meanwhile, so that two at once would meet each other.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    // test/cluster/bare installs the mesh itself, so it runs before the runner does.
    ...(process.env['MIZZEN_TEST_PHASE'] === 'bare' ? { include: ['test/cluster/bare/**/*.test.ts'] } : { include: ['test/cluster/**/*.test.ts'], exclude: ['**/node_modules/**', 'test/cluster/bare/**'] }),
    setupFiles: ['test/cluster/support/setup.ts'],
    pool: 'forks',
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    dangerouslyIgnoreUnhandledErrors: false,
    passWithNoTests: false,
  },
});
