// Every program of the tools, as a user calls it wrongly: one line, no stack, status 2; and --help, status 0, without doing anything.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

function call(script: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [join(root, 'tools', script), ...args], { cwd: root, encoding: 'utf8', env: { ...process.env, ...environment } });
}

const PROGRAMS = {
  'test.ts': 'test', 'test-interop.ts': 'test:interop', 'test-apiserver.ts': 'test:apiserver', 'test-cluster.ts': 'test:cluster', 'test-k3s.ts': 'test:k3s', 'images.ts': 'images', 'build.ts': 'build',
  'generate.ts': 'gen', 'check.ts': 'check', 'template-digest.ts': 'template-digest', 'kubectl.ts': 'kubectl', 'peers/index.ts': 'peers', 'cluster/up.ts': 'cluster:up', 'cluster/down.ts': 'cluster:down',
};

it.each(Object.entries(PROGRAMS))('%s says what it is called with wrongly, and how to be called', (script, name) => {
  const { status, stdout, stderr } = call(script, ['--no-such-option']);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(new RegExp(`^${name}: there is no option --no-such-option.*--help.* lists the options\\.\\n$`));
}, 60_000);

it.each(['test.ts', 'test-interop.ts', 'images.ts', 'cluster/down.ts'] as const)('%s prints its own help, and does nothing else', (script) => {
  const { status, stdout, stderr } = call(script, ['--help']);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('--help');
  expect(stdout).not.toMatch(/Usage:|vitest\//);
}, 60_000);

it.each([
  ['test-cluster.ts', ['--ip-family', 'typo'], "test:cluster: --ip-family is ipv4 or dual, not 'typo'."],
  ['test-cluster.ts', ['--nodes', 'two'], "test:cluster: --nodes is a whole number from 1 to 4, not 'two'."],
  ['images.ts', ['--version', 'v9.9.9'], "images: --version is v3.0.0 or v3.1.0, not 'v9.9.9'."],
  ['images.ts', ['--arch', 'mips'], "images: --arch is amd64 or arm64, not 'mips'."],
  ['test-apiserver.ts', ['--kubernetes', '1.20'], "test:apiserver: --kubernetes is 1.35 or 1.36, not '1.20'."],
  ['cluster/up.ts', ['--image', 'none.tar'], 'cluster:up: --image none.tar: there is no such file'],
])('%s %j', (script, args, line) => {
  const { status, stdout, stderr } = call(script, args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.startsWith(line), stderr).toBe(true);
}, 60_000);

const NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups'];
const asNobody = (args: readonly string[], environment: Readonly<Record<string, string>>): { status: number | null; stderr: string } =>
  spawnSync('setpriv', [...NOBODY, process.execPath, ...args], { cwd: '/', encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '', ...environment } });

// Another user is to be had by root alone, and only where he may read this folder.
it.skipIf(process.getuid?.() !== 0 || asNobody([join(root, 'tools/kubectl.ts'), '--help'], {}).status !== 0)('a user without a home is told to name a folder of his own', () => {
  const { status, stderr } = asNobody([join(root, 'tools/kubectl.ts')], { HOME: '/nonexistent' });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^kubectl: what is built or fetched once is kept in \/nonexistent\/\.cache\/mizzen, which this user cannot write; set MIZZEN_CACHE to a folder of your own/);
}, 60_000);
