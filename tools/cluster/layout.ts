// Names, addresses and folders of a cluster, all derived from its name and its index on this machine: whoever cleans up needs no more to find everything.
import { join } from 'node:path';

/** Where whole clusters keep their state. Images need a disk, not memory; socket paths need to be short. */
export const STATE_ROOT = '/var/lib/mizzen-cluster';

/** How many clusters a machine can hold: their networks are 10.200.0.0/16 and upwards. */
export const MAXIMUM_CLUSTERS = 50;

/** The most nodes of one cluster. */
export const MAXIMUM_NODES = 4;

/** A node's place in the layout. */
export interface NodeLayout {
  readonly name: string;
  readonly number: number;
  readonly address: string;
  readonly address6: string;
  readonly podNetwork: string;
  readonly podNetwork6: string;
  readonly folder: string;
  /** The host's end of the cable to the node. */
  readonly hostLink: string;
  /** Under each cgroup hierarchy; processes of the node live in its `system`, pods in its `kubepods`. */
  readonly controlGroup: string;
}

/** A cluster's place on the machine. */
export interface ClusterLayout {
  readonly name: string;
  readonly index: number;
  readonly folder: string;
  readonly controlGroup: string;
  readonly hostAddress: string;
  readonly hostAddress6: string;
  readonly podNetwork: string;
  readonly podNetwork6: string;
  readonly serviceNetwork: string;
  readonly serviceNetwork6: string;
  readonly apiServiceAddress: string;
  readonly dnsAddress: string;
  readonly nodes: readonly NodeLayout[];
}

/** The folder of a cluster's state. */
export function clusterFolder(name: string): string {
  return join(STATE_ROOT, name);
}

/** The cgroup of a cluster, under each hierarchy. */
export function clusterControlGroup(name: string): string {
  return `mizzen-${name}`;
}

/** The host's end of the cable to a node; interface names have 15 characters at most. */
export function hostLinkName(index: number, node: number): string {
  return `mz${index}n${node}`;
}

/** Derives the layout of a cluster. */
export function clusterLayout(name: string, index: number, nodes: number): ClusterLayout {
  const folder = clusterFolder(name);
  const network = `10.${200 + index}`;
  const prefix6 = `fd10:${(0x200 + index).toString(16)}`;
  return {
    name, index, folder,
    controlGroup: clusterControlGroup(name),
    hostAddress: `10.123.${index}.254`,
    hostAddress6: `${prefix6}::fe`,
    podNetwork: `${network}.0.0/17`,
    podNetwork6: `${prefix6}:1::/56`,
    serviceNetwork: `${network}.128.0/17`,
    serviceNetwork6: `${prefix6}:2::/112`,
    apiServiceAddress: `${network}.128.1`,
    dnsAddress: `${network}.128.10`,
    nodes: Array.from({ length: nodes }, (_, position) => {
      const number = position + 1;
      return {
        name: `node${number}`, number,
        address: `10.123.${index}.${number}`,
        address6: `${prefix6}::${number}`,
        podNetwork: `${network}.${number}.0/24`,
        podNetwork6: `${prefix6}:1:${number}::/64`,
        folder: join(folder, `node${number}`),
        hostLink: hostLinkName(index, number),
        controlGroup: `${clusterControlGroup(name)}/node${number}`,
      };
    }),
  };
}
