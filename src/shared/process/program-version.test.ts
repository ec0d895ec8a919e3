import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { buildVersion, versionDefine } from '../../../tools/program-version.ts';

const root = join(import.meta.dirname, '../../..');

function said(version: string, environment: Record<string, string> = {}): string {
  const entry = { contents: "import { PROGRAM_VERSION } from './program-version.ts'; process.stdout.write(PROGRAM_VERSION);", resolveDir: import.meta.dirname };
  const [file] = buildSync({ stdin: entry, bundle: true, write: false, platform: 'node', format: 'esm', minify: true, define: versionDefine(buildVersion(root, { MIZZEN_BUILD_VERSION: version })) }).outputFiles;
  return execFileSync(process.execPath, ['--input-type=module', '-e', file?.text ?? ''], { encoding: 'utf8', env: environment });
}

describe('the version of a program', () => {
  it('is the one that its image was built for, unless the environment says another', () => {
    expect(said('v3.0.0')).toBe('3.0.0');
    expect(said('3.1.0')).toBe('3.1.0');
    expect(said('3.1.0', { MIZZEN_VERSION: '3.0.0' })).toBe('3.0.0');
    expect(said('')).toBe((JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version);
    expect(() => said('newest')).toThrow('no version such as 3.1.0');
  });

  it('is written nowhere in the programs, and given to the build by the Dockerfile', () => {
    for (const file of readdirSync(join(root, 'src/main'))) expect(readFileSync(join(root, 'src/main', file), 'utf8'), file).not.toMatch(/['"`]\d+\.\d+\.\d+['"`]/);
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toMatch(/^ARG VERSION\b[^]*node tools\/images\.ts --stage \S+ --version \$\{VERSION\}/m);
  });

  it('belongs to images of which each has a target', () => {
    const table = readFileSync(join(root, 'src/main/mizzen.ts'), 'utf8');
    const named = [...table.matchAll(/'mizzen\/([a-z-]+)'/g)].map(([, name]) => name ?? '');
    const apps = [.../\[((?:'[a-z]+'(?:, )?)+)\]\.map\(\(app\)/.exec(table)?.[1]?.matchAll(/'([a-z]+)'/g) ?? []].map(([, app]) => `bookinfo-${app ?? ''}`);
    const targets = [...readFileSync(join(root, 'Dockerfile'), 'utf8').matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, name]) => name);
    expect(named.length + apps.length).toBe(9);
    expect(targets).toEqual(expect.arrayContaining([...named, ...apps]));
  });
});
