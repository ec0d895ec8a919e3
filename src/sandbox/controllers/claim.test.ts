// Whose pods and ReplicaSets are, seen on a whole sandbox.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredObject } from '../api-server/internal-client.ts';
import { eventually } from '../testdata/eventually.ts';
import { PODS, startTestCluster, type TestCluster } from '../testdata/test-cluster.ts';
import { REPLICA_SETS, DEPLOYMENTS } from './resources.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await startTestCluster(); });
afterAll(async () => {
  expect(cluster.errors).toEqual([]);
  await cluster.stop();
});

const NS = 'default';
const template = (app: string): object => ({ metadata: { labels: { app } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'test/program:1' }] } });
const replicaSet = (name: string, app: string, replicas: number): object => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata: { name, namespace: NS }, spec: { replicas, selector: { matchLabels: { app } }, template: template(app) } });
const pods = async (app: string): Promise<StoredObject[]> => (await cluster.client.list(PODS, { namespace: NS, labelSelector: `app=${app}` })).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
const ownersOf = ({ metadata }: StoredObject): string[] => (metadata.ownerReferences ?? []).map(({ kind, name, controller }) => `${kind} ${name}${controller === true ? ' controls' : ''}`);
const makePod = (name: string, app: string): Promise<StoredObject> => cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: NS, labels: { app } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'test/program:1' }] } });

describe('a ReplicaSet', () => {
  it('adopts pods that match its selector before it makes its own', async () => {
    await makePod('orphan', 'adopt');
    await cluster.client.create(REPLICA_SETS, replicaSet('adopter', 'adopt', 2));
    const found = await eventually(async () => { const list = await pods('adopt'); return list.length === 2 && list.every((pod) => ownersOf(pod)[0] === 'ReplicaSet adopter controls') && list; });
    expect(found.map(({ metadata }) => metadata.name)).toContain('orphan');
    await makePod('later', 'adopt');
    await eventually(async () => (await pods('adopt')).length === 2 && (await cluster.client.get(REPLICA_SETS, NS, 'adopter'))?.status.replicas === 2);
  });

  it('lets go of a pod whose labels match no more, and makes another', async () => {
    await cluster.client.create(REPLICA_SETS, replicaSet('keeper', 'keep', 1));
    const [first] = await eventually(async () => { const list = await pods('keep'); return list.length === 1 && list; });
    await cluster.client.patch(PODS, NS, first?.metadata.name ?? '', { metadata: { labels: { app: 'kept-no-more' } } });
    const released = await eventually(async () => { const pod = await cluster.client.get(PODS, NS, first?.metadata.name ?? ''); return pod && ownersOf(pod).length === 0 && pod; });
    expect(released.metadata.uid).toBe(first?.metadata.uid);
    await eventually(async () => (await pods('keep')).length === 1);
  });

  it('leaves the pods of others alone', async () => {
    await cluster.client.create(REPLICA_SETS, replicaSet('one', 'shared', 1));
    await eventually(async () => (await pods('shared')).length === 1);
    await cluster.client.create(REPLICA_SETS, replicaSet('two', 'shared', 1));
    const both = await eventually(async () => { const list = await pods('shared'); return list.length === 2 && list; });
    expect(both.flatMap(ownersOf).sort()).toEqual(['ReplicaSet one controls', 'ReplicaSet two controls']);
  });

  it('leaves its pods behind when they are to be orphaned, for another to adopt', async () => {
    await cluster.client.create(REPLICA_SETS, replicaSet('parent', 'orphaned', 1));
    const [child] = await eventually(async () => { const list = await pods('orphaned'); return list.length === 1 && list; });
    await cluster.client.delete(REPLICA_SETS, NS, 'parent', { propagationPolicy: 'Orphan' });
    await eventually(async () => (await cluster.client.get(REPLICA_SETS, NS, 'parent')) === undefined);
    expect((await pods('orphaned')).map((pod) => [pod.metadata.uid, ownersOf(pod)])).toEqual([[child?.metadata.uid, []]]);
    await cluster.client.create(REPLICA_SETS, replicaSet('step-parent', 'orphaned', 1));
    await eventually(async () => { const [pod] = await pods('orphaned'); return pod !== undefined && ownersOf(pod)[0] === 'ReplicaSet step-parent controls'; });
    expect((await pods('orphaned')).map(({ metadata }) => metadata.uid)).toEqual([child?.metadata.uid]);
  });
});

describe('a Deployment', () => {
  it('goes on with the ReplicaSet that an earlier one has left behind', async () => {
    const deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web', namespace: NS }, spec: { replicas: 1, selector: { matchLabels: { app: 'web' } }, template: template('web') } };
    await cluster.client.create(DEPLOYMENTS, deployment);
    const [pod] = await eventually(async () => { const list = await pods('web'); return list.length === 1 && list; });
    await cluster.client.delete(DEPLOYMENTS, NS, 'web', { propagationPolicy: 'Orphan' });
    await eventually(async () => (await cluster.client.get(DEPLOYMENTS, NS, 'web')) === undefined);
    await cluster.client.create(DEPLOYMENTS, deployment);
    const adopted = await eventually(async () => { const list = await cluster.client.list(REPLICA_SETS, { namespace: NS, labelSelector: 'app=web' }); return list.length === 1 && list[0] && ownersOf(list[0])[0] === 'Deployment web controls' && list; });
    expect(adopted).toHaveLength(1);
    expect((await pods('web')).map(({ metadata }) => metadata.uid)).toEqual([pod?.metadata.uid]);
  });
});
