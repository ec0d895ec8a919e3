// Prints each template directory's digest, or with --write puts it into templates/versions.yaml. Only for a version that is not released yet.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTextFiles } from '../src/operator/template-files.ts';
import { digestText } from '../src/operator/versions/index.ts';

const templates = join(dirname(fileURLToPath(import.meta.url)), '../templates');
const file = join(templates, 'versions.yaml');
let text = readFileSync(file, 'utf8');
for (const [, name = ''] of text.matchAll(/- name: (\S+)\n(?:.*\n)*?\s+digest: /g)) {
  const digest = `sha256:${createHash('sha256').update(digestText(readTextFiles(join(templates, name)))).digest('hex')}`;
  process.stdout.write(`${name} ${digest}\n`);
  text = text.replace(new RegExp(`(- name: ${name.replaceAll('.', '\\.')}\\n(?:(?!  - name).*\\n)*?\\s+digest: ).*`), `$1${digest}`);
}
if (process.argv.includes('--write')) writeFileSync(file, text);
