// The control plane as components, in the order in which they start. src/main/mizzend.ts runs them.
import { join } from 'node:path';
import { GrpcError, GrpcServer, protobufCodec, type GrpcMethod, type GrpcPeer, type GrpcServerTls } from '../shared/grpc/index.ts';
import { healthRoute, HttpServer, metricsRoute, type HttpRequest } from '../shared/http/index.ts';
import { programMetrics } from '../shared/observability/index.ts';
import type { KubeClient } from '../shared/kube/index.ts';
import { Secret } from '../shared/lib/index.ts';
import type { Component } from '../shared/process/index.ts';
import { IstioCertificateRequest, IstioCertificateResponse } from '../shared/xds/generated/istio/certificate.ts';
import { GATEWAY_NAME_LABEL } from '../mesh/model/gateway-api-names.ts';
import { createTranslator } from '../mesh/index.ts';
import { AdsServer, type AdsConnection, type IdentifyCaller } from './ads/index.ts';
import { Authenticator, CertificateService, MeshAuthority, RootDistribution } from './ca/index.ts';
import { debugRoutes } from './debug/index.ts';
import { GatewayBinder, GatewayDeployer, keepGatewayClasses } from './gateway-api/index.ts';
import { GatewaySecrets } from './gateway-secrets.ts';
import { checkConfig, followSecrets, Ingest, istioKind, type IngestTables } from './ingest/index.ts';
import { KeySetResolver } from './key-sets/index.ts';
import { Leadership } from './leadership.ts';
import { MeshConfigSource } from './mesh-config-source.ts';
import { MountedFile } from './mounted-file.ts';
import type { MizzendOptions } from './options.ts';
import { SnapshotPublisher } from './snapshot/index.ts';
import { ConfigStatusWriter, GatewayApiStatusWriter } from './status/index.ts';
import { InjectionSource, injectionRoutes, validationRoutes } from './webhooks/index.ts';

export { parseArguments, type MizzendOptions } from './options.ts';
export { DELTA_AGGREGATED_RESOURCES, STREAM_AGGREGATED_RESOURCES } from './ads/index.ts';

/** The certificate service's one method. */
export const CREATE_CERTIFICATE: GrpcMethod<IstioCertificateRequest, IstioCertificateResponse> = {
  path: '/istio.v1.auth.IstioCertificateService/CreateCertificate', request: protobufCodec(IstioCertificateRequest), response: protobufCodec(IstioCertificateResponse),
};

/** A control plane ready to be started, and the ports it got. */
export interface ControlPlane {
  readonly components: readonly Component[];
  /** Ports in use once started; they differ from the options' where those say 0. */
  ports(): { readonly grpc: number; readonly secureGrpc: number; readonly https: number; readonly http: number; readonly monitoring: number };
}

const CA_REFRESH_MILLISECONDS = 60_000;
const SERVING_LIFETIME_MILLISECONDS = 7 * 24 * 3_600_000;

