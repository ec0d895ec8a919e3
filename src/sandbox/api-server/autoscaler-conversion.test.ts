// autoscaling/v1 beside the version that is stored, seen by a client that writes one and reads the other.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await TestCluster.start('127.77.0.31'); });
afterAll(async () => { await cluster.stop(); });

const at = (version: string): string => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
const cpu = { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } };
const METRICS = 'autoscaling.alpha.kubernetes.io/metrics';
const BEHAVIOR = 'autoscaling.alpha.kubernetes.io/behavior';

describe('an autoscaler', () => {
  it('written in version 1 has its use of processors as a metric in version 2', async () => {
    expect((await cluster.post(at('v1'), { metadata: { name: 'first' }, spec: { scaleTargetRef: target, maxReplicas: 4, targetCPUUtilizationPercentage: 60 } })).code).toBe(201);
    expect((await cluster.get(`${at('v2')}/first`)).body).toMatchObject({ apiVersion: 'autoscaling/v2', spec: { scaleTargetRef: target, minReplicas: 1, maxReplicas: 4, metrics: [cpu] } });
    const { body } = await cluster.get(`${at('v1')}/first`);
    expect(body.spec).toEqual({ scaleTargetRef: target, minReplicas: 1, maxReplicas: 4, targetCPUUtilizationPercentage: 60 });
    expect(body.status).toEqual({ currentReplicas: 0, desiredReplicas: 0 });
    expect(body.metadata.annotations).toBeUndefined();
  });

  it('without any metric is measured by processors', async () => {
    const made = await cluster.post(at('v1'), { metadata: { name: 'plain' }, spec: { scaleTargetRef: target, maxReplicas: 2 } });
    expect(made.body.spec.targetCPUUtilizationPercentage).toBe(80);
  });

  it('carries what version 1 cannot say in annotations, there and back', async () => {
    const metrics = [
      { type: 'Pods', pods: { metric: { name: 'packets' }, target: { type: 'AverageValue', averageValue: '1k' } } },
      { type: 'Object', object: { describedObject: { apiVersion: 'v1', kind: 'Service', name: 's' }, metric: { name: 'hits' }, target: { type: 'Value', value: '10' } } },
      { type: 'External', external: { metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } }, target: { type: 'AverageValue', averageValue: '30' } } },
      cpu,
    ];
    const behavior = { scaleDown: { stabilizationWindowSeconds: 60, policies: [{ type: 'Pods', value: 1, periodSeconds: 15 }] } };
    await cluster.post(at('v2'), { metadata: { name: 'rich', annotations: { own: 'kept' } }, spec: { scaleTargetRef: target, maxReplicas: 9, metrics, behavior } });
    const { body: first } = await cluster.get(`${at('v1')}/rich`);
    expect(first.spec.targetCPUUtilizationPercentage).toBe(60);
    expect(JSON.parse(first.metadata.annotations[METRICS])).toEqual([
      { type: 'Pods', pods: { metricName: 'packets', targetAverageValue: '1k' } },
      { type: 'Object', object: { target: { apiVersion: 'v1', kind: 'Service', name: 's' }, metricName: 'hits', targetValue: '10' } },
      { type: 'External', external: { metricName: 'queue', metricSelector: { matchLabels: { q: 'a' } }, targetAverageValue: '30' } },
    ]);
    expect(JSON.parse(first.metadata.annotations[BEHAVIOR])).toMatchObject({ ScaleUp: null, ScaleDown: { StabilizationWindowSeconds: 60, Policies: [{ Type: 'Pods', Value: 1, PeriodSeconds: 15 }] } });
    expect((await cluster.put(`${at('v1')}/rich`, { ...first, spec: { ...first.spec, maxReplicas: 10 } })).code).toBe(200);
    const { body: second } = await cluster.get(`${at('v2')}/rich`);
    expect(second.spec).toEqual({ scaleTargetRef: target, minReplicas: 1, maxReplicas: 10, metrics, behavior });
    expect(second.metadata.annotations).toEqual({ own: 'kept' });
  });

  it('takes an annotation that is nonsense for none', async () => {
    await cluster.post(at('v1'), { metadata: { name: 'odd', annotations: { [METRICS]: '{', [BEHAVIOR]: '7' } }, spec: { scaleTargetRef: target, maxReplicas: 2, targetCPUUtilizationPercentage: 60 } });
    expect((await cluster.get(`${at('v2')}/odd`)).body.spec).toEqual({ scaleTargetRef: target, minReplicas: 1, maxReplicas: 2, metrics: [cpu] });
  });
});
