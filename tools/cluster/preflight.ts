// Whether this machine can run a cluster: one reason in one line when it cannot, with what to do about it.
import { accessSync, constants, existsSync } from 'node:fs';
import { join } from 'node:path';
import { attempt } from './command.ts';
import { pluginFolder } from './cni.ts';
import { hierarchies } from './control-groups.ts';
import { ClusterError } from './errors.ts';
import { programsToBuild } from './binaries.ts';
import type { ClusterOptions } from './model.ts';

const OLDEST_GO: readonly [number, number] = [1, 26];
/** Debian's packages, with the programs that the cluster takes from each. */
const PACKAGES: readonly { readonly name: string; readonly programs: readonly string[] }[] = [
  { name: 'containerd', programs: ['containerd', 'ctr'] },
  { name: 'runc', programs: ['runc'] },
  { name: 'containernetworking-plugins', programs: [] },
  { name: 'iptables', programs: ['iptables', 'ip6tables'] },
  { name: 'nftables', programs: ['nft'] },
  { name: 'conntrack', programs: ['conntrack'] },
  { name: 'iproute2', programs: ['ip'] },
  { name: 'socat', programs: ['socat'] },
  { name: 'util-linux', programs: ['unshare', 'nsenter'] },
  { name: 'mount', programs: ['mount'] },
  { name: 'tar', programs: ['tar'] },
];
const BRIDGE_SETTINGS = '/proc/sys/net/bridge/bridge-nf-call-iptables';
/** Folders of system programs, which the path of an ordinary user's shell may lack. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Whether the kernel has IPv6. */
export function hasIpv6(): boolean {
  return existsSync('/proc/net/if_inet6');
}

/** Why the machine cannot run such a cluster, in one line; undefined when it can. Installs nothing. */
export async function missingFor(options: Pick<ClusterOptions, 'scope' | 'kubernetes' | 'ipFamily'>): Promise<string | undefined> {
  extendPath();
  if (process.platform !== 'linux') return `a cluster needs Linux; this is ${process.platform}`;
  const go = await missingGo(options);
  if (go !== undefined || options.scope === 'apiserver') return go;
  if (options.kubernetes === '1.36') return 'whole nodes run Kubernetes 1.35; 1.36 is there as an API server alone (--scope apiserver)';
  if (process.getuid?.() !== 0) return 'a cluster with nodes needs root, as containers and network namespaces do; run the command with sudo';
  if (hierarchies().length === 0) return 'no cgroup file system is mounted under /sys/fs/cgroup; mount it, or start the container this runs in with --privileged --cgroupns=host';
  if (options.ipFamily === 'dual' && !hasIpv6()) return 'this kernel has no IPv6; boot it without ipv6.disable=1, or leave --ip-family out';
  const kernel = await missingInKernel();
  if (kernel !== undefined) return kernel;
  const packages = missingPackages();
  return packages.length === 0 ? undefined : `missing Debian packages: install them with \`${installCommand(packages)}\`, or run with --install-packages`;
}

/** Installs missing Debian packages when that is wanted, then throws unless the machine can run the cluster. */
export async function prepareMachine(options: ClusterOptions, progress: (line: string) => void): Promise<void> {
  extendPath();
  const packages = options.scope === 'apiserver' ? [] : missingPackages();
  if (packages.length > 0 && process.getuid?.() === 0 && (options.installPackages ?? process.env['CI'] === 'true')) {
    progress(`installing Debian packages: ${packages.join(' ')} ...`);
    const install = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    if ((await attempt(install, { env })).status !== 0) {
      await attempt(['apt-get', 'update'], { env });
      const result = await attempt(install, { env });
      if (result.status !== 0) throw new ClusterError('CLUSTER_UNSUPPORTED', `\`${installCommand(packages)}\` failed: ${result.stderr.trim().split('\n').at(-1) ?? ''}`);
    }
  }
  const reason = await missingFor(options);
  if (reason !== undefined) throw new ClusterError('CLUSTER_UNSUPPORTED', reason);
}

function extendPath(): void {
  const present = (process.env['PATH'] ?? '').split(':');
  process.env['PATH'] = [...present, ...SYSTEM_FOLDERS.filter((folder) => !present.includes(folder))].join(':');
}

function installCommand(packages: readonly string[]): string {
  return `apt-get install --no-install-recommends ${packages.join(' ')}`;
}

function missingPackages(): string[] {
  return PACKAGES.filter(({ name, programs }) => (name === 'containernetworking-plugins' ? pluginFolder() === undefined : programs.some((program) => !isInPath(program)))).map(({ name }) => name);
}

function isInPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function missingGo(options: Pick<ClusterOptions, 'scope' | 'kubernetes'>): Promise<string | undefined> {
  const unbuilt = programsToBuild(options.scope ?? 'node', options.kubernetes ?? '1.35');
  if (unbuilt.length === 0) return undefined;
  const wanted = `Go ${OLDEST_GO.join('.')} or newer is needed to build ${unbuilt.join(', ')}`;
  const result = await attempt(['go', 'env', 'GOVERSION'], { env: { GOTOOLCHAIN: 'local' }, directory: '/' });
  if (result.status !== 0) return `${wanted}, and there is no go in the PATH; install it from your distribution or go.dev`;
  const [, major = 0, minor = 0] = (/^go(\d+)\.(\d+)/.exec(result.stdout) ?? []).map(Number);
  return major > OLDEST_GO[0] || (major === OLDEST_GO[0] && minor >= OLDEST_GO[1]) ? undefined : `${wanted}; found ${result.stdout.trim()}`;
}

async function missingInKernel(): Promise<string | undefined> {
  // Built into many kernels; where it is a module, pods on one node that call each other through a service need it.
  if (!existsSync(BRIDGE_SETTINGS)) await attempt(['modprobe', 'br_netfilter']);
  if (!existsSync(BRIDGE_SETTINGS)) return 'the kernel lacks the module br_netfilter; `modprobe br_netfilter` loads it where there is one';
  const namespaces = await attempt(['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'true']);
  if (namespaces.status !== 0) return `namespaces cannot be made here (${namespaces.stderr.trim()}); start the container this runs in with --privileged`;
  const bridge = await attempt(['unshare', '--net', 'sh', '-c', 'ip link add b0 type bridge && ip link add v0 type veth peer name v1 && iptables -t nat -A POSTROUTING -j MASQUERADE']);
  return bridge.status === 0 ? undefined : `the kernel lacks bridges, veth pairs or address translation (${bridge.stderr.trim().split('\n')[0] ?? ''}); load the modules bridge, veth and nf_nat`;
}
