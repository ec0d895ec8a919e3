import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await TestCluster.start('127.77.0.1'); });
afterAll(async () => { await cluster.stop(); });

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

function deployment(name: string, changes: object = {}): object {
  return {
    apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'main', image: 'app:v1' }] } }, ...changes },
  };
}

describe('reading and writing objects', () => {
  it('creates, reads, updates and deletes, with resourceVersion as precondition', async () => {
    const created = await cluster.post(CONFIG_MAPS, { metadata: { name: 'a', labels: { x: '1' } }, data: { k: 'v' } });
    expect(created.code).toBe(201);
    expect(created.body).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'default' }, data: { k: 'v' } });
    expect(created.body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    const updated = await cluster.put(`${CONFIG_MAPS}/a`, { ...created.body, data: { k: 'w' } });
    expect(updated.code).toBe(200);
    expect(Number(updated.body.metadata.resourceVersion)).toBeGreaterThan(Number(created.body.metadata.resourceVersion));
    const stale = await cluster.put(`${CONFIG_MAPS}/a`, { ...created.body, data: { k: 'z' } });
    expect(stale).toMatchObject({ code: 409, body: { kind: 'Status', reason: 'Conflict', message: 'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again' } });
    expect((await cluster.delete(`${CONFIG_MAPS}/a`, { preconditions: { uid: 'other' } })).code).toBe(409);
    expect((await cluster.delete(`${CONFIG_MAPS}/a`)).body).toMatchObject({ status: 'Success', details: { name: 'a', kind: 'configmaps' } });
    expect(await cluster.get(`${CONFIG_MAPS}/a`)).toMatchObject({ code: 404, body: { reason: 'NotFound', message: 'configmaps "a" not found', details: { name: 'a', kind: 'configmaps' } } });
  });

  it('an update that changes nothing keeps the resourceVersion', async () => {
    const { body } = await cluster.post(CONFIG_MAPS, { metadata: { name: 'same' }, data: { k: 'v' } });
    const again = await cluster.patch('merge', `${CONFIG_MAPS}/same`, { data: { k: 'v' } });
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
  });

  it('counts changes of spec, not of status or labels, in generation', async () => {
    const { body } = await cluster.post(DEPLOYMENTS, deployment('gen'));
    expect(body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%' } }, template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }] } } } });
    const labelled = await cluster.patch('merge', `${DEPLOYMENTS}/gen`, { metadata: { labels: { a: 'b' } }, status: { replicas: 9 } });
    expect(labelled.body.metadata.generation).toBe(1);
    expect(labelled.body.status).toEqual({});
    const status = await cluster.patch('merge', `${DEPLOYMENTS}/gen/status`, { status: { replicas: 1 }, spec: { replicas: 7 } });
    expect(status.body).toMatchObject({ metadata: { generation: 1 }, spec: { replicas: 1 }, status: { replicas: 1 } });
    expect((await cluster.patch('merge', `${DEPLOYMENTS}/gen`, { spec: { replicas: 2 } })).body.metadata.generation).toBe(2);
    const scaled = await cluster.put(`${DEPLOYMENTS}/gen/scale`, { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'gen' }, spec: { replicas: 4 } });
    expect(scaled.body).toMatchObject({ kind: 'Scale', spec: { replicas: 4 }, status: { replicas: 1, selector: 'app=gen' } });
    expect((await cluster.get(`${DEPLOYMENTS}/gen`)).body.metadata.generation).toBe(3);
  });

  it('names objects by generateName', async () => {
    const { body } = await cluster.post(CONFIG_MAPS, { metadata: { generateName: 'made-' } });
    expect(body.metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
  });

  it('a dry run answers as if and writes nothing', async () => {
    expect((await cluster.post(`${CONFIG_MAPS}?dryRun=All`, { metadata: { name: 'dry' } })).code).toBe(201);
    expect((await cluster.get(`${CONFIG_MAPS}/dry`)).code).toBe(404);
  });

  it('takes YAML, refuses what it cannot read', async () => {
    expect((await cluster.post(CONFIG_MAPS, 'metadata: {name: yaml}\ndata: {a: b}\n', { type: 'application/yaml' })).code).toBe(201);
    expect(await cluster.post(CONFIG_MAPS, '{"metadata": {', {})).toMatchObject({ code: 400, body: { kind: 'Status', reason: 'BadRequest' } });
    expect(await cluster.post(CONFIG_MAPS, 'x', { type: 'text/plain' })).toMatchObject({ code: 415, body: { reason: 'UnsupportedMediaType' } });
    expect(await cluster.post(CONFIG_MAPS, { kind: 'Secret', metadata: { name: 'x' } })).toMatchObject({ code: 400 });
    expect(await cluster.call('PUT', CONFIG_MAPS, { metadata: { name: 'x' } })).toMatchObject({ code: 405, body: { reason: 'MethodNotAllowed' } });
    expect(await cluster.get('/apis/none.example/v1/things')).toMatchObject({ code: 404, body: '404 page not found\n' });
    expect(await cluster.post('/api/v1/namespaces/absent/configmaps', { metadata: { name: 'x' } })).toMatchObject({ code: 404, body: { message: 'namespaces "absent" not found' } });
  });
});

