// The program itself, as a process with its own service account, against the sandbox's API server: real RBAC from the templates that the
// operator installs, real TokenReview, and a clean end.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Handlebars from 'handlebars';
import { expect, onTestFinished, test, vi } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ApiServer } from '../sandbox/api-server/api-server.ts';
import { ConfigMapResource } from '../shared/api/core/cluster.ts';
import { GrpcClient, type GrpcClientTls } from '../shared/grpc/index.ts';
import { createToken, KubeClient } from '../shared/kube/index.ts';
import { createCertificateRequest, KeyPair, parseCertificates } from '../shared/pki/index.ts';
import { TYPE_URLS } from '../shared/xds/index.ts';
import { CREATE_CERTIFICATE, DELTA_AGGREGATED_RESOURCES } from './index.ts';

const HOST = '127.81.7.1';
const root = join(import.meta.dirname, '../..');

async function sandbox(): Promise<{ server: ApiServer; admin: KubeClient }> {
  const server = new ApiServer({ address: '127.81.7.2', port: 0, serviceNetwork: { first: '127.81.128.1', last: '127.81.255.254' }, nodePortRange: { first: 30000, last: 30100 } });
  await server.start();
  const admin = KubeClient.fromDefault({ kubeconfigText: server.adminKubeconfig() });
  onTestFinished(async () => {
    admin.close();
    await server.close();
  });
  return { server, admin };
}

type Manifest = { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } } & Record<string, unknown>;

const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies' };

async function create(client: KubeClient, manifest: Manifest): Promise<void> {
  const { apiVersion, kind, metadata } = manifest;
  const base = apiVersion === 'v1' ? '/api/v1' : `/apis/${apiVersion}`;
  const plural = PLURALS[kind] ?? `${kind.toLowerCase()}s`;
  await client.request({ method: 'POST', path: `${base}${metadata.namespace ? `/namespaces/${metadata.namespace}` : ''}/${plural}`, body: manifest });
}

/** The control plane's rights, from the templates; the operator copies the binding to each member. */
async function grant(admin: KubeClient): Promise<void> {
  const template = Handlebars.create().compile(readFileSync(join(root, 'templates/v3.1/components/discovery/access.yaml.hbs'), 'utf8'), { noEscape: true });
  const manifests = parseAllDocuments(template({ revision: 'basic', namespace: 'istio-system', clusterWide: false })).map((document) => document.toJSON() as Manifest);
  for (const manifest of manifests) {
    if (Array.isArray(manifest['subjects'])) manifest['subjects'] = manifest['subjects'].map((subject: object) => ({ apiGroup: '', ...subject }));
    await create(admin, manifest);
    if (manifest.kind === 'RoleBinding' && manifest.metadata.name.startsWith('istiod-clusterrole')) await create(admin, { ...manifest, metadata: { name: manifest.metadata.name, namespace: 'bookinfo' } });
  }
}

