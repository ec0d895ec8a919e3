import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CertificateAuthority } from '../auth/index.ts';
import { TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
let hook: Server;
let caBundle: string;
let port: number;
const seen: { path: string; request: any }[] = [];

function respond(path: string, request: any): object {
  const patch = (operations: object[]): object => ({ uid: request.uid, allowed: true, patchType: 'JSONPatch', patch: Buffer.from(JSON.stringify(operations)).toString('base64') });
  const count = Number(request.object?.data?.count ?? 0);
  switch (path) {
    case '/count': return patch([{ op: 'add', path: '/data/count', value: String(count + 1) }]);
    case '/mark': return patch([{ op: 'add', path: '/data/marked', value: 'yes' }]);
    case '/deny': return { uid: request.uid, allowed: false, status: { message: 'not like this', code: 400, reason: 'BadRequest' } };
    case '/plain': return { uid: request.uid, allowed: false };
    default: return { uid: request.uid, allowed: true, warnings: ['look out'] };
  }
}

beforeAll(async () => {
  cluster = await TestCluster.start('127.77.0.6');
  const authority = await CertificateAuthority.open();
  caBundle = Buffer.from(authority.certificatePem).toString('base64');
  const serving = await authority.issue({ commonName: 'hook', usage: 'server', dnsNames: ['hook.default.svc'], addresses: ['127.77.0.66'] });
  hook = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString());
      const path = request.url?.split('?')[0] ?? '';
      seen.push({ path, request: review.request });
      if (path === '/slow') return;
      response.end(JSON.stringify({ apiVersion: review.apiVersion, kind: review.kind, response: respond(path, review.request) }));
    });
  });
  await new Promise<void>((resolve) => { hook.listen(0, '127.77.0.66', () => { resolve(); }); });
  port = (hook.address() as AddressInfo).port;
  await cluster.post('/api/v1/namespaces/default/services', { metadata: { name: 'hook' }, spec: { selector: { app: 'hook' }, ports: [{ port: 443, targetPort: port }] } });
});
afterAll(async () => {
  await cluster.stop();
  hook.closeAllConnections();
  hook.close();
});

const URLS = '/apis/admissionregistration.k8s.io/v1';
let configured = 0;

/** Installs webhooks for the ConfigMaps of a fresh namespace. */
async function install(kind: 'Mutating' | 'Validating', hooks: { path: string; service?: boolean; [field: string]: unknown }[]): Promise<string> {
  configured += 1;
  const namespace = `case-${String(configured)}`;
  await cluster.post('/api/v1/namespaces', { metadata: { name: namespace } });
  const webhooks = hooks.map(({ path, service, ...rest }, index) => ({
    name: `h${String(index)}.${namespace}.example.com`, sideEffects: 'None', admissionReviewVersions: ['v1'],
    clientConfig: { caBundle, ...(service === true ? { service: { namespace: 'default', name: 'hook', path } } : { url: `https://127.77.0.66:${String(port)}${path}` }) },
    rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } }, ...rest,
  }));
  const answer = await cluster.post(`${URLS}/${kind.toLowerCase()}webhookconfigurations`, { metadata: { name: namespace }, webhooks });
  expect(answer.code).toBe(201);
  return `/api/v1/namespaces/${namespace}/configmaps`;
}
const subject = { metadata: { name: 'm', labels: { a: 'b' } }, data: { x: 'y' } };

describe('mutating webhooks', () => {
  it('change objects in turn; those that want to are called again after a later change', async () => {
    const path = await install('Mutating', [{ path: '/count', reinvocationPolicy: 'IfNeeded' }, { path: '/mark' }]);
    expect((await cluster.post(path, subject)).body.data).toEqual({ x: 'y', count: '2', marked: 'yes' });
    const { request } = seen.at(-1) as { request: any };
    expect(request).toMatchObject({ operation: 'CREATE', kind: { group: '', version: 'v1', kind: 'ConfigMap' }, resource: { resource: 'configmaps' }, name: 'm', userInfo: { username: 'test-admin' }, dryRun: false, oldObject: null, object: { kind: 'ConfigMap', apiVersion: 'v1', metadata: { labels: { a: 'b' } } } });
  });
});

describe('validating webhooks', () => {
  it.each([
    ['/deny', 400, /^admission webhook "h0\.case-\d+\.example\.com" denied the request: not like this$/],
    ['/plain', 400, /denied the request without explanation$/],
  ])('%s refuses', async (path, code, message) => {
    const answer = await cluster.post(await install('Validating', [{ path }]), subject);
    expect(answer.code).toBe(code);
    expect(answer.body.message).toMatch(message);
  });

  it('see updates and deletes, and may warn', async () => {
    const path = await install('Validating', [{ path: '/allow' }]);
    expect((await cluster.post(path, subject)).headers['warning']).toBe('299 - "look out"');
    await cluster.patch('merge', `${path}/m`, { data: { x: 'z' } });
    expect(seen.at(-1)?.request).toMatchObject({ operation: 'UPDATE', oldObject: { data: { x: 'y' } }, object: { data: { x: 'z' } } });
    await cluster.delete(`${path}/m`);
    expect(seen.at(-1)?.request).toMatchObject({ operation: 'DELETE', object: null, oldObject: { data: { x: 'z' } } });
  });

  it.each([
    ['an object selector', { objectSelector: { matchLabels: { a: 'other' } } }],
    ['an operation', { rules: [{ operations: ['DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] }],
    ['a resource', { rules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['secrets'] }] }],
    ['a match condition', { matchConditions: [{ name: 'c', expression: 'object.metadata.name == "other"' }] }],
    ['a scope', { rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], scope: 'Cluster' }] }],
  ])('are not called when %s does not match', async (_what, rule) => {
    expect((await cluster.post(await install('Validating', [{ path: '/deny', ...rule }]), subject)).code).toBe(201);
  });

  it('that fail refuse or are ignored, by policy', async () => {
    const failing = await cluster.post(await install('Validating', [{ path: '/slow', timeoutSeconds: 1 }]), subject);
    expect(failing).toMatchObject({ code: 500, body: { reason: 'InternalError', message: expect.stringMatching(/^Internal error occurred: failed calling webhook "h0\.case-\d+\.example\.com": failed to call webhook: Post "https:\/\/127\.77\.0\.66:\d+\/slow\?timeout=1s": context deadline exceeded$/) } });
    expect((await cluster.post(await install('Validating', [{ path: '/deny', failurePolicy: 'Ignore', clientConfig: { url: 'https://127.77.0.66:1/x', caBundle } }]), subject)).code).toBe(201);
  });

  it('behind a Service are found at a ready endpoint, and by its name in their certificate', async () => {
    const path = await install('Validating', [{ path: '/deny', service: true }]);
    expect((await cluster.post(path, subject)).body.message).toContain('no endpoints available for service "hook"');
    const slice = { metadata: { name: 'hook', labels: { 'kubernetes.io/service-name': 'hook' } }, addressType: 'IPv4', endpoints: [{ addresses: ['127.77.0.66'], conditions: { ready: true } }], ports: [{ name: '', port, protocol: 'TCP' }] };
    expect((await cluster.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice)).code).toBe(201);
    expect((await cluster.post(path, subject)).body.message).toContain('denied the request: not like this');
  });
});
