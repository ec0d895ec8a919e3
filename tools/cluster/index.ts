// The front door of the cluster tools: a real Kubernetes, built from its Go modules, on this machine, for tests and for trying things out.
import { ApiServerCluster, startApiServer } from './api-server-alone.ts';
import { removeApiServer, removeCluster } from './cleanup.ts';
import { endStart } from './end-start.ts';
import { ClusterError } from './errors.ts';
import { clusterLayout, MAXIMUM_NODES } from './layout.ts';
import type { ClusterOptions, RealCluster } from './model.ts';
import { NodesCluster } from './nodes-cluster.ts';
import { startNodes } from './start.ts';
import { checkName, claimedIndices, readState } from './state.ts';

export type { ClusterNode, ClusterOptions, ComponentHealth, ControlPlaneComponent, KubernetesMinor, NodeComponent, RealCluster } from './model.ts';
export { ClusterError, type ClusterErrorCode } from './errors.ts';
export { Kubectl } from './kubectl.ts';
export { hasIpv6, missingFor } from './preflight.ts';
export { clusterNames } from './state.ts';
export { MAXIMUM_NODES };

/** Starts a cluster and waits until it is ready; it runs on when this process ends, until it is stopped. */
export function startCluster(options: ClusterOptions): Promise<RealCluster> {
  const progress = options.progress ?? (() => undefined);
  return options.scope === 'apiserver' ? startApiServer(options, progress) : startNodes(options, progress);
}

/** Takes hold of a cluster that another process started. */
export function attachCluster(name: string, scope: 'apiserver' | 'node' = 'node'): RealCluster {
  checkName(name);
  const state = readState(name, scope);
  if (state?.ready !== true) throw new ClusterError('CLUSTER_NAME', `there is no running cluster '${name}'; start it with \`npm run cluster:up -- --name ${name}\``);
  if (scope === 'apiserver') return new ApiServerCluster(state);
  return new NodesCluster(state, clusterLayout(name, claimedIndices(name)[0] ?? 0, state.nodes));
}

/** Removes a cluster, also one of which only parts are left; without any it does nothing. A process that is starting it gives up first. */
export async function stopCluster(name: string, scope: 'apiserver' | 'node' = 'node', progress: (line: string) => void = () => undefined): Promise<void> {
  checkName(name);
  await endStart(name, scope, progress);
  await (scope === 'apiserver' ? removeApiServer(name) : removeCluster(name));
}
