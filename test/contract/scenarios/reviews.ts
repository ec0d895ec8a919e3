// The questions that a server answers about users, beyond what access.ts asks: wildcards, selectors, other users' claims, and bound tokens.
import type { ScenarioApi, Scenario } from '../scenario.ts';

const RBAC = 'rbac.authorization.k8s.io';
const AUTHORIZATION = '/apis/authorization.k8s.io/v1';

async function grant(api: ScenarioApi, name: string, rules: object[], subject: object): Promise<void> {
  await api.quiet('POST', api.path(`${RBAC}/v1/roles`), { metadata: { name }, rules });
  await api.quiet('POST', api.path(`${RBAC}/v1/rolebindings`), { metadata: { name }, roleRef: { apiGroup: RBAC, kind: 'Role', name }, subjects: [subject] });
}

const user = (name: string): object => ({ apiGroup: RBAC, kind: 'User', name });

const access: Scenario = {
  name: 'access-reviews',
  run: async (api) => {
    await grant(api, 'wide', [{ apiGroups: ['*'], resources: ['*/scale', 'configmaps', 'pods/*'], verbs: ['get', 'list'] }, { apiGroups: [''], resources: ['secrets'], resourceNames: ['one'], verbs: ['*'] }], user('{ns}-ben'));
    await grant(api, 'group', [{ apiGroups: [''], resources: ['services'], verbs: ['*'] }], { apiGroup: RBAC, kind: 'Group', name: '{ns}-crew' });
    await grant(api, 'account', [{ apiGroups: [''], resources: ['endpoints'], verbs: ['get'] }], { kind: 'ServiceAccount', name: 'default', namespace: '{ns}' });
    await api.quiet('POST', `/apis/${RBAC}/v1/clusterroles`, { metadata: { name: '{ns}' }, rules: [{ nonResourceURLs: ['/logs/*', '/exact'], verbs: ['get'] }, { apiGroups: [''], resources: ['nodes'], verbs: ['list'] }] });
    await api.quiet('POST', `/apis/${RBAC}/v1/clusterrolebindings`, { metadata: { name: '{ns}' }, roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: '{ns}' }, subjects: [user('{ns}-ben')] });
    api.onEnd(async () => api.quiet('DELETE', `/apis/${RBAC}/v1/clusterroles/{ns}`));
    api.onEnd(async () => api.quiet('DELETE', `/apis/${RBAC}/v1/clusterrolebindings/{ns}`));
    const ask = (spec: object) => api.post(`${AUTHORIZATION}/subjectaccessreviews`, { spec });
    for (let left = 100; left > 0; left -= 1) {
      const { body } = await api.quiet('POST', `${AUTHORIZATION}/subjectaccessreviews`, { spec: { user: `${api.namespace}-ben`, resourceAttributes: { verb: 'list', resource: 'nodes' } } });
      if (body.status.allowed === true) break;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    const ben = '{ns}-ben';
    const inside = (attributes: object): object => ({ user: ben, resourceAttributes: { namespace: '{ns}', ...attributes } });
    for (const attributes of [{ verb: 'get', group: 'apps', resource: 'deployments', subresource: 'scale' }, { verb: 'get', group: 'apps', resource: 'deployments' }, { verb: 'get', resource: 'pods', subresource: 'log' }, { verb: 'get', resource: 'pods' }, { verb: 'delete', resource: 'secrets', name: 'one' }, { verb: 'delete', resource: 'secrets' }, { verb: '*', resource: 'configmaps' }, { verb: 'get', resource: '*' }, { verb: 'get', resource: 'configmaps', namespace: 'default' }, { verb: 'list', resource: 'nodes', namespace: '' }, { verb: 'list', resource: 'nodes' }, { verb: '', resource: '' }, {},
      { verb: 'list', resource: 'configmaps', fieldSelector: { rawSelector: 'metadata.name=a' } }, { verb: 'list', resource: 'configmaps', labelSelector: { requirements: [{ key: 'a', operator: 'In', values: ['b'] }] } }, { verb: 'list', resource: 'configmaps', labelSelector: { rawSelector: 'a=b', requirements: [{ key: 'a', operator: 'Exists' }] } }, { verb: 'list', resource: 'configmaps', fieldSelector: { requirements: [{ key: '', operator: 'Strange' }] } }, { verb: 'list', resource: 'configmaps', fieldSelector: {} }, { verb: 'list', resource: 'configmaps', version: '*' }])
      await ask(inside(attributes));
    for (const path of ['/logs/a/b', '/logs', '/exact', '/exact/more', '/healthz', '']) await ask({ user: ben, nonResourceAttributes: { path, verb: 'get' } });
    await ask({ user: 'nobody', groups: ['{ns}-crew'], resourceAttributes: { namespace: '{ns}', verb: 'update', resource: 'services' } });
    await ask({ groups: ['{ns}-crew'], resourceAttributes: { namespace: '{ns}', verb: 'update', resource: 'services' } });
    await ask({ user: 'system:serviceaccount:{ns}:default', uid: 'u', extra: { a: ['b'] }, resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'endpoints' } });
    await ask({ user: 'system:anonymous', groups: ['system:unauthenticated'], nonResourceAttributes: { path: '/healthz', verb: 'get' } });
    await ask({ user: 'system:anonymous', groups: ['system:authenticated'], nonResourceAttributes: { path: '/apis', verb: 'get' } });
    await api.post(`${AUTHORIZATION}/subjectaccessreviews?dryRun=All`, { spec: inside({ verb: 'get', resource: 'configmaps' }) });
    await api.post(`${AUTHORIZATION}/subjectaccessreviews`, { metadata: { name: 'named', labels: { a: 'b' } }, spec: inside({ verb: 'get', resource: 'configmaps' }) });
    await api.post(`${AUTHORIZATION}/subjectaccessreviews`, { spec: inside({ verb: 'get', resource: 'configmaps' }), status: { allowed: false, reason: 'said so' } });
    await api.post(`${AUTHORIZATION}/subjectaccessreviews`, {});
    await api.post(`${AUTHORIZATION}/subjectaccessreviews`, { spec: 'text' });
    await api.post(`${AUTHORIZATION}/selfsubjectaccessreviews`, { metadata: { namespace: '{ns}' }, spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } });
    await api.post(`${AUTHORIZATION}/selfsubjectaccessreviews`, { spec: { nonResourceAttributes: { path: '/logs/x', verb: 'get' } } }, { as: ben });
    await api.post(`${AUTHORIZATION}/selfsubjectaccessreviews`, { spec: { resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'services' } } }, { as: ben, headers: { 'impersonate-group': `${api.namespace}-crew` } });
    const local = api.path('authorization.k8s.io/v1/localsubjectaccessreviews');
    await api.post(local, { spec: { user: ben, resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } } });
    await api.post(local, { spec: { user: ben, nonResourceAttributes: { path: '/x', verb: 'get' } } });
    await api.post(local, { metadata: { namespace: 'default' }, spec: { user: ben, resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } } });
    await api.post(local, { spec: { resourceAttributes: { namespace: '{ns}', verb: 'get', resource: 'configmaps' } } });
    const rules = async (namespace: string, as: string, headers: Record<string, string> = {}) => {
      const answer = await api.quiet('POST', `${AUTHORIZATION}/selfsubjectrulesreviews`, { spec: { namespace } }, { as, headers });
      const sorted = (list: object[]): object[] => list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      api.transcript.note(`rules of ${as} in ${namespace}`, { code: answer.code, spec: answer.body.spec, metadata: answer.body.metadata, resourceRules: sorted(answer.body.status?.resourceRules ?? []), nonResourceRules: sorted(answer.body.status?.nonResourceRules ?? []), incomplete: answer.body.status?.incomplete });
    };
    await rules('{ns}', ben);
    await rules('default', ben);
    await rules('{ns}', 'system:serviceaccount:{ns}:default');
    await rules('{ns}', 'someone', { 'impersonate-group': 'system:masters' });
    await api.post(`${AUTHORIZATION}/selfsubjectrulesreviews`, { spec: {} }, { as: ben });
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) await api.call(method, `${AUTHORIZATION}/subjectaccessreviews`, method === 'GET' || method === 'DELETE' ? undefined : {}, { type: 'application/json' });
    await api.get(`${AUTHORIZATION}/subjectaccessreviews/name`);
  },
};