describe('validation', () => {
  const pod = (spec: object): object => ({ metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } });
  it.each([
    ['a name', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'Not_Valid' } }, /^ConfigMap "Not_Valid" is invalid: metadata\.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain/],
    ['labels', '/api/v1/namespaces/default/configmaps', { metadata: { name: 'l', labels: { 'a b': 'x' } } }, /metadata\.labels: Invalid value: "a b": name part must consist of/],
    ['a selector', DEPLOYMENTS, deployment('sel', { selector: { matchLabels: { app: 'other' } } }), /^Deployment\.apps "sel" is invalid: spec\.template\.metadata\.labels: Invalid value: .*`selector` does not match template `labels`$/],
    ['containers', '/api/v1/namespaces/default/pods', pod({ containers: [] }), /spec\.containers: Required value/],
    ['an image', '/api/v1/namespaces/default/pods', pod({ containers: [{ name: 'c' }] }), /spec\.containers\[0\]\.image: Required value/],
    ['a mount', '/api/v1/namespaces/default/pods', pod({ containers: [{ name: 'c', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }), /spec\.containers\[0\]\.volumeMounts\[0\]\.name: Not found: "v"/],
    ['a port', '/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports: [{ port: 70_000 }] } }, /spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/],
    ['a taken name of a port', '/api/v1/namespaces/default/services', { metadata: { name: 's' }, spec: { ports: [{ port: 1, name: 'a' }, { port: 2, name: 'a' }] } }, /spec\.ports\[1\]\.name: Duplicate value: "a"/],
    ['a service name', '/api/v1/namespaces/default/services', { metadata: { name: '9s' }, spec: { ports: [{ port: 1 }] } }, /metadata\.name: Invalid value: "9s": a DNS-1035 label/],
  ])('refuses %s with the field and the reason', async (_what, path, body, message) => {
    const answer = await cluster.post(path, body);
    expect(answer).toMatchObject({ code: 422, body: { kind: 'Status', reason: 'Invalid' } });
    expect(answer.body.message).toMatch(message);
    expect(answer.body.details.causes.length).toBeGreaterThan(0);
  });

  it('unknown fields are refused, warned of or ignored, as asked', async () => {
    const body = deployment('unknown', { replica: 3 });
    expect(await cluster.post(`${DEPLOYMENTS}?fieldValidation=Strict`, body)).toMatchObject({ code: 400, body: { message: expect.stringContaining('strict decoding error: unknown field "spec.replica"') } });
    const warned = await cluster.post(`${DEPLOYMENTS}?dryRun=All`, body);
    expect(warned.code).toBe(201);
    expect(warned.headers['warning']).toContain('299 - "unknown field \\"spec.replica\\""');
    expect((await cluster.post(`${DEPLOYMENTS}?fieldValidation=Ignore&dryRun=All`, body)).headers['warning']).toBeUndefined();
  });

  it('immutable fields stay', async () => {
    await cluster.post(DEPLOYMENTS, deployment('fixed'));
    const answer = await cluster.patch('json', `${DEPLOYMENTS}/fixed`, [{ op: 'replace', path: '/spec/selector/matchLabels', value: { app: 'fixed', b: 'c' } }, { op: 'replace', path: '/spec/template/metadata/labels', value: { app: 'fixed', b: 'c' } }]);
    expect(answer).toMatchObject({ code: 422, body: { message: expect.stringContaining('spec.selector: Invalid value') } });
    expect(answer.body.message).toContain('field is immutable');
  });
});

