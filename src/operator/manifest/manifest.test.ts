import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { expectGolden } from '../../../test/support/golden.ts';
import type { ControlPlaneSpec } from '../../shared/api/maistra/v2/spec.ts';
import { gatewayApiKinds } from '../../shared/api/gateway-api/kinds.ts';
import { ISTIO_KINDS } from '../../shared/api/istio-kinds.ts';
import type { ResourceType } from '../../shared/api/meta/index.ts';
import { managedKindOf, managedKinds } from '../apply/index.ts';
import { readTextFiles } from '../template-files.ts';
import { checkVersionChange, digestText, parseVersionRegistry, VersionRegistry } from '../versions/index.ts';
import { effectiveSpec, planChanges, renderControlPlane, type Facts, type Rendering } from './index.ts';
import { differingPaths } from './plan.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const templates = readTextFiles(join(root, 'templates'));
const registry = parseVersionRegistry(templates);
const facts: Facts = { namespace: 'istio-system', name: 'basic', uid: '00000000-0000-0000-0000-000000000001', meshGeneration: '3.1.0-1', rootCertificate: '-----BEGIN CERTIFICATE-----\nroot\n-----END CERTIFICATE-----\n', platform: 'kubernetes' };

function render(spec: ControlPlaneSpec, over: Partial<Facts> = {}): Rendering {
  const result = renderControlPlane(registry, spec, { ...facts, ...over });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function cases(version: string): string[] {
  return readdirSync(join(root, 'test/golden/manifests', version)).flatMap((file) => /^(.+)\.in\.yaml$/.exec(file)?.[1] ?? []);
}

function input(version: string, name: string): ControlPlaneSpec {
  return parse(readFileSync(join(root, 'test/golden/manifests', version, `${name}.in.yaml`), 'utf8')) as ControlPlaneSpec;
}

describe('renderControlPlane', () => {
  for (const version of registry.installable) {
    for (const name of cases(version)) {
      it(`gives the manifests of ${version} ${name}`, () => {
        const text = render(input(version, name)).waves.map((wave) => `# wave ${wave.name}: ${wave.components.join(', ')}\n${wave.manifests.map(({ object }) => `---\n${stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('')}`).join('');
        expectGolden(join(root, 'test/golden/manifests', version, `${name}.out.yaml`), text);
      });
    }
  }

  it('gives the plan of an upgrade', () => {
    for (const name of cases('v3.1')) {
      const old = render(input('v3.0', name)).waves.flatMap((wave) => wave.manifests.map(({ object }) => object));
      const desired = render(input('v3.1', name), { meshGeneration: '3.1.0-2' }).waves.flatMap((wave) => wave.manifests);
      const plan = planChanges(desired, old).filter((change) => change.action !== 'unchanged');
      expectGolden(join(root, 'test/golden/upgrades/v3.0-v3.1', `${name}.plan.yaml`), stringify(plan, { lineWidth: 0 }));
    }
  });

  it('renders only kinds that the operator manages, and covers what it grants by what it holds', () => {
    const held = parseRules(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'));
    for (const version of registry.installable) {
      for (const name of cases(version)) {
        for (const { object } of render(input(version, name)).waves.flatMap((wave) => wave.manifests)) {
          const type = managedKindOf(object);
          for (const verb of ['get', 'list', 'watch', 'create', 'patch', 'delete']) expect(held.has(`${type.group}/${type.plural}:${verb}`), `${verb} ${type.plural}`).toBe(true);
          for (const grant of grants((object as { rules?: Rule[] }).rules ?? [])) expect(held.has(grant), `${object.kind} ${object.metadata?.name ?? ''} grants ${grant}`).toBe(true);
        }
      }
    }
    expect([...held].some((grant) => grant.includes('*'))).toBe(false);
  });

  it('lets the operator hold nothing that it neither uses nor grants', () => {
    const granted = registry.installable.flatMap((version) => cases(version).flatMap((name) => render(input(version, name)).waves.flatMap((wave) => wave.manifests.flatMap(({ object }) => grants((object as { rules?: Rule[] }).rules ?? [])))));
    const own = ['maistra.io/servicemeshcontrolplanes', 'maistra.io/servicemeshmemberrolls', 'maistra.io/servicemeshmembers', '/namespaces', '/pods', '/events', 'apiextensions.k8s.io/customresourcedefinitions', 'authorization.k8s.io/subjectaccessreviews', 'coordination.k8s.io/leases'];
    const known = new Set([...granted.map((grant) => grant.replace(/:.*$/, '')), ...managedKinds.map(({ group, plural }) => `${group}/${plural}`), ...own]);
    for (const grant of parseRules(readFileSync(join(root, 'deploy/operator.yaml'), 'utf8'))) expect([...known], grant).toContain(grant.replace(/(\/status|\/finalizers)?:.*$/, ''));
  });

  it('grants the control plane only what its code reads or writes', async () => {
    const used = await kindsUsedByControlPlane();
    for (const { object } of render(input('v3.1', 'production')).waves.flatMap((wave) => wave.manifests)) {
      if (!/^istiod-/.test(object.metadata?.name ?? '')) continue;
      for (const grant of grants((object as { rules?: Rule[] }).rules ?? [])) expect([...used], `${object.kind} ${object.metadata?.name ?? ''}: ${grant}`).toContain(grant.replace(/(\/status)?:.*$/, ''));
    }
  });

  it.each(registry.installable)('lets the control plane of %s make workloads of Gateways unless that is turned off', (version) => {
    const makes = (env: Record<string, string>): string[] => render({ version, runtime: { components: { pilot: { container: { env } } } } }).waves
      .flatMap((wave) => wave.manifests).flatMap(({ object }) => (object.metadata?.name?.startsWith('istiod-gateway-controller-') ? [object.kind ?? ''] : []));
    expect(makes({}).sort()).toEqual(['ClusterRole', 'RoleBinding']);
    expect(makes({ PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: 'true' })).toHaveLength(2);
    expect(makes({ PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER: 'false' })).toEqual([]);
  });

  it('writes ISTIO_DELTA_XDS and native sidecars by version', () => {
    const values = (version: string) => render({ version }).values as { injectionValues: { sidecarInjection: object }; ingressGateways: { env: { name: string; value: string }[] }[] };
    expect(values('v3.0').injectionValues.sidecarInjection).toEqual({ nativeSidecars: false });
    expect(values('v3.1').injectionValues.sidecarInjection).toEqual({ nativeSidecars: true });
    expect(values('v3.0').ingressGateways[0]?.env).toContainEqual({ name: 'ISTIO_DELTA_XDS', value: 'false' });
    expect(values('v3.1').ingressGateways[0]?.env).toContainEqual({ name: 'ISTIO_DELTA_XDS', value: 'true' });
  });

  it('says what is wrong with a version that is not there or not installed any more', () => {
    const unknown = renderControlPlane(registry, { version: 'v9.9' }, facts);
    expect(unknown.ok ? '' : unknown.error[0]?.message).toContain('supported versions are: v3.1, v3.0');
    const old = renderControlPlane(registry, { version: 'v2.6' }, facts);
    expect(old.ok ? '' : old.error[0]?.message).toContain('set spec.version: v3.0 to adopt this mesh');
    // Whatever the message advises is then allowed.
    for (const { name, status } of registry.entries.filter((entry) => entry.status === 'eol')) {
      const result = registry.directory(name);
      const advised = /set spec\.version: (\S+) to adopt/.exec(result.ok ? '' : result.error[0]?.message ?? '')?.[1];
      if (advised !== undefined) expect(checkVersionChange(registry, name, advised), `${status} ${name}`).toEqual([]);
      else expect(result.ok ? '' : result.error[0]?.message).toMatch(/upgrade it with the operator that installed it to v2\.6, v2\.5, v2\.4, v2\.3 first, then set spec\.version: v3\.0$/);
    }
  });

  it('reports a template that does not render', () => {
    const broken = new Map(templates).set('v3.0/components/cni/daemon-set.yaml.hbs', '{{#if');
    const result = renderControlPlane(parseVersionRegistry(broken), { version: 'v3.0' }, facts);
    expect(result.ok ? '' : result.error[0]?.code).toBe('MESH_OP_TEMPLATE');
  });
});

describe('effectiveSpec', () => {
  const files = (entries: Record<string, string>) => new Map(Object.entries(entries).map(([name, text]) => [`profiles/${name}.yaml`, text]));

  it('fills what is missing, the last profile first, and keeps what the user wrote', () => {
    const result = effectiveSpec({ profiles: ['a', 'b'], cluster: { name: 'mine' } }, files({ a: 'cluster: {name: a, network: a}\nmode: MultiTenant', b: 'profiles: [c]\ncluster: {network: b}', c: 'tracing: {type: None}' }));
    expect(result).toEqual({ ok: true, value: { profiles: ['a', 'b'], cluster: { name: 'mine', network: 'b' }, mode: 'MultiTenant', tracing: { type: 'None' } } });
  });

  it('refuses a profile that names itself, and one that does not exist', () => {
    const cycle = effectiveSpec({ profiles: ['a'] }, files({ a: 'profiles: [b]', b: 'profiles: [a]' }));
    expect(cycle.ok ? '' : cycle.error[0]?.message).toBe("profile 'a' names itself through a -> b -> a");
    const missing = effectiveSpec({ profiles: ['../a'] }, files({ a: '{}' }));
    expect(missing.ok ? '' : missing.error[0]?.message).toBe("profile '../a' does not exist; there are: a");
  });
});

describe('versions', () => {
  it('are frozen once they are released', () => {
    for (const { name, released } of registry.entries) {
      if (released === undefined) continue;
      const own = new Map([...templates].filter(([path]) => path.startsWith(`${name}/`)).map(([path, text]) => [path.slice(name.length + 1), text]));
      expect(`sha256:${createHash('sha256').update(digestText(own)).digest('hex')}`, `templates/${name} changed; it is frozen since ${released.on}: make a new version`).toBe(released.digest);
    }
  });

  it('allow only the changes that versions.yaml lists', () => {
    expect(checkVersionChange(registry, 'v3.0', 'v3.1')).toEqual([]);
    expect(checkVersionChange(registry, 'v3.1', 'v3.0')).toEqual([]);
    expect(checkVersionChange(registry, 'v2.6', 'v3.0')).toEqual([]);
    expect(checkVersionChange(registry, 'v2.6', 'v3.1')[0]?.message).toBe('cannot upgrade control plane from version v2.6 to v3.1: an upgrade to v3.1 is possible from: v3.0');
    const noWayBack = new VersionRegistry(registry.entries.map((entry) => ({ ...entry, downgradeTo: [] })), new Map());
    expect(checkVersionChange(noWayBack, 'v3.1', 'v3.0')).toHaveLength(1);
  });
});

describe('differingPaths', () => {
  it('looks only at what is desired', () => {
    expect(differingPaths({ a: 1, b: { c: [1, { d: 2 }] } }, { a: 1, b: { c: [1, { d: 2, e: 3 }], f: 1 } })).toEqual([]);
    expect(differingPaths({ a: 1, b: { c: [1] } }, { a: 2, b: { c: [1, 2] } })).toEqual(['a', 'b.c']);
    expect(differingPaths({ a: {} }, {})).toEqual([]);
  });
});

interface Rule { apiGroups?: string[]; resources?: string[]; verbs: string[] }

/** `group/plural` of every kind that the control plane's source names: its resource rows, the kinds of Istio that it ingests, its Lease and its reviews. */
async function kindsUsedByControlPlane(): Promise<Set<string>> {
  const folder = join(root, 'src/control-plane');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  const modules: object[] = await Promise.all([import('../../shared/api/core/cluster.ts'), import('../../shared/api/core/network.ts'), import('../../shared/api/core/workloads.ts'), import('../../shared/api/core/access.ts'), import('../../shared/api/maistra/v1/service-mesh-member-roll.ts')]);
  const rows = modules.flatMap((module) => Object.entries(module)).filter(([name]) => new RegExp(`\\b${name}\\b`).test(text)).map(([, row]) => row as ResourceType).filter((row) => typeof row.plural === 'string');
  const reviews = [['tokenReview', 'authentication.k8s.io/tokenreviews'], ['subjectAccessReview', 'authorization.k8s.io/subjectaccessreviews'], ['LeaderElector', 'coordination.k8s.io/leases']].filter(([name]) => new RegExp(`\\b${name}\\b`).test(text)).map(([, kind]) => kind ?? '');
  return new Set([...[...rows, ...ISTIO_KINDS, ...gatewayApiKinds.map(({ type }) => type)].map(({ group, plural }) => `${group}/${plural}`), ...reviews]);
}

function grants(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ apiGroups = [], resources = [], verbs }) => apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource}:${verb}`))));
}

function parseRules(text: string): Set<string> {
  const documents = text.split(/^---$/m).map((document) => parse(document) as { kind?: string; rules?: Rule[] } | null);
  return new Set(documents.flatMap((document) => (document?.kind === 'ClusterRole' ? grants(document.rules ?? []) : [])));
}
