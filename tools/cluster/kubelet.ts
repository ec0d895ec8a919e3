// The kubelet of a node: its configuration and its command.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CertificateFiles } from './certificates.ts';
import { CONTAINERD_SOCKET } from './containerd.ts';
import type { NodeLayout } from './layout.ts';
import type { ComponentCommand } from './supervisor.ts';

/** What the kubelet is told. */
export interface KubeletOptions {
  readonly binaries: string;
  readonly node: NodeLayout;
  readonly nodeAddresses: readonly string[];
  readonly dnsAddress: string;
  readonly kubeconfig: string;
  readonly serverFiles: CertificateFiles;
  readonly authorityFile: string;
}

/** Writes the kubelet's configuration; gives the command that runs it. */
export function kubeletComponent(options: KubeletOptions): ComponentCommand {
  const { node } = options;
  const root = join(node.folder, 'kubelet');
  const file = join(node.folder, 'kubelet.json');
  const resolver = join(node.folder, 'resolv.conf');
  mkdirSync(root, { recursive: true });
  // For pods that ask for the node's resolver: the node knows no other than the cluster's.
  writeFileSync(resolver, `nameserver ${options.dnsAddress}\n`);
  writeFileSync(file, `${JSON.stringify(configuration(options, root, resolver), null, 2)}\n`);
  return {
    name: 'kubelet',
    command: [join(options.binaries, 'kubelet'), `--config=${file}`, `--kubeconfig=${options.kubeconfig}`, `--root-dir=${root}`, `--cert-dir=${join(root, 'pki')}`,
      `--hostname-override=${node.name}`, `--node-ip=${options.nodeAddresses.join(',')}`, '--v=1'],
  };
}

function configuration(options: KubeletOptions, root: string, resolver: string): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1', kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    clusterDomain: 'cluster.local', clusterDNS: [options.dnsAddress], resolvConf: resolver,
    tlsCertFile: options.serverFiles.certificate, tlsPrivateKeyFile: options.serverFiles.key,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: options.authorityFile } },
    authorization: { mode: 'Webhook' },
    // Machines with cgroup v1 are refused by default from 1.35 on. Pods live in the cluster's own cgroup; no systemd is asked.
    failCgroupV1: false, cgroupDriver: 'cgroupfs', cgroupRoot: `/${options.node.controlGroup}`, enforceNodeAllocatable: [], failSwapOn: false,
    // Lowering scores and raising limits needs a capability that root in a container often lacks.
    oomScoreAdj: 0, maxOpenFiles: 20000,
    // An image that was imported, and pulled under another name as well, is to stay usable under both without a registry.
    imagePullCredentialsVerificationPolicy: 'NeverVerify',
    // Images that were imported cannot be pulled again.
    imageGCHighThresholdPercent: 100, evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    podLogsDir: join(options.node.folder, 'pod-logs'), volumePluginDir: join(root, 'volume-plugins'),
    shutdownGracePeriod: '0s', syncFrequency: '5s', nodeStatusUpdateFrequency: '5s', kubeAPIQPS: 100, kubeAPIBurst: 200, maxPods: 250,
    // Tests start many pods of the same images at once.
    serializeImagePulls: false,
  };
}
