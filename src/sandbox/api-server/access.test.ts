import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
let token: string;
const RBAC = '/apis/rbac.authorization.k8s.io/v1';
const SUBJECT = { kind: 'ServiceAccount', name: 'app', namespace: 'default' };

beforeAll(async () => {
  cluster = await TestCluster.start('127.77.0.5');
  await cluster.post('/api/v1/namespaces', { metadata: { name: 'other' } });
  await cluster.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'app' } });
  const answer = await cluster.post('/api/v1/namespaces/default/serviceaccounts/app/token', { spec: { expirationSeconds: 600 } });
  expect(answer.code).toBe(201);
  token = answer.body.status.token as string;
  await cluster.post(`${RBAC}/namespaces/default/roles`, { metadata: { name: 'reader' }, rules: [
    { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list'] },
    { apiGroups: [''], resources: ['secrets'], resourceNames: ['one'], verbs: ['get'] },
    { apiGroups: ['apps'], resources: ['deployments/scale'], verbs: ['patch'] },
    { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles', 'rolebindings'], verbs: ['create'] },
  ] });
  await cluster.post(`${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'reader' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' }, subjects: [SUBJECT] });
  await cluster.post(`${RBAC}/clusterroles`, { metadata: { name: 'reviewer' }, rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }, { nonResourceURLs: ['/metrics/*'], verbs: ['get'] }] });
  await cluster.post(`${RBAC}/clusterrolebindings`, { metadata: { name: 'reviewer' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reviewer' }, subjects: [{ kind: 'Group', name: 'system:serviceaccounts:default' }] });
});
afterAll(async () => { await cluster.stop(); });

describe('authorization by RBAC', () => {
  it.each([
    ['GET', '/api/v1/namespaces/default/configmaps', 200],
    ['GET', '/api/v1/namespaces/default/configmaps?watch=1&timeoutSeconds=1', 403],
    ['GET', '/api/v1/namespaces/other/configmaps', 403],
    ['GET', '/api/v1/configmaps', 403],
    ['GET', '/api/v1/namespaces/default/secrets/one', 404],
    ['GET', '/api/v1/namespaces/default/secrets/two', 403],
    ['GET', '/api/v1/namespaces/default/secrets', 403],
    ['GET', '/api/v1/nodes', 200],
    ['GET', '/api/v1/nodes/n', 403],
    ['GET', '/version', 200],
    ['GET', '/apis', 200],
    ['GET', '/metrics/x', 404],
    ['GET', '/debug/x', 403],
  ])('%s %s as a service account: %i', async (method, path, code) => {
    expect((await cluster.call(method, path, undefined, { token })).code).toBe(code);
  });

  it('says what was wanted, in Kubernetes\' words', async () => {
    const { body } = await cluster.get('/api/v1/namespaces/other/secrets/x', { token });
    expect(body).toMatchObject({ kind: 'Status', reason: 'Forbidden', message: 'secrets "x" is forbidden: User "system:serviceaccount:default:app" cannot get resource "secrets" in API group "" in the namespace "other"' });
    const nobody = await cluster.get('/apis/apps/v1/deployments', { token: '' });
    expect(nobody).toMatchObject({ code: 403, body: { message: 'deployments.apps is forbidden: User "system:anonymous" cannot list resource "deployments" in API group "apps" at the cluster scope' } });
    expect((await cluster.get('/healthz', { token: '' })).code).toBe(200);
    expect(await cluster.get('/api', { token: 'not.a.token' })).toMatchObject({ code: 401, body: { message: 'Unauthorized', reason: 'Unauthorized' } });
  });

  it('nobody can grant what they do not hold', async () => {
    const role = (rules: object[]): object => ({ metadata: { generateName: 'r-' }, rules });
    expect((await cluster.post(`${RBAC}/namespaces/default/roles`, role([{ apiGroups: [''], resources: ['configmaps'], verbs: ['get'] }]), { token })).code).toBe(201);
    const more = await cluster.post(`${RBAC}/namespaces/default/roles`, role([{ apiGroups: [''], resources: ['secrets'], verbs: ['get'] }]), { token });
    expect(more.code).toBe(403);
    expect(more.body.message).toContain('is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}');
    const bind = await cluster.post(`${RBAC}/namespaces/default/rolebindings`, { metadata: { name: 'up' }, roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' }, subjects: [SUBJECT] }, { token });
    expect(bind.code).toBe(403);
  });

  it('aggregated roles hold what their parts hold', async () => {
    await cluster.post(`${RBAC}/clusterroles`, { metadata: { name: 'routes-view', labels: { 'rbac.authorization.k8s.io/aggregate-to-view': 'true' } }, rules: [{ apiGroups: ['example.com'], resources: ['routes'], verbs: ['get'] }] });
    const holds = async (name: string): Promise<boolean> => JSON.stringify((await cluster.get(`${RBAC}/clusterroles/${name}`)).body.rules).includes('example.com');
    await eventually(async () => (await holds('view')) && (await holds('edit')) && (await holds('admin')), 'the rules arrive');
  });

  it('impersonation is a right of its own', async () => {
    const headers = { 'impersonate-user': 'system:serviceaccount:default:app' };
    expect((await cluster.get('/api/v1/namespaces/other/secrets', { headers })).code).toBe(403);
    expect((await cluster.get('/api/v1/namespaces/default/configmaps', { headers })).code).toBe(200);
    expect((await cluster.get('/api/v1/namespaces/default/configmaps', { headers: { 'impersonate-user': 'bob' }, token })).body.message).toContain('cannot impersonate resource "users"');
    const who = await cluster.post('/apis/authentication.k8s.io/v1/selfsubjectreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }, { headers: { 'impersonate-user': 'bob', 'impersonate-group': 'team' } });
    expect(who.body.status.userInfo).toEqual({ username: 'bob', groups: ['team', 'system:authenticated'] });
  });

  it('access reviews answer as the authorizer would', async () => {
    const review = (user: string, attributes: object): Promise<{ body: { status: { allowed: boolean } } }> => cluster.post('/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec: { user, groups: ['system:serviceaccounts:default'], resourceAttributes: attributes } });
    expect((await review('system:serviceaccount:default:app', { verb: 'list', resource: 'configmaps', namespace: 'default' })).body.status.allowed).toBe(true);
    expect((await review('system:serviceaccount:default:app', { verb: 'delete', resource: 'configmaps', namespace: 'default' })).body.status.allowed).toBe(false);
    expect((await review('x', { verb: 'list', resource: 'nodes' })).body.status.allowed).toBe(true);
    const self = await cluster.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { spec: { resourceAttributes: { verb: 'patch', group: 'apps', resource: 'deployments', subresource: 'scale', namespace: 'default' } } }, { token });
    expect(self.body.status.allowed).toBe(true);
  });
});

describe('service account tokens', () => {
  it('are bound to audience and pod', async () => {
    const pod = await cluster.post('/api/v1/namespaces/default/pods', { metadata: { name: 'p' }, spec: { serviceAccountName: 'app', containers: [{ name: 'c', image: 'i' }] } });
    expect(pod.body.spec.volumes[0]).toMatchObject({ projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'kube-root-ca.crt' } }, { downwardAPI: {} }] } });
    expect(pod.body.spec.containers[0].volumeMounts[0].mountPath).toBe('/var/run/secrets/kubernetes.io/serviceaccount');
    const { body } = await cluster.post('/api/v1/namespaces/default/serviceaccounts/app/token', { spec: { audiences: ['istio-ca'], boundObjectRef: { kind: 'Pod', name: 'p', uid: pod.body.metadata.uid } } });
    const review = (audiences: string[]): Promise<{ body: { status: { authenticated?: boolean; audiences?: string[]; user: { username?: string; extra?: Record<string, string[]> } } } }> => cluster.post('/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: body.status.token, audiences } });
    const { status } = (await review(['istio-ca', 'another'])).body;
    expect(status).toMatchObject({ authenticated: true, audiences: ['istio-ca'], user: { username: 'system:serviceaccount:default:app', extra: { 'authentication.kubernetes.io/pod-name': ['p'] } } });
    expect((await review([])).body.status.authenticated).toBeUndefined();
    expect((await cluster.get('/api/v1/namespaces/default/configmaps', { token: body.status.token as string })).code).toBe(401);
    await cluster.delete('/api/v1/namespaces/default/pods/p');
    expect((await review(['istio-ca'])).body.status.authenticated).toBeUndefined();
  });

  it('cannot be altered', async () => {
    const [header = '', , signature = ''] = token.split('.');
    const claims = { ...JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()), sub: 'system:serviceaccount:kube-system:default' };
    expect((await cluster.get('/api', { token: `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}` })).code).toBe(401);
    expect((await cluster.get('/api', { token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${token.split('.')[1] ?? ''}.` })).code).toBe(401);
  });

  it('end with their account', async () => {
    await cluster.post('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'brief' } });
    const { body } = await cluster.post('/api/v1/namespaces/default/serviceaccounts/brief/token', {});
    expect((await cluster.get('/api', { token: body.status.token as string })).code).toBe(200);
    await cluster.delete('/api/v1/namespaces/default/serviceaccounts/brief');
    expect((await cluster.get('/api', { token: body.status.token as string })).code).toBe(401);
  });
});
