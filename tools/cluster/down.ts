// `npm run cluster:down`: removes a cluster, or what an interrupted start left of it. Doing it twice does no harm.
import { ClusterError, clusterNames, stopCluster } from './index.ts';
import { flag, oneOf, textOr, type CommandLine, type Usage } from '../toolchain/options.ts';
import { runProgram } from '../toolchain/program.ts';

const OPTIONS = {
  name: textOr('NAME', 'dev', 'which cluster'),
  all: flag('every cluster with nodes on this machine, also those of other users and tests'),
  scope: oneOf('SCOPE', ['node', 'apiserver'], 'node', 'node, or apiserver for an API server alone'),
};

const USAGE = {
  program: 'cluster:down',
  about: `Removes a cluster that cluster:up started: its processes, mounts, namespaces, cgroups, links, routes and files.
One that is being started is given up by its starter first.`,
  options: OPTIONS,
} satisfies Usage<typeof OPTIONS>;

async function down({ values: { name: wanted, all, scope } }: CommandLine<typeof OPTIONS>): Promise<number> {
  if (scope === 'node' && process.getuid?.() !== 0) throw new ClusterError('CLUSTER_UNSUPPORTED', 'removing a cluster with nodes needs root, as starting it did; run the command with sudo');
  for (const name of all ? clusterNames() : [wanted]) {
    const start = Date.now();
    const known = scope === 'node' ? clusterNames() : [name];
    // Also for a name that is not known: parts may be left of a start that was killed before it could say so.
    await stopCluster(name, scope, (line) => process.stdout.write(`${line}\n`));
    if (!known.includes(name)) process.stdout.write(`there was no cluster '${name}'; there ${known.length === 0 ? 'is none' : `are: ${known.join(', ')}`}\n`);
    else process.stdout.write(`the cluster '${name}' is gone (${((Date.now() - start) / 1000).toFixed(1)} s)\n`);
  }
  return 0;
}

await runProgram(USAGE, down);
