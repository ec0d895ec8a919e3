// Who may do what: authentication, access reviews, tokens, and the guard against giving away rights that one has not.
import type { ScenarioApi, Scenario } from '../scenario.ts';

const RBAC = 'rbac.authorization.k8s.io';
const bind = (api: ScenarioApi, name: string, role: string, user: string) => api.quiet('POST', api.path(`${RBAC}/v1/rolebindings`), { metadata: { name }, roleRef: { apiGroup: RBAC, kind: 'Role', name: role }, subjects: [{ apiGroup: RBAC, kind: 'User', name: user }] });
const role = (name: string, rules: object[]) => ({ apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name }, rules });

const authorization: Scenario = {
  name: 'authorization',
  run: async (api) => {
    const configs = api.path('v1/configmaps');
    const roles = api.path(`${RBAC}/v1/roles`);
    await api.quiet('POST', roles, role('reader', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'create'] }, { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['update'] }, { apiGroups: [''], resources: ['secrets'], resourceNames: ['one'], verbs: ['get'] }]));
    await bind(api, 'reader', 'reader', 'ann');
    const ann = { as: 'ann' };
    await api.until(`${configs}/none`, ({ code }) => code === 404, ann);
    await api.get(`${configs}/none`, ann);
    await api.delete(`${configs}/none`, undefined, ann);
    await api.get(api.path('v1/pods'), ann);
    await api.get('/api/v1/configmaps', ann);
    await api.get('/api/v1/nodes', ann);
    await api.get(`${api.path('v1/secrets')}/one`, ann);
    await api.get(`${api.path('v1/secrets')}/two`, ann);
    await api.get(`${configs}?watch=true`, ann);
    await api.post(api.path('v1/pods'), {}, ann);
    await api.patch('merge', `${api.path('apps/v1/deployments')}/d/scale`, {}, ann);
    await api.get(`${api.path('v1/pods')}/p/log`, ann);
    await api.get(`${api.path('v1/pods')}/p/log`, { as: 'system:serviceaccount:{ns}:default' });
    await api.patch('apply', `${configs}/applied?fieldManager=m`, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' } }, ann);
    await api.get('/metrics', ann);
    await api.get('/version', ann);
    await api.get('/api', { token: '' });
    await api.get('/version', { token: '' });
    await api.get(configs, { token: '' });
    await api.get(configs, { token: 'nonsense' });
    await api.get(configs, { as: 'ann', headers: { 'impersonate-group': 'x' } });
    await api.get('/nothing/here');
    await api.get('/nothing/here', ann);
    await api.get('/apis/none.example.com/v1/things', ann);
    await api.get('/apis/none.example.com/v1/things');
    await api.get('/api/v1/nonsense');
    await api.get('/api/v2/pods');
    await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } } }, ann);
    await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { namespace: '{ns}', verb: 'delete', resource: 'configmaps' } } }, ann);
    await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { nonResourceAttributes: { path: '/version', verb: 'get' } } }, ann);
    await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: {} }, ann);
    await api.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { namespace: '{ns}', verb: '*', group: '*', resource: '*' } } });
    await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user: 'ann', resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'secrets', name: 'one' } } });
    await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user: 'ann', groups: ['system:masters'], resourceAttributes: { verb: 'get', resource: 'secrets' } } });
    await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { resourceAttributes: { verb: 'get', resource: 'secrets' } } });
    await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user: 'ann', resourceAttributes: {}, nonResourceAttributes: {} } });
    await api.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user: 'ann', resourceAttributes: { verb: 'get', resource: 'secrets' } } }, ann);
    await api.post(api.path('authorization.k8s.io/v1/localsubjectaccessreviews'), { metadata: { namespace: '{ns}' }, spec: { user: 'ann', resourceAttributes: { namespace: '{ns}', verb: 'list', resource: 'configmaps' } } });
    await api.post(api.path('authorization.k8s.io/v1/localsubjectaccessreviews'), { metadata: { namespace: '{ns}' }, spec: { user: 'ann', resourceAttributes: { namespace: 'default', verb: 'list', resource: 'configmaps' } } });
    const rulesReview = await api.quiet('POST', '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews', { spec: { namespace: '{ns}' } }, ann);
    const resourceRules = rulesReview.body.status.resourceRules as { resources: string[] }[];
    api.transcript.note('rules of ann', { resourceRules: resourceRules.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)), incomplete: rulesReview.body.status.incomplete });
    await api.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, ann);
    await api.get('/apis/authorization.k8s.io/v1/subjectaccessreviews');
  },
};

