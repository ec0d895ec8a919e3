// A cluster that is there already, as the story's cluster: nothing of it is started or stopped.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { KubeClient } from '../../shared/kube/index.ts';
import { nodeType } from '../cluster/mesh-types.ts';
import type { StoryCluster } from './cluster-starter.ts';

/** What the user said of the cluster. */
export interface ExistingClusterOptions {
  readonly kubeconfig: string;
  /** Where node ports are reached; the first node's address when absent. */
  readonly nodeAddress?: string;
  readonly profiles: readonly string[];
}

/** Finds out what the story needs to know. */
export async function existingCluster({ kubeconfig, nodeAddress, profiles }: ExistingClusterOptions): Promise<StoryCluster> {
  const node = nodeAddress ?? (await firstNodeAddress(kubeconfig));
  return { title: 'cluster', kubeconfig, nodeAddress: node, ownAddress: await addressTowards(node), profiles, stop: async () => undefined };
}

async function firstNodeAddress(kubeconfig: string): Promise<string> {
  const client = KubeClient.fromDefault({ kubeconfig });
  try {
    for (const { status } of await client.listAll(nodeType)) {
      const address = status?.addresses?.find((one) => one.type === 'InternalIP')?.address;
      if (address !== undefined) return address;
    }
  } finally {
    client.close();
  }
  throw new Error('no node of the cluster has an InternalIP; give --node-address, where the cluster\'s node ports are reached');
}

/** The source address that this machine uses towards another: no packet is sent for it. */
async function addressTowards(host: string): Promise<string> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(9, host);
    await once(socket, 'connect', { signal: AbortSignal.timeout(5_000) });
    return socket.address().address;
  } finally {
    socket.close();
  }
}
