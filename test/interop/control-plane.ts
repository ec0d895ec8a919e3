// A control plane for the interop tests: the project's own certificate signing, discovery server and translation over mutual TLS, fed with
// snapshots that the tests build from YAML, so that a change of configuration is in force within milliseconds.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAllDocuments } from 'yaml';
import { AdsServer } from '../../src/control-plane/ads/index.ts';
import { CREATE_CERTIFICATE } from '../../src/control-plane/index.ts';
import { objectsOf, resourcesOf } from '../../src/mesh/gateway-api/testdata/bind.ts';
import { bindGatewayApi, referencedObjects, type GatewayApiBinding } from '../../src/mesh/gateway-api/index.ts';
import { buildSnapshot, createTranslator, type MeshSnapshot, type NamedResource, type SnapshotInput } from '../../src/mesh/index.ts';
import { secretResource } from '../../src/proxy/envoy/secret-service.ts';
import { parseMeshConfig } from '../../src/shared/api/mesh-config/mesh-config.ts';
import { ISTIO_KINDS, type IstioObject } from '../../src/shared/api/istio-kinds.ts';
import { GrpcError, GrpcServer, type GrpcPeer } from '../../src/shared/grpc/index.ts';
import { Table } from '../../src/shared/lib/index.ts';
import { CertificateAuthority, parseCertificateRequest } from '../../src/shared/pki/index.ts';
import { TYPE_URLS } from '../../src/shared/xds/index.ts';
import { NETWORK } from './small-mesh.ts';

export type Registry = Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces'>;

/** A refusal by a proxy of what it was sent. */
export interface Refused { readonly proxy: string; readonly type: string; readonly error: string }

const ROOT = 'istio-system';
/** How long all must be quiet to count as settled. */
const QUIET_MILLISECONDS = 120;
const SETTLE_LIMIT_MILLISECONDS = 20_000;

export class InteropControlPlane {
  readonly authority: CertificateAuthority;
  readonly folder: string;
  readonly address: string;
  readonly #translator = createTranslator();
  readonly #server: GrpcServer;
  readonly #ads: AdsServer;
  readonly #gatewayCertificate: { readonly certificateChainPem: string; readonly privateKeyPem: string };
  #snapshot: MeshSnapshot | undefined;
  #number = 0;

  /** Starts one; its files (roots, tokens) are in `folder`. */
  static async start(folder: string, last: number): Promise<InteropControlPlane> {
    const host = `${NETWORK}.0.${last}`;
    mkdirSync(folder, { recursive: true });
    const authority = await CertificateAuthority.createSelfSigned();
    const identity = await authority.issueWithNewKey({ ipAddresses: [host], lifetimeMilliseconds: 3_600_000 });
    const gateway = await authority.issueWithNewKey({ dnsNames: ['*.example', 'book.example'], lifetimeMilliseconds: 3_600_000 });
    writeFileSync(join(folder, 'root-cert.pem'), authority.rootPem);
    const server = new GrpcServer({ name: 'interop-control-plane', host, port: 15012, tls: { ...identity, clientRootsPem: authority.rootPem }, stopTimeoutMilliseconds: 200 });
    const plane = new InteropControlPlane(folder, host, authority, server, { certificateChainPem: gateway.certificateChainPem, privateKeyPem: gateway.privateKeyPem.reveal() });
    await plane.#ads.start();
    await server.start();
    return plane;
  }

  private constructor(folder: string, host: string, authority: CertificateAuthority, server: GrpcServer, gatewayCertificate: { readonly certificateChainPem: string; readonly privateKeyPem: string }) {
    this.folder = folder;
    this.address = `${host}:15012`;
    this.authority = authority;
    this.#server = server;
    this.#gatewayCertificate = gatewayCertificate;
    const members = new Table<string, true>();
    for (const name of [ROOT, 'shop', 'other']) members.set(name, true);
    this.#ads = new AdsServer({ translator: this.#translator, secrets: { secretsFor: async (_proxy, names) => names.map((name) => this.#secret(name)), keepOnly: () => undefined, release: () => undefined }, members, snapshot: () => this.#snapshot, pushConcurrency: 8 });
    server.addUnary(CREATE_CERTIFICATE, async ({ csr = '' }, peer) => {
      const { namespace, serviceAccount } = callerOf(peer);
      const { publicKeyDer } = await parseCertificateRequest(csr);
      const leaf = await authority.issue({ publicKey: publicKeyDer, uris: [`spiffe://cluster.local/ns/${namespace}/sa/${serviceAccount}`], lifetimeMilliseconds: 3_600_000 });
      return { certChain: [leaf, authority.rootPem] };
    });
    this.#ads.register(server, async (peer) => callerOf(peer));
  }

  /** The token by which this control plane knows a workload. */
  token(namespace: string, serviceAccount: string): string {
    const path = join(this.folder, `token-${namespace}-${serviceAccount}`);
    writeFileSync(path, `${namespace}/${serviceAccount}`);
    return path;
  }

