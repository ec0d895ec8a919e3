// Brings a stock kubectl for tests: the one named by MIZZEN_KUBECTL, or one built from its Go modules into the cache.
// Prints its path; prints nothing and exits with status 3 where there is no Go to build it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGoModule, GoModuleError } from './toolchain/go-module.ts';
import { runProgram } from './toolchain/program.ts';

const source = fileURLToPath(new URL('kubectl/', import.meta.url));

/** Path of a kubectl, built when the cache has none of its module's content; undefined where there is no Go. */
export async function provideKubectl(): Promise<string | undefined> {
  const given = process.env['MIZZEN_KUBECTL'];
  if (given !== undefined && given !== '') return given;
  const version = /k8s\.io\/kubectl (v\S+)/.exec(readFileSync(join(source, 'go.mod'), 'utf8'))?.[1]?.replace('v0.', 'v1.') ?? '';
  const flags = ['gitVersion=' + version, 'gitMajor=1', 'gitMinor=' + (version.split('.')[1] ?? '')].map((setting) => `-X k8s.io/component-base/version.${setting}`).join(' ');
  try {
    const folder = await buildGoModule({ source, name: 'kubectl', version, programs: { kubectl: ['build', '-trimpath', '-ldflags', `-s -w ${flags}`, '.'] }, title: 'kubectl', duration: 'about two minutes' }, { progress: (line) => process.stderr.write(`${line}\n`) });
    return join(folder, 'kubectl');
  } catch (error) {
    if (!(error instanceof GoModuleError)) throw error;
    if (error.missingGo) return undefined;
    // On a developer's machine the modules may be out of reach; continuous integration must not lose the suite silently.
    if (process.env['CI'] === 'true') throw error;
    process.stderr.write(`kubectl could not be built, so the suite that needs it is skipped: ${error.message.split('\n').at(-1) ?? ''}\n`);
    return undefined;
  }
}

async function main(): Promise<number> {
  const path = await provideKubectl();
  if (path === undefined) {
    process.stderr.write('no kubectl: there is no Go here to build one; set MIZZEN_KUBECTL to a kubectl binary.\n');
    return 3;
  }
  process.stdout.write(`${path}\n`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await runProgram({ program: 'kubectl', command: 'node tools/kubectl.ts', about: 'Builds a stock kubectl for tests unless the cache has it, and prints its path.', options: {} }, main);
