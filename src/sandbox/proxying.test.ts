// What a client sees of pods and services through the API server's proxy subresources.
import { request as httpsRequest, Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import WebSocket, { WebSocketServer } from 'ws';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from './testdata/eventually.ts';
import { PODS, SERVICES, startTestCluster, type TestCluster } from './testdata/test-cluster.ts';

interface Kubeconfig { clusters: { cluster: Record<string, string> }[]; users: { user: Record<string, string> }[] }
interface Answer { readonly code: number; readonly headers: NodeJS.Dict<string | string[]>; readonly body: string }

const NS = 'default';
const ENDPOINT_SLICES = { group: 'discovery.k8s.io', resource: 'endpointslices' };
let cluster: TestCluster;
let agent: Agent;
let outside: Server;
let outsidePort: number;

beforeAll(async () => {
  cluster = await startTestCluster();
  const { clusters: [entry], users: [admin] } = parse(readFileSync(cluster.kubeconfigPath, 'utf8')) as Kubeconfig;
  const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
  agent = new Agent({ ca: decode(entry?.cluster['certificate-authority-data']), cert: decode(admin?.user['client-certificate-data']), key: decode(admin?.user['client-key-data']) });
  await cluster.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: NS, labels: { app: 'web' } }, spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image: 'test/program:1', env: [{ name: 'VERSION', value: 'seven' }], ports: [{ name: 'http', containerPort: 8080 }], readinessProbe: { httpGet: { path: '/health', port: 8080 } } }] } });
  await cluster.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: NS }, spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }, { name: 'other', port: 81, targetPort: 8081 }] } });
  await cluster.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'empty', namespace: NS }, spec: { selector: { app: 'none' }, ports: [{ port: 80 }] } });
  // A server that says what it was asked, behind a Service without a selector.
  outside = createServer((incoming, response) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => { body += chunk.toString(); });
    incoming.on('end', () => {
      if (incoming.url === '/elsewhere') response.setHeader('location', '/there');
      response.statusCode = incoming.url === '/elsewhere' ? 302 : 200;
      response.end(JSON.stringify({ method: incoming.method, url: incoming.url, headers: incoming.headers, body }));
    });
  });
  new WebSocketServer({ server: outside }).on('connection', (socket) => { socket.on('message', (text) => { socket.send(`heard ${String(text)}`); }); });
  await new Promise<void>((resolve) => { outside.listen(0, '127.0.0.1', () => { resolve(); }); });
  outsidePort = (outside.address() as AddressInfo).port;
  await cluster.client.create(SERVICES, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside', namespace: NS }, spec: { ports: [{ port: 80 }] } });
  await cluster.client.create(ENDPOINT_SLICES, { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', metadata: { name: 'outside-1', namespace: NS, labels: { 'kubernetes.io/service-name': 'outside' } }, addressType: 'IPv4', endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }], ports: [{ name: '', port: outsidePort, protocol: 'TCP' }] });
  await eventually(async () => (await call('GET', 'services/web:80/proxy/health')).code === 200);
});
afterAll(async () => {
  agent.destroy();
  outside.closeAllConnections();
  outside.close();
  await cluster.stop();
});

function call(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(`${cluster.apiServerUrl}/api/v1/namespaces/${NS}/${path}`, { method, agent, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => { text += chunk.toString(); });
      response.on('end', () => { resolve({ code: response.statusCode ?? 0, headers: response.headers, body: text }); });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

describe('pods/proxy', () => {
  it.each(['web', 'web:8080', 'web:http', 'http:web:8080'])('of %s is the program in the pod', async (name) => {
    expect(await call('GET', `pods/${name}/proxy/`)).toMatchObject({ code: 200, body: 'seven web' });
    expect(await call('GET', `pods/${name}/proxy/env?name=VERSION`)).toMatchObject({ code: 200, body: 'seven' });
    expect((await call('GET', `pods/${name}/proxy/nothing`)).code).toBe(404);
  });

  it('says what it cannot reach', async () => {
    expect(await call('GET', 'pods/web:9/proxy/')).toMatchObject({ code: 503, body: expect.stringContaining('error trying to reach service: dial tcp') });
    expect(await call('GET', 'pods/none/proxy/')).toMatchObject({ code: 404, body: expect.stringContaining('pods \\"none\\" not found') });
  });

  it('leads to the path with a slash, for the links of a page', async () => {
    expect(await call('GET', 'pods/web/proxy')).toMatchObject({ code: 301, headers: { location: `/api/v1/namespaces/${NS}/pods/web/proxy/` } });
  });
});

describe('services/proxy', () => {
  it.each(['web:80', 'web:http', 'http:web:80'])('of %s is a ready endpoint', async (name) => {
    expect(await call('GET', `services/${name}/proxy/`)).toMatchObject({ code: 200, body: 'seven web' });
  });

  it.each([
    ['web:82', /no service port 82 found for service \\"web\\"/], ['web:nothing', /no endpoints available for service \\"web\\"/], ['empty', /no endpoints available for service \\"empty\\"/],
  ])('of %s is not available', async (name, words) => {
    expect(await call('GET', `services/${name}/proxy/`)).toMatchObject({ code: 503, body: expect.stringMatching(words) });
  });

  it('passes method, body and headers on, but not the credentials', async () => {
    const answer = await call('POST', 'services/outside/proxy/a%20b/c?x=1&y=%2F', 'the body', { 'x-mine': 'yes', 'content-type': 'text/plain', 'impersonate-user': 'system:admin', 'impersonate-group': 'system:masters' });
    const seen = JSON.parse(answer.body) as { method: string; url: string; body: string; headers: Record<string, string> };
    expect(seen).toMatchObject({ method: 'POST', url: '/a%20b/c?x=1&y=%2F', body: 'the body', headers: { 'x-mine': 'yes', 'x-forwarded-proto': 'https', host: `127.0.0.1:${String(outsidePort)}` } });
    expect(Object.keys(seen.headers).filter((name) => name.startsWith('impersonate') || name === 'authorization')).toEqual([]);
  });

  it('keeps redirections below the subresource', async () => {
    expect((await call('GET', 'services/outside/proxy/elsewhere')).headers['location']).toBe(`/api/v1/namespaces/${NS}/services/outside/proxy/there`);
  });

  it('joins WebSockets', async () => {
    const socket = new WebSocket(`${cluster.apiServerUrl.replace('https', 'wss')}/api/v1/namespaces/${NS}/services/outside/proxy/socket`, { agent });
    const heard = await new Promise<string>((resolve, reject) => {
      socket.on('open', () => { socket.send('hello'); }).on('message', (text) => { resolve(String(text)); }).on('error', reject);
    });
    expect(heard).toBe('heard hello');
    socket.close();
  });
});
