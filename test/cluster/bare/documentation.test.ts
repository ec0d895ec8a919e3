// The getting-started pages, command by command, on a real cluster: what they print is compared with what the pages say.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeEverything } from '../support/bare-cluster.ts';
import { clusterUnderTest } from '../support/cluster-under-test.ts';
import { commandsOf, DocumentShell, matchesText } from '../support/document-shell.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Pages in the order in which a reader takes them; the walk through traffic comes while the mesh of the first page runs. */
const PAGES: readonly { readonly page: string; readonly from?: string; readonly to?: string }[] = [
  { page: 'docs/getting-started/first-mesh.md', to: 'Upgrade' },
  { page: 'docs/operate/look-at-traffic.md' },
  { page: 'docs/getting-started/first-mesh.md', from: 'Upgrade' },
];

describe('the documentation', () => {
  let shell: DocumentShell;
  beforeAll(async () => {
    await removeEverything();
    const { cluster } = clusterUnderTest();
    shell = new DocumentShell(ROOT, { KUBECONFIG: cluster.kubeconfig, PATH: `${cluster.kubectl.replace(/\/kubectl$/, '')}:${process.env['PATH'] ?? ''}` });
  }, 300_000);
  afterAll(async () => {
    shell.close();
    await removeEverything();
  }, 300_000);

  for (const { page, from, to } of PAGES) {
    for (const { section, command, output, needs } of commandsOf(ROOT, page, { ...(from ? { from } : {}), ...(to ? { to } : {}) })) {
      it.skipIf(needs !== undefined)(`${page}, ${section}: ${command.split('\n')[0] ?? ''}`, async () => {
        const result = await shell.run(command, 300_000);
        expect(result.status, result.output).toBe(0);
        if (output.length > 0) expect(matchesText(result.output, output), `printed:\n${result.output}\nthe page says:\n${output.join('\n')}`).toBe(true);
      }, 320_000);
    }
  }
});
