// mizzend with exactly the rights that the operator gives it, on an API server (the sandbox's in ring 1, a real one in ring 2): the operator installs a
// control plane, which then runs here under its own service account's token, certifies a workload by the workload's token, and serves it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CREATE_CERTIFICATE, createControlPlane, parseArguments, STREAM_AGGREGATED_RESOURCES, type ControlPlane } from '../../src/control-plane/index.ts';
import { ConfigMapResource, NamespaceResource } from '../../src/shared/api/core/cluster.ts';
import { ServiceMeshControlPlaneResource } from '../../src/shared/api/maistra/v2/service-mesh-control-plane.ts';
import type { KubernetesObject } from '../../src/shared/api/meta/index.ts';
import { GrpcClient } from '../../src/shared/grpc/index.ts';
import { getCondition } from '../../src/shared/kube/index.ts';
import { createCertificateRequest, KeyPair, parseCertificates } from '../../src/shared/pki/index.ts';
import { startComponents, stopComponents } from '../../src/shared/process/index.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { eventually, startOperatorCluster, type OperatorCluster } from '../support/operator-cluster.ts';
import { recordingClient } from '../support/recording-client.ts';

const MESH = 'istio-system';
const SERVER_NAME = `istiod-basic.${MESH}.svc`;
let cluster: OperatorCluster;
let plane: ControlPlane;
let refusals: readonly string[];
let directory: string;
const stopping = new AbortController();

const namespace = (name: string): KubernetesObject => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

/** The files that the pod would have mounted. */
async function writeFiles(): Promise<void> {
  const read = async (name: string): Promise<Record<string, string>> => (await cluster.admin.get(ConfigMapResource, name, MESH)).data ?? {};
  directory = mkdtempSync(join(tmpdir(), 'mizzend-access-'));
  writeFileSync(join(directory, 'mesh'), (await read('istio-basic'))['mesh'] ?? '');
  for (const [name, text] of Object.entries(await read('istio-sidecar-injector-basic'))) writeFileSync(join(directory, name), text);
}

async function workloadToken(): Promise<string> {
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: ['istio-ca'], expirationSeconds: 3600 } };
  const answer = await cluster.admin.request({ method: 'POST', path: '/api/v1/namespaces/bookinfo/serviceaccounts/reviews/token', body });
  return (JSON.parse(answer.body) as { status: { token: string } }).status.token;
}

beforeAll(async () => {
  cluster = await startOperatorCluster(213);
  await cluster.apply(namespace(MESH), namespace('bookinfo'));
  await cluster.apply({ apiVersion: 'maistra.io/v2', kind: 'ServiceMeshControlPlane', metadata: { name: 'basic', namespace: MESH }, spec: { version: 'v3.1', profiles: ['sandbox'] } } as KubernetesObject);
  await cluster.apply({ apiVersion: 'maistra.io/v1', kind: 'ServiceMeshMemberRoll', metadata: { name: 'default', namespace: MESH }, spec: { members: ['bookinfo'] } } as KubernetesObject);
  await eventually(async () => expect(getCondition((await cluster.admin.get(ServiceMeshControlPlaneResource, 'basic', MESH)).status?.conditions, 'Ready')?.status).toBe('True'), 60);
  await eventually(async () => expect((await cluster.admin.get(NamespaceResource, 'bookinfo')).metadata?.labels).toMatchObject({ 'maistra.io/member-of': MESH }), 60);
  await cluster.applyRaw('{ apiVersion: v1, kind: ServiceAccount, metadata: { name: reviews, namespace: bookinfo } }\n---\n{ apiVersion: v1, kind: Service, metadata: { name: reviews, namespace: bookinfo }, spec: { selector: { app: reviews }, ports: [{ name: http, port: 9080 }] } }\n');
  await writeFiles();
  const parsed = parseArguments(['discovery', '--monitoringAddr=127.0.0.1:0', '--grpcAddr', '127.0.0.1:0', '--secureGRPCAddr', '127.0.0.1:0', '--httpsAddr', '127.0.0.1:0', '--httpAddr', '127.0.0.1:0', '--log_output_level', 'default:error'], {
    REVISION: 'basic', POD_NAME: 'istiod-1', POD_NAMESPACE: MESH, MESH_CONFIG_FILE: join(directory, 'mesh'), INJECTION_DIRECTORY: directory, PILOT_DEBOUNCE_AFTER: '10ms', PILOT_ENABLE_ANALYSIS: 'true',
  });
  if (parsed.kind !== 'run') throw new Error(JSON.stringify(parsed));
  const recording = recordingClient(await cluster.server.accountKubeconfig(MESH, 'istiod-basic'));
  refusals = recording.refusals;
  plane = createControlPlane(recording.client, parsed.options);
  await startComponents(plane.components, stopping.signal);
});

