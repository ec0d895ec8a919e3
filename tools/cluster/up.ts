// `npm run cluster:up`: starts a real Kubernetes on this machine and says how to use and remove it.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ClusterError, startCluster, type ClusterOptions } from './index.ts';

const USAGE = `Starts a real Kubernetes cluster on this Linux machine: kube-apiserver, etcd, controllers, and nodes with containerd, kubelet and kube-proxy,
each in namespaces of its own. Needs root, Go for the first build (about 10 minutes), and Debian's packages for containers.

  npm run cluster:up -- [options]

  --name NAME            tells clusters on one machine apart (default: dev)
  --nodes N              how many nodes, 1 to 4 (default: 1)
  --image FILE           an image archive to load into the nodes; may be given several times
  --proxy-mode MODE      iptables or nftables, what kube-proxy writes (default: iptables)
  --ip-family FAMILY     ipv4 or dual (default: ipv4)
  --scope SCOPE          node, or apiserver for kube-apiserver and etcd alone, on loopback and without root (default: node)
  --kubernetes MINOR     1.35, or with --scope apiserver 1.36 (default: 1.35)
  --install-packages     installs missing Debian packages with apt-get (done by itself under CI=true)
  --help                 prints this

\`npm run cluster:down -- --name NAME\` removes the cluster with everything it made.
`;

function optionsOf(args: string[]): ClusterOptions | undefined {
  const { values } = parseArgs({
    args, allowPositionals: false,
    options: {
      name: { type: 'string', default: 'dev' }, nodes: { type: 'string', default: '1' }, image: { type: 'string', multiple: true, default: [] },
      'proxy-mode': { type: 'string', default: 'iptables' }, 'ip-family': { type: 'string', default: 'ipv4' }, scope: { type: 'string', default: 'node' },
      kubernetes: { type: 'string', default: '1.35' }, 'install-packages': { type: 'boolean' }, help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  return {
    name: values.name, nodes: Number(values.nodes), images: values.image.map(archive),
    proxyMode: oneOf('--proxy-mode', values['proxy-mode'], ['iptables', 'nftables']),
    ipFamily: oneOf('--ip-family', values['ip-family'], ['ipv4', 'dual']),
    scope: oneOf('--scope', values.scope, ['node', 'apiserver']),
    kubernetes: oneOf('--kubernetes', values.kubernetes, ['1.35', '1.36']),
    ...(values['install-packages'] === undefined ? {} : { installPackages: values['install-packages'] }),
  };
}

/** The whole path of an archive: it is read where this process's folder means nothing. */
function archive(path: string): string {
  if (!existsSync(path)) throw new ClusterError('CLUSTER_UNSUPPORTED', `--image ${path}: there is no such file; \`npm run images\` makes the mesh's in dist/images`);
  return resolve(path);
}

function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw new ClusterError('CLUSTER_UNSUPPORTED', `${option} is ${known.join(' or ')}, not '${value}'`);
  return found;
}

async function up(options: ClusterOptions): Promise<void> {
  const start = Date.now();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupted.abort(new ClusterError('CLUSTER_INTERRUPTED', `given up after ${signal}; nothing is left of '${options.name}'`)));
  const cluster = await startCluster({ ...options, signal: interrupted.signal, progress: (line) => process.stdout.write(`${((Date.now() - start) / 1000).toFixed(1).padStart(6)} s  ${line}\n`) });
  const nodes = cluster.nodes.map((node) => `${node.name} ${node.address}`).join(', ');
  process.stdout.write(`
The cluster '${cluster.name}' is ready: ${cluster.apiServerUrl}${nodes === '' ? '' : `, ${nodes}`}

  export KUBECONFIG=${cluster.kubeconfig}
  export PATH="${cluster.kubectl.replace(/\/kubectl$/, '')}:$PATH"
  kubectl get pods --all-namespaces

${nodes === '' ? '' : 'This machine reaches pod addresses, ClusterIPs, and NodePorts at the nodes\' addresses. '}Logs and certificates are in ${cluster.folder}
Remove it: npm run cluster:down -- ${options.scope === 'apiserver' ? '--scope apiserver ' : ''}--name ${cluster.name}
`);
}

// A reader of the progress that went away is no reason to stop half-way.
process.stdout.on('error', () => undefined);

try {
  const options = optionsOf(process.argv.slice(2));
  if (options === undefined) process.stdout.write(USAGE);
  else await up(options);
} catch (error) {
  // parseArgs throws TypeErrors that name the option.
  if (!(error instanceof ClusterError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`cluster:up: ${error.message}\n`);
  process.exitCode = 1;
}
