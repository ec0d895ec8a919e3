// The kinds that templates render, that the operator may write and that it takes away again are the same: one that is missing
// anywhere is an object that cannot be made, or is left behind.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { managedKinds } from '../../src/operator/apply/index.ts';

interface Role {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string };
  readonly rules?: readonly { readonly apiGroups: readonly string[]; readonly resources: readonly string[]; readonly verbs: readonly string[] }[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const named = (group: string, name: string): string => (group === '' ? name : `${name}.${group}`);

/** Kinds at the margin of the templates; a condition within the line gives all its answers. */
function renderedKinds(): Set<string> {
  const templates = readdirSync(join(root, 'templates'), { recursive: true, encoding: 'utf8' }).filter((path) => /^v[\d.]+\/components\/.*\.yaml\.hbs$/.test(path));
  expect(templates.length).toBeGreaterThan(20);
  return new Set(templates.flatMap((path) => {
    const text = readFileSync(join(root, 'templates', path), 'utf8');
    const kinds = [...text.matchAll(/^apiVersion: (\S+)\nkind: (.+)$/gm)].map(([, version = '', line = '']) => line.replace(/\{\{[^}]*\}\}/g, ' ').trim().split(/\s+/).map((kind) => named(version.includes('/') ? version.split('/')[0] ?? '' : '', kind)));
    expect(kinds.length, `${path} has a kind that is not right below its apiVersion`).toBe([...text.matchAll(/^kind: /gm)].length);
    return kinds.flat();
  }));
}

function operatorRules(): NonNullable<Role['rules']> {
  const objects = parseAllDocuments(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8')).map((document) => document.toJS() as Role | null);
  return objects.find((object) => object?.kind === 'ClusterRole' && object.metadata?.name === 'mizzen-operator')?.rules ?? [];
}

test('templates render the kinds that the operator takes away, but for the Secret that it writes itself', () => {
  const pruned = managedKinds.map(({ group, kind }) => named(group, kind));
  expect([...renderedKinds(), 'Secret'].sort()).toEqual(pruned.sort());
});

test('the operator may create and delete the kinds that it takes away, its own kinds and its Lease', () => {
  const written = operatorRules().filter(({ verbs }) => verbs.includes('create') && verbs.includes('delete')).flatMap(({ apiGroups, resources }) => apiGroups.flatMap((group) => resources.map((name) => named(group, name))));
  const own = ['servicemeshcontrolplanes', 'servicemeshmemberrolls', 'servicemeshmembers'].map((name) => named('maistra.io', name));
  expect(written.sort()).toEqual([...managedKinds.map(({ group, plural }) => named(group, plural)), ...own, 'leases.coordination.k8s.io'].sort());
});