afterAll(async () => {
  stopping.abort();
  if (plane !== undefined) await stopComponents(plane.components);
  if (directory !== undefined) rmSync(directory, { recursive: true });
  await cluster?.stop();
});

describe('mizzend with the rights that it is given', () => {
  it('certifies a workload of a member by the token of its service account', async () => {
    const roots = await vi.waitFor(async () => {
      const text = (await cluster.admin.find(ConfigMapResource, 'istio-ca-root-cert', 'bookinfo'))?.data?.['root-cert.pem'];
      expect(text).toContain('BEGIN CERTIFICATE');
      return text ?? '';
    }, { timeout: 15_000 });
    const token = await workloadToken();
    const client = new GrpcClient({ address: `127.0.0.1:${plane.ports().secureGrpc}`, tls: { serverName: SERVER_NAME, rootsPem: roots }, token: async () => token });
    const csr = await createCertificateRequest(await KeyPair.generate());
    const { certChain = [] } = await client.unary(CREATE_CERTIFICATE, { csr, validityDuration: 3600 });
    expect(parseCertificates(certChain[0] ?? '')[0]?.uris).toEqual(['spiffe://cluster.local/ns/bookinfo/sa/reviews']);

    const stream = await client.openStream(STREAM_AGGREGATED_RESOURCES);
    await stream.send({ node: { id: 'sidecar~10.0.0.1~reviews-1.bookinfo~bookinfo.svc.cluster.local', metadata: { NAMESPACE: 'bookinfo', SERVICE_ACCOUNT: 'reviews' } }, typeUrl: TYPE_URLS.cluster });
    const first = await stream[Symbol.asyncIterator]().next();
    expect(first.done ? '' : (first.value.resources ?? []).map((any) => Buffer.from(any.value ?? []).toString('latin1')).join('\n')).toContain('outbound|9080||reviews.bookinfo.svc.cluster.local');
    client.close();
  });

  it('writes what it finds wrong into the status of a member\'s object', async () => {
    await cluster.applyRaw('{ apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: { name: reviews, namespace: bookinfo }, spec: { hosts: [reviews], http: [{ match: [{ uri: { exact: / } }] }] } }\n');
    await vi.waitFor(async () => {
      const { body } = await cluster.admin.request({ method: 'GET', path: '/apis/networking.istio.io/v1/namespaces/bookinfo/virtualservices/reviews' });
      expect((JSON.parse(body) as { status?: object }).status).toBeDefined();
    }, { timeout: 15_000 });
  });

  it('leads, and has asked for nothing beyond its roles', async () => {
    const { body } = await cluster.admin.request({ method: 'GET', path: `/apis/coordination.k8s.io/v1/namespaces/${MESH}/leases/mizzend-leader-basic` });
    expect((JSON.parse(body) as { spec: { holderIdentity: string } }).spec.holderIdentity).toBe('istiod-1');
    expect(refusals).toEqual([]);
    expect(cluster.refusals()).toEqual([]);
  });
});
