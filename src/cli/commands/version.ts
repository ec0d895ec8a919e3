// `mizzen version`.
import { defineCommand } from './command.ts';

/** Prints the program's version. */
export const versionCommand = defineCommand({
  name: 'version',
  summary: 'Print the version of this program',
  description: 'Prints the version of this program and of the Node that runs it.',
  options: { output: { kind: 'string', default: 'text', help: 'text or json' } },
  run: async ({ output }, _rest, { stdout, version }) => {
    const node = process.versions.node;
    stdout.write(output === 'json' ? `${JSON.stringify({ version, node })}\n` : `mizzen ${version} (Node ${node})\n`);
    return 0;
  },
});
