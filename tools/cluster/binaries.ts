// The programs that a cluster is made of and that are built from Go modules: which versions, under which names.
import { join } from 'node:path';
import { buildGoProgram, isBuilt, type BuildReport, type GoProgram } from './go-build.ts';
import type { KubernetesMinor } from './model.ts';

const KUBERNETES_VERSIONS: Readonly<Record<KubernetesMinor, string>> = { '1.35': '1.35.4', '1.36': '1.36.3' };
const COREDNS_VERSION = '1.14.7';
const STRIPPED = '-s -w';

/** The two packages that carry Kubernetes' version: what the API server and nodes report, and what clients send. */
const VERSION_PACKAGES = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];

/** Folders with the binaries of a whole cluster. */
export interface ClusterBinaries {
  readonly kubernetes: string;
  readonly coredns: string;
  readonly pause: string;
}

/** The version that a minor stands for. */
export function kubernetesVersion(minor: KubernetesMinor): string {
  return KUBERNETES_VERSIONS[minor];
}

function versionFlags(version: string): string {
  const [major = '', minor = ''] = version.split('.');
  const values = {
    gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean', gitCommit: '0'.repeat(40), buildDate: '2026-01-01T00:00:00Z',
  };
  return [STRIPPED, ...VERSION_PACKAGES.flatMap((name) => Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`))].join(' ');
}

const WHOLE: GoProgram = {
  module: 'kubernetes-1.35', binary: 'hyperkube', version: KUBERNETES_VERSIONS['1.35'], linkerFlags: versionFlags(KUBERNETES_VERSIONS['1.35']),
  links: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl', 'etcd'],
  title: 'Kubernetes', duration: 'about 10 minutes',
};

const API_SERVER_1_36: GoProgram = {
  module: 'kubernetes-1.36-apiserver', binary: 'hyperkube', version: KUBERNETES_VERSIONS['1.36'], linkerFlags: versionFlags(KUBERNETES_VERSIONS['1.36']),
  links: ['kube-apiserver', 'kubectl', 'etcd'], title: 'the Kubernetes API server', duration: 'about 8 minutes',
};

const COREDNS: GoProgram = {
  module: 'coredns', binary: 'coredns', version: COREDNS_VERSION, linkerFlags: STRIPPED, links: [], title: 'CoreDNS', duration: 'about a minute',
};

const PAUSE: GoProgram = { module: 'pause', binary: 'pause', version: '1', linkerFlags: STRIPPED, links: [], title: 'the pause program', duration: 'a few seconds' };

/** The folder with etcd, kube-apiserver and kubectl of a minor, built when need be. */
export function apiServerBinaries(minor: KubernetesMinor, report: BuildReport): Promise<string> {
  return buildGoProgram(minor === '1.35' ? WHOLE : API_SERVER_1_36, report);
}

/** The folders with everything that nodes run, built when need be; one after another, as each build takes all processors. */
export async function nodeBinaries(report: BuildReport): Promise<ClusterBinaries> {
  return {
    kubernetes: await buildGoProgram(WHOLE, report),
    coredns: join(await buildGoProgram(COREDNS, report), COREDNS.binary),
    pause: join(await buildGoProgram(PAUSE, report), PAUSE.binary),
  };
}

/** The titles of the programs of a scope that the cache lacks. */
export function programsToBuild(scope: 'apiserver' | 'node', minor: KubernetesMinor): string[] {
  const programs = scope === 'node' ? [WHOLE, COREDNS, PAUSE] : [minor === '1.35' ? WHOLE : API_SERVER_1_36];
  return programs.filter((program) => !isBuilt(program)).map((program) => program.title);
}
