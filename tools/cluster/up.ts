// `npm run cluster:up`: starts a real Kubernetes on this machine and says how to use and remove it.
import { ClusterError, MAXIMUM_NODES, startCluster, type RealCluster } from './index.ts';
import { files, flag, oneOf, textOr, wholeNumber, type CommandLine, type Usage } from '../toolchain/options.ts';
import { runProgram } from '../toolchain/program.ts';

const OPTIONS = {
  name: textOr('NAME', 'dev', 'tells clusters on one machine apart'),
  nodes: wholeNumber('N', { minimum: 1, maximum: MAXIMUM_NODES, fallback: 1 }, `how many nodes, 1 to ${MAXIMUM_NODES}`),
  image: files('FILE', '`npm run images` makes the mesh\'s in dist/images', 'an image archive to load into the nodes'),
  'proxy-mode': oneOf('MODE', ['iptables', 'nftables'], 'iptables', 'iptables or nftables, what kube-proxy writes'),
  'ip-family': oneOf('FAMILY', ['ipv4', 'dual'], 'ipv4', 'ipv4 or dual'),
  scope: oneOf('SCOPE', ['node', 'apiserver'], 'node', 'node, or apiserver for kube-apiserver and etcd alone, on loopback and without root'),
  kubernetes: oneOf('MINOR', ['1.35', '1.36'], '1.35', '1.35, or with --scope apiserver 1.36'),
  'install-packages': flag('installs missing Debian packages with apt-get (done by itself under CI=true)'),
};

const USAGE = {
  program: 'cluster:up',
  about: `Starts a real Kubernetes cluster on this Linux machine: kube-apiserver, etcd, controllers, and nodes with containerd, kubelet and kube-proxy,
each in namespaces of its own. Needs root, Go for the first build (about 10 minutes), and Debian's packages for containers.`,
  options: OPTIONS,
  notes: '`npm run cluster:down -- --name NAME` removes the cluster with everything it made.',
} satisfies Usage<typeof OPTIONS>;

async function up({ values }: CommandLine<typeof OPTIONS>): Promise<number> {
  const { name, nodes: count, image: images, scope, kubernetes } = values;
  const start = Date.now();
  const progress = (line: string): void => void process.stdout.write(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}\n`);
  const interrupted = new AbortController();
  for (const [signal, status] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) return;
      process.exitCode = status;
      progress(`${signal}: stopping, and removing what has been made of '${name}' ...`);
      interrupted.abort(new ClusterError('CLUSTER_INTERRUPTED', `given up after ${signal}; nothing is left of '${name}'`));
    });
  }
  try {
    const cluster = await startCluster({
      name, nodes: count, images, scope, kubernetes, proxyMode: values['proxy-mode'], ipFamily: values['ip-family'], ...(values['install-packages'] ? { installPackages: true } : {}),
      signal: interrupted.signal, progress,
    });
    tellUse(cluster, scope);
    return 0;
  } catch (error) {
    if (error !== interrupted.signal.reason) throw error;
    progress(interrupted.signal.reason.message);
    return Number(process.exitCode);
  }
}

function tellUse(cluster: RealCluster, scope: 'apiserver' | 'node'): void {
  const nodes = cluster.nodes.map((node) => `${node.name} ${node.address}`).join(', ');
  process.stdout.write(`
The cluster '${cluster.name}' is ready: ${cluster.apiServerUrl}${nodes === '' ? '' : `, ${nodes}`}

  export KUBECONFIG=${cluster.kubeconfig}
  export PATH="${cluster.kubectl.replace(/\/kubectl$/, '')}:$PATH"
  kubectl get pods --all-namespaces

${nodes === '' ? '' : 'This machine reaches pod addresses, ClusterIPs, and NodePorts at the nodes\' addresses. '}Logs and certificates are in ${cluster.folder}
Remove it: npm run cluster:down -- ${scope === 'apiserver' ? '--scope apiserver ' : ''}--name ${cluster.name}
`);
}

await runProgram(USAGE, up);