describe('services', () => {
  it('gives out cluster addresses and node ports once', async () => {
    const path = '/api/v1/namespaces/default/services';
    const first = await cluster.post(path, { metadata: { name: 'one' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    const second = await cluster.post(path, { metadata: { name: 'two' }, spec: { ports: [{ port: 80 }] } });
    expect(first.body.spec).toMatchObject({ clusterIPs: [first.body.spec.clusterIP], ports: [{ targetPort: 80, protocol: 'TCP' }], externalTrafficPolicy: 'Cluster' });
    expect(first.body.spec.ports[0].nodePort).toBeGreaterThanOrEqual(30_000);
    expect(second.body.spec.clusterIP).not.toBe(first.body.spec.clusterIP);
    const taken = await cluster.post(path, { metadata: { name: 'three' }, spec: { clusterIP: first.body.spec.clusterIP, ports: [{ port: 80 }] } });
    expect(taken).toMatchObject({ code: 422, body: { message: expect.stringContaining('provided IP is already allocated') } });
    const kept = await cluster.put(`${path}/one`, { metadata: { name: 'one' }, spec: { type: 'NodePort', ports: [{ port: 80 }] } });
    expect(kept.body.spec).toEqual(first.body.spec);
    expect((await cluster.post(path, { metadata: { name: 'headless' }, spec: { clusterIP: 'None', selector: { a: 'b' } } })).body.spec.clusterIP).toBe('None');
  });
});

describe('lists', () => {
  beforeAll(async () => {
    await cluster.post('/api/v1/namespaces', { metadata: { name: 'lists' } });
    for (const [name, tier] of [['a', 'web'], ['b', 'db'], ['c', 'web'], ['d', undefined]] as const) await cluster.post('/api/v1/namespaces/lists/secrets', { metadata: { name, ...(tier ? { labels: { tier } } : {}) }, type: name === 'd' ? 'example/d' : 'Opaque' });
  });
  const names = async (query: string): Promise<string[]> => (await cluster.get(`/api/v1/namespaces/lists/secrets?${query}`)).body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
  it.each([
    ['labelSelector=tier%3Dweb', 'a c'], ['labelSelector=tier!%3Dweb', 'b d'], ['labelSelector=tier in (web, db)', 'a b c'], ['labelSelector=tier notin (web)', 'b d'],
    ['labelSelector=tier', 'a b c'], ['labelSelector=!tier', 'd'], ['labelSelector=tier%3Dweb,tier%3Ddb', ''], ['fieldSelector=metadata.name%3Db', 'b'], ['fieldSelector=type%3Dexample/d', 'd'], ['fieldSelector=metadata.name!%3Db,type%3DOpaque', 'a c'],
  ])('selects with %s', async (query, expected) => {
    expect((await names(query)).join(' ')).toBe(expected);
  });

  it('refuses selectors that it cannot read', async () => {
    expect((await cluster.get('/api/v1/namespaces/lists/secrets?labelSelector=a%3D%3D%3Db')).code).toBe(400);
    expect(await cluster.get('/api/v1/namespaces/lists/secrets?fieldSelector=spec.x%3D1')).toMatchObject({ code: 400, body: { message: expect.stringContaining('field label not supported: spec.x') } });
  });

  it('pages show the state of the first page', async () => {
    const first = await cluster.get('/api/v1/namespaces/lists/secrets?limit=2');
    expect(first.body.items).toHaveLength(2);
    expect(first.body.metadata.remainingItemCount).toBe(2);
    await cluster.delete('/api/v1/namespaces/lists/secrets/d');
    await cluster.post('/api/v1/namespaces/lists/secrets', { metadata: { name: 'e' } });
    const second = await cluster.get(`/api/v1/namespaces/lists/secrets?limit=2&continue=${String(first.body.metadata.continue)}`);
    expect(second.body.items.map((item: { metadata: { name: string } }) => item.metadata.name)).toEqual(['c', 'd']);
    expect(second.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    expect(second.body.metadata.continue).toBeUndefined();
  });

  it('deletecollection deletes what is selected', async () => {
    await cluster.post('/api/v1/namespaces/lists/secrets', { metadata: { name: 'gone', labels: { old: 'yes' } } });
    await cluster.delete('/api/v1/namespaces/lists/secrets?labelSelector=old%3Dyes');
    expect(await names('labelSelector=old')).toEqual([]);
    expect(await names('labelSelector=tier')).toEqual(['a', 'b', 'c']);
  });

  it('prints Tables and metadata alone', async () => {
    const table = await cluster.get('/api/v1/namespaces/lists/secrets', { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' } });
    expect(table.body).toMatchObject({ kind: 'Table', columnDefinitions: [{ name: 'Name' }, { name: 'Type' }, { name: 'Data' }, { name: 'Age' }] });
    expect(table.body.rows[0]).toMatchObject({ cells: ['a', 'Opaque', 0, expect.any(String)], object: { kind: 'PartialObjectMetadata', metadata: { name: 'a' } } });
    const partial = await cluster.get('/api/v1/namespaces/lists/secrets', { headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } });
    expect(partial.body.kind).toBe('PartialObjectMetadataList');
    expect(partial.body.items[0].type).toBeUndefined();
  });
});

describe('deletion', () => {
  it('waits for finalizers', async () => {
    await cluster.post(CONFIG_MAPS, { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    const answer = await cluster.delete(`${CONFIG_MAPS}/held`);
    expect(answer.body.metadata.deletionTimestamp).toBeDefined();
    expect(await cluster.patch('merge', `${CONFIG_MAPS}/held`, { metadata: { finalizers: ['example.com/hold', 'example.com/more'] } })).toMatchObject({ code: 422 });
    expect((await cluster.patch('merge', `${CONFIG_MAPS}/held`, { metadata: { finalizers: null } })).code).toBe(200);
    expect((await cluster.get(`${CONFIG_MAPS}/held`)).code).toBe(404);
  });

  it('a pod on a node keeps its grace period until the node lets it go', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    await cluster.post(pods, { metadata: { name: 'graceful' }, spec: { nodeName: 'n', terminationGracePeriodSeconds: 7, containers: [{ name: 'c', image: 'i' }] } });
    expect((await cluster.delete(`${pods}/graceful`)).body.metadata).toMatchObject({ deletionGracePeriodSeconds: 7 });
    expect((await cluster.get(`${pods}/graceful`)).code).toBe(200);
    await cluster.server.client.delete({ group: '', resource: 'pods' }, 'default', 'graceful', { gracePeriodSeconds: 0 });
    expect((await cluster.get(`${pods}/graceful`)).code).toBe(404);
    await cluster.post(pods, { metadata: { name: 'unbound' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    await cluster.delete(`${pods}/unbound`);
    expect((await cluster.get(`${pods}/unbound`)).code).toBe(404);
  });

  it.each([['Background', true], ['Foreground', true], ['Orphan', false]] as const)('collects dependents with %s: %s', async (policy, collected) => {
    const name = `owner-${policy.toLowerCase()}`;
    const owner = await cluster.post(CONFIG_MAPS, { metadata: { name } });
    const reference = { apiVersion: 'v1', kind: 'ConfigMap', name, uid: owner.body.metadata.uid, blockOwnerDeletion: true };
    await cluster.post(CONFIG_MAPS, { metadata: { name: `${name}-child`, ownerReferences: [reference] } });
    await cluster.delete(`${CONFIG_MAPS}/${name}`, { propagationPolicy: policy });
    await eventually(async () => (await cluster.get(`${CONFIG_MAPS}/${name}`)).code === 404, 'the owner is gone');
    if (collected) await eventually(async () => (await cluster.get(`${CONFIG_MAPS}/${name}-child`)).code === 404, 'the child is gone');
    else expect((await cluster.get(`${CONFIG_MAPS}/${name}-child`)).body.metadata.ownerReferences ?? []).toEqual([]);
  });

  it('an object whose owner never was is collected', async () => {
    await cluster.post(CONFIG_MAPS, { metadata: { name: 'stray', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'u' }] } });
    await eventually(async () => (await cluster.get(`${CONFIG_MAPS}/stray`)).code === 404, 'the stray is gone');
  });

  it('a namespace is emptied, then goes', async () => {
    await cluster.post('/api/v1/namespaces', { metadata: { name: 'doomed' } });
    await eventually(async () => (await cluster.get('/api/v1/namespaces/doomed/serviceaccounts/default')).code === 200, 'the namespace is furnished');
    await cluster.post('/api/v1/namespaces/doomed/configmaps', { metadata: { name: 'held', finalizers: ['example.com/hold'] } });
    await cluster.delete('/api/v1/namespaces/doomed');
    expect((await cluster.get('/api/v1/namespaces/doomed')).body.status.phase).toBe('Terminating');
    expect(await cluster.post('/api/v1/namespaces/doomed/configmaps', { metadata: { name: 'late' } })).toMatchObject({ code: 403, body: { message: expect.stringContaining('because it is being terminated') } });
    await cluster.patch('merge', '/api/v1/namespaces/doomed/configmaps/held', { metadata: { finalizers: null } });
    await eventually(async () => (await cluster.get('/api/v1/namespaces/doomed')).code === 404, 'the namespace is gone');
  });
});
