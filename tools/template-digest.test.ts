// A version's templates before and after its release, on a copy of the real ones.
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freezeVersion, templateStates } from './template-digest.ts';

let templates = '';
beforeEach(() => {
  templates = mkdtempSync(join(tmpdir(), 'mizzen-templates-'));
  cpSync(fileURLToPath(new URL('../templates', import.meta.url)), templates, { recursive: true });
});
afterEach(() => rmSync(templates, { recursive: true, force: true }));

const stateOf = (name: string): string | undefined => templateStates(templates).find((state) => state.name === name)?.state;
const change = (): void => appendFileSync(join(templates, 'v3.0/version.yaml'), '# more\n');

it('a version may change until it is released, and then no more; others may', () => {
  change();
  expect(stateOf('v3.0')).toBe('open');
  freezeVersion(templates, 'v3.0', '2027-01-02');
  expect(readFileSync(join(templates, 'versions.yaml'), 'utf8')).toMatch(/- name: v3\.0\n {4}released: \{ on: '2027-01-02', digest: 'sha256:[0-9a-f]{64}' \}\n/);
  expect([stateOf('v3.0'), stateOf('v3.1')]).toEqual(['frozen', 'open']);
  change();
  expect(templateStates(templates).find(({ name }) => name === 'v3.0')?.line).toContain('CHANGED since its release on 2027-01-02');
});

it('a release is of a version that there is, and made once', () => {
  expect(() => freezeVersion(templates, 'v2.6', '2027-01-02')).toThrow("--release is one of v3.1, v3.0, not 'v2.6'");
  freezeVersion(templates, 'v3.0', '2027-01-02');
  expect(() => freezeVersion(templates, 'v3.0', '2027-01-03')).toThrow('v3.0 is released already');
});

it('the versions of the project that are released are as they were then', () => {
  expect(templateStates(fileURLToPath(new URL('../templates', import.meta.url))).filter(({ state }) => state === 'changed')).toEqual([]);
});
