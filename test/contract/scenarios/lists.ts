// Reading many: selectors, pages, resource versions, watches, tables.
import type { Scenario } from '../scenario.ts';

const config = (name: string, labels: Record<string, string> = { set: 'x' }) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data: { a: name } });
const encode = encodeURIComponent;

const selectors: Scenario = {
  name: 'selectors',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    for (const [name, tier] of [['a', 'web'], ['b', 'db'], ['c', 'web']] as const) await api.quiet('POST', configs, config(name, { set: 'x', tier }));
    const names = async (query: string) => {
      const answer = await api.quiet('GET', `${configs}?${query}`);
      api.transcript.note(`names of ${query}`, answer.code === 200 ? answer.body.items.map((item: { metadata: { name: string } }) => item.metadata.name) : answer.body);
    };
    for (const selector of ['set=x,tier=web', 'set==x,tier!=web', 'set=x,tier in (db, web)', 'set=x,tier notin (db)', 'set=x,!tier', 'set,tier', 'set=x,tier in ()', 'set=', 'a b', 'set=x,', 'set=x,tier in (db', '!', 'set=bad value', 'set>1', 'set=x,n>a', 'UP/er=x'])
      await names(`labelSelector=${encode(selector)}`);
    for (const selector of ['metadata.name=a', 'metadata.name!=a,metadata.name!=kube-root-ca.crt', 'metadata.namespace={ns},metadata.name=b', 'data.a=a', 'bad', 'metadata.name==c', 'metadata.name in (a)'])
      await names(`labelSelector=set&fieldSelector=${encode(selector)}`);
    const pods = await api.quiet('GET', `${api.path('v1/pods')}?fieldSelector=${encode('spec.nodeName=x,status.phase=Running,spec.restartPolicy!=Never')}`);
    api.transcript.note('pods can be selected', pods.code);
    await api.get(`${api.path('v1/pods')}?fieldSelector=spec.containers%3Dx`);
    await api.get(`/apis/apps/v1/deployments?fieldSelector=${encode('status.replicas=1')}`);
    const secrets = await api.quiet('GET', `${api.path('v1/secrets')}?fieldSelector=type%3DOpaque`);
    api.transcript.note('secrets by type', secrets.code);
  },
};

