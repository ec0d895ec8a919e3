// The whole control plane in one process against a small API server over HTTP: certificates, discovery over mutual TLS, webhooks, root certificates.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { FakeKubeApiServer } from '../../test/support/fake-kube-apiserver.ts';
import { tokenIssuer } from '../../test/support/token-issuer.ts';
import { GrpcClient, type GrpcClientTls } from '../shared/grpc/index.ts';
import { KubeClient, type KubeRequest } from '../shared/kube/index.ts';
import { createCertificateRequest, KeyPair, parseCertificates, type Secret } from '../shared/pki/index.ts';
import { startComponents, stopComponents } from '../shared/process/index.ts';
import { TYPE_URLS } from '../shared/xds/index.ts';
import type { DiscoveryResponse } from '../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { CREATE_CERTIFICATE, createControlPlane, parseArguments, STREAM_AGGREGATED_RESOURCES, type ControlPlane, type MizzendOptions } from './index.ts';

const SERVER_NAME = 'istiod-basic.istio-system.svc';
const ROLLS = '/apis/maistra.io/v1/servicemeshmemberrolls';
const VIRTUAL_SERVICES = '/apis/networking.istio.io/v1/virtualservices';
/** Tokens and the service accounts they are of. */
const TOKENS: Readonly<Record<string, string>> = { 'token-reviews': 'system:serviceaccount:bookinfo:reviews', 'token-stranger': 'system:serviceaccount:other:default', 'token-user': 'alice' };

/** Answers reviews, which a store of objects cannot. */
function answerReviews(client: KubeClient): void {
  const send = client.request.bind(client);
  client.request = async (request: KubeRequest) => {
    const answer = (status: object) => ({ status: 201, headers: {}, body: JSON.stringify({ status }) });
    if (request.path.endsWith('/tokenreviews')) {
      const { token, audiences } = (request.body as { spec: { token: string; audiences: string[] } }).spec;
      const username = TOKENS[token];
      return answer(username ? { authenticated: true, user: { username }, audiences } : { authenticated: false, error: 'unknown token' });
    }
    if (request.path.includes('accessreviews')) return answer({ allowed: true });
    return send(request);
  };
}

interface Cluster {
  readonly api: FakeKubeApiServer;
  readonly client: KubeClient;
  readonly directory: string;
}

async function cluster(): Promise<Cluster> {
  const api = await new FakeKubeApiServer().start();
  const client = KubeClient.fromDefault({ kubeconfigText: api.kubeconfig });
  answerReviews(client);
  const directory = mkdtempSync(join(tmpdir(), 'mizzend-'));
  writeFileSync(join(directory, 'mesh'), 'trustDomain: example.org\n');
  writeFileSync(join(directory, 'values'), '{}');
  writeFileSync(join(directory, 'config'), JSON.stringify({ policy: 'enabled', templates: { sidecar: 'spec: { containers: [{ name: istio-proxy, image: proxy, args: [{{quote trustDomain}}, {{quote proxyConfig.discoveryAddress}}] }] }' } }));
  onTestFinished(async () => {
    client.close();
    await api.stop();
    rmSync(directory, { recursive: true });
  });
  for (const name of ['istio-system', 'bookinfo', 'other']) api.put('/api/v1/namespaces', { metadata: { name } });
  api.put(ROLLS, { metadata: { name: 'default', namespace: 'istio-system' }, status: { configuredMembers: ['bookinfo'] } });
  api.put('/api/v1/services', { metadata: { name: 'reviews', namespace: 'bookinfo' }, spec: { clusterIP: '10.1.0.1', ports: [{ name: 'http', port: 9080 }], selector: { app: 'reviews' } } });
  api.put('/api/v1/services', { metadata: { name: 'hidden', namespace: 'other' }, spec: { clusterIP: '10.1.0.2', ports: [{ name: 'http', port: 80 }] } });
  return { api, client, directory };
}

