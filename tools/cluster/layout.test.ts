import { expect, it } from 'vitest';
import { clusterLayout, MAXIMUM_CLUSTERS, MAXIMUM_NODES } from './layout.ts';

const layouts = Array.from({ length: MAXIMUM_CLUSTERS }, (_, index) => clusterLayout(`c${index}`, index, MAXIMUM_NODES));

it('`clusterLayout` gives no address, network, link or cgroup to two clusters or nodes', () => {
  const given = layouts.flatMap((layout) => [
    layout.hostAddress, layout.hostAddress6, layout.podNetwork, layout.podNetwork6, layout.serviceNetwork, layout.serviceNetwork6,
    ...layout.nodes.flatMap((node) => [node.address, node.address6, node.podNetwork, node.podNetwork6, node.hostLink, node.controlGroup, node.folder]),
  ]);
  expect(new Set(given).size).toBe(given.length);
});

it('`clusterLayout` keeps to what the kernel and IPv4 allow', () => {
  for (const layout of layouts) {
    for (const node of layout.nodes) {
      expect(node.hostLink.length).toBeLessThanOrEqual(15);
      expect(node.podNetwork.split('.').slice(0, 3).map(Number).every((part) => part < 256)).toBe(true);
      // A Unix socket's path has 107 characters at most.
      expect(`${node.folder.replace(layout.name, 'n'.repeat(30))}/kubelet/pod-resources/kubelet.sock`.length).toBeLessThan(108);
    }
  }
});
