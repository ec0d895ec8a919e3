// Writes what is generated from code: the xDS types, crds/ and the tables of options in docs/. `--check` writes nothing and fails with the files that differ.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { operatorFlags } from '../src/operator/options.ts';
import { customResourceDefinition } from '../src/shared/api/crd.ts';
import { customResources } from '../src/shared/api/registry.ts';
import { flag, type CommandLine, type Usage } from './toolchain/options.ts';
import { runProgram } from './toolchain/program.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const OPTIONS = { check: flag('writes nothing, and fails with the files that differ, as `npm run gen:check` does') };
const USAGE = { program: 'gen', about: 'Writes what is generated from code: the xDS types, crds/ and the tables of options in docs/.', options: OPTIONS } satisfies Usage<typeof OPTIONS>;

/** Every generated file, by its path in the repository. */
function outputs(): Map<string, string> {
  const files = new Map<string, string>();
  for (const type of customResources) {
    const text = `# Generated from src/shared/api by \`npm run gen\`.\n${stringify(customResourceDefinition(type), { lineWidth: 0, aliasDuplicateObjects: false })}`;
    files.set(`crds/${type.plural}.${type.group}.yaml`, text);
  }
  files.set('docs/operate/operator-options.md', operatorOptions());
  return files;
}

function operatorOptions(): string {
  const rows = operatorFlags.map(({ flag, fallback, meaning }) => `| \`--${flag}\` | ${fallback ? `\`${fallback}\`` : ''} | ${meaning} |`);
  return `# Options of the operator

Generated from \`src/operator/options.ts\` by \`npm run gen\`.

| flag | default | meaning |
|---|---|---|
${rows.join('\n')}

| environment | meaning |
|---|---|
| \`POD_NAME\`, \`POD_NAMESPACE\` | the operator's own pod: identity in the leader's Lease, and where its Lease and webhook certificate are |
| \`OPERATOR_VERSION\` | version in \`status.operatorVersion\`; the program's own when absent |
| \`MIZZEN_TEMPLATES\`, \`MIZZEN_CRDS\` | as \`--templates-dir\` and \`--crds-dir\` |
| \`RELATED_IMAGE_<VERSION>_<IMAGE>\` | image in place of a version's own, for example \`RELATED_IMAGE_V3_1_PROXY=registry.example.com/mizzen/mizzen-proxy@sha256:...\`; images are DISCOVERY, PROXY and CNI (installation.md) |
| \`KUBECONFIG\` | API server and credentials; the pod's service account when absent |
`;
}

function staleFiles(wanted: ReadonlyMap<string, string>): string[] {
  const folder = join(root, 'crds');
  const present = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : [];
  return present.map((file) => `crds/${file}`).filter((path) => !wanted.has(path));
}

async function main({ values: { check } }: CommandLine<typeof OPTIONS>): Promise<number> {
  execFileSync(process.execPath, [join(root, 'tools/generate-xds.ts')], { stdio: 'inherit' });
  const wanted = outputs();
  const stale = staleFiles(wanted);
  const differing = [...wanted].filter(([path, text]) => !existsSync(join(root, path)) || readFileSync(join(root, path), 'utf8') !== text).map(([path]) => path);
  if (check) {
    for (const path of [...differing, ...stale]) process.stdout.write(`${relative(process.cwd(), join(root, path))} is not what the code generates; run npm run gen\n`);
    return differing.length + stale.length === 0 ? 0 : 1;
  }
  for (const path of differing) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), wanted.get(path) ?? '');
  }
  for (const path of stale) rmSync(join(root, path));
  process.stdout.write(`${wanted.size} generated files, ${differing.length} written, ${stale.length} removed\n`);
  return 0;
}

await runProgram(USAGE, main);
