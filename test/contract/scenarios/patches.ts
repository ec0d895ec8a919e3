// The four kinds of patch and who owns which field.
import type { Scenario } from '../scenario.ts';

const deployment = (name: string) => ({
  apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name, labels: { app: 'web' } },
  spec: { replicas: 2, selector: { matchLabels: { app: 'web' } }, template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'web:1', env: [{ name: 'A', value: '1' }, { name: 'B', value: '2' }], ports: [{ containerPort: 80, name: 'http' }] }, { name: 'side', image: 'side:1' }] } } },
});

const plain: Scenario = {
  name: 'patches',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    await api.quiet('POST', configs, { metadata: { name: 'p' }, data: { a: '1', b: '2' } });
    const p = `${configs}/p`;
    await api.patch('json', p, [{ op: 'test', path: '/data/a', value: '1' }, { op: 'replace', path: '/data/a', value: '2' }, { op: 'add', path: '/data/c~1d', value: 'x' }, { op: 'copy', from: '/data/a', path: '/data/e' }, { op: 'move', from: '/data/b', path: '/data/f' }, { op: 'remove', path: '/data/c~1d' }]);
    await api.patch('json', p, [{ op: 'test', path: '/data/a', value: 'no' }]);
    await api.patch('json', p, [{ op: 'remove', path: '/data/none' }]);
    await api.patch('json', p, [{ op: 'replace', path: '/data/none', value: 'x' }]);
    await api.patch('json', p, [{ op: 'add', path: '/none/a', value: 'x' }]);
    await api.patch('json', p, [{ op: 'jump', path: '/data/a' }]);
    await api.patch('json', p, { data: {} });
    await api.patch('json', p, 'not json');
    await api.patch('json', p, []);
    await api.patch('merge', p, { data: { a: null, g: '7' }, metadata: { labels: { l: '1' } } });
    await api.patch('merge', p, { metadata: { resourceVersion: '1' }, data: { g: '8' } });
    await api.patch('merge', p, { metadata: { name: 'other' } });
    await api.patch('merge', p, { metadata: { uid: 'x' } });
    await api.patch('merge', p, { apiVersion: 'v2' });
    await api.patch('merge', p, []);
    await api.patch('merge', p, 'nonsense');
    await api.patch('merge', p, { data: { g: 5 } });
    await api.patch('merge', p, { unknown: true });
    await api.patch('merge', `${configs}/none`, { data: {} });
    await api.call('PATCH', p, { data: {} }, { type: 'application/json' });
    await api.call('PATCH', p, { data: {} }, { type: 'text/plain' });
    await api.call('PATCH', p, '', { type: 'application/merge-patch+json' });
  },
};

const strategic: Scenario = {
  name: 'strategic-merge',
  run: async (api) => {
    const deployments = api.path('apps/v1/deployments');
    await api.post(deployments, deployment('d'));
    const d = `${deployments}/d`;
    const containers = async (list: object[], more: object = {}) => api.patch('strategic', d, { spec: { template: { spec: { containers: list, ...more } } } });
    await containers([{ name: 'web', env: [{ name: 'B', value: '3' }, { name: 'C', value: '4' }] }]);
    await containers([{ name: 'side', $patch: 'delete' }]);
    await containers([{ name: 'web', env: [{ name: 'A', $patch: 'delete' }] }]);
    await containers([{ name: 'web', env: [{ $patch: 'replace' }, { name: 'ONLY', value: '1' }] }]);
    await containers([{ name: 'new', image: 'new:1' }, { name: 'web', image: 'web:2' }], { $setElementOrder: undefined });
    await api.patch('strategic', d, { spec: { template: { spec: { '$setElementOrder/containers': [{ name: 'web' }, { name: 'new' }], containers: [{ name: 'new', image: 'new:2' }] } } } });
    await api.patch('strategic', d, { metadata: { labels: { $patch: 'replace', only: 'me' } } });
    await api.patch('strategic', d, { metadata: { labels: null } });
    await api.patch('strategic', d, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } });
    await api.patch('strategic', d, { spec: { template: { spec: { tolerations: [{ key: 'a', operator: 'Exists' }] } } } });
    await api.patch('strategic', d, { spec: { template: { spec: { tolerations: [{ key: 'b', operator: 'Exists' }] } } } });
    await containers([{ image: 'nameless' }]);
    await containers([{ name: 'web', $patch: 'sideways' }]);
    await api.patch('strategic', d, { metadata: { finalizers: ['contract.test/a'] } });
    await api.patch('strategic', d, { metadata: { finalizers: ['contract.test/b'] } });
    await api.patch('strategic', d, { metadata: { '$deleteFromPrimitiveList/finalizers': ['contract.test/a'] } });
    await api.patch('strategic', d, { metadata: { '$deleteFromPrimitiveList/finalizers': ['contract.test/b'] } });
    await api.patch('strategic', d, { spec: { replicas: 'many' } });
    await api.patch('strategic', d, { spec: { selector: { matchLabels: { app: 'other' } } } });
    const services = api.path('v1/services');
    await api.post(services, { metadata: { name: 's' }, spec: { selector: { app: 'web' }, ports: [{ port: 80, name: 'a' }, { port: 81, name: 'b' }] } });
    await api.patch('strategic', `${services}/s`, { spec: { ports: [{ port: 80, targetPort: 8080 }] } });
    await api.patch('strategic', `${services}/s`, { spec: { ports: [{ port: 81, $patch: 'delete' }], selector: { tier: 'x' } } });
    await api.quiet('DELETE', d);
  },
};