test('serves and certifies with the rights that the operator gives, and ends cleanly', async () => {
  const { server, admin } = await sandbox();
  for (const name of ['istio-system', 'bookinfo']) await create(admin, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const [namespace, name] of [['istio-system', 'istiod-basic'], ['bookinfo', 'reviews']] as const) await create(admin, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  await grant(admin);
  const crd = parseAllDocuments(readFileSync(join(root, 'crds/servicemeshmemberrolls.maistra.io.yaml'), 'utf8')).map((document) => document.toJSON() as Manifest);
  for (const manifest of crd) await create(admin, manifest);
  const roll = { apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: 'istio-system' }, spec: { members: ['bookinfo'] } };
  await vi.waitFor(() => create(admin, roll), { timeout: 5_000 });
  await admin.request({ method: 'PATCH', path: '/apis/maistra.io/v1/namespaces/istio-system/servicemeshmemberrolls/default/status', body: { status: { configuredMembers: ['bookinfo'] } }, contentType: 'application/merge-patch+json' });
  await create(admin, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'reviews', namespace: 'bookinfo' }, spec: { ports: [{ name: 'http', port: 9080 }], selector: { app: 'reviews' } } });

  const directory = mkdtempSync(join(tmpdir(), 'mizzend-process-'));
  writeFileSync(join(directory, 'kubeconfig'), server.tokenKubeconfig((await createToken(admin, 'istio-system', 'istiod-basic')).token));
  writeFileSync(join(directory, 'mesh'), '');
  writeFileSync(join(directory, 'values'), '{}');
  writeFileSync(join(directory, 'config'), JSON.stringify({ templates: { sidecar: 'spec: { containers: [{ name: istio-proxy, image: proxy }] }' } }));
  const listen = (flag: string, port: number): string[] => [flag, `${HOST}:${port}`];
  const child = spawn(process.execPath, [join(root, 'src/main/mizzend.ts'), 'discovery', ...listen('--monitoringAddr', 15014), ...listen('--grpcAddr', 15010), ...listen('--secureGRPCAddr', 15012), ...listen('--httpsAddr', 15017), ...listen('--httpAddr', 8080)], {
    env: { PATH: process.env['PATH'], KUBECONFIG: join(directory, 'kubeconfig'), REVISION: 'basic', POD_NAME: 'istiod-1', POD_NAMESPACE: 'istio-system', MEMBER_ROLL_NAME: 'default', MESH_CONFIG_FILE: join(directory, 'mesh'), INJECTION_DIRECTORY: directory },
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });

  await vi.waitFor(async () => expect((await fetch(`http://${HOST}:8080/ready`)).status, log).toBe(200), { timeout: 20_000, interval: 100 });
  let rootsPem = '';
  await vi.waitFor(async () => {
    rootsPem = (await admin.get(ConfigMapResource, 'istio-ca-root-cert', 'bookinfo')).data?.['root-cert.pem'] ?? '';
    expect(rootsPem).toContain('BEGIN');
  }, { timeout: 5_000 });

  const { token } = await createToken(admin, 'bookinfo', 'reviews', { audiences: ['istio-ca'] });
  const wrongToken = (await createToken(admin, 'bookinfo', 'reviews')).token;
  const tls = { rootsPem, serverName: 'istiod-basic.istio-system.svc' };
  const connect = (more: { tls?: Partial<GrpcClientTls>; token?: string }): GrpcClient => {
    const client = new GrpcClient({ address: `${HOST}:15012`, tls: { ...tls, ...more.tls }, token: async () => more.token });
    onTestFinished(() => client.close());
    return client;
  };
  const key = await KeyPair.generate();
  const csr = await createCertificateRequest(key);
  await expect(connect({ token: wrongToken }).unary(CREATE_CERTIFICATE, { csr, validityDuration: 0 })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  const { certChain = [] } = await connect({ token }).unary(CREATE_CERTIFICATE, { csr, validityDuration: 0 });
  expect(parseCertificates(certChain[0] ?? '')[0]?.uris).toEqual(['spiffe://cluster.local/ns/bookinfo/sa/reviews']);

  const stream = await connect({ tls: { certificateChainPem: certChain.slice(0, -1).join(''), privateKeyPem: key.privateKeyPem } }).openStream(DELTA_AGGREGATED_RESOURCES);
  await stream.send({ node: { id: 'sidecar~10.0.0.1~reviews-1.bookinfo~bookinfo.svc.cluster.local', metadata: { NAMESPACE: 'bookinfo', SERVICE_ACCOUNT: 'reviews' } }, typeUrl: TYPE_URLS.cluster });
  const first = await stream[Symbol.asyncIterator]().next();
  if (first.done) throw new Error('the stream ended');
  expect((first.value.resources ?? []).map((resource) => resource.name)).toContain('outbound|9080||reviews.bookinfo.svc.cluster.local');

  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  const complaints = log.split('\n').filter((line) => /"level":"(warn|error)"/.test(line));
  expect(complaints).toEqual([]);
}, 60_000);
