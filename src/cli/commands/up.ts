// `mizzen up`: a whole mesh on this machine.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLogLevel, setLogLevel } from '../../shared/observability/index.ts';
import { sandboxCluster } from '../story/cluster-starter.ts';
import { existingCluster } from '../story/existing-cluster.ts';
import { tellStory } from '../story/story.ts';
import { CommandError, defineCommand } from './command.ts';

/** Starts a cluster, a mesh and sample applications in one process tree. */
export const upCommand = defineCommand({
  name: 'up',
  summary: 'Bring up a mesh with sample applications, on a cluster of its own or on yours',
  description: 'Starts an embedded Kubernetes cluster without any privilege, installs the operator and a mesh, deploys Bookinfo and httpbin, and says how to reach them.\nWith --kubeconfig it does the same on that cluster, whose nodes must be able to get the images.\nWith --smoke it then tests the mesh with live traffic and ends with status 0 if everything holds; for that, this machine must reach the addresses of a cluster\'s pods.',
  options: {
    smoke: { kind: 'boolean', default: false, help: 'Test the mesh with live traffic, then stop' },
    json: { kind: 'string', help: 'Write the result of --smoke to this file' },
    keep: { kind: 'boolean', default: false, help: 'After --smoke, keep everything running until interrupted' },
    kubeconfig: { kind: 'string', help: 'Use the cluster of this file, as its administrator, in place of the embedded one' },
    nodeAddress: { kind: 'string', help: 'Where that cluster\'s node ports are reached; its first node\'s address by default' },
    profiles: { kind: 'string', default: 'default,small', help: 'Profiles of the control plane on that cluster, separated by commas' },
    directory: { kind: 'string', help: 'Keep the cluster\'s state in this folder and go on with what is there' },
    version: { kind: 'string', default: 'v3.0', help: 'Mesh version to install' },
    logLevel: { kind: 'string', default: 'error', env: 'MIZZEN_LOG', help: 'Level of the sandbox\'s own log lines' },
  },
  run: async ({ smoke, json, keep, kubeconfig, nodeAddress, profiles, directory, version, logLevel }, rest, environment) => {
    if (rest.length > 0) throw new CommandError(`up takes no arguments, got '${rest.join(' ')}'`, 2);
    if (json !== undefined && !smoke) throw new CommandError('--json is the result of --smoke; give both', 2);
    if (kubeconfig === undefined && nodeAddress !== undefined) throw new CommandError('--node-address belongs to a cluster of yours; give --kubeconfig too', 2);
    if (kubeconfig !== undefined && directory !== undefined) throw new CommandError('--directory keeps the embedded cluster\'s state; it cannot be given with --kubeconfig', 2);
    if (kubeconfig !== undefined && !existsSync(kubeconfig)) throw new CommandError(`--kubeconfig ${kubeconfig}: there is no such file`, 2);
    if (!isLogLevel(logLevel)) throw new CommandError(`'${logLevel}' is not a log level; use debug, info, warn or error`, 2);
    const known = meshVersions(environment.root);
    if (known.length > 0 && !known.includes(version)) throw new CommandError(`there is no mesh version '${version}'; known: ${known.join(', ')}`, 2);
    setLogLevel(logLevel);
    const cluster = kubeconfig === undefined
      ? { clusterTitle: 'sandbox' as const, startCluster: () => sandboxCluster(environment.startSandbox, directory, environment.signal) }
      : { clusterTitle: 'cluster' as const, startCluster: () => existingCluster({ kubeconfig, profiles: profiles.split(',').map((profile) => profile.trim()).filter(Boolean), ...(nodeAddress ? { nodeAddress } : {}) }) };
    return tellStory({ smoke, keep, version, ...cluster, ...(json ? { json } : {}) }, environment);
  },
});

/** The versions that can be installed: each has a folder of templates. */
function meshVersions(root: string): string[] {
  const templates = join(root, 'templates');
  return existsSync(templates) ? readdirSync(templates, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort() : [];
}
