// A control plane for the memory benchmark: the real translation of the Bookinfo mesh over delta discovery, and a certificate authority, in one process.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { buildSnapshot, createTranslator, parseProxyDescription, type MeshSnapshot, type ProxyDescription, type SnapshotInput } from '../../src/mesh/index.ts';
import { CREATE_CERTIFICATE } from '../../src/proxy/secrets/index.ts';
import { DELTA_AGGREGATED } from '../../src/proxy/xds/index.ts';
import { ISTIO_KINDS, type IstioObject } from '../../src/shared/api/istio-kinds.ts';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { GrpcServer, type MessageStream } from '../../src/shared/grpc/index.ts';
import { CertificateAuthority, parseCertificateRequest } from '../../src/shared/pki/index.ts';
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from '../../src/shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';

/** Where the pods of the benchmark's mesh are. */
export const POD_PREFIX = '127.93.';

/** A control plane that runs. */
export interface BenchControlPlane {
  readonly address: string;
  readonly rootPem: string;
  stop(): Promise<void>;
}

/** Starts it on `host`. */
export async function startControlPlane(host: string): Promise<BenchControlPlane> {
  const authority = await CertificateAuthority.createSelfSigned();
  const identity = await authority.issueWithNewKey({ ipAddresses: [host], lifetimeMilliseconds: 3_600_000 });
  const server = new GrpcServer({ name: 'bench-control-plane', host, port: 0, tls: { ...identity, clientRootsPem: authority.rootPem }, stopTimeoutMilliseconds: 100 });
  server.addUnary(CREATE_CERTIFICATE, async ({ csr = '' }) => {
    const { publicKeyDer } = await parseCertificateRequest(csr);
    return { certChain: [await authority.issue({ publicKey: publicKeyDer, uris: ['spiffe://cluster.local/ns/bookinfo/sa/reviews'], lifetimeMilliseconds: 3_600_000 }), authority.rootPem] };
  });
  const snapshot = bookinfo();
  server.addStream(DELTA_AGGREGATED, (stream) => serve(stream, snapshot));
  await server.start();
  return { address: `${host}:${server.port}`, rootPem: authority.rootPem, stop: () => server.stop() };
}

async function serve(stream: MessageStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>, snapshot: MeshSnapshot): Promise<void> {
  const translator = createTranslator();
  let proxy: ProxyDescription | undefined;
  let nonce = 0;
  for await (const request of stream) {
    if (request.node) proxy = describe(request.node.id ?? '', request.node.metadata ?? {});
    if (request.errorDetail) process.stderr.write(`refused: ${request.errorDetail.message}\n`);
    const typeUrl = request.typeUrl ?? '';
    const type = Object.values(TYPE_URLS).find((known) => known === typeUrl);
    const names = request.resourceNamesSubscribe ?? [];
    const wildcard = type === TYPE_URLS.cluster || type === TYPE_URLS.listener;
    if (!proxy || !type || (names.length === 0 && !(wildcard && (request.responseNonce ?? '') === ''))) continue;
    nonce += 1;
    const resources = translator.generate(snapshot, proxy, type, wildcard ? 'wildcard' : names).map((made) => ({ name: made.name, version: '1', resource: { typeUrl: type, value: Buffer.from(made.encode()) } }));
    await stream.send({ typeUrl, systemVersionInfo: '1', nonce: String(nonce), resources });
  }
}

function describe(id: string, metadata: Record<string, unknown>): ProxyDescription {
  const parsed = parseProxyDescription({ id, metadata });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function bookinfo(): MeshSnapshot {
  const folder = new URL('../../src/mesh/translate/testdata/', import.meta.url);
  const load = (name: string): Record<string, unknown> => parse(readFileSync(new URL(name, folder), 'utf8').replaceAll('127.10.', POD_PREFIX)) as Record<string, unknown>;
  const meshConfig = parseMeshConfig({ accessLogFile: '/dev/stdout', enableTracing: true });
  if (!meshConfig.ok) throw new Error(JSON.stringify(meshConfig.error));
  const config = (load('traffic.yaml')['config'] as { kind: string }[]).map((object) => ISTIO_KINDS.find((row) => row.kind === object.kind)?.schema.parse(object) as IstioObject);
  const mesh = load('bookinfo.yaml') as unknown as Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>;
  return buildSnapshot({ number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...mesh, services: [...mesh.services, ...NEIGHBOURS.map(service)], config }).snapshot;
}

/** The rest of Bookinfo and the add-ons beside it, without endpoints. */
const NEIGHBOURS = ['productpage', 'details', 'mongodb', 'mysql', 'sleep', 'httpbin', 'zipkin', 'prometheus', 'grafana', 'kiali', 'istiod', 'kubernetes'];

function service(name: string, index: number): SnapshotInput['services'][number] {
  return {
    metadata: { name, namespace: index < 6 ? 'bookinfo' : 'istio-system', labels: { app: name }, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { clusterIP: `${POD_PREFIX}128.${20 + index}`, selector: { app: name }, ports: [{ name: 'http', port: 9080, targetPort: 9080 }, { name: 'http-admin', port: 8000 + index, targetPort: 8000 }] },
  } as SnapshotInput['services'][number];
}
