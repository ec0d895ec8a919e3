import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from './test-cluster.ts';

let cluster: TestCluster;

const SCHEMA = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['hosts'],
      properties: {
        hosts: { type: 'array', minItems: 1, items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        replicas: { type: 'integer', default: 1, minimum: 0 },
        mode: { type: 'string', enum: ['STRICT', 'PERMISSIVE'], default: 'STRICT' },
        port: { 'x-kubernetes-int-or-string': true },
        http: { type: 'array', items: { type: 'object', required: ['route'], properties: { route: { type: 'string', pattern: '^/.*$' }, weight: { type: 'integer' } } } },
        ports: { type: 'array', 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'], items: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, number: { type: 'integer' } } } },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        min: { type: 'integer' }, max: { type: 'integer' },
        fixed: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'fixed may not change' }] },
      },
      'x-kubernetes-validations': [{ rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not exceed max' }],
    },
    status: { type: 'object', properties: { ready: { type: 'boolean' } } },
  },
};

function definition(plural: string, kind: string, changes: object = {}): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com', scope: 'Namespaced', names: { plural, kind, shortNames: [plural.slice(0, 2)] },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: SCHEMA }, subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } }, additionalPrinterColumns: [{ name: 'Mode', type: 'string', jsonPath: '.spec.mode' }] },
        { name: 'v1beta1', served: true, storage: false, schema: { openAPIV3Schema: SCHEMA }, subresources: { status: {} } },
      ],
      ...changes,
    },
  };
}

const PATH = '/apis/example.com/v1/namespaces/default/routes';
const route = (name: string, spec: object): object => ({ apiVersion: 'example.com/v1', kind: 'Route', metadata: { name }, spec });

beforeAll(async () => {
  cluster = await TestCluster.start('127.77.0.3');
  const created = await cluster.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition('routes', 'Route'));
  expect(created.code).toBe(201);
});
afterAll(async () => { await cluster.stop(); });

