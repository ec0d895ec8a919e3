// No string of a control plane may become structure: whatever stands in a field, the set of rendered objects stays the same or rendering is refused.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { readTextFiles } from '../template-files.ts';
import { parseVersionRegistry } from '../versions/index.ts';
import { renderControlPlane, type Facts } from './index.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const registry = parseVersionRegistry(readTextFiles(join(root, 'templates')));
const facts: Facts = { namespace: 'istio-system', name: 'basic', uid: '00000000-0000-0000-0000-000000000001', meshGeneration: '3.1.0-1', rootCertificate: 'root\n', platform: 'kubernetes' };
const evil = ['x/y:1\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: pwned }\n', 'x"}\nevil: "1', 'x, evil: y', 'a: b', '{{toYaml this}}', "x'\n  evil: 1"];

type Path = readonly (string | number)[];

/** Paths of all strings and numbers in `value`; a switch that is on adds objects rightly, so booleans are left alone. */
function leaves(value: unknown, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return typeof value === 'boolean' ? [] : [path];
  return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, Array.isArray(value) ? Number(key) : key]));
}

function withValue(value: unknown, [head, ...rest]: Path, leaf: string): unknown {
  if (head === undefined) return leaf;
  const copy = structuredClone(value) as Record<string | number, unknown>;
  copy[head] = withValue(copy[head], rest, leaf);
  return copy;
}

function objects(spec: ControlPlaneSpec): readonly { kind: string; text: string }[] | 'refused' {
  const result = renderControlPlane(registry, spec, facts);
  if (!result.ok) return 'refused';
  return result.value.waves.flatMap((wave) => wave.manifests.map(({ object }) => ({ kind: `${object.apiVersion} ${object.kind}`, text: JSON.stringify(object) })));
}

describe('strings of a control plane', () => {
  for (const version of registry.installable) {
    it(`never add objects or fields to ${version}`, () => {
      const spec = parse(readFileSync(join(root, 'test/golden/manifests', version, 'production.in.yaml'), 'utf8')) as ControlPlaneSpec;
      const wide = { ...spec, runtime: { ...spec.runtime, components: { ...spec.runtime?.components, pilot: { ...spec.runtime?.components?.['pilot'], container: { imageName: 'mizzend', imageTag: 'v1', imageRegistry: 'r' } } } } } as ControlPlaneSpec;
      const expected = objects(wide);
      if (expected === 'refused') throw new Error('the unchanged control plane does not render');
      const kinds = expected.map(({ kind }) => kind);
      let refused = 0;
      for (const path of leaves(wide)) {
        if (path[0] === 'version' || path[0] === 'profiles') continue;
        for (const value of evil) {
          const rendered = objects(withValue(wide, path, value) as ControlPlaneSpec);
          if (rendered === 'refused') {
            refused += 1;
            continue;
          }
          expect(rendered.map(({ kind }) => kind).filter((kind) => !kinds.includes(kind)), path.join('.')).toEqual([]);
          expect(rendered.filter(({ text }) => /"evil":|"name":"pwned"/.test(text)), path.join('.')).toEqual([]);
        }
      }
      expect(refused).toBeGreaterThan(0);
    }, 60_000);
  }
});
