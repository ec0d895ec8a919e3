// Applying, readiness and pruning against an API server: the sandbox's in ring 1, a real one in ring 2.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeNamespaces, startTestApiServer, type TestApiServer } from '../../../test/support/test-api-server.ts';
import { ConfigMapResource, NamespaceResource, type ConfigMap } from '../../shared/api/core/cluster.ts';
import { DeploymentResource, type DaemonSet, type Deployment, type Pod } from '../../shared/api/core/workloads.ts';
import type { KubernetesObject } from '../../shared/api/meta/index.ts';
import type { KubeClient } from '../../shared/kube/index.ts';
import { differingPaths } from '../manifest/index.ts';
import { applyObject, applyObjects, daemonSetProblem, deploymentProblem, findUnready, listOwned, managedKindOf, pruneOwned } from './index.ts';

const NS = 'mesh';
let server: TestApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startTestApiServer(212);
  client = server.admin;
  await client.create(NamespaceResource, { metadata: { name: NS } });
});
afterAll(async () => {
  await removeNamespaces(server, [NS]);
  await server.stop();
});

const config = (data: Record<string, string>, labels: Record<string, string> = {}): KubernetesObject => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: NS, labels }, data }) as KubernetesObject;
const deployment = (app: string): KubernetesObject => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: NS },
  spec: { selector: { matchLabels: { app } }, template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } } },
}) as KubernetesObject;
const stored = (): Promise<ConfigMap> => client.get(ConfigMapResource, 'settings', NS);

describe('applyObject', () => {
  it('writes what is missing, what was changed, and what the template no longer has; else nothing', async () => {
    expect(await applyObjects(client, [config({ a: '1', b: '2' })], differingPaths)).toBe(1);
    expect(await applyObjects(client, [config({ a: '1', b: '2' })], differingPaths)).toBe(0);
    await client.patch(ConfigMapResource, 'settings', NS, { data: { a: 'changed', theirs: 'kept' } });
    expect(await applyObject(client, config({ a: '1', b: '2' }), differingPaths)).toBe(true);
    expect(await applyObject(client, config({ a: '1' }), differingPaths)).toBe(true);
    expect((await stored()).data).toEqual({ a: '1', theirs: 'kept' });
    expect(await applyObject(client, config({ a: '1' }), differingPaths)).toBe(false);
  });

  it('makes anew what cannot be changed in place', async () => {
    await applyObject(client, deployment('one'), differingPaths);
    const before = await client.get(DeploymentResource, 'web', NS);
    expect(await applyObject(client, deployment('two'), differingPaths)).toBe(true);
    const after = await client.get(DeploymentResource, 'web', NS);
    expect(after.metadata?.uid).not.toBe(before.metadata?.uid);
    expect(after.spec?.selector?.matchLabels).toEqual({ app: 'two' });
  });

  it('waits for an object that is being deleted, and refuses kinds that no role covers', async () => {
    await client.patch(ConfigMapResource, 'settings', NS, { metadata: { finalizers: ['test/held'] } });
    await client.delete(ConfigMapResource, 'settings', NS);
    await expect(applyObject(client, config({ a: '2' }), differingPaths)).rejects.toThrow('is being deleted; it is applied again when it is gone');
    await client.patch(ConfigMapResource, 'settings', NS, { metadata: { finalizers: null } });
    expect(() => managedKindOf({ apiVersion: 'batch/v1', kind: 'Job' })).toThrow('does not manage objects of kind Job');
  });
});

describe('pruneOwned', () => {
  it('deletes only what carries the labels and is obsolete', async () => {
    for (const [name, owner, generation] of [['old', 'a', '1'], ['new', 'a', '2'], ['other', 'b', '1']] as const) await client.create(ConfigMapResource, { metadata: { name, namespace: NS, labels: { owner, generation } } });
    expect(await pruneOwned(client, 'owner=a', (object) => object.metadata?.labels?.['generation'] === '1')).toEqual({ deleted: 1, waiting: [] });
    expect((await listOwned(client, 'owner')).map(({ object }) => object.metadata?.name).sort()).toEqual(['new', 'other']);
  });
});