const apply: Scenario = {
  name: 'apply',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const c = `${configs}/c`;
    const config = (data: Record<string, string | number>, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', ...metadata }, data });
    await api.patch('apply', `${c}?fieldManager=one`, config({ a: '1', b: '2' }, { labels: { l: '1' } }));
    await api.patch('apply', `${c}?fieldManager=one`, config({ a: '1', b: '2' }, { labels: { l: '1' } }));
    await api.patch('apply', `${c}?fieldManager=two`, config({ a: '9' }));
    await api.patch('apply', `${c}?fieldManager=two`, config({ a: '9', b: '9' }));
    await api.patch('apply', `${c}?fieldManager=two`, config({ a: '1', z: '26' }));
    await api.patch('apply', `${c}?fieldManager=two&force=true`, config({ a: '9', z: '26' }));
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }));
    await api.patch('apply', `${c}?fieldManager=two`, config({}));
    await api.patch('merge', `${c}?fieldManager=three`, { data: { b: 'mine', t: '3' } });
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }));
    await api.patch('apply', `${c}?fieldManager=one&force=true`, config({ b: '2' }));
    await api.patch('apply', c, config({ b: '2' }));
    await api.patch('apply', `${c}?fieldManager=one`, { kind: 'ConfigMap', metadata: { name: 'c' } });
    await api.patch('apply', `${c}?fieldManager=one`, { apiVersion: 'v1', metadata: { name: 'c' } });
    await api.patch('apply', `${c}?fieldManager=one`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } });
    await api.patch('apply', `${c}?fieldManager=one`, { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'c' } });
    await api.patch('apply', `${c}?fieldManager=one`, { apiVersion: 'v1', kind: 'ConfigMap' });
    await api.patch('apply', `${c}?fieldManager=one`, config({ a: 5 }));
    await api.patch('apply', `${c}?fieldManager=one`, { ...config({ b: '2' }), nonsense: 1 });
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }, { managedFields: [] }));
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }, { managedFields: [{ manager: 'x' }] }));
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }, { resourceVersion: '1' }));
    await api.patch('apply', `${configs}/fresh?fieldManager=one`, { ...config({}), metadata: { name: 'fresh', uid: '11111111-1111-1111-1111-111111111111' } });
    await api.patch('apply', `${c}?fieldManager=${'m'.repeat(129)}`, config({}));
    await api.patch('apply', `${c}?fieldManager=one`, 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: c }\ndata: { yaml: "yes" }\n');
    await api.patch('apply', `${c}?fieldManager=one`, 'a: [');
    await api.put(`${c}?fieldManager=plain`, config({ b: 'put' }));
    await api.patch('merge', c, { metadata: { managedFields: [{}] } });
    await api.patch('apply', `${c}?fieldManager=one`, config({ b: '2' }));
  },
};

const applyLists: Scenario = {
  name: 'apply-lists',
  run: async (api) => {
    const deployments = api.path('apps/v1/deployments');
    const d = `${deployments}/d`;
    const { replicas: _replicas, ...spec } = deployment('d').spec;
    await api.patch('apply', `${d}?fieldManager=one`, deployment('d'));
    await api.patch('apply', `${d}?fieldManager=two`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'Z', value: '9' }] }] } } } });
    await api.patch('apply', `${d}?fieldManager=two`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { template: { spec: { containers: [{ name: 'web', image: 'web:9' }] } } } });
    await api.patch('apply', `${d}?fieldManager=one`, { ...deployment('d'), spec });
    await api.patch('merge', `${d}/scale?fieldManager=scaler`, { spec: { replicas: 5 } });
    await api.patch('apply', `${d}?fieldManager=one`, deployment('d'));
    await api.patch('merge', `${d}/status?fieldManager=controller`, { status: { replicas: 2, observedGeneration: 1, conditions: [{ type: 'Available', status: 'True', reason: 'x', message: 'y' }] } });
    await api.patch('apply', `${d}/status?fieldManager=applier`, { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, status: { readyReplicas: 1 } });
    await api.patch('apply', `${d}?fieldManager=one`, { ...deployment('d'), spec: { ...deployment('d').spec, replicas: 5, template: { ...deployment('d').spec.template, spec: { containers: [{ name: 'web', image: 'web:1' }] } } } });
    await api.patch('apply', `${d}?fieldManager=one`, { ...deployment('d'), spec: { ...deployment('d').spec, replicas: 5, template: { ...deployment('d').spec.template, spec: { containers: [{ name: 'web', image: 'web:1' }, { name: 'web', image: 'web:2' }] } } } });
    await api.patch('apply', `${d}?fieldManager=one`, { ...deployment('d'), spec: { ...deployment('d').spec, template: { ...deployment('d').spec.template, spec: { containers: [{ image: 'web:1' }] } } } });
    const services = api.path('v1/services');
    const service = (ports: object[]) => ({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec: { selector: { app: 'web' }, ports } });
    await api.patch('apply', `${services}/s?fieldManager=one`, service([{ port: 80, name: 'a' }]));
    await api.patch('apply', `${services}/s?fieldManager=two`, service([{ port: 81, name: 'b', protocol: 'TCP' }]));
    await api.patch('apply', `${services}/s?fieldManager=one`, service([{ port: 82, name: 'a' }]));
    const accounts = api.path('v1/serviceaccounts');
    await api.patch('apply', `${accounts}/sa?fieldManager=one`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa', finalizers: ['contract.test/a'] }, imagePullSecrets: [{ name: 'x' }] });
    await api.patch('apply', `${accounts}/sa?fieldManager=two`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa', finalizers: ['contract.test/b'] } });
    await api.patch('apply', `${accounts}/sa?fieldManager=one`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } });
    await api.patch('apply', `${accounts}/sa?fieldManager=two`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'sa' } });
  },
};

/** Scenarios of patches. */
export const PATCH_SCENARIOS: readonly Scenario[] = [plain, strategic, apply, applyLists];
