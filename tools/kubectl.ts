// Brings a stock kubectl for tests: the one named by MIZZEN_KUBECTL, or one built from its Go modules into .cache/bin.
// Prints its path; prints nothing and exits with status 3 where there is no Go to build it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = join(root, 'tools/kubectl');
const binary = join(root, '.cache/bin/kubectl');
const stampFile = `${binary}.stamp`;

/** Path of a kubectl, built when it is missing or older than its module; undefined where there is no Go. */
export function provideKubectl(): string | undefined {
  const given = process.env['MIZZEN_KUBECTL'];
  if (given !== undefined && given !== '') return given;
  const moduleFile = readFileSync(join(source, 'go.mod'), 'utf8');
  const version = /k8s\.io\/kubectl (v\S+)/.exec(moduleFile)?.[1]?.replace('v0.', 'v1.') ?? '';
  const stamp = createHash('sha256').update(moduleFile).update(readFileSync(join(source, 'main.go'))).digest('hex');
  if (existsSync(binary) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return binary;
  if (spawnSync('go', ['version']).status !== 0) return undefined;
  mkdirSync(dirname(binary), { recursive: true });
  process.stderr.write(`building kubectl ${version} from its Go modules (once, about two minutes) ...\n`);
  const flags = ['gitVersion=' + version, 'gitMajor=1', 'gitMinor=' + (version.split('.')[1] ?? '')].map((setting) => `-X k8s.io/component-base/version.${setting}`).join(' ');
  const build = spawnSync('go', ['build', '-trimpath', '-ldflags', `-s -w ${flags}`, '-o', binary, '.'], { cwd: source, env: { ...process.env, CGO_ENABLED: '0' }, encoding: 'utf8' });
  if (build.status !== 0) {
    // On a developer's machine the modules may be out of reach; continuous integration must not lose the suite silently.
    if (process.env['CI'] === 'true') throw new Error(`kubectl could not be built: ${build.stderr}`);
    process.stderr.write(`kubectl could not be built, so the suite that needs it is skipped: ${build.stderr.trim().split('\n').at(-1) ?? ''}\n`);
    return undefined;
  }
  writeFileSync(stampFile, stamp);
  return binary;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = provideKubectl();
  if (path === undefined) {
    process.stderr.write('no kubectl: there is no Go here to build one; set MIZZEN_KUBECTL to a kubectl binary.\n');
    process.exit(3);
  }
  process.stdout.write(`${path}\n`);
}
