// The commands of etcd, the API server, the controller manager and the scheduler.
import { join } from 'node:path';
import type { CertificateFiles } from './certificates.ts';
import type { ComponentCommand } from './supervisor.ts';

/** What the control plane is told. */
export interface ControlPlaneOptions {
  readonly binaries: string;
  readonly folder: string;
  readonly apiServerPort: number;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  /** The address that others reach the API server at. */
  readonly address: string;
  readonly serviceNetworks: readonly string[];
  readonly podNetworks: readonly string[];
  readonly authorityFiles: CertificateFiles;
  readonly serverFiles: CertificateFiles;
  readonly serviceAccountKeys: { readonly publicKey: string; readonly privateKey: string };
  /** For calls to kubelets; undefined for an API server alone. */
  readonly kubeletClient: CertificateFiles | undefined;
}

/** The issuer that service account tokens name. */
export const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** etcd, which may lose its last writes when the machine stops: the cluster does not outlive that. */
export function etcdComponent(options: ControlPlaneOptions): ComponentCommand {
  const client = `http://127.0.0.1:${options.etcdPort}`;
  const peer = `http://127.0.0.1:${options.etcdPeerPort}`;
  return {
    name: 'etcd',
    command: [join(options.binaries, 'etcd'), '--name=default', `--data-dir=${join(options.folder, 'etcd')}`, '--unsafe-no-fsync', '--logger=zap', '--log-level=warn',
      `--listen-client-urls=${client}`, `--advertise-client-urls=${client}`, `--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=default=${peer}`],
  };
}

/** The API server. */
export function apiServerComponent(options: ControlPlaneOptions): ComponentCommand {
  const { kubeletClient } = options;
  const alone = kubeletClient === undefined;
  return {
    name: 'kube-apiserver',
    command: [join(options.binaries, 'kube-apiserver'), `--etcd-servers=http://127.0.0.1:${options.etcdPort}`, `--secure-port=${options.apiServerPort}`,
      `--bind-address=${alone ? options.address : '0.0.0.0'}`, `--advertise-address=${options.address}`,
      `--tls-cert-file=${options.serverFiles.certificate}`, `--tls-private-key-file=${options.serverFiles.key}`, `--client-ca-file=${options.authorityFiles.certificate}`,
      `--service-account-issuer=${TOKEN_ISSUER}`, `--service-account-key-file=${options.serviceAccountKeys.publicKey}`, `--service-account-signing-key-file=${options.serviceAccountKeys.privateKey}`,
      `--service-cluster-ip-range=${options.serviceNetworks.join(',')}`, '--authorization-mode=Node,RBAC', '--allow-privileged=true', '--profiling=false', '--v=1',
      ...(alone
        // It refuses to publish a loopback address as its endpoint; and without a service proxy it has to find the pods behind a webhook's Service by itself.
        ? ['--endpoint-reconciler-type=none', '--enable-aggregator-routing=true']
        : [`--kubelet-client-certificate=${kubeletClient.certificate}`, `--kubelet-client-key=${kubeletClient.key}`, `--kubelet-certificate-authority=${options.authorityFiles.certificate}`,
            '--kubelet-preferred-address-types=InternalIP', '--enable-admission-plugins=NodeRestriction'])],
  };
}

/** The controller manager. Quick clients, as a fresh cluster makes all its first objects at once. */
export function controllerManagerComponent(options: ControlPlaneOptions, kubeconfig: string): ComponentCommand {
  return {
    name: 'kube-controller-manager',
    command: [join(options.binaries, 'kube-controller-manager'), `--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1', '--use-service-account-credentials',
      `--service-account-private-key-file=${options.serviceAccountKeys.privateKey}`, `--root-ca-file=${options.authorityFiles.certificate}`,
      `--cluster-signing-cert-file=${options.authorityFiles.certificate}`, `--cluster-signing-key-file=${options.authorityFiles.key}`,
      `--cluster-cidr=${options.podNetworks.join(',')}`, '--allocate-node-cidrs=false', '--kube-api-qps=300', '--kube-api-burst=600', '--leader-elect=false', '--v=1'],
  };
}

/** The scheduler. */
export function schedulerComponent(options: ControlPlaneOptions, kubeconfig: string): ComponentCommand {
  return {
    name: 'kube-scheduler',
    command: [join(options.binaries, 'kube-scheduler'), `--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1', '--leader-elect=false', '--kube-api-qps=300', '--kube-api-burst=600', '--v=1'],
  };
}