function optionsFor(directory: string, podName = 'istiod-1', environment: Readonly<Record<string, string>> = {}): MizzendOptions {
  const parsed = parseArguments(['discovery', '--monitoringAddr=127.0.0.1:0', '--grpcAddr', '127.0.0.1:0', '--secureGRPCAddr', '127.0.0.1:0', '--httpsAddr', '127.0.0.1:0', '--httpAddr', '127.0.0.1:0', '--log_output_level', 'default:error'], {
    REVISION: 'basic', POD_NAME: podName, POD_NAMESPACE: 'istio-system', MESH_CONFIG_FILE: join(directory, 'mesh'), INJECTION_DIRECTORY: directory, PILOT_DEBOUNCE_AFTER: '10ms', MIZZEND_FILE_CHECK: '20ms', PILOT_ENABLE_ANALYSIS: 'true', ...environment,
  });
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  return parsed.options;
}

async function start({ client, directory }: Cluster, podName?: string, environment: Readonly<Record<string, string>> = {}): Promise<ControlPlane> {
  const plane = createControlPlane(client, optionsFor(directory, podName, environment));
  const stopping = new AbortController();
  await startComponents(plane.components, stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await stopComponents(plane.components);
  });
  return plane;
}

async function rootsOf(api: FakeKubeApiServer, namespace = 'bookinfo'): Promise<string> {
  const data = (): Record<string, string> | undefined => api.read('/api/v1/configmaps', 'istio-ca-root-cert', namespace)?.['data'] as Record<string, string> | undefined;
  await vi.waitFor(() => expect(data()?.['root-cert.pem']).toContain('BEGIN CERTIFICATE'), { timeout: 5_000 });
  return data()?.['root-cert.pem'] ?? '';
}

function connect(plane: ControlPlane, tls: GrpcClientTls, token?: string): GrpcClient {
  const client = new GrpcClient({ address: `127.0.0.1:${plane.ports().secureGrpc}`, tls: { serverName: SERVER_NAME, ...tls }, ...(token ? { token: async () => token } : {}) });
  onTestFinished(() => client.close());
  return client;
}

async function certify(plane: ControlPlane, rootsPem: string, token: string): Promise<{ certificateChainPem: string; privateKeyPem: Secret; chain: string[] }> {
  const key = await KeyPair.generate();
  const csr = await createCertificateRequest(key, { uris: ['spiffe://example.org/ns/istio-system/sa/admin'] });
  const { certChain = [] } = await connect(plane, { rootsPem }, token).unary(CREATE_CERTIFICATE, { csr, validityDuration: 3600 });
  return { certificateChainPem: certChain.slice(0, -1).join(''), privateKeyPem: key.privateKeyPem, chain: certChain };
}

const node = { id: 'sidecar~10.0.0.1~reviews-1.bookinfo~bookinfo.svc.cluster.local', metadata: { NAMESPACE: 'bookinfo', SERVICE_ACCOUNT: 'reviews' } };

async function firstClusters(client: GrpcClient, asNode: object = node): Promise<{ response: DiscoveryResponse; next(): Promise<DiscoveryResponse>; ack(response: DiscoveryResponse): Promise<void> }> {
  const stream = await client.openStream(STREAM_AGGREGATED_RESOURCES);
  await stream.send({ node: asNode, typeUrl: TYPE_URLS.cluster });
  const responses = stream[Symbol.asyncIterator]();
  const next = async (): Promise<DiscoveryResponse> => {
    const result = await responses.next();
    if (result.done) throw new Error('the stream ended');
    return result.value;
  };
  return { response: await next(), next, ack: (response) => stream.send({ typeUrl: TYPE_URLS.cluster, versionInfo: response.versionInfo, responseNonce: response.nonce }) };
}

const namesIn = (response: DiscoveryResponse): string => (response.resources ?? []).map((any) => Buffer.from(any.value ?? []).toString('latin1')).join('\n');

async function review(plane: ControlPlane, rootsPem: string, path: string, request: object): Promise<{ uid: string; allowed: boolean; patch?: string; status?: { message: string } }> {
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: { uid: 'u1', operation: 'CREATE', ...request } });
  const agent = new Agent({ ca: rootsPem, servername: SERVER_NAME });
  const text = await new Promise<string>((resolve, reject) => {
    const call = httpsRequest({ host: '127.0.0.1', port: plane.ports().https, path, method: 'POST', agent, headers: { 'content-type': 'application/json' } }, (response) => {
      let content = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (content += chunk)).on('end', () => resolve(content));
    });
    call.on('error', reject);
    call.end(body);
  });
  agent.destroy();
  return (JSON.parse(text) as { response: { uid: string; allowed: boolean; patch?: string; status?: { message: string } } }).response;
}

