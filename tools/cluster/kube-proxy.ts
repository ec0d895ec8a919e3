// The service proxy of a node: its configuration and its command.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NodeLayout } from './layout.ts';
import type { ComponentCommand } from './supervisor.ts';

/** What kube-proxy is told. */
export interface KubeProxyOptions {
  readonly binaries: string;
  readonly node: NodeLayout;
  readonly podNetworks: readonly string[];
  readonly mode: 'iptables' | 'nftables';
  readonly kubeconfig: string;
}

/** Writes kube-proxy's configuration; gives the command that runs it. */
export function kubeProxyComponent(options: KubeProxyOptions): ComponentCommand {
  const file = join(options.node.folder, 'kube-proxy.json');
  writeFileSync(file, `${JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1', kind: 'KubeProxyConfiguration',
    mode: options.mode, clusterCIDR: options.podNetworks.join(','), hostnameOverride: options.node.name, bindAddress: '0.0.0.0',
    clientConnection: { kubeconfig: options.kubeconfig },
    // The tables of connections belong to the whole machine: their sizes and times stay as they are.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    oomScoreAdj: 0,
    // A Service's endpoints are to be in force at once; rules are few.
    iptables: { syncPeriod: '30s', minSyncPeriod: '0s' }, nftables: { syncPeriod: '30s', minSyncPeriod: '0s' },
  }, null, 2)}\n`);
  return { name: 'kube-proxy', command: [join(options.binaries, 'kube-proxy'), `--config=${file}`, '--v=1'] };
}
