// The Node object of the sandbox's one node, and the Lease that shows it alive.
import { availableParallelism, totalmem } from 'node:os';
import type { CachedClient } from '../api-server/cached-client.ts';
import { isStatus } from '../api-server/cached-client.ts';
import { KUBERNETES_VERSION } from '../api-server/version.ts';
import { nodeAddress } from '../network/index.ts';

const NODES = { group: '', resource: 'nodes' };
const LEASES = { group: 'coordination.k8s.io', resource: 'leases' };
const LEASE_NAMESPACE = 'kube-node-lease';
const RENEW_MILLISECONDS = 10_000;

/** Writes the Node and renews its Lease; returns the way to stop. */
export async function registerNode(client: CachedClient, name: string, slot: number, onError: (error: unknown) => void): Promise<() => void> {
  await createOrKeep(client, NODES, {
    apiVersion: 'v1', kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': process.arch === 'x64' ? 'amd64' : process.arch, 'node.kubernetes.io/instance-type': 'sandbox', 'node-role.kubernetes.io/control-plane': '', 'topology.kubernetes.io/region': 'sandbox', 'topology.kubernetes.io/zone': 'sandbox-1' } },
    spec: { podCIDR: `127.${slot}.0.0/17` },
  });
  await client.patch(NODES, undefined, name, { status: nodeStatus(name, slot) }, 'status');
  const spec = (): object => ({ holderIdentity: name, leaseDurationSeconds: 40, renewTime: `${new Date().toISOString().slice(0, -1)}000Z` });
  await createOrKeep(client, LEASES, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: LEASE_NAMESPACE }, spec: spec() });
  const timer = setInterval(() => { client.patch(LEASES, LEASE_NAMESPACE, name, { spec: spec() }).catch(onError); }, RENEW_MILLISECONDS);
  return () => clearInterval(timer);
}

async function createOrKeep(client: CachedClient, resource: typeof NODES, object: object): Promise<void> {
  try {
    await client.create(resource, object);
  } catch (error) {
    if (!isStatus(error, 409)) throw error;
  }
}

function nodeStatus(name: string, slot: number): object {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const condition = (type: string, status: string, reason: string, message: string): object => ({ type, status, reason, message, lastHeartbeatTime: now, lastTransitionTime: now });
  const resources = { cpu: String(availableParallelism()), memory: `${Math.floor(totalmem() / 1024)}Ki`, pods: '250', 'ephemeral-storage': '10Gi' };
  return {
    capacity: resources, allocatable: resources,
    addresses: [{ type: 'InternalIP', address: nodeAddress(slot) }, { type: 'Hostname', address: name }],
    conditions: [
      condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'node has sufficient memory available'),
      condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'node has no disk pressure'),
      condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'node has sufficient PID available'),
      condition('Ready', 'True', 'KubeletReady', 'node is posting ready status'),
    ],
    nodeInfo: { architecture: process.arch === 'x64' ? 'amd64' : process.arch, operatingSystem: 'linux', osImage: 'Mizzen sandbox', kernelVersion: '', containerRuntimeVersion: 'mizzen://3', kubeletVersion: KUBERNETES_VERSION, kubeProxyVersion: '', bootID: name, machineID: name, systemUUID: name },
    daemonEndpoints: { kubeletEndpoint: { Port: 0 } },
  };
}
