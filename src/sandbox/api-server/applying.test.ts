import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster, type Answer } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await TestCluster.start('127.77.0.4'); });
afterAll(async () => { await cluster.stop(); });

const PATH = '/apis/apps/v1/namespaces/default/deployments';
const config = (name: string, spec: object): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name }, spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'v1' }] } }, ...spec } });

function apply(name: string, manager: string, body: object, force = false): Promise<Answer> {
  return cluster.patch('apply', `${PATH}/${name}?fieldManager=${manager}${force ? '&force=true' : ''}`, body);
}

interface Entry { manager: string; operation: string; subresource?: string; fieldsV1: object }

describe('server-side apply', () => {
  it('creates, owns what it names, and is idempotent', async () => {
    const created = await apply('a', 'alpha', config('a', { replicas: 2 }));
    expect(created.code).toBe(201);
    expect(created.body.metadata.managedFields).toMatchObject([{ manager: 'alpha', operation: 'Apply', apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1: { 'f:spec': { 'f:replicas': {}, 'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"main"}': { '.': {}, 'f:name': {}, 'f:image': {} } } } } } } }]);
    const again = await apply('a', 'alpha', config('a', { replicas: 2 }));
    expect(again.code).toBe(200);
    expect(again.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
  });

  it('conflicts name the other manager and the field; force takes over', async () => {
    await apply('b', 'alpha', config('b', { replicas: 2 }));
    const refused = await apply('b', 'beta', config('b', { replicas: 3 }));
    expect(refused).toMatchObject({ code: 409, body: { reason: 'Conflict', message: 'Apply failed with 1 conflict: conflict with "alpha": .spec.replicas', details: { causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "alpha"', field: '.spec.replicas' }] } } });
    const forced = await apply('b', 'beta', config('b', { replicas: 3 }), true);
    expect(forced.body.spec.replicas).toBe(3);
    const owners = (forced.body.metadata.managedFields as Entry[]).filter((entry) => JSON.stringify(entry.fieldsV1).includes('f:replicas')).map((entry) => entry.manager);
    expect(owners).toEqual(['beta']);
  });

  it('fields can be shared; they go when the last owner lets go', async () => {
    const labelled = (labels: object): object => ({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'c', labels } });
    await apply('c', 'alpha', { ...config('c', {}), metadata: { name: 'c', labels: { shared: 'x', mine: 'y' } } });
    expect((await apply('c', 'beta', labelled({ shared: 'x' }))).code).toBe(200);
    const less = await apply('c', 'alpha', config('c', {}));
    expect(less.body.metadata.labels).toEqual({ shared: 'x' });
    expect((await apply('c', 'beta', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'c' } })).body.metadata.labels ?? {}).toEqual({});
  });

  it('items of others stay when an applier drops its own', async () => {
    const containers = (...names: string[]): object => ({ template: { metadata: { labels: { app: 'd' } }, spec: { containers: names.map((name) => ({ name, image: 'v1' })) } } });
    await apply('d', 'alpha', config('d', containers('main', 'side')));
    await cluster.patch('strategic', `${PATH}/d?fieldManager=hand`, { spec: { template: { spec: { containers: [{ name: 'extra', image: 'v2' }] } } } });
    const { body } = await apply('d', 'alpha', config('d', containers('main')));
    expect(body.spec.template.spec.containers.map((container: { name: string }) => container.name).sort()).toEqual(['extra', 'main']);
  });

  it('plain updates take fields from appliers, and status has an entry of its own', async () => {
    await apply('e', 'alpha', config('e', { replicas: 2 }));
    await cluster.patch('merge', `${PATH}/e?fieldManager=hand`, { spec: { replicas: 5 } });
    const { body } = await cluster.patch('merge', `${PATH}/e/status?fieldManager=controller`, { status: { replicas: 5 } });
    const entries = body.metadata.managedFields as Entry[];
    expect(entries.find((entry) => entry.manager === 'hand')).toMatchObject({ operation: 'Update', fieldsV1: { 'f:spec': { 'f:replicas': {} } } });
    expect(entries.find((entry) => entry.manager === 'controller')).toMatchObject({ subresource: 'status', fieldsV1: { 'f:status': { 'f:replicas': {} } } });
    expect(JSON.stringify(entries.find((entry) => entry.manager === 'alpha')?.fieldsV1)).not.toContain('f:replicas');
    expect(await apply('e', 'alpha', config('e', { replicas: 2 }))).toMatchObject({ code: 409, body: { message: expect.stringMatching(/conflict with "hand" using apps\/v1: \.spec\.replicas/) } });
  });

  it('refuses what is no configuration', async () => {
    expect((await apply('f', 'alpha', { metadata: { name: 'f' } })).code).toBe(400);
    expect((await apply('f', 'alpha', { ...config('f', {}), metadata: { name: 'other' } })).code).toBe(400);
    expect((await cluster.patch('apply', `${PATH}/f?fieldManager=a&fieldValidation=Strict`, config('f', { nonsense: 1 }))).body.message).toContain('.spec.nonsense: field not declared in schema');
  });
});

describe('strategic merge', () => {
  it('merges, deletes and orders containers by name', async () => {
    await cluster.post(PATH, config('s', {}));
    const patch = (containers: object[], more: object = {}): Promise<Answer> => cluster.patch('strategic', `${PATH}/s`, { spec: { template: { spec: { containers, ...more } } } });
    const names = (answer: Answer): string => answer.body.spec.template.spec.containers.map((container: { name: string; image: string }) => `${container.name}:${container.image}`).join(' ');
    expect(names(await patch([{ name: 'side', image: 'v2' }]))).toBe('side:v2 main:v1');
    expect(names(await patch([{ name: 'main' }, { name: 'side' }], { '$setElementOrder/containers': [{ name: 'main' }, { name: 'side' }] }))).toBe('main:v1 side:v2');
    expect(names(await patch([{ name: 'side', $patch: 'delete' }]))).toBe('main:v1');
  });
});
