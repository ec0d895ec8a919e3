// Writing and reading objects: names, versions, conflicts, dry runs, deletion.
import type { Scenario } from '../scenario.ts';

const config = (name: string, data: Record<string, string> = { a: '1' }) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

const basics: Scenario = {
  name: 'objects',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const made = await api.post(configs, config('one'));
    await api.get(`${configs}/one`);
    await api.post(configs, config('one'));
    await api.get(`${configs}/none`);
    await api.put(`${configs}/none`, config('none'));
    await api.put(`${configs}/one`, { ...made.body, data: { a: '2' } });
    await api.put(`${configs}/one`, { ...made.body, data: { a: '3' } });
    await api.put(`${configs}/one`, config('one', { a: '4' }));
    await api.put(`${configs}/one`, config('one', { a: '4' }));
    await api.put(`${configs}/one`, config('other'));
    await api.put(`${configs}/one`, { ...config('one'), metadata: { name: 'one', namespace: 'default' } });
    await api.put(`${configs}/one`, { ...config('one'), metadata: { name: 'one', uid: '11111111-1111-1111-1111-111111111111' } });
    await api.put(`${configs}/one`, { ...config('one'), metadata: { name: 'one', resourceVersion: 'abc' } });
    await api.post(configs, { ...config('rv'), metadata: { name: 'rv', resourceVersion: '5' } });
    await api.post(configs, { ...config('elsewhere'), metadata: { name: 'elsewhere', namespace: 'default' } });
    await api.post('/api/v1/namespaces/{ns}-none/configmaps', config('lost'));
    await api.post('/api/v1/configmaps', config('nowhere'));
    await api.post('/api/v1/configmaps', { ...config('somewhere'), metadata: { name: 'somewhere', namespace: 'default' } });
    await api.delete(`${configs}/one`, { preconditions: { uid: '11111111-1111-1111-1111-111111111111' } });
    await api.delete(`${configs}/one`, { preconditions: { resourceVersion: '1' } });
    await api.delete(`${configs}/one`);
    await api.delete(`${configs}/one`);
  },
};

const names: Scenario = {
  name: 'names',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    await api.post(configs, { metadata: { generateName: 'made-' } });
    await api.post(configs, { metadata: {} });
    await api.post(configs, {});
    for (const name of ['Bad_Name', 'a'.repeat(254), '-a', 'a/b', 'a..b', '']) await api.post(configs, { metadata: { name } });
    await api.post(configs, { metadata: { name: 'labels', labels: { 'bad key': 'x', 'a/b/c': 'x', ok: 'bad value!', ['k'.repeat(64)]: 'v', long: 'v'.repeat(64), '/empty': 'x', 'UPPER.example.com/x': 'x' } } });
    await api.post(configs, { metadata: { name: 'annotations', annotations: { 'bad key': 'x', 'Example.com/Fine': 'x' } } });
    await api.post(configs, { metadata: { name: 'finalizers', finalizers: ['no-domain'] } });
    await api.post(configs, { metadata: { name: 'finalizers2', finalizers: ['bad finalizer'] } });
    await api.post(configs, { metadata: { name: 'owners', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: '', uid: '' }] } });
    await api.post(configs, { metadata: { name: 'owners2', ownerReferences: [{ apiVersion: 'v1', kind: 'Event', name: 'a', uid: 'u' }] } });
    await api.post(configs, { metadata: { name: 'controllers', ownerReferences: [1, 2].map((n) => ({ apiVersion: 'apps/v1', kind: 'Deployment', name: `d${String(n)}`, uid: `u${String(n)}`, controller: true })) } });
    await api.post(configs, { metadata: { name: 'bad-keys' }, data: { 'bad key': 'x', '..': 'y' } });
    await api.post(api.path('v1/services'), { metadata: { name: '1svc' }, spec: { ports: [{ port: 80 }] } });
    await api.post('/api/v1/namespaces', { metadata: { name: 'Bad.Namespace' } });
    await api.post('/apis/rbac.authorization.k8s.io/v1/clusterroles', { metadata: { name: 'a/b' } });
    await api.post(api.path('v1/secrets'), { metadata: { name: 'UPPER' } });
  },
};

const dryRun: Scenario = {
  name: 'dry-run',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    await api.post(`${configs}?dryRun=All`, config('ghost'));
    await api.get(`${configs}/ghost`);
    await api.post(`${configs}?dryRun=Some`, config('ghost'));
    await api.post(configs, config('real'));
    await api.patch('merge', `${configs}/real?dryRun=All`, { data: { a: 'changed' } });
    await api.delete(`${configs}/real?dryRun=All`);
    await api.delete(`${configs}/real`, { dryRun: ['All'] });
    await api.delete(`${configs}/real`, { dryRun: ['Bad'] });
    await api.get(`${configs}/real`);
    await api.post(`${api.path('v1/services')}?dryRun=All`, { metadata: { name: 'ghost' }, spec: { ports: [{ port: 80 }] } });
    await api.patch('apply', `${configs}/applied?dryRun=All&fieldManager=m`, config('applied'));
    await api.get(`${configs}/applied`);
  },
};

const deletion: Scenario = {
  name: 'deletion',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const held = { ...config('held'), metadata: { name: 'held', finalizers: ['contract.test/hold'] } };
    await api.post(configs, held);
    await api.delete(`${configs}/held`);
    await api.delete(`${configs}/held`);
    await api.patch('merge', `${configs}/held`, { metadata: { finalizers: ['contract.test/hold', 'contract.test/more'] } });
    await api.patch('merge', `${configs}/held`, { data: { b: '2' } });
    await api.patch('merge', `${configs}/held`, { metadata: { deletionTimestamp: null } });
    await api.patch('merge', `${configs}/held`, { metadata: { finalizers: null } });
    await api.get(`${configs}/held`);
    for (const [name, policy] of [['bg', 'Background'], ['orphan', 'Orphan'], ['bad', 'Sideways']] as const) {
      await api.post(configs, config(name));
      const marked = await api.delete(`${configs}/${name}`, { propagationPolicy: policy });
      api.transcript.note(`${name} is marked`, marked.body.metadata?.finalizers ?? null);
    }
    // Nobody takes a namespace's finalizer away before its objects are gone.
    await api.post('/api/v1/namespaces', { metadata: { name: '{ns}-x', finalizers: ['contract.test/hold'] } });
    const ended = await api.delete('/api/v1/namespaces/{ns}-x');
    api.transcript.note('namespace phase', ended.body.status);
    await api.post('/api/v1/namespaces/{ns}-x/configmaps', config('late'));
    api.onEnd(async () => {
      await api.quiet('PATCH', '/api/v1/namespaces/{ns}-x', { metadata: { finalizers: null } }, { type: 'application/merge-patch+json' });
      await api.quiet('PUT', '/api/v1/namespaces/{ns}-x/finalize', { metadata: { name: '{ns}-x' }, spec: { finalizers: [] } });
    });
    for (const name of ['c1', 'c2']) await api.post(configs, { ...config(name), metadata: { name, labels: { set: 'c' } } });
    await api.delete(`${configs}?labelSelector=set%3Dc`);
    await api.get(`${configs}?labelSelector=set%3Dc`);
    await api.delete(`${configs}/c1`, 'not json');
    await api.delete(`${configs}/c1`, { kind: 'ConfigMap', apiVersion: 'v1' });
  },
};

/** Scenarios of plain objects. */
export const OBJECT_SCENARIOS: readonly Scenario[] = [basics, names, dryRun, deletion];
