// Ring 2: the suites of test/apiserver, and those of ring 1 that can choose their API server, against a real kube-apiserver.
// tools/test-apiserver.ts boots it and names its kubeconfig in MIZZEN_TEST_KUBECONFIG. One file after another: they share the cluster.
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/apiserver/**/*.test.ts', 'src/operator/operator.test.ts', 'src/operator/apply/*.test.ts', 'test/integration/{control-plane-access,kubectl-api}.test.ts'],
    exclude: ['**/node_modules/**'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
  },
});
