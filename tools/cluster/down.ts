// `npm run cluster:down`: removes a cluster, or what an interrupted start left of it. Doing it twice does no harm.
import { parseArgs } from 'node:util';
import { ClusterError, clusterNames, stopCluster } from './index.ts';

const USAGE = `Removes a cluster that cluster:up started: its processes, mounts, namespaces, cgroups, links, routes and files.

  npm run cluster:down -- [--name NAME] [--all] [--scope apiserver]

  --name NAME            which cluster (default: dev)
  --all                  every cluster with nodes on this machine, also those of other users and tests
  --scope SCOPE          node, or apiserver for an API server alone (default: node)
`;

async function down(args: string[]): Promise<void> {
  const { values } = parseArgs({ args, options: { name: { type: 'string', default: 'dev' }, all: { type: 'boolean' }, scope: { type: 'string', default: 'node' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  if (values.scope !== 'node' && values.scope !== 'apiserver') throw new ClusterError('CLUSTER_UNSUPPORTED', `--scope is node or apiserver, not '${values.scope}'`);
  if (values.scope === 'node' && process.getuid?.() !== 0) throw new ClusterError('CLUSTER_UNSUPPORTED', 'removing a cluster with nodes needs root, as starting it did; run the command with sudo');
  for (const name of values.all === true ? clusterNames() : [values.name]) {
    const start = Date.now();
    const known = values.scope === 'node' ? clusterNames() : [name];
    // Also for a name that is not known: parts may be left of a start that was killed before it could say so.
    await stopCluster(name, values.scope);
    if (!known.includes(name)) process.stdout.write(`there was no cluster '${name}'; there ${known.length === 0 ? 'is none' : `are: ${known.join(', ')}`}\n`);
    else process.stdout.write(`the cluster '${name}' is gone (${((Date.now() - start) / 1000).toFixed(1)} s)\n`);
  }
}

try {
  await down(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof ClusterError) && !(error instanceof TypeError)) throw error;
  process.stderr.write(`cluster:down: ${error.message}\n`);
  process.exitCode = 1;
}
