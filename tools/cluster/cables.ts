// The cables of a cluster: a veth pair from the host to each node and one between every two nodes, each end with its owner's address and routes to what lies behind
// the other. No bridge and no forwarding on the host: the kernel takes everything away with the nodes' network namespaces.
import { attempt, run } from './command.ts';
import type { ClusterLayout, NodeLayout } from './layout.ts';
import type { NodeNamespaces } from './node-namespaces.ts';

/** Which address families a cluster has. */
export type IpFamily = 'ipv4' | 'dual';

/** Lays the cables of all nodes. */
export async function layCables(layout: ClusterLayout, nodes: readonly NodeNamespaces[], family: IpFamily): Promise<void> {
  for (const namespaces of nodes) await connectHost(layout, namespaces, family);
  for (const [position, left] of nodes.entries()) {
    for (const right of nodes.slice(position + 1)) await connectNodes(left, right, family);
  }
}

async function connectHost(layout: ClusterLayout, namespaces: NodeNamespaces, family: IpFamily): Promise<void> {
  const { node } = namespaces;
  await run(['ip', 'link', 'add', node.hostLink, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(namespaces.pid)]);
  const networks = [node.podNetwork, ...(node.number === 1 ? [layout.serviceNetwork] : [])];
  const networks6 = [node.podNetwork6, ...(node.number === 1 ? [layout.serviceNetwork6] : [])];
  const dual = family === 'dual';
  for (const command of [
    ...endpoint(node.hostLink, layout.hostAddress, node.address, networks),
    ...(dual ? endpoint6(node.hostLink, layout.hostAddress6, node.address6, networks6) : []),
  ]) await run(command);
  await namespaces.runAll([
    ['ip', 'link', 'set', 'lo', 'up'],
    ...endpoint('eth0', node.address, layout.hostAddress, ['default']),
    ...(dual ? endpoint6('eth0', node.address6, layout.hostAddress6, ['default']) : []),
    ['sh', '-c', 'echo 1 > /proc/sys/net/ipv4/ip_forward'],
    // Without it a service's answer that comes over the pods' bridge from the same node would miss the rules that translated its request.
    ['sh', '-c', 'for f in /proc/sys/net/bridge/bridge-nf-call-iptables /proc/sys/net/bridge/bridge-nf-call-ip6tables; do [ ! -e $f ] || echo 1 > $f; done'],
    ...(dual ? [['sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/forwarding']] : []),
  ]);
}

async function connectNodes(left: NodeNamespaces, right: NodeNamespaces, family: IpFamily): Promise<void> {
  await run(['ip', 'link', 'add', peerLink(right.node), 'netns', String(left.pid), 'type', 'veth', 'peer', 'name', peerLink(left.node), 'netns', String(right.pid)]);
  for (const [near, far] of [[left, right], [right, left]] as const) {
    await near.runAll([
      ...endpoint(peerLink(far.node), near.node.address, far.node.address, [far.node.podNetwork]),
      ...(family === 'dual' ? endpoint6(peerLink(far.node), near.node.address6, far.node.address6, [far.node.podNetwork6]) : []),
    ]);
  }
}

function peerLink(node: NodeLayout): string {
  return `to-${node.name}`;
}

/** Commands for one end of a cable: its own address, the neighbour's, and the networks behind the neighbour. */
function endpoint(link: string, own: string, neighbour: string, networks: readonly string[]): string[][] {
  return [
    ['ip', 'address', 'add', `${own}/32`, 'dev', link],
    ['ip', 'link', 'set', link, 'up'],
    ['ip', 'route', 'add', `${neighbour}/32`, 'dev', link, 'src', own],
    ...networks.map((network) => ['ip', 'route', 'add', network, 'via', neighbour, 'dev', link, 'src', own]),
  ];
}

function endpoint6(link: string, own: string, neighbour: string, networks: readonly string[]): string[][] {
  return [
    // Without duplicate address detection the address works at once.
    ['ip', '-6', 'address', 'add', `${own}/128`, 'dev', link, 'nodad'],
    ['ip', '-6', 'route', 'add', `${neighbour}/128`, 'dev', link, 'src', own],
    ...networks.map((network) => ['ip', '-6', 'route', 'add', network, 'via', neighbour, 'dev', link, 'src', own]),
  ];
}

/** Removes the host's ends of a cluster's cables that are left. */
export async function removeHostLinks(index: number): Promise<void> {
  for (const link of await hostLinks()) {
    if (new RegExp(`^mz${index}n\\d+$`).test(link)) await attempt(['ip', 'link', 'delete', link]);
  }
}

/** The names of the host's links. */
export async function hostLinks(): Promise<string[]> {
  return (JSON.parse(await run(['ip', '-json', 'link', 'show'])) as { readonly ifname: string }[]).map((link) => link.ifname);
}

/** Destinations of the host's routes. */
export async function hostRoutes(): Promise<string[]> {
  return (JSON.parse(await run(['ip', '-json', 'route', 'show', 'table', 'all'])) as { readonly dst: string }[]).map((route) => route.dst);
}