  /** Puts a registry and objects of Istio's kinds and of the Gateway API's (YAML, several documents a text) in force. Throws when an object is not valid. */
  publish(registry: Registry, yaml: readonly string[], meshConfig: unknown = {}): void {
    this.#number += 1;
    const texts = yaml.map(withoutGatewayApi);
    const mesh = parseMeshConfig(meshConfig);
    if (!mesh.ok) throw new Error(JSON.stringify(mesh.error));
    const { snapshot } = buildSnapshot({ number: this.#number, meshConfig: mesh.value, rootNamespace: ROOT, domain: 'cluster.local', trustDomain: 'cluster.local', ...registry, config: texts.flatMap(({ others }) => readObjects(others)), gatewayApi: this.#bind(registry, texts.flatMap(({ own }) => own)) });
    this.#snapshot = snapshot;
    this.#ads.publish(snapshot, undefined);
  }

  /** What the Gateway API says; every Secret and ConfigMap that it names is there. */
  #bind({ services, namespaces }: Registry, objects: readonly GatewayApiObject[]): GatewayApiBinding['configuration'] | undefined {
    if (objects.length === 0) return undefined;
    const resources = resourcesOf(objects, { services, namespaces });
    const { secrets, configMaps } = referencedObjects(resources);
    const binding = bindGatewayApi({
      ...resources,
      secrets: new Map(secrets.map((name) => [name, { type: 'kubernetes.io/tls', keyPair: 'valid' }])), configMaps: new Map(configMaps.map((name) => [name, { caCertificates: this.authority.rootPem }])),
    });
    const faults = binding.statuses.flatMap((status) => ('listeners' in status.status ? status.status.listeners.flatMap(({ conditions }) => conditions) : 'parents' in status.status ? status.status.parents.flatMap(({ conditions }) => conditions) : [])
      .filter(({ type, status: value }) => type === 'Accepted' && value !== 'True').map(({ message }) => `${status.kind} ${status.name}: ${message}`));
    if (faults.length > 0) throw new Error(faults.join('\n'));
    return binding.configuration;
  }

  /** Waits until `proxies` proxies are connected and have answered everything; gives what they refused. */
  async settled(proxies: number): Promise<readonly Refused[]> {
    const end = Date.now() + SETTLE_LIMIT_MILLISECONDS;
    for (let quietSince = Date.now(), before = ''; ; await sleep(20)) {
      const rows = [...this.#ads.connections].map((connection) => ({ proxy: connection.proxy?.id ?? '?', pushed: connection.pushedSnapshot, status: connection.status() }));
      const now = JSON.stringify(rows);
      const done = rows.length >= proxies && rows.every(({ pushed, status }) => pushed === this.#number && [TYPE_URLS.cluster, TYPE_URLS.listener].every((type) => status.some(({ typeUrl }) => typeUrl === type)) && status.every(({ outstanding }) => !outstanding));
      if (!done || now !== before) quietSince = Date.now();
      before = now;
      if (done && Date.now() - quietSince >= QUIET_MILLISECONDS) return rows.flatMap(({ proxy, status }) => status.filter(({ lastError }) => lastError !== '').map(({ typeUrl, lastError }) => ({ proxy, type: typeUrl.split('.').at(-1) ?? '', error: lastError })));
      if (Date.now() > end) throw new Error(`The proxies did not settle: ${now}`);
    }
  }

  async stop(): Promise<void> {
    await this.#ads.stop();
    await this.#server.stop();
  }

  #secret(name: string): NamedResource {
    const any = secretResource(name, name.endsWith('-cacert') ? { kind: 'roots', trustedCaPem: this.authority.rootPem } : { kind: 'certificate', ...this.#gatewayCertificate });
    const bytes = any.value ?? new Uint8Array();
    return { name, typeUrl: TYPE_URLS.secret, message: {}, version: '1', encode: () => bytes };
  }
}

/** Who calls: by client certificate, else by token. */
function callerOf(peer: GrpcPeer): { namespace: string; serviceAccount: string } {
  const uri = /^spiffe:\/\/cluster\.local\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(peer.names.uris[0] ?? '');
  const [namespace = '', serviceAccount = ''] = uri ? [uri[1], uri[2]] : (peer.bearerToken?.reveal() ?? '').split('/');
  if (namespace === '' || serviceAccount === '') throw new GrpcError('UNAUTHENTICATED', 'neither a client certificate nor a token');
  return { namespace, serviceAccount };
}

type GatewayApiObject = ReturnType<typeof objectsOf>[number];

/** The Gateway API's objects of a text, and the rest of it. */
function withoutGatewayApi(text: string): { readonly own: readonly GatewayApiObject[]; readonly others: string } {
  const isOwn = (document: string): boolean => document.includes('gateway.networking.k8s.io/v1');
  const documents = text.split(/^---$/m);
  const own = objectsOf(documents.filter(isOwn).join('\n---\n')).map((object) => ({ ...object, metadata: { namespace: 'shop', ...object.metadata } }));
  return { own, others: documents.filter((document) => !isOwn(document)).join('\n---\n') };
}

/** The objects in a YAML text, valid ones only. */
export function readObjects(text: string): IstioObject[] {
  return parseAllDocuments(text).map((document) => document.toJSON() as { kind: string; metadata: { name: string; creationTimestamp?: string } } | null).filter((object) => object !== null).map((object) => {
    const kind = ISTIO_KINDS.find((row) => row.kind === object.kind);
    if (!kind) throw new Error(`${object.kind} is no kind of Istio's`);
    const value = kind.schema.parse({ ...object, metadata: { namespace: 'shop', creationTimestamp: '2026-01-02T00:00:00Z', ...object.metadata } });
    const errors = kind.validate(value as never).filter(({ level }) => level === 'error');
    if (errors.length > 0) throw new Error(`${object.kind} ${object.metadata.name}: ${JSON.stringify(errors)}`);
    return value as IstioObject;
  });
}