const pages: Scenario = {
  name: 'pages',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const marks: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e']) marks.push((await api.quiet('POST', configs, config(name))).body.metadata.resourceVersion);
    const page = await api.get(`${configs}?limit=2&labelSelector=set`);
    const token = encode(page.body.metadata.continue);
    await api.quiet('DELETE', `${configs}/c`);
    await api.get(`${configs}?limit=2&labelSelector=set&continue=${token}`);
    const secrets = api.path('v1/secrets');
    for (const name of ['a', 'b', 'c']) await api.quiet('POST', secrets, { metadata: { name } });
    await api.get(`${secrets}?limit=2`);
    await api.get(`${secrets}?limit=2&continue=nonsense`);
    await api.get(`${secrets}?limit=two`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=0&continue=${token}`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=${marks[1] ?? ''}&resourceVersionMatch=Exact`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=${marks[1] ?? ''}&resourceVersionMatch=NotOlderThan`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=0`);
    await api.get(`${configs}?labelSelector=set&resourceVersionMatch=Exact`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=0&resourceVersionMatch=Exact`);
    await api.get(`${configs}?labelSelector=set&resourceVersion=1&resourceVersionMatch=Sideways`);
    await api.get(`${configs}?resourceVersion=abc`);
    await api.get(`${configs}?limit=2&labelSelector=set&resourceVersionMatch=Exact&continue=${token}&resourceVersion=5`);
    const ahead = await api.quiet('GET', `${configs}?resourceVersion=99999999999`);
    api.transcript.note('a version of the future', { code: ahead.code, reason: ahead.body.reason, retry: ahead.body.details?.retryAfterSeconds });
    await api.get(`${configs}/a?resourceVersion=0`);
  },
};

const watches: Scenario = {
  name: 'watches',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const first = await api.quiet('POST', configs, config('a'));
    const since = first.body.metadata.resourceVersion as string;
    await api.watch(`${configs}?watch=true&resourceVersion=${since}&labelSelector=set%3Dx&timeoutSeconds=10`, 5, async () => {
      await api.quiet('POST', configs, config('b'));
      await api.quiet('PATCH', `${configs}/b`, { metadata: { labels: { set: 'y' } } }, { type: 'application/merge-patch+json' });
      await api.quiet('PATCH', `${configs}/b`, { metadata: { labels: { set: 'x' } } }, { type: 'application/merge-patch+json' });
      await api.quiet('PATCH', `${configs}/b`, { data: { a: 'changed' } }, { type: 'application/merge-patch+json' });
      await api.quiet('DELETE', `${configs}/b`);
    });
    await api.watch(`${configs}?watch=true&fieldSelector=metadata.name%3Da&timeoutSeconds=10`, 1);
    await api.watch(`${configs}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3Da&timeoutSeconds=10`, 1);
    await api.watch(`${configs}?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&labelSelector=set&timeoutSeconds=10`, 2);
    await api.get(`${configs}?watch=true&sendInitialEvents=true`);
    await api.get(`${configs}?watch=true&sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=${since}`);
    await api.get(`${configs}?watch=true&resourceVersionMatch=NotOlderThan&resourceVersion=${since}`);
    await api.watch(`${configs}/a?watch=true&timeoutSeconds=10`, 1);
    await api.watch(`/api/v1/watch/namespaces/{ns}/configmaps?labelSelector=set&timeoutSeconds=10`, 1);
    await api.watch(`${configs}?watch=true&labelSelector=set&timeoutSeconds=10`, 1, undefined, { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' } });
    await api.watch(`${configs}?watch=true&labelSelector=set&timeoutSeconds=10`, 1, undefined, { headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' } });
    await api.get(`${configs}?watch=true&resourceVersion=abc`);
    await api.get(`${configs}?watch=true&labelSelector=a+b`);
    await api.get(`${configs}?watch=true&fieldSelector=data.a%3Db`);
    const ended = await api.endpoint.watch(`${configs}?watch=true&timeoutSeconds=1&resourceVersion=${since}`);
    await ended.ended;
    api.transcript.note('ends at its timeout', ended.code);
  },
};

const tables: Scenario = {
  name: 'tables',
  run: async (api) => {
    const table = { headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' } };
    const configs = api.path('v1/configmaps');
    await api.quiet('POST', configs, config('a'));
    await api.get(`${configs}?labelSelector=set`, table);
    await api.get(`${configs}?labelSelector=set&includeObject=None`, table);
    await api.get(`${configs}?labelSelector=set&includeObject=Object`, table);
    await api.get(`${configs}?labelSelector=set&includeObject=Bad`, table);
    await api.get(`${configs}/a`, table);
    await api.get(`${configs}/none`, table);
    await api.get(`${configs}?labelSelector=none`, table);
    await api.get(`${configs}?labelSelector=set`, { headers: { accept: 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io' } });
    await api.get(`${configs}/a`, { headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io' } });
    await api.get(`${configs}/a`, { headers: { accept: 'application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io' } });
    await api.get(configs, { headers: { accept: 'application/json;as=Nonsense;v=v1;g=meta.k8s.io' } });
    const columns = async (path: string) => {
      const { body } = await api.quiet('GET', path, undefined, table);
      api.transcript.note(`columns of ${path}`, body.columnDefinitions?.map(({ name, type, format, priority }: Record<string, unknown>) => `${String(name)} ${String(type)} ${String(format)} ${String(priority)}`) ?? body);
    };
    for (const resource of ['v1/pods', 'v1/services', 'v1/endpoints', 'v1/secrets', 'v1/serviceaccounts', 'v1/events', 'v1/persistentvolumeclaims', 'v1/replicationcontrollers', 'v1/resourcequotas', 'v1/limitranges', 'apps/v1/deployments', 'apps/v1/replicasets', 'apps/v1/daemonsets', 'apps/v1/statefulsets', 'apps/v1/controllerrevisions', 'batch/v1/jobs', 'batch/v1/cronjobs',
      'discovery.k8s.io/v1/endpointslices', 'autoscaling/v2/horizontalpodautoscalers', 'policy/v1/poddisruptionbudgets', 'networking.k8s.io/v1/networkpolicies', 'networking.k8s.io/v1/ingresses', 'rbac.authorization.k8s.io/v1/roles', 'rbac.authorization.k8s.io/v1/rolebindings', 'coordination.k8s.io/v1/leases']) await columns(api.path(resource));
    for (const path of ['/api/v1/namespaces', '/api/v1/nodes', '/apis/rbac.authorization.k8s.io/v1/clusterroles', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      '/apis/scheduling.k8s.io/v1/priorityclasses', '/apis/storage.k8s.io/v1/storageclasses', '/apis/certificates.k8s.io/v1/certificatesigningrequests', '/apis/networking.k8s.io/v1/ingressclasses']) await columns(path);
  },
};

/** Scenarios of lists and watches. */
export const LIST_SCENARIOS: readonly Scenario[] = [selectors, pages, watches, tables];
