// The size of each program's bundle: one that grew past its bound carries a library it should not, one that shrank has lost a part.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const KIB = 1024;
const MIB = 1024 * KIB;

/** Smallest and largest number of bytes that a program may have. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  cni: [8 * KIB, 40 * KIB],
  'container-view': [8 * KIB, 32 * KIB],
  'node-agent': [3 * MIB, 3.6 * MIB], // the client of the API server is most of it
  proxy: [700 * KIB, 2 * MIB],
  mizzend: [4 * MIB, 10 * MIB],
  operator: [10 * MIB, 26 * MIB],
  mizzen: [2 * MIB, 8 * MIB],
};

test('every program has bounds', () => {
  const programs = readdirSync(join(root, 'src/main')).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts')).map((file) => basename(file, '.ts'));
  expect(Object.keys(BOUNDS).sort()).toEqual(programs.sort());
});

test.each(Object.entries(BOUNDS))('the bundle of %s is within its bounds', (program, [smallest, largest]) => {
  const path = join(root, 'dist', `${program}.js`);
  expect(existsSync(path), `${path} is missing; build it with npm run build`).toBe(true);
  expect(statSync(path).size).toBeGreaterThanOrEqual(smallest);
  expect(statSync(path).size).toBeLessThanOrEqual(largest);
});

interface Coverage {
  readonly result: readonly { readonly url: string; readonly functions: readonly { readonly functionName: string; readonly ranges: readonly { readonly count: number }[] }[] }[];
}

/** The modules of a bundle that are loaded when they are asked for, with whether one run of it did. */
function modulesOf(program: string, args: readonly string[]): ReadonlyMap<string, boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'modules-'));
  try {
    execFileSync(process.execPath, [join(root, 'dist', `${program}.js`), ...args], { env: { NODE_V8_COVERAGE: folder }, stdio: ['ignore', 'ignore', 'inherit'] });
    const results = readdirSync(folder).flatMap((file) => (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Coverage).result);
    const functions = results.filter(({ url }) => url.endsWith(`/dist/${program}.js`)).flatMap((script) => script.functions);
    // Each such module is a function that bears its path.
    return new Map(functions.filter(({ functionName }) => /^(src|node_modules)\//.test(functionName)).map(({ functionName, ranges }) => [functionName, (ranges[0]?.count ?? 0) > 0]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('the init containers of a pod load the packet filter and not the client of the API server', () => {
  const modules = modulesOf('node-agent', ['istio-iptables', '--dry-run', '-p', '15001', '-z', '15006', '-u', '1337', '-m', 'REDIRECT', '-i', '*', '-b', '*']);
  expect([...modules.keys()]).toEqual(expect.arrayContaining(['src/shared/kube/kube-client.ts', 'src/node-agent/install/plugin-installer.ts']));
  const loaded = [...modules].filter(([, isLoaded]) => isLoaded).map(([path]) => path);
  expect(loaded).toContain('src/node-agent/firewall/capture-command.ts');
  expect(loaded.filter((path) => !/^src\/(node-agent\/(capture|firewall)|shared\/lib)\//.test(path))).toEqual([]);
});
