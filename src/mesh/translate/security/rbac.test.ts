// Goldens of authorization: policies in, the RBAC rules of one workload out, for requests and for plain connections.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { MeshConfig } from '../../../shared/api/mesh-config/mesh-config.ts';
import { AuthorizationPolicy } from '../../../shared/api/security/authorization-policy.ts';
import { RBAC } from '../../../shared/xds/generated/envoy/config/rbac/v3/rbac.ts';
import { expectGolden } from '../../../../test/support/golden.ts';
import { buildSnapshot } from '../../index.ts';
import { policiesFor } from '../../model/policy-selection.ts';
import { rbacFilters } from './rbac.ts';

const folder = new URL('../testdata/', import.meta.url);
const cases = parse(readFileSync(new URL('policies.yaml', folder), 'utf8')) as Record<string, object[]>;
const reviews = { namespace: 'bookinfo', labels: { app: 'reviews', version: 'v1' } };

function filtersOf(policies: readonly object[], tcp: boolean) {
  const config = policies.map((policy) => AuthorizationPolicy.parse({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', ...policy }));
  const { snapshot } = buildSnapshot({ number: 1, meshConfig: MeshConfig.parse({}), rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', services: [], endpointSlices: [], pods: [], namespaces: [], config });
  return rbacFilters(policiesFor(snapshot.authorizationPolicies, 'istio-system', reviews), { trustDomains: ['cluster.local', 'old.example'], tcp });
}

const order = (policies: readonly object[], tcp: boolean): string[] => filtersOf(policies, tcp).map(({ action, shadow }) => `${action}${shadow ? ' (only logged)' : ''}`);

describe('authorization policies', () => {
  for (const [name, policies] of Object.entries(cases)) {
    it(`gives the golden rules of ${name}`, () => {
      const made = Object.fromEntries([['http', false], ['tcp', true]].map(([protocol, tcp]) => [protocol, filtersOf(policies, tcp === true).map(({ rules, ...filter }) => ({ ...filter, rules: RBAC.toJSON(RBAC.decode(RBAC.encode(rules).finish())) }))]));
      expectGolden(fileURLToPath(new URL(`rbac/${name}.json`, folder)), `${JSON.stringify(made, null, 1)}\n`);
    });
  }

  it('asks AUDIT, then DENY, then ALLOW, whatever the order of the objects', () => {
    expect(order(cases['deny-before-allow'] ?? [], false)).toEqual(['AUDIT', 'DENY', 'ALLOW']);
    expect(order([...(cases['deny-before-allow'] ?? [])].reverse(), false)).toEqual(['AUDIT', 'DENY', 'ALLOW']);
  });

  it('keeps what is only tried apart from what is in force', () => {
    expect(order(cases['dry-run'] ?? [], false)).toEqual(['DENY', 'DENY (only logged)']);
  });

  it('makes an ALLOW of requests let no plain connection in, and one of another workload nothing', () => {
    const [allow] = filtersOf(cases['allow-requests-only'] ?? [], true);
    expect([allow?.action, Object.keys(allow?.rules.policies ?? {})]).toEqual(['ALLOW', []]);
    expect(filtersOf(cases['other-workload'] ?? [], false)).toEqual([]);
  });
});
