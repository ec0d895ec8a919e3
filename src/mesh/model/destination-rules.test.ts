// Several rules on one host: what is merged follows every one of them, and comes back as the same object while none changes.
import { describe, expect, it } from 'vitest';
import { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import { destinationRuleFor } from './destination-rules.ts';
import type { DestinationRuleRecord } from './snapshot.ts';

const host = 'reviews.shop.svc.cluster.local';
const meshConfig = MeshConfig.parse({});

function rule(name: string, spec: Partial<DestinationRuleRecord['spec']>): DestinationRuleRecord {
  return { name, namespace: 'shop', labels: {}, annotations: {}, createdAt: 1, source: `DestinationRule/shop/${name}`, spec: { host, ...spec } };
}

function inForce(...destinationRules: DestinationRuleRecord[]): DestinationRuleRecord | undefined {
  return destinationRuleFor({ destinationRules, rootNamespace: 'istio-system', meshConfig }, { host, namespace: 'shop' }, { namespace: 'shop', labels: {} });
}

describe('several rules on one host', () => {
  const first = rule('a', { subsets: [{ name: 'v1', labels: { version: 'v1' } }] });

  it('follows a change of the second rule\'s policy', () => {
    expect(inForce(first, rule('b', { trafficPolicy: { tls: { mode: 'DISABLE' } } }))?.spec.trafficPolicy?.tls?.mode).toBe('DISABLE');
    expect(inForce(first, rule('b', { trafficPolicy: { tls: { mode: 'ISTIO_MUTUAL' } } }))?.spec.trafficPolicy?.tls?.mode).toBe('ISTIO_MUTUAL');
  });

  it('loses a subset that the second rule lost', () => {
    const v2 = { name: 'v2', labels: { version: 'v2' } };
    const v3 = { name: 'v3', labels: { version: 'v3' } };
    expect(inForce(first, rule('b', { subsets: [v2, v3] }))?.spec.subsets?.map(({ name }) => name)).toEqual(['v1', 'v2', 'v3']);
    expect(inForce(first, rule('b', { subsets: [v2] }))?.spec.subsets?.map(({ name }) => name)).toEqual(['v1', 'v2']);
  });

  it('gives the same object while nothing changes, also when both name one subset', () => {
    const second = rule('b', { subsets: [{ name: 'v1', labels: { version: 'other' } }] });
    expect(inForce(first, second)).toBe(inForce(first, second));
    expect(inForce(first, second)?.spec.subsets).toEqual(first.spec.subsets);
  });
});