/** Builds the control plane; nothing runs yet. */
export function createControlPlane(client: KubeClient, options: MizzendOptions): ControlPlane {
  const { namespace, revision, domain } = options;
  const meshConfig = new MeshConfigSource({ rootNamespace: namespace, discoveryAddress: `istiod-${revision}.${namespace}.svc:15012` });
  const injection = new InjectionSource();
  const files = [
    new MountedFile(options.meshConfigFile, options.fileCheckMilliseconds, (content) => meshConfig.take(content)),
    new MountedFile(join(options.injectionDirectory, 'values'), options.fileCheckMilliseconds, (content) => injection.takeValues(content)),
    new MountedFile(join(options.injectionDirectory, 'config'), options.fileCheckMilliseconds, (content) => injection.takeConfig(content)),
  ];
  const leadership = new Leadership(client, { namespace, leaseName: `mizzend-leader-${revision}`, identity: options.podName });
  const authority = lazily(() => new MeshAuthority(client, {
    namespace, trustDomain: meshConfig.current.trustDomain, servingNames: servingNames(revision, namespace, domain), servingLifetimeMilliseconds: SERVING_LIFETIME_MILLISECONDS,
    refreshMilliseconds: CA_REFRESH_MILLISECONDS, rotation: { graceRatio: 0.2, overlapMilliseconds: options.maximumWorkloadCertificateMilliseconds },
  }, () => leadership.isLeader));
  const authenticator = new Authenticator(client, options.tokenAudiences, () => [meshConfig.current.trustDomain, ...meshConfig.current.trustDomainAliases]);
  const ingest = new Ingest(client, { ownNamespace: namespace, memberRollName: options.memberRollName });
  const followedSecrets = followSecrets(client);
  const gatewayApi = new GatewayBinder(client, ingest.tables, { domain, secrets: followedSecrets, meshConfig: meshConfig.table, refusals: (): ReadonlyMap<string, string> => gatewayRefusals(ads.connections) });
  const keySets = new KeySetResolver(ingest.tables.config, options.keySets);
  const snapshots = new SnapshotPublisher(ingest.tables, meshConfig.table, {
    domain,
    gatewayApi: gatewayApi.configuration,
    keySets: keySets.table,
    debounce: {
      full: { quietMilliseconds: options.debounceAfterMilliseconds, maximumMilliseconds: options.debounceMaximumMilliseconds },
      endpoints: { quietMilliseconds: options.endpointDebounceAfterMilliseconds, maximumMilliseconds: Math.min(1_000, options.debounceMaximumMilliseconds) },
    },
  });
  const secrets = new GatewaySecrets(client, followedSecrets, (names) => ads.publishSecrets(names), () => gatewayApi.configuration.get('current')?.secretGrants ?? []);
  const ads = new AdsServer({ translator: createTranslator(), secrets, members: ingest.tables.members, snapshot: () => snapshots.current, pushConcurrency: options.pushConcurrency });
  snapshots.onPublish(({ snapshot, change }) => ads.publish(snapshot, change));

  const identify: IdentifyCaller = async (peer: GrpcPeer) => {
    const result = await authenticator.authenticate(peer);
    if (result.kind === 'authenticated') return result.identity;
    throw new GrpcError(result.kind === 'refused' ? 'UNAUTHENTICATED' : 'UNAVAILABLE', result.message);
  };
  const lifetimes = { defaultMilliseconds: options.workloadCertificateMilliseconds, maximumMilliseconds: options.maximumWorkloadCertificateMilliseconds };
  const certificates = lazily(() => new CertificateService(authority(), authenticator, ingest.tables.members, lifetimes));
  const serveGrpc = (server: GrpcServer, identifyCaller?: IdentifyCaller): GrpcServer => {
    // A token sent in the clear is an identity for whoever reads it: certificates are made over TLS only.
    if (identifyCaller) server.addUnary(CREATE_CERTIFICATE, (request, peer) => certificates().createCertificate(request, peer));
    ads.register(server, identifyCaller);
    return server;
  };
  const maximumConnectionAgeMilliseconds = options.maximumConnectionAgeMilliseconds;
  const plain = serveGrpc(new GrpcServer({ name: 'grpc', ...options.grpc, maximumConnectionAgeMilliseconds }));
  const secure = lazily(() => serveGrpc(new GrpcServer({ name: 'secure-grpc', ...options.secureGrpc, maximumConnectionAgeMilliseconds, tls: grpcTls(authority()) }), identify));
  const webhooks = lazily(() => new HttpServer({
    name: 'webhooks', ...options.https, identity: authority().current.serving,
    routes: [
      ...injectionRoutes((podNamespace) => {
        const current = injection.current;
        const labels = ingest.tables.namespaces.get(podNamespace)?.metadata?.labels;
        return current ? { ...current, meshConfig: { ...meshConfig.current }, namespace: { name: podNamespace, labels }, revision, istioNamespace: namespace, trustDomain: meshConfig.current.trustDomain, domain } : undefined;
      }),
      ...validationRoutes({ kind: istioKind, check: checkConfig }),
      healthRoute('/ready', () => problem()),
    ],
  }));

  let stopping = false;
  const problem = (): string | undefined => {
    if (stopping) return 'stopping';
    if (!ingest.hasSynced()) return 'the cluster has not been read yet';
    if (!snapshots.current) return snapshots.issues[0]?.message ?? 'the cluster has not been read yet';
    return injection.current ? undefined : `there are no injection templates in ${options.injectionDirectory}`;
  };
  const debug = debugRoutes({ tables: ingest.tables, snapshots, ads, meshConfigIssues: () => [...meshConfig.issues, ...keySets.issues], mayRead: (request) => mayReadDebug(request, authenticator, namespace) });
  const http = new HttpServer({ name: 'http', ...options.http, routes: [healthRoute('/ready', problem), healthRoute('/healthz'), ...debug] });
  const monitoring = new HttpServer({ name: 'monitoring', ...options.monitoring, routes: [metricsRoute(), healthRoute('/ready', problem), ...debug] });
  leadership.addDuty((signal) => new RootDistribution(client, authority().state, ingest.tables.members).run(signal));
  if (options.writesStatus) leadership.addDuty((signal) => new ConfigStatusWriter(client, ingest.tables.issues).run(signal));
  addGatewayApiDuties(leadership, client, ingest.tables, gatewayApi, options.gatewayApi);

  return {
    ports: () => ({ grpc: plain.port, secureGrpc: secure().port, https: webhooks().port, http: http.port, monitoring: monitoring.port }),
    components: [
      ...files,
      http,
      monitoring,
      deferred('certificate authority', authority),
      deferred('webhooks', webhooks),
      deferred('secure-grpc', secure),
      plain,
      renewal(authority, secure, webhooks),
      ingest,
      { name: 'followed secrets', start: async () => undefined, stop: () => followedSecrets.stop() },
      gatewayApi,
      keySets,
      snapshots,
      secrets,
      ads,
      leadership,
      // Last to start, first to stop: not ready before anything closes.
      {
        name: 'readiness',
        start: async () => {
          programMetrics.gauge('pilot_info', 'Version of the control plane.', ['version']).set({ version: revision }, 1);
        },
        stop: async () => {
          stopping = true;
        },
      },
    ],
  };
}

