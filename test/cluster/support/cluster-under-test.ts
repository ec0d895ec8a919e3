// The cluster that the ring's runner booted and named in the environment.
import { attachCluster, Kubectl, type RealCluster } from '../../../tools/cluster/index.ts';

/** A cluster with the means to ask it. */
export interface ClusterUnderTest {
  readonly cluster: RealCluster;
  readonly kubectl: Kubectl;
}

/** The variable that holds the cluster's name. */
export const CLUSTER_VARIABLE = 'MIZZEN_TEST_CLUSTER';

let found: ClusterUnderTest | undefined;

/** Takes hold of the cluster under test. */
export function clusterUnderTest(): ClusterUnderTest {
  const name = process.env[CLUSTER_VARIABLE];
  if (!name) throw new Error(`${CLUSTER_VARIABLE} names no cluster; run these tests with \`npm run test:cluster\``);
  if (found === undefined) {
    const cluster = attachCluster(name);
    found = { cluster, kubectl: new Kubectl(cluster.kubectl, cluster.kubeconfig) };
  }
  return found;
}
