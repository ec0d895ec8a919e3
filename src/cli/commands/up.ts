// `mizzen up`: a whole mesh on this machine.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isLogLevel, setLogLevel } from '../../shared/observability/index.ts';
import { tellStory } from '../story/story.ts';
import { CommandError, defineCommand } from './command.ts';

/** Starts a cluster, a mesh and sample applications in one process tree. */
export const upCommand = defineCommand({
  name: 'up',
  summary: 'Start a cluster with a mesh and sample applications on this machine',
  description: 'Starts an embedded Kubernetes cluster without any privilege, installs the operator and a mesh, deploys Bookinfo and httpbin, and says how to reach them.\nWith --smoke it then tests the mesh with live traffic and ends with status 0 if everything holds.',
  options: {
    smoke: { kind: 'boolean', default: false, help: 'Test the mesh with live traffic, then stop' },
    json: { kind: 'string', help: 'Write the result of --smoke to this file' },
    keep: { kind: 'boolean', default: false, help: 'After --smoke, keep everything running until interrupted' },
    directory: { kind: 'string', help: 'Keep the cluster\'s state in this folder and go on with what is there' },
    version: { kind: 'string', default: 'v3.0', help: 'Mesh version to install' },
    logLevel: { kind: 'string', default: 'error', env: 'MIZZEN_LOG', help: 'Level of the sandbox\'s own log lines' },
  },
  run: async ({ smoke, json, keep, directory, version, logLevel }, rest, environment) => {
    if (rest.length > 0) throw new CommandError(`up takes no arguments, got '${rest.join(' ')}'`, 2);
    if (json !== undefined && !smoke) throw new CommandError('--json is the result of --smoke; give both', 2);
    if (!isLogLevel(logLevel)) throw new CommandError(`'${logLevel}' is not a log level; use debug, info, warn or error`, 2);
    const known = meshVersions(environment.root);
    if (known.length > 0 && !known.includes(version)) throw new CommandError(`there is no mesh version '${version}'; known: ${known.join(', ')}`, 2);
    setLogLevel(logLevel);
    return tellStory({ smoke, keep, version, ...(json ? { json } : {}), ...(directory ? { directory } : {}) }, environment);
  },
});

/** The versions that can be installed: each has a folder of templates. */
function meshVersions(root: string): string[] {
  const templates = join(root, 'templates');
  return existsSync(templates) ? readdirSync(templates, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort() : [];
}