describe('custom resources', () => {
  it('are served at once, with conditions and discovery', async () => {
    const crd = await cluster.get('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/routes.example.com');
    expect(crd.body.status).toMatchObject({ conditions: [{ type: 'NamesAccepted', status: 'True' }, { type: 'Established', status: 'True' }], storedVersions: ['v1'], acceptedNames: { kind: 'Route', listKind: 'RouteList', singular: 'route' } });
    expect((await cluster.get('/apis/example.com/v1')).body.resources.map((resource: { name: string }) => resource.name)).toEqual(['routes', 'routes/status', 'routes/scale']);
    expect((await cluster.get('/apis/example.com')).body.preferredVersion.version).toBe('v1');
  });

  it('are defaulted and pruned', async () => {
    const answer = await cluster.post(PATH, route('defaulted', { hosts: ['a'], unknown: 1, port: '80%', free: { any: { thing: 1 } } }));
    expect(answer.code).toBe(201);
    expect(answer.body.spec).toEqual({ hosts: ['a'], replicas: 1, mode: 'STRICT', port: '80%', free: { any: { thing: 1 } } });
    expect(answer.headers['warning']).toContain('unknown field \\"spec.unknown\\"');
  });

  it.each([
    [{}, 'spec.hosts: Required value'],
    [{ hosts: [] }, 'spec.hosts: Invalid value: 0: spec.hosts in body should have at least 1 items'],
    [{ hosts: ['a'], http: [{ route: '/a' }, { weight: 1 }] }, 'spec.http[1].route: Required value'],
    [{ hosts: ['a'], http: [{ route: 'x' }] }, 'spec.http[0].route: Invalid value: "x": spec.http[0].route in body should match \'^/.*$\''],
    [{ hosts: ['a'], mode: 'NONE' }, 'spec.mode: Unsupported value: "NONE": supported values: "STRICT", "PERMISSIVE"'],
    [{ hosts: ['a'], replicas: 'x' }, 'spec.replicas: Invalid value: "string": spec.replicas in body must be of type integer: "string"'],
    [{ hosts: ['a'], replicas: -1 }, 'spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0'],
    [{ hosts: ['a', 'a'] }, 'spec.hosts[1]: Duplicate value: "a"'],
    [{ hosts: ['a'], ports: [{ name: 'p' }, { name: 'p' }] }, 'spec.ports[1]: Duplicate value: {"name":"p"}'],
    [{ hosts: ['a'], min: 3, max: 2 }, 'spec: Invalid value: min must not exceed max'],
  ])('are validated: %j', async (spec, message) => {
    const answer = await cluster.post(PATH, route('invalid', spec));
    expect(answer).toMatchObject({ code: 422, body: { reason: 'Invalid', message: expect.stringContaining(message) } });
  });

  it('transition rules see the old value', async () => {
    await cluster.post(PATH, route('fixed', { hosts: ['a'], fixed: 'x' }));
    expect(await cluster.patch('merge', `${PATH}/fixed`, { spec: { fixed: 'y' } })).toMatchObject({ code: 422, body: { message: expect.stringContaining('spec.fixed: Invalid value: "x": fixed may not change'.replace('"x"', '"y"')) } });
    expect((await cluster.patch('merge', `${PATH}/fixed`, { spec: { replicas: 3 } })).code).toBe(200);
  });

  it('status is a subresource, scale works, and strategic merge is refused', async () => {
    const { body } = await cluster.post(PATH, { ...route('sub', { hosts: ['a'] }), status: { ready: true } });
    expect(body.status).toBeUndefined();
    const status = await cluster.put(`${PATH}/sub/status`, { ...body, spec: { hosts: ['b'] }, status: { ready: true } });
    expect(status.body).toMatchObject({ spec: { hosts: ['a'] }, status: { ready: true }, metadata: { generation: 1 } });
    expect((await cluster.patch('merge', `${PATH}/sub/scale`, { spec: { replicas: 5 } })).body.spec.replicas).toBe(5);
    expect((await cluster.get(`${PATH}/sub`)).body).toMatchObject({ spec: { replicas: 5 }, metadata: { generation: 2 } });
    expect((await cluster.patch('strategic', `${PATH}/sub`, { spec: {} })).code).toBe(415);
  });

  it('every served version shows the same objects', async () => {
    await cluster.post(PATH, route('versions', { hosts: ['a'] }));
    const beta = await cluster.get('/apis/example.com/v1beta1/namespaces/default/routes/versions');
    expect(beta.body).toMatchObject({ apiVersion: 'example.com/v1beta1', spec: { hosts: ['a'] } });
    const watch = cluster.watch('/apis/example.com/v1beta1/namespaces/default/routes?watch=1&fieldSelector=metadata.name%3Dversions');
    await eventually(() => watch.lines.length === 1, 'the object');
    expect(watch.lines[0]?.object.apiVersion).toBe('example.com/v1beta1');
    watch.stop();
  });

  it('print their columns', async () => {
    const table = await cluster.get(`${PATH}/versions`, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    expect(table.body.columnDefinitions.map((column: { name: string }) => column.name)).toEqual(['Name', 'Mode']);
    expect(table.body.rows[0].cells).toEqual(['versions', 'STRICT']);
  });

  it('apply merges their list maps by key', async () => {
    const apply = (manager: string, spec: object): ReturnType<TestCluster['patch']> => cluster.patch('apply', `${PATH}/applied?fieldManager=${manager}`, route('applied', spec));
    expect((await apply('one', { hosts: ['a'], ports: [{ name: 'x', number: 1 }] })).code).toBe(201);
    const both = await apply('two', { hosts: ['b'], ports: [{ name: 'y', number: 2 }] });
    expect(both.body.spec).toMatchObject({ hosts: ['a', 'b'], ports: [{ name: 'x', number: 1 }, { name: 'y', number: 2 }] });
    const less = await apply('one', { hosts: ['a'] });
    expect(less.body.spec).toMatchObject({ hosts: ['a', 'b'], ports: [{ name: 'y', number: 2 }] });
  });

  it('a definition that goes takes its objects along', async () => {
    await cluster.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition('things', 'Thing'));
    const things = '/apis/example.com/v1/namespaces/default/things';
    await cluster.post(things, { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 't', finalizers: ['example.com/hold'] }, spec: { hosts: ['a'] } });
    const owner = (await cluster.get(`${things}/t`)).body.metadata.uid as string;
    await cluster.post('/api/v1/namespaces/default/configmaps', { metadata: { name: 'of-thing', ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Thing', name: 't', uid: owner }] } });
    await cluster.delete('/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.example.com');
    expect((await cluster.get(`${things}/t`)).body.metadata.deletionTimestamp).toBeDefined();
    await cluster.patch('merge', `${things}/t`, { metadata: { finalizers: null } });
    await eventually(async () => (await cluster.get(things)).code === 404, 'the resource is not served any more');
    await eventually(async () => (await cluster.get('/api/v1/namespaces/default/configmaps/of-thing')).code === 404, 'what it owned is collected');
  });

  it('a definition has to be structural, and its rules have to compile', async () => {
    const post = (schema: object): ReturnType<TestCluster['post']> => cluster.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition('wrongs', 'Wrong', { versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }] }));
    expect((await post({ type: 'object', properties: { spec: { properties: {} } } })).body.message).toContain('.openAPIV3Schema.properties[spec].type: Required value');
    expect((await post({ type: 'object', 'x-kubernetes-validations': [{ rule: 'self.(' }] })).body.message).toContain('x-kubernetes-validations[0].rule: Invalid value: "self.(": compilation failed');
  });
});
