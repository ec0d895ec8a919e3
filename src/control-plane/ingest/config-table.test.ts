// What becomes of an Istio object at ingest and, by the same checks, at the webhook.
import { describe, expect, it } from 'vitest';
import { AuthorizationPolicyType } from '../../shared/api/security/authorization-policy.ts';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import { programMetrics } from '../../shared/observability/index.ts';
import { checkConfig, ConfigTable, istioKind } from './config-table.ts';

function row(kind: string) {
  const found = istioKind(kind);
  if (!found) throw new Error(`no kind ${kind}`);
  return found;
}

const object = (kind: string, spec: object, name = 'x'): KubernetesObject =>
  ({ apiVersion: `${row(kind).group}/${row(kind).version}`, kind, metadata: { name, namespace: 'shop', resourceVersion: '7', managedFields: [{}] }, spec, status: { old: true } }) as KubernetesObject;

const levels = (kind: string, spec: object): string[] => checkConfig(row(kind), object(kind, spec)).issues.map(({ level, code, path }) => `${level} ${code} ${path ?? ''}`);

describe('checkConfig', () => {
  it('leaves out what changes without meaning', () => {
    const { object: parsed } = checkConfig(row('PeerAuthentication'), object('PeerAuthentication', { mtls: { mode: 'STRICT' } }));
    expect(parsed).toEqual({ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'x', namespace: 'shop' }, spec: { mtls: { mode: 'STRICT' } } });
  });

  it.each([
    ['a misspelt selector of a policy', 'AuthorizationPolicy', { action: 'DENY', selctor: { matchLabels: { app: 'a' } }, rules: [{}] }, 'error MESH_UNKNOWN_FIELD spec.selctor'],
    ['a misspelt condition of a source', 'AuthorizationPolicy', { rules: [{ from: [{ source: { principals: ['a'], ipBlock: ['10.0.0.0/8'] } }] }] }, 'error MESH_UNKNOWN_FIELD spec.rules[0].from[0].source.ipBlock'],
    ['a misspelt mode', 'PeerAuthentication', { mtsl: { mode: 'STRICT' } }, 'error MESH_UNKNOWN_FIELD spec.mtsl'],
    ['an unknown field of a route, which harms nobody', 'VirtualService', { hosts: ['a.b'], http: [{ route: [{ destination: { host: 'a' } }], newThing: 1 }] }, 'warning MESH_UNKNOWN_FIELD spec.http[0].newThing'],
  ])('reports %s', (_name, kind, spec, expected) => {
    expect(levels(kind, spec)).toEqual([expected]);
    expect(checkConfig(row(kind), object(kind, spec)).object !== undefined).toBe(expected.startsWith('warning'));
  });

  it('names the field that does not parse, with its object', () => {
    const { issues } = checkConfig(row('AuthorizationPolicy'), object('AuthorizationPolicy', { rules: [{ when: [{ values: ['a'] }] }] }));
    expect(issues).toMatchObject([{ code: 'IST0106', path: 'spec.rules[0].when[0].key', object: { kind: 'AuthorizationPolicy', namespace: 'shop', name: 'x' } }]);
  });
});

describe('ConfigTable', () => {
  const specOf = (table: ConfigTable, kind: string): unknown => table.objects.get(`${kind}/shop/x`)?.spec;

  it('keeps the last valid version in force and the issues of the present one', () => {
    const table = new ConfigTable();
    table.put(row('PeerAuthentication'), object('PeerAuthentication', { mtls: { mode: 'STRICT' } }));
    table.put(row('PeerAuthentication'), object('PeerAuthentication', { mtls: { mode: 'NONE' } }));
    expect(specOf(table, 'PeerAuthentication')).toEqual({ mtls: { mode: 'STRICT' } });
    expect(table.issues.get('PeerAuthentication/shop/x')).toHaveLength(1);
    table.put(row('PeerAuthentication'), object('PeerAuthentication', { mtls: { mode: 'DISABLE' } }));
    expect([specOf(table, 'PeerAuthentication'), table.issues.size]).toEqual([{ mtls: { mode: 'DISABLE' } }, 0]);
  });

  it('takes no RequestAuthentication into force of which a part is not enforced, and says so', () => {
    const table = new ConfigTable();
    table.put(row('RequestAuthentication'), object('RequestAuthentication', { targetRef: { kind: 'Service', name: 's' }, jwtRules: [{ issuer: 'https://i' }] }));
    expect(table.objects.size).toBe(0);
    expect(table.issues.get('RequestAuthentication/shop/x')?.[0]?.message).toContain('the policy would apply to nothing');
    table.put(row('RequestAuthentication'), object('RequestAuthentication', { jwtRules: [{ issuer: 'https://i' }] }));
    expect([table.objects.size, table.issues.size]).toEqual([1, 0]);
  });

  it('keeps a stored DENY in force for its rules that can be enforced, but not over a whole one', () => {
    const table = new ConfigTable();
    const partial = (path: string): object => ({ action: 'DENY', rules: [{ to: [{ operation: { paths: [path], ports: ['80'] } }] }, { when: [{ key: 'experimental.envoy.filters.a.b[c]', values: ['x'] }] }] });
    table.put(row('AuthorizationPolicy'), object('AuthorizationPolicy', partial('/admin')));
    expect(specOf(table, 'AuthorizationPolicy')).toEqual(partial('/admin'));
    table.put(row('AuthorizationPolicy'), object('AuthorizationPolicy', partial('/secret')));
    expect(specOf(table, 'AuthorizationPolicy')).toEqual(partial('/secret'));
    const whole = { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/a'], ports: ['80'] } }] }] };
    table.put(row('AuthorizationPolicy'), object('AuthorizationPolicy', whole));
    table.put(row('AuthorizationPolicy'), object('AuthorizationPolicy', partial('/admin')));
    expect(specOf(table, 'AuthorizationPolicy')).toEqual(whole);
    expect(table.issues.size).toBe(1);
  });

  it('counts the objects whose present version is invalid', async () => {
    const table = new ConfigTable();
    const invalid = async (): Promise<string | undefined> => /^pilot_invalid_config_objects\S* (\d+)$/m.exec(await programMetrics.render())?.[1];
    table.put(row('RequestAuthentication'), object('RequestAuthentication', { jwtRules: [{}] }));
    table.put(row('VirtualService'), object('VirtualService', {}));
    expect(await invalid()).toBe('2');
    table.remove(row('VirtualService'), 'shop/x');
    expect([await invalid(), table.issues.size]).toEqual(['1', 1]);
    expect(istioKind('AuthorizationPolicy', 'wrong.group')).toBeUndefined();
    expect(istioKind('AuthorizationPolicy', AuthorizationPolicyType.group)?.plural).toBe('authorizationpolicies');
  });
});