describe('pruneOwned of a ServiceAccount', () => {
  const pod = (kind: string, name = 'agent'): Pod => ({
    metadata: { name, namespace: NS, ownerReferences: [{ apiVersion: 'apps/v1', kind, name: 'owner', uid: 'gone', controller: true }] }, spec: { serviceAccountName: 'agent', containers: [{ name: 'agent', image: 'agent:1' }] },
  });
  // What the server answers is this: pods of a node need no node here.
  const pruneBeside = async (pods: readonly Pod[]): Promise<{ result: unknown; deleted: string[] }> => {
    const deleted: string[] = [];
    const fake = {
      listAll: async (type: { kind: string }) => (type.kind === 'Pod' ? pods : ['Role', 'ServiceAccount', 'Secret'].includes(type.kind) ? [{ metadata: { name: 'agent', namespace: NS, uid: 'u' } }] : []),
      delete: async (type: { kind: string }) => { deleted.push(type.kind); return true; },
    };
    return { result: await pruneOwned(fake as unknown as KubeClient, 'owner=a', () => true), deleted };
  };
  const ending = (seconds: number): Pod => {
    const { metadata, ...rest } = pod('DaemonSet');
    return { ...rest, metadata: { ...metadata, deletionTimestamp: new Date(Date.now() + seconds * 1_000).toISOString() } };
  };

  it('waits until the pods of its DaemonSet have ended, and deletes all else', async () => {
    const waits = { result: { deleted: 2, waiting: ['agent'] }, deleted: ['Role', 'Secret'] };
    expect(await pruneBeside([pod('DaemonSet')])).toEqual(waits);
    expect(await pruneBeside([ending(60)])).toEqual(waits);
  });

  it('waits neither for other pods nor for one whose node is away', async () => {
    const done = { result: { deleted: 3, waiting: [] }, deleted: ['Role', 'ServiceAccount', 'Secret'] };
    expect(await pruneBeside([])).toEqual(done);
    expect(await pruneBeside([pod('ReplicaSet'), { ...pod('DaemonSet'), spec: { serviceAccountName: 'other', containers: [] } }])).toEqual(done);
    expect(await pruneBeside([{ ...pod('DaemonSet'), status: { phase: 'Failed' } }])).toEqual(done);
    expect(await pruneBeside([ending(-30)])).toEqual(done);
  });
});

describe('readiness', () => {
  const rolledOut = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  it.each([
    [{}, undefined], [{ observedGeneration: 1 }, 'the change has not been observed yet'], [{ updatedReplicas: 1 }, '1 of 2 replicas are updated'], [{ readyReplicas: 1 }, '1 of 2 replicas are ready'],
    [{ availableReplicas: 0 }, '0 of 2 replicas are ready'], [{ replicas: 3 }, '1 old replicas are still there'],
  ])('of a Deployment with %o: %s', (over, problem) => {
    expect(deploymentProblem({ metadata: { generation: 2 }, spec: { replicas: 2 }, status: { ...rolledOut, ...over } } as Deployment)).toBe(problem);
  });
  it.each([
    [{ observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3 }, undefined], [{ observedGeneration: 1 }, 'the change has not been observed yet'],
    [{ observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 1 }, '1 of 3 pods are updated'], [{ observedGeneration: 2, desiredNumberScheduled: 3, updatedNumberScheduled: 3, numberUnavailable: 1 }, '1 of 3 pods are unavailable'],
  ])('of a DaemonSet with %o: %s', (status, problem) => {
    expect(daemonSetProblem({ metadata: { generation: 2 }, status } as DaemonSet)).toBe(problem);
  });
  it('is not had by a workload that does not exist', async () => {
    expect(await findUnready(client, [{ component: 'gone', object: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'gone', namespace: NS } } }])).toEqual([{ component: 'gone', workload: 'Deployment gone', reason: 'it does not exist' }]);
  });
});