const identity: Scenario = {
  name: 'identity',
  run: async (api) => {
    const who = async (what: string, headers: Record<string, string>, options: object = {}) => {
      const answer = await api.quiet('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { headers, ...options });
      api.transcript.record(`who: ${what}`, answer);
    };
    await who('a user', { 'impersonate-user': 'ann' });
    await who('with a group', { 'impersonate-user': 'ann', 'impersonate-group': 'crew' });
    await who('with a uid', { 'impersonate-user': 'ann', 'impersonate-uid': 'u-1' });
    await who('with more', { 'impersonate-user': 'ann', 'impersonate-extra-scopes': 'read', 'impersonate-extra-Acme.com%2Fproject': 'mesh' });
    await who('a service account', { 'impersonate-user': 'system:serviceaccount:{ns}:default'.replaceAll('{ns}', api.namespace) });
    await who('a service account with a group', { 'impersonate-user': 'system:serviceaccount:{ns}:default'.replaceAll('{ns}', api.namespace), 'impersonate-group': 'crew' });
    await who('a service account that is none', { 'impersonate-user': 'system:serviceaccount:Bad' });
    await who('nobody', { 'impersonate-user': 'system:anonymous' });
    await who('a node', { 'impersonate-user': 'system:node:n1' });
    await who('no user, but a uid', { 'impersonate-uid': 'u-1' });
    await who('no user, but more', { 'impersonate-extra-scopes': 'read' });
    await grant(api, 'actor', [{ apiGroups: [''], resources: ['serviceaccounts'], resourceNames: ['default'], verbs: ['impersonate'] }], { kind: 'ServiceAccount', name: 'default', namespace: '{ns}' });
    const account = `${api.path('v1/serviceaccounts')}/default`;
    const issued = await api.quiet('POST', `${account}/token`, { spec: { expirationSeconds: 3600 } });
    const token = String(issued.body.status.token);
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    const own = await api.quiet('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {}, { token });
    if (own.body.status?.userInfo?.extra) own.body.status.userInfo.extra['authentication.kubernetes.io/credential-id'] = ['<id>'];
    api.transcript.record('who: with a token', own);
    for (const headers of [{ 'impersonate-user': 'ann' }, { 'impersonate-user': `system:serviceaccount:${api.namespace}:default` }, { 'impersonate-user': `system:serviceaccount:${api.namespace}:other` }, { 'impersonate-user': `system:serviceaccount:${api.namespace}:default`, 'impersonate-group': 'system:masters' }, { 'impersonate-user': `system:serviceaccount:${api.namespace}:default`, 'impersonate-uid': 'x' }, { 'impersonate-user': `system:serviceaccount:${api.namespace}:default`, 'impersonate-extra-a': 'x' }])
      api.transcript.record(`a token as ${JSON.stringify(headers)}`, await api.quiet('GET', `${account}`, undefined, { token, headers }));
    for (const authorization of ['Bearer', 'Bearer ', 'Basic YTpi', 'bearer x', 'Token x', `Bearer ${token}x`, `bearer ${token}`, `Bearer  ${token}`]) {
      const answer = await api.quiet('GET', '/version', undefined, { token: '', headers: { authorization } });
      api.transcript.note(`authorization ${authorization.replace(token, '<token>')}`, { code: answer.code, challenge: answer.headers['www-authenticate'] });
    }
  },
};

const bound: Scenario = {
  name: 'bound-tokens',
  run: async (api) => {
    const account = `${api.path('v1/serviceaccounts')}/default`;
    const request = (spec: object) => ({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec });
    const claimsOf = (answer: { body: any }): Record<string, any> => JSON.parse(Buffer.from(String(answer.body.status.token).split('.')[1] ?? '', 'base64url').toString()) as Record<string, any>;
    const review = async (what: string, token: unknown) => {
      const answer = await api.quiet('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } });
      const { status } = answer.body;
      if (status?.error) status.error = '<words>';
      if (status?.user?.extra?.['authentication.kubernetes.io/credential-id']) status.user.extra['authentication.kubernetes.io/credential-id'] = ['<id>'];
      api.transcript.note(`review ${what}`, { code: answer.code, status });
    };
    await api.quiet('POST', api.path('v1/secrets'), { metadata: { name: 's' } });
    await api.quiet('POST', '/api/v1/nodes', { metadata: { name: '{ns}' } });
    api.onEnd(async () => api.quiet('DELETE', '/api/v1/nodes/{ns}'));
    await api.quiet('POST', api.path('v1/pods'), { metadata: { name: 'p' }, spec: { nodeName: '{ns}', containers: [{ name: 'c', image: 'i' }] } });
    await api.quiet('POST', api.path('v1/serviceaccounts'), { metadata: { name: 'other' } });
    await api.quiet('POST', api.path('v1/pods'), { metadata: { name: 'others' }, spec: { serviceAccountName: 'other', containers: [{ name: 'c', image: 'i' }] } });
    for (const [kind, name] of [['Pod', 'p'], ['Secret', 's'], ['Node', '{ns}']] as const) {
      const answer = await api.post(`${account}/token`, request({ boundObjectRef: { kind, apiVersion: 'v1', name: name.replace('{ns}', api.namespace) } }));
      if (answer.code !== 201) continue;
      const claims = claimsOf(answer)['kubernetes.io'] as Record<string, unknown>;
      api.transcript.note(`claims bound to a ${kind}`, claims);
      await review(`of a ${kind}`, answer.body.status.token);
      if (kind === 'Node') continue;
      await api.quiet('DELETE', `${api.path(`v1/${kind.toLowerCase()}s`)}/${name}?gracePeriodSeconds=0`);
      await new Promise((resolve) => { setTimeout(resolve, 300); });
      await review(`of a ${kind} that is gone`, answer.body.status.token);
    }
    for (const spec of [{ boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } }, { boundObjectRef: { kind: 'Pod', apiVersion: 'v2', name: 'x' } }, { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'others' } }, { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'others', uid: 'wrong' } }, { boundObjectRef: { kind: 'Pod', apiVersion: 'v1' } }, { boundObjectRef: {} }, { expirationSeconds: 0 }, { expirationSeconds: 599 }, { expirationSeconds: 4294967297 }, { expirationSeconds: 600 }, { expirationSeconds: '600' }, { audiences: [''] }, { audiences: ['a', 'b', 'a'] }, { audiences: 'text' }, { nonsense: 1 }])
      await api.post(`${account}/token`, request(spec));
    await api.post(`${account}/token?dryRun=All`, request({}));
    await api.post(`${account}/token`, { ...request({}), metadata: { name: 'wrong', namespace: '{ns}' } });
    await api.post(`${account}/token`, { ...request({}), metadata: { name: 'default', namespace: 'wrong' } });
    await api.post(`${account}/token`, { kind: 'Pod', apiVersion: 'v1' });
    await api.post(`${account}/token`, request({}), { as: 'ann' });
    await api.get(`${account}/token`);
    await api.put(`${account}/token`, request({}));
    for (const method of ['GET', 'DELETE']) await api.call(method, '/apis/authentication.k8s.io/v1/tokenreviews');
    await api.post('/apis/authentication.k8s.io/v1/tokenreviews?dryRun=All', { spec: { token: 'x' } }).catch(() => undefined);
    await api.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: 5 } });
    await api.post('/apis/authentication.k8s.io/v1/tokenreviews', { metadata: { name: 'named' }, spec: {} });
  },
};

/** Scenarios of reviews. */
export const REVIEW_SCENARIOS: readonly Scenario[] = [access, identity, bound];