const escalation: Scenario = {
  name: 'escalation',
  run: async (api) => {
    const roles = api.path(`${RBAC}/v1/roles`);
    const bindings = api.path(`${RBAC}/v1/rolebindings`);
    await api.quiet('POST', roles, role('maker', [{ apiGroups: [RBAC], resources: ['roles', 'rolebindings'], verbs: ['*'] }, { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] }]));
    await bind(api, 'maker', 'maker', 'mo');
    const mo = { as: 'mo' };
    await api.until(`${roles}/maker`, ({ code }) => code === 200, mo);
    await api.post(roles, role('fine', [{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]), mo);
    await api.post(roles, role('more', [{ apiGroups: [''], resources: ['secrets', 'pods'], verbs: ['get', 'list'] }]), mo);
    await api.post(roles, role('all', [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }]), mo);
    await api.patch('merge', `${roles}/fine`, { rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }] }, mo);
    await api.patch('merge', `${roles}/fine`, { metadata: { labels: { a: 'b' } } }, mo);
    await api.quiet('POST', roles, role('secrets', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]));
    const binding = (name: string, kind: string, ref: string) => ({ metadata: { name }, roleRef: { apiGroup: RBAC, kind, name: ref }, subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: '{ns}' }] });
    await api.post(bindings, binding('no', 'Role', 'secrets'), mo);
    await api.post(bindings, binding('yes', 'Role', 'fine'), mo);
    await api.post(bindings, binding('missing', 'Role', 'missing'), mo);
    await api.post(bindings, binding('cluster', 'ClusterRole', 'view'), mo);
    await api.patch('merge', `${bindings}/yes`, { roleRef: { apiGroup: RBAC, kind: 'Role', name: 'secrets' } });
    await api.patch('merge', `${roles}/maker`, { rules: [{ apiGroups: [RBAC], resources: ['roles', 'rolebindings'], verbs: ['*'] }, { apiGroups: [RBAC], resources: ['roles'], verbs: ['escalate', 'bind'] }] });
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    await api.post(roles, role('escalated', [{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]), mo);
    await api.post(bindings, binding('bound', 'Role', 'secrets'), mo);
    await api.post(roles, role('empty-verbs', [{ apiGroups: [''], resources: ['secrets'], verbs: [] }]));
    await api.post(roles, role('urls', [{ nonResourceURLs: ['/x'], verbs: ['get'] }]));
    await api.post(roles, role('no-resources', [{ apiGroups: [''], verbs: ['get'] }]));
    await api.post(bindings, { metadata: { name: 'bad' }, roleRef: { kind: 'Thing', name: '' }, subjects: [{ kind: 'Robot', name: 'x' }, { kind: 'ServiceAccount', name: 'Bad_Name' }] });
    await api.post(bindings, { metadata: { name: 'defaulted' }, roleRef: { kind: 'Role', name: 'fine' }, subjects: [{ kind: 'User', name: 'u' }, { kind: 'ServiceAccount', name: 'default', namespace: '{ns}' }] });
    await api.post(`/apis/${RBAC}/v1/clusterroles`, { metadata: { name: '{ns}' }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { '{ns}': 'yes' } }] }, rules: [] });
    await api.delete(`/apis/${RBAC}/v1/clusterroles/{ns}`);
  },
};

const tokens: Scenario = {
  name: 'tokens',
  run: async (api) => {
    const account = `${api.path('v1/serviceaccounts')}/default`;
    const request = (spec: object) => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
    const plain = await api.post(`${account}/token`, request({ expirationSeconds: 3600 }));
    const other = await api.post(`${account}/token`, request({ audiences: ['elsewhere'], expirationSeconds: 600 }));
    await api.post(`${account}/token`, request({ expirationSeconds: 5 }));
    await api.post(`${account}/token`, {});
    await api.post(`${api.path('v1/serviceaccounts')}/none/token`, request({}));
    await api.post(`${account}/token`, request({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'none' } }));
    const claims = JSON.parse(Buffer.from(String(plain.body.status.token).split('.')[1] ?? '', 'base64url').toString()) as Record<string, unknown>;
    api.transcript.note('claims of a token', { names: Object.keys(claims).sort(), sub: claims['sub'], aud: claims['aud'], iss: claims['iss'], own: Object.keys(claims['kubernetes.io'] as object).sort() });
    await api.get(api.path('v1/configmaps'), { token: plain.body.status.token });
    await api.get(api.path('v1/configmaps'), { token: other.body.status.token });
    const review = async (spec: object) => {
      const answer = await api.quiet('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec });
      const { status } = answer.body;
      // Credential identifiers are random, and errors are in the words of the key's library.
      if (status?.error) status.error = '<words>';
      if (status?.user?.extra?.['authentication.kubernetes.io/credential-id']) status.user.extra['authentication.kubernetes.io/credential-id'] = ['<id>'];
      answer.body.spec = { audiences: answer.body.spec?.audiences };
      api.transcript.record('POST tokenreviews', answer);
    };
    await review({ token: plain.body.status.token });
    await review({ token: plain.body.status.token, audiences: ['elsewhere'] });
    await review({ token: other.body.status.token, audiences: ['elsewhere', 'nowhere'] });
    await review({ token: other.body.status.token });
    await review({ token: 'nonsense' });
    await review({});
    await api.quiet('POST', api.path('v1/pods'), { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } });
    const bound = await api.post(`${account}/token`, request({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } }));
    await review({ token: bound.body.status.token });
    await api.quiet('DELETE', `${api.path('v1/pods')}/p?gracePeriodSeconds=0`);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    await review({ token: bound.body.status.token });
    await api.quiet('DELETE', account);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
    await review({ token: plain.body.status.token });
  },
};

/** Scenarios of access. */
export const ACCESS_SCENARIOS: readonly Scenario[] = [authorization, escalation, tokens];
