// The programs that a cluster is made of and that are built from Go modules: which versions, under which names.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoModule, GoModuleError, isBuilt, type BuildReport, type GoModule } from '../toolchain/go-module.ts';
import { ClusterError } from './errors.ts';
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

/** Static, without the state of the source tree, and what Go downloads can be removed like any file. */
const ENVIRONMENT = { CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false -modcacherw' };

interface Program {
  /** Folder under tools/cluster/go. */
  readonly module: string;
  readonly binary: string;
  readonly version: string;
  readonly linkerFlags: string;
  /** Further names that the binary goes by. */
  readonly links: readonly string[];
  readonly title: string;
  readonly duration: string;
}

function goModule({ module, binary, version, linkerFlags, links, title, duration }: Program): GoModule {
  return {
    source: fileURLToPath(new URL(`go/${module}/`, import.meta.url)), name: module, version, programs: { [binary]: ['build', '-ldflags', linkerFlags, '.'] }, links, environment: ENVIRONMENT,
    // The form that these digests have always had: a new one would build an hour of Kubernetes again.
    recipe: [linkerFlags, links, ENVIRONMENT, process.arch], title, duration,
  };
}

const WHOLE = goModule({
  module: 'kubernetes-1.35', binary: 'hyperkube', version: KUBERNETES_VERSIONS['1.35'], linkerFlags: versionFlags(KUBERNETES_VERSIONS['1.35']),
  links: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kube-proxy', 'kubectl', 'etcd'],
  title: 'Kubernetes', duration: 'about 10 minutes',
});

const API_SERVER_1_36 = goModule({
  module: 'kubernetes-1.36-apiserver', binary: 'hyperkube', version: KUBERNETES_VERSIONS['1.36'], linkerFlags: versionFlags(KUBERNETES_VERSIONS['1.36']),
  links: ['kube-apiserver', 'kubectl', 'etcd'], title: 'the Kubernetes API server', duration: 'about 8 minutes',
});

const COREDNS = goModule({ module: 'coredns', binary: 'coredns', version: COREDNS_VERSION, linkerFlags: STRIPPED, links: [], title: 'CoreDNS', duration: 'about a minute' });

const PAUSE = goModule({ module: 'pause', binary: 'pause', version: '1', linkerFlags: STRIPPED, links: [], title: 'the pause program', duration: 'a few seconds' });

/** The folder with etcd, kube-apiserver and kubectl of a minor, built when need be. */
export function apiServerBinaries(minor: KubernetesMinor, report: BuildReport): Promise<string> {
  return built(minor === '1.35' ? WHOLE : API_SERVER_1_36, report);
}

/** The folders with everything that nodes run, built when need be; one after another, as each build takes all processors. */
export async function nodeBinaries(report: BuildReport): Promise<ClusterBinaries> {
  return {
    kubernetes: await built(WHOLE, report),
    coredns: join(await built(COREDNS, report), 'coredns'),
    pause: join(await built(PAUSE, report), 'pause'),
  };
}

/** The titles of the programs of a scope that the cache lacks. */
export function programsToBuild(scope: 'apiserver' | 'node', minor: KubernetesMinor): string[] {
  const programs = scope === 'node' ? [WHOLE, COREDNS, PAUSE] : [minor === '1.35' ? WHOLE : API_SERVER_1_36];
  return programs.filter((program) => !isBuilt(program)).map((program) => program.title);
}

async function built(module: GoModule, report: BuildReport): Promise<string> {
  try {
    return await buildGoModule(module, report);
  } catch (error) {
    throw error instanceof GoModuleError ? new ClusterError('CLUSTER_BUILD', error.message, { cause: error }) : error;
  }
}