/** What only one replica does for the Gateway API. */
function addGatewayApiDuties(leadership: Leadership, client: KubeClient, tables: IngestTables, binder: GatewayBinder, { writesStatus, deploys, ownsClasses }: MizzendOptions['gatewayApi']): void {
  const { types, stored } = tables.gatewayApi;
  if (writesStatus) {
    leadership.addDuty((signal) => keepGatewayClasses(client, tables.gatewayApi, signal));
    leadership.addDuty((signal) => new GatewayApiStatusWriter(client, { statuses: binder.statuses, stored, types, ownsClasses }).run(signal));
  }
  if (!deploys) return;
  leadership.addDuty((signal) => new GatewayDeployer(client, {
    deployments: binder.deployments, liveDeployments: binder.liveDeployments, judged: binder.judged, services: tables.services,
    parameters: (namespace, name) => binder.parameters(namespace, name),
  }).run(signal));
}

/** By `namespace/gateway`: what the gateway proxies that are connected here refuse. */
function gatewayRefusals(connections: Iterable<AdsConnection>): Map<string, string> {
  const refusals = new Map<string, string>();
  for (const connection of connections) {
    const gateway = connection.proxy?.labels[GATEWAY_NAME_LABEL];
    const error = gateway === undefined ? undefined : connection.status().find(({ lastError }) => lastError !== '')?.lastError;
    if (connection.proxy && error !== undefined) refusals.set(`${connection.proxy.namespace}/${gateway ?? ''}`, error);
  }
  return refusals;
}

/** Hands new certificates to the servers. */
function renewal(authority: () => MeshAuthority, secure: () => GrpcServer, webhooks: () => HttpServer): Component {
  let stop: (() => void) | undefined;
  return {
    name: 'certificate renewal',
    start: async () => {
      stop = authority().state.subscribe(() => {
        secure().setTls(grpcTls(authority()));
        webhooks().setIdentity(authority().current.serving);
      });
    },
    stop: async () => stop?.(),
  };
}

function grpcTls(authority: MeshAuthority): GrpcServerTls {
  const { serving, rootsPem } = authority.current;
  return { ...serving, clientRootsPem: rootsPem };
}

/** Names that proxies, the API server and the command line call mizzend by. */
function servingNames(revision: string, namespace: string, domain: string): string[] {
  return [`istiod-${revision}`, 'istiod', 'istio-pilot'].flatMap((service) => [`${service}.${namespace}.svc`, `${service}.${namespace}.svc.${domain}`, `${service}.${namespace}`]);
}

async function mayReadDebug(request: HttpRequest, authenticator: Authenticator, namespace: string): Promise<boolean> {
  if (/^(::ffff:)?127\.|^::1$/.test(request.remoteAddress)) return true;
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const result = await authenticator.authenticate({ names: { uris: [], dnsNames: [] }, bearerToken: token === undefined ? undefined : new Secret(token) });
  return result.kind === 'authenticated' && result.identity.namespace === namespace;
}

/** Makes a value when it is first needed, once. */
function lazily<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** A component that cannot be built before the ones in front of it have started. */
function deferred(name: string, component: () => Component): Component {
  return { name, start: (signal) => component().start(signal), stop: () => component().stop() };
}