describe('control plane', () => {
  test('certifies a workload as its service account and serves it the member namespaces over mutual TLS', async () => {
    const world = await cluster();
    const plane = await start(world);
    const roots = await rootsOf(world.api);
    expect(await (await fetch(`http://127.0.0.1:${plane.ports().http}/ready`)).text()).toBe('ok\n');

    const identity = await certify(plane, roots, 'token-reviews');
    expect(parseCertificates(identity.certificateChainPem)[0]?.uris).toEqual(['spiffe://example.org/ns/bookinfo/sa/reviews']);
    expect(identity.chain.at(-1)).toBe(roots);

    const stream = await firstClusters(connect(plane, { rootsPem: roots, ...identity }));
    expect(namesIn(stream.response)).toContain('outbound|9080||reviews.bookinfo.svc.cluster.local');
    expect(namesIn(stream.response)).not.toContain('hidden.other');
    await stream.ack(stream.response);

    world.api.put('/api/v1/services', { metadata: { name: 'details', namespace: 'bookinfo' }, spec: { clusterIP: '10.1.0.3', ports: [{ name: 'http', port: 9080 }] } });
    const second = await stream.next();
    expect(namesIn(second)).toContain('details.bookinfo');
    await stream.ack(second);

    world.api.put(ROLLS, { metadata: { name: 'default', namespace: 'istio-system' }, status: { configuredMembers: ['bookinfo', 'other'] } });
    expect(namesIn(await stream.next())).toContain('hidden.other');

    const rows = (await (await fetch(`http://127.0.0.1:${plane.ports().monitoring}/debug/syncz`)).json()) as { proxy: string; cluster_sent: string }[];
    expect(rows.map((row) => row.proxy)).toEqual(['reviews-1.bookinfo']);
    const dump = (await (await fetch(`http://127.0.0.1:${plane.ports().monitoring}/debug/config_dump?proxyID=reviews-1.bookinfo`)).json()) as { configs: { type: string; resources: { name: string }[] }[] };
    expect(dump.configs.find((config) => config.type === 'cds')?.resources.map((resource) => resource.name)).toContain('outbound|9080||details.bookinfo.svc.cluster.local');
    for (const page of ['', '/adsz', '/connections', '/analyzez', '/endpointz', '/registryz', '/instancesz', '/push_status', '/mesh', '/memberz', '/logging']) {
      expect((await fetch(`http://127.0.0.1:${plane.ports().http}/debug${page}`)).status, page).toBe(200);
    }
    expect((await fetch(`http://127.0.0.1:${plane.ports().http}/debug/config_dump?proxyID=nobody`)).status).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${plane.ports().monitoring}/metrics`)).text()).toContain('citadel_server_success_cert_issuance_count');
  });

  test('refuses callers without proof, from outside the mesh, and nodes that are another', async () => {
    const world = await cluster();
    const plane = await start(world);
    const rootsPem = await rootsOf(world.api);
    await expect(certify(plane, rootsPem, 'forged')).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(certify(plane, rootsPem, 'token-user')).rejects.toMatchObject({ code: 'UNAUTHENTICATED', message: 'alice is not a service account' });
    await expect(certify(plane, rootsPem, 'token-stranger')).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    await expect(firstClusters(connect(plane, { rootsPem }))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await expect(firstClusters(connect(plane, { rootsPem }, 'token-reviews'), { ...node, metadata: { NAMESPACE: 'bookinfo', SERVICE_ACCOUNT: 'ratings' } })).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
    const plain = new GrpcClient({ address: `127.0.0.1:${plane.ports().grpc}`, token: async () => 'token-reviews' });
    onTestFinished(() => plain.close());
    await expect(plain.unary(CREATE_CERTIFICATE, { csr: 'any', validityDuration: 0 })).rejects.toMatchObject({ code: 'UNIMPLEMENTED' });
    await expect(connect(plane, { rootsPem }, 'token-reviews').unary(CREATE_CERTIFICATE, { csr: 'nonsense', validityDuration: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const csr = await createCertificateRequest(await KeyPair.generate());
    await expect(connect(plane, { rootsPem }, 'token-reviews').unary(CREATE_CERTIFICATE, { csr, validityDuration: 365 * 86_400 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('injects pods and follows its template; refuses broken objects with object, field and reason', async () => {
    const world = await cluster();
    const plane = await start(world);
    const rootsPem = await rootsOf(world.api);
    const pod = { kind: { group: '', version: 'v1', kind: 'Pod' }, namespace: 'bookinfo', object: { metadata: { generateName: 'p-' }, spec: { containers: [{ name: 'app', image: 'app' }] } } };
    const injected = await review(plane, rootsPem, '/inject', pod);
    expect([injected.uid, injected.allowed]).toEqual(['u1', true]);
    expect(Buffer.from(injected.patch ?? '', 'base64').toString()).toContain('"args":["example.org","istiod-basic.istio-system.svc:15012"]');
    expect(await review(plane, rootsPem, '/inject/cluster/c/net/n', { ...pod, object: { ...pod.object, metadata: { labels: { 'sidecar.istio.io/inject': 'false' } } } })).toEqual({ uid: 'u1', allowed: true });

    writeFileSync(join(world.directory, 'config'), '{{{ broken');
    writeFileSync(join(world.directory, 'mesh'), 'trustDomain: other.org\n');
    await vi.waitFor(async () => expect(Buffer.from((await review(plane, rootsPem, '/inject', pod)).patch ?? '', 'base64').toString()).toContain('other.org'), { timeout: 3_000 });

    const virtualService = (weight: unknown) => ({
      kind: { group: 'networking.istio.io', version: 'v1', kind: 'VirtualService' }, namespace: 'bookinfo', name: 'reviews',
      object: { apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'reviews', namespace: 'bookinfo' }, spec: { hosts: ['reviews'], http: [{ route: [{ destination: { host: 'reviews' }, weight }] }] } },
    });
    expect(await review(plane, rootsPem, '/validate', virtualService(100))).toMatchObject({ allowed: true });
    const refused = await review(plane, rootsPem, '/validate', virtualService('much'));
    expect(refused.allowed).toBe(false);
    expect(refused.status?.message).toMatch(/^VirtualService bookinfo\/reviews: spec\.http\[0\]\.route\[0\]\.weight: /);
  });

  test('lets in what merely has no effect, with a warning to whoever applies it, and refuses what would protect nothing', async () => {
    const world = await cluster();
    const plane = await start(world);
    const rootsPem = await rootsOf(world.api);
    const apply = (group: string, kind: string, spec: object) => review(plane, rootsPem, '/validate', {
      kind: { group, version: 'v1', kind }, namespace: 'bookinfo', name: 'x', object: { apiVersion: `${group}/v1`, kind, metadata: { name: 'x', namespace: 'bookinfo' }, spec },
    });
    expect(await apply('networking.istio.io', 'DestinationRule', { host: 'reviews', trafficPolicy: { proxyProtocol: { version: 'V2' } }, newField: 1 })).toMatchObject({
      allowed: true, warnings: ['DestinationRule bookinfo/x: spec.newField: The field is not known and has no effect. Check its spelling and where it stands, or remove it.', expect.stringContaining('proxyProtocol has no effect')],
    });
    const tokens = await apply('security.istio.io', 'RequestAuthentication', { targetRef: { kind: 'Service', name: 's' }, jwtRules: [{ issuer: 'https://i' }] });
    expect([tokens.allowed, tokens.status?.message]).toEqual([false, expect.stringContaining('the policy would apply to nothing')]);
    expect(await apply('security.istio.io', 'AuthorizationPolicy', { action: 'DENY', selctor: {}, rules: [{}] })).toMatchObject({ allowed: false });
  });

  test('gives proxies the keys of token issuers, from the first listener on, and their successors', async () => {
    let served = tokenIssuer('ES256', 'first-key').jwks;
    const keys = createServer((_request, response) => response.end(served)).listen(0, '127.0.0.1');
    onTestFinished(() => void keys.close());
    await once(keys, 'listening');
    const world = await cluster();
    world.api.put('/apis/security.istio.io/v1/requestauthentications', { apiVersion: 'security.istio.io/v1', kind: 'RequestAuthentication', metadata: { name: 'tokens', namespace: 'bookinfo' }, spec: { jwtRules: [{ issuer: 'i', jwksUri: `http://127.0.0.1:${(keys.address() as AddressInfo).port}/` }] } });
    const plane = await start(world, undefined, { PILOT_JWT_PUB_KEY_REFRESH_INTERVAL: '30ms' });
    const rootsPem = await rootsOf(world.api);
    const stream = await connect(plane, { rootsPem, ...(await certify(plane, rootsPem, 'token-reviews')) }).openStream(STREAM_AGGREGATED_RESOURCES);
    await stream.send({ node, typeUrl: TYPE_URLS.listener });
    const responses = stream[Symbol.asyncIterator]();
    const keysOf = async (): Promise<readonly string[]> => {
      const { value } = (await responses.next()) as { value: DiscoveryResponse };
      await stream.send({ typeUrl: TYPE_URLS.listener, versionInfo: value.versionInfo, responseNonce: value.nonce });
      return ['first-key', 'second-key'].filter((kid) => value.resources?.some((resource) => Buffer.from(resource.value ?? []).includes(kid)));
    };
    expect(await keysOf()).toEqual(['first-key']);
    served = tokenIssuer('ES256', 'second-key').jwks;
    await vi.waitFor(async () => expect(await keysOf()).toEqual(['second-key']), { timeout: 5_000 });
  });

  test('an object that turned invalid keeps its last valid version in force and says so in its status', async () => {
    const world = await cluster();
    const plane = await start(world);
    const object = (match: object) => ({ apiVersion: 'networking.istio.io/v1', kind: 'VirtualService', metadata: { name: 'reviews', namespace: 'bookinfo' }, spec: { hosts: ['reviews'], http: [match] } });
    const good = { route: [{ destination: { host: 'reviews' } }], timeout: '3s' };
    world.api.put(VIRTUAL_SERVICES, object(good));
    const debug = async (page: string): Promise<string> => (await fetch(`http://127.0.0.1:${plane.ports().http}/debug/${page}`)).text();
    await vi.waitFor(async () => expect(await debug('configz')).toContain('"timeout":"3s"'), { timeout: 3_000 });
    world.api.put(VIRTUAL_SERVICES, object({ route: [{ destination: { host: 'reviews' }, weight: 'much' }], timeout: '9s' }));
    await vi.waitFor(async () => expect(await debug('issuesz')).toContain('VirtualService/bookinfo/reviews'), { timeout: 3_000 });
    expect(await debug('configz')).toContain('"timeout":"3s"');
    await vi.waitFor(() => expect(JSON.stringify(world.api.read(VIRTUAL_SERVICES, 'reviews', 'bookinfo')?.status)).toContain('validationMessages'), { timeout: 3_000 });
    world.api.put(VIRTUAL_SERVICES, object({ ...good, timeout: '4s' }));
    await vi.waitFor(async () => expect(await debug('configz')).toContain('"timeout":"4s"'), { timeout: 3_000 });
  });

  test('a second replica serves with the same authority while one leads; when that stops, the other takes over', async () => {
    const world = await cluster();
    const first = createControlPlane(world.client, optionsFor(world.directory, 'istiod-1'));
    await startComponents(first.components, new AbortController().signal);
    const roots = await rootsOf(world.api);
    const second = await start(world, 'istiod-2');
    expect((await certify(second, roots, 'token-reviews')).chain.at(-1)).toBe(roots);
    const holder = (): unknown => (world.api.read('/apis/coordination.k8s.io/v1/leases', 'mizzend-leader-basic', 'istio-system')?.spec as { holderIdentity?: string } | undefined)?.holderIdentity;
    expect(holder()).toBe('istiod-1');
    const stream = await firstClusters(connect(first, { rootsPem: roots }, 'token-reviews'));
    await stopComponents(first.components);
    await expect(stream.next()).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect((await firstClusters(connect(second, { rootsPem: roots }, 'token-reviews'))).response.resources).not.toEqual([]);
    await vi.waitFor(() => expect(holder()).toBe('istiod-2'), { timeout: 6_000 });
    world.api.remove('/api/v1/configmaps', 'istio-ca-root-cert', 'bookinfo');
    world.api.put(ROLLS, { metadata: { name: 'default', namespace: 'istio-system' }, status: { configuredMembers: ['bookinfo', 'other'] } });
    expect(await rootsOf(world.api, 'other')).toBe(roots);
  }, 20_000);
});
