// The proxy against an in-test control plane: certificate by CSR, discovery in both variants, refusal, reconnection, drain, HTTP interfaces.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Resolver } from 'node:dns/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GrpcServer, type GrpcPeer, type MessageStream } from '../shared/grpc/index.ts';
import { CertificateAuthority, parseCertificateRequest, parseCertificates } from '../shared/pki/index.ts';
import type { Component } from '../shared/process/index.ts';
import { packAny, TYPE_URLS, WILDCARD_TYPES } from '../shared/xds/index.ts';
import { Cluster } from '../shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { ClusterLoadAssignment } from '../shared/xds/generated/envoy/config/endpoint/v3/endpoint.ts';
import { Listener } from '../shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { RouteConfiguration } from '../shared/xds/generated/envoy/config/route/v3/route.ts';
import { HttpConnectionManager, type HttpFilter } from '../shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { Router } from '../shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { NameTable } from '../shared/xds/generated/istio/name_table.ts';
import type { Any } from '../shared/xds/generated/google/protobuf/any.ts';
import { PluginConfig } from '../shared/xds/generated/istio/stats.ts';
import type { RuntimeConfig } from './config/index.ts';
import { createProxy } from './index.ts';
import { readProxyOptions, type OptionSources, type ProxyOptions } from './options/index.ts';
import { ProxyProcess, type RunningDataPlane } from './proxy-process.ts';
import { CREATE_CERTIFICATE } from './secrets/index.ts';
import { DELTA_AGGREGATED, STREAM_AGGREGATED } from './xds/index.ts';

// Runs at the same time each have a network of their own.
const NETWORK = `127.${64 + (process.pid >> 8) % 64}.${process.pid & 255}`;
const HOST = `${NETWORK}.1`;
const BIND = `${NETWORK}.2`;
const LISTENER = `${NETWORK}.3`;
const APP = `${NETWORK}.4`;
/** The admin interface is on 127.0.0.1, which all runs share. */
const ADMIN = await freePort();

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Keeps what it was given; whether a configuration works is not this test's matter. */
class RecordingDataPlane implements RunningDataPlane {
  readonly configs: RuntimeConfig[] = [];
  drained: string | undefined;
  apply(config: RuntimeConfig): { rejected: { name: string; error: string }[] } {
    this.configs.push(structuredClone(config));
    return { rejected: [] };
  }
  isReady(): boolean {
    return true;
  }
  drain(direction?: string): void {
    this.drained = direction;
  }
  async finish(): Promise<void> {}
  close(): void {}
  clusters(): [] {
    return [];
  }
  listeners(): [] {
    return [];
  }
  get last(): RuntimeConfig | undefined {
    return this.configs.at(-1);
  }
}

const ads = { configSourceSpecifier: { $case: 'ads' as const, ads: {} } };
const clusterAny = (name: string): Any => packAny('envoy.config.cluster.v3.Cluster', Cluster, { name, clusterDiscoveryType: { $case: 'type', type: 3 }, edsClusterConfig: { edsConfig: ads, serviceName: name } });
const badClusterAny = (name: string): Any => packAny('envoy.config.cluster.v3.Cluster', Cluster, { name, healthChecks: [{ interval: { seconds: 1 } }] });
const endpointsAny = (name: string, address: string, port = 80): Any => packAny('envoy.config.endpoint.v3.ClusterLoadAssignment', ClusterLoadAssignment, {
  clusterName: name,
  endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: { address: { $case: 'socketAddress', socketAddress: { address, portSpecifier: { $case: 'portValue', portValue: port } } } } } } }] }],
});
const routeAny = (name: string): Any => packAny('envoy.config.route.v3.RouteConfiguration', RouteConfiguration, { name, virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'a' } } } }] }] });
const listenerAny = (name: string, route: string, port = 15001, filters: readonly HttpFilter[] = []): Any => packAny('envoy.config.listener.v3.Listener', Listener, {
  name,
  address: { address: { $case: 'socketAddress', socketAddress: { address: LISTENER, portSpecifier: { $case: 'portValue', portValue: port } } } },
  trafficDirection: 2,
  filterChains: [{ filters: [{ name: 'http', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, {
    statPrefix: 'http', routeSpecifier: { $case: 'rds', rds: { configSource: ads, routeConfigName: route } },
    httpFilters: [...filters, { name: 'router', configType: { $case: 'typedConfig', typedConfig: packAny('envoy.extensions.filters.http.router.v3.Router', Router, {}) } }],
  }) } }] }],
});

type AnyRequest = DiscoveryRequest & DeltaDiscoveryRequest;

/** A control plane that answers each type with what it holds, and keeps the requests. */
class TestControlPlane {
  readonly resources = new Map<string, Map<string, Any>>(Object.values(TYPE_URLS).map((typeUrl) => [typeUrl, new Map<string, Any>()]));
  readonly requests: AnyRequest[] = [];
  readonly peers: GrpcPeer[] = [];
  readonly csrs: string[] = [];
  #server: GrpcServer | undefined;
  #push: ((typeUrl: string) => void) | undefined;
  #version = 0;
  readonly #authority: CertificateAuthority;
  #port = 0;

  constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  get address(): string {
    return `${HOST}:${this.#port}`;
  }

  async start(): Promise<void> {
    const identity = await this.#authority.issueWithNewKey({ ipAddresses: [HOST], lifetimeMilliseconds: 3_600_000 });
    const server = new GrpcServer({ name: 'test-control-plane', host: HOST, port: this.#port, tls: { ...identity, clientRootsPem: this.#authority.rootPem }, stopTimeoutMilliseconds: 100 });
    server.addUnary(CREATE_CERTIFICATE, async ({ csr = '' }) => {
      this.csrs.push(csr);
      const request = await parseCertificateRequest(csr);
      const leaf = await this.#authority.issue({ publicKey: request.publicKeyDer, uris: ['spiffe://cluster.local/ns/shop/sa/reviews'], lifetimeMilliseconds: 3_600_000 });
      return { certChain: [leaf, this.#authority.rootPem] };
    });
    server.addStream(STREAM_AGGREGATED, (stream, peer) => this.#serveSotw(stream, peer));
    server.addStream(DELTA_AGGREGATED, (stream, peer) => this.#serveDelta(stream, peer));
    await server.start();
    this.#port = server.port;
    this.#server = server;
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  set(typeUrl: string, name: string, any: Any): void {
    this.resources.get(typeUrl)?.set(name, any);
  }

  push(typeUrl: string): void {
    this.#push?.(typeUrl);
  }

  async #serveSotw(stream: MessageStream<DiscoveryRequest, DiscoveryResponse>, peer: GrpcPeer): Promise<void> {
    this.peers.push(peer);
    const names = new Map<string, readonly string[]>();
    const answer = (typeUrl: string): void => {
      this.#version += 1;
      const wanted = names.get(typeUrl) ?? [];
      const all = [...(this.resources.get(typeUrl) ?? [])].filter(([name]) => wanted.length === 0 || wanted.includes(name)).map(([, any]) => any);
      void stream.send({ typeUrl, versionInfo: `v${this.#version}`, nonce: `n${this.#version}`, resources: all });
    };
    this.#push = answer;
    for await (const request of stream) {
      this.requests.push(request);
      const typeUrl = request.typeUrl ?? '';
      const before = names.get(typeUrl);
      names.set(typeUrl, request.resourceNames ?? []);
      if (!before || (request.resourceNames ?? []).some((name) => !before.includes(name))) answer(typeUrl);
    }
  }

  async #serveDelta(stream: MessageStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>, peer: GrpcPeer): Promise<void> {
    this.peers.push(peer);
    const answer = (typeUrl: string, only?: readonly string[]): void => {
      this.#version += 1;
      const all = [...(this.resources.get(typeUrl) ?? [])].filter(([name]) => only === undefined || only.includes(name)).map(([name, resource]) => ({ name, version: `v${this.#version}`, resource }));
      void stream.send({ typeUrl, systemVersionInfo: `v${this.#version}`, nonce: `n${this.#version}`, resources: all });
    };
    this.#push = answer;
    for await (const request of stream) {
      this.requests.push(request);
      const typeUrl = request.typeUrl ?? '';
      const wildcard = WILDCARD_TYPES.has(typeUrl);
      if ((request.resourceNamesSubscribe ?? []).length > 0) answer(typeUrl, request.resourceNamesSubscribe);
      else if (wildcard && (request.responseNonce ?? '') === '') answer(typeUrl);
    }
  }
}

async function eventually(check: () => void | Promise<void>): Promise<void> {
  const end = Date.now() + 8000;
  for (;;) {
    try {
      await check();
      return;
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

let folder: string;
let controlPlane: TestControlPlane;
let dataPlane: RecordingDataPlane;
let proxy: Component | undefined;
let options: ProxyOptions;

function sources(delta: boolean, environment: Record<string, string> = {}): OptionSources {
  return {
    role: 'sidecar', flags: {}, readFile: (path) => (path.endsWith('labels') ? 'app="reviews"\nversion="v2"\n' : undefined),
    environment: { POD_NAME: 'reviews-v2-1', POD_NAMESPACE: 'shop', INSTANCE_IP: HOST, SERVICE_ACCOUNT: 'reviews', ISTIO_META_WORKLOAD_NAME: 'reviews-v2', ISTIO_META_CLUSTER_ID: 'east', PROXY_TOKEN_FILE: join(folder, 'token'), XDS_ROOT_CA: join(folder, 'root.pem'),
      PROXY_BIND_ADDRESS: BIND, ISTIO_DELTA_XDS: String(delta), PROXY_CONFIG: JSON.stringify({ discoveryAddress: controlPlane.address, terminationDrainDuration: '0.1s', statusPort: 25020, proxyAdminPort: ADMIN }),
      ISTIO_META_ENVOY_STATUS_PORT: '25021', ISTIO_META_ENVOY_PROMETHEUS_PORT: '25090', ...environment },
  };
}

async function startProxy(delta: boolean, environment: Record<string, string> = {}): Promise<void> {
  const result = readProxyOptions(sources(delta, environment));
  if (!result.ok) throw new Error(result.error.join(', '));
  options = result.value;
  dataPlane = new RecordingDataPlane();
  proxy = new ProxyProcess(options, () => dataPlane);
  await proxy.start(new AbortController().signal);
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'proxy-test-'));
  const authority = await CertificateAuthority.createSelfSigned();
  writeFileSync(join(folder, 'token'), 'the-token\n');
  writeFileSync(join(folder, 'root.pem'), authority.rootPem);
  controlPlane = new TestControlPlane(authority);
  await controlPlane.start();
  controlPlane.set(TYPE_URLS.cluster, 'a', clusterAny('a'));
  controlPlane.set(TYPE_URLS.endpoint, 'a', endpointsAny('a', '10.0.0.1'));
  controlPlane.set(TYPE_URLS.listener, 'l', listenerAny('l', '80'));
  controlPlane.set(TYPE_URLS.route, '80', routeAny('80'));
});

afterEach(async () => {
  await proxy?.stop();
  proxy = undefined;
  await controlPlane.stop();
  rmSync(folder, { recursive: true, force: true });
});

const get = async (port: number, path: string): Promise<{ status: number; text: string }> => {
  const response = await fetch(`http://${port === ADMIN ? '127.0.0.1' : BIND}:${port}${path}`);
  return { status: response.status, text: await response.text() };
};

function askAgent(method: string, path: string, localAddress: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ host: BIND, port: 25020, method, path, localAddress, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject).end();
  });
}

describe.each([['state of the world', false], ['delta', true]] as const)('proxy over %s', (_name, delta) => {
  it('gets a certificate, subscribes by what it is told, applies once all is there, and is ready', async () => {
    await startProxy(delta);
    await eventually(() => expect(dataPlane.last?.listeners).toHaveProperty('l'));
    expect(dataPlane.last?.clusters['a']?.discovery).toBe('eds');
    expect(dataPlane.last?.endpoints['a']?.localities[0]?.endpoints[0]?.address).toEqual({ kind: 'socket', address: '10.0.0.1', port: 80 });
    expect(dataPlane.last?.routes['80']?.virtualHosts).toHaveLength(1);
    // No configuration ever had the listener before its cluster.
    expect(dataPlane.configs.filter((config) => config.listeners['l'] && !config.clusters['a'])).toEqual([]);
    expect(controlPlane.csrs).toHaveLength(1);
    expect(controlPlane.peers[0]?.names.uris).toEqual(['spiffe://cluster.local/ns/shop/sa/reviews']);
    expect(controlPlane.peers[0]?.bearerToken?.reveal()).toBe('the-token');
    expect(controlPlane.requests[0]?.node?.id).toBe(`sidecar~${HOST}~reviews-v2-1.shop~shop.svc.cluster.local`);
    expect(controlPlane.requests[0]?.node?.metadata).toMatchObject({ MIZZEN_VERSION: '3.1.0', NAMESPACE: 'shop', LABELS: { app: 'reviews', version: 'v2' }, WORKLOAD_NAME: 'reviews-v2' });
    expect(controlPlane.requests.slice(1).every((request) => request.node === undefined)).toBe(true);
    await eventually(async () => expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 }));
  });

  it('refuses a bad resource with its field, keeps it from harming the others, and takes a good one later', async () => {
    await startProxy(delta);
    await eventually(() => expect(dataPlane.last?.listeners).toHaveProperty('l'));
    controlPlane.set(TYPE_URLS.cluster, 'bad', badClusterAny('bad'));
    controlPlane.set(TYPE_URLS.cluster, 'b', clusterAny('b'));
    controlPlane.set(TYPE_URLS.endpoint, 'b', endpointsAny('b', '10.0.0.2'));
    controlPlane.push(TYPE_URLS.cluster);
    await eventually(() => expect(controlPlane.requests.find((request) => request.errorDetail)?.errorDetail?.message).toMatch(/Cluster bad: health_checks\[0\]\.timeout: /));
    await eventually(() => expect(Object.keys(dataPlane.last?.clusters ?? {}).sort()).toEqual(['a', 'b']));
    controlPlane.set(TYPE_URLS.cluster, 'bad', clusterAny('bad'));
    controlPlane.set(TYPE_URLS.endpoint, 'bad', endpointsAny('bad', '10.0.0.3'));
    controlPlane.push(TYPE_URLS.cluster);
    await eventually(() => expect(Object.keys(dataPlane.last?.clusters ?? {}).sort()).toEqual(['a', 'b', 'bad']));
  });

  it('stays ready when a new listener can not be had', async () => {
    await startProxy(delta);
    await eventually(async () => expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 }));
    controlPlane.set(TYPE_URLS.listener, 'waiting', listenerAny('waiting', 'routes-that-never-come', 15002));
    controlPlane.push(TYPE_URLS.listener);
    await eventually(async () => expect((await get(ADMIN, '/init_dump')).text).toContain('waiting'));
    expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 });
  });

  it('keeps its configuration while the control plane is away, and comes back with the versions it has', async () => {
    await startProxy(delta);
    await eventually(() => expect(dataPlane.last?.listeners).toHaveProperty('l'));
    await controlPlane.stop();
    const requestsBefore = controlPlane.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(dataPlane.last?.listeners).toHaveProperty('l');
    expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 });
    controlPlane.set(TYPE_URLS.endpoint, 'a', endpointsAny('a', '10.0.0.9'));
    await controlPlane.start();
    await eventually(() => expect(dataPlane.last?.endpoints['a']?.localities[0]?.endpoints[0]?.address).toMatchObject({ address: '10.0.0.9' }));
    const first = controlPlane.requests[requestsBefore];
    if (delta) expect(first?.initialResourceVersions).toHaveProperty('a');
    else expect(first?.versionInfo).toMatch(/^v\d+$/);
  });

  it('shows its configuration without keys, takes changes by POST only, and drains before it ends', async () => {
    await startProxy(delta);
    await eventually(() => expect(dataPlane.last?.listeners).toHaveProperty('l'));
    const dump = await get(ADMIN, '/config_dump?include_eds');
    const configs = (JSON.parse(dump.text) as { configs: Record<string, never>[] }).configs;
    expect(configs.map((config) => String(config['@type']).split('.').at(-1))).toEqual(['BootstrapConfigDump', 'ClustersConfigDump', 'EndpointsConfigDump', 'ListenersConfigDump', 'RoutesConfigDump', 'SecretsConfigDump']);
    expect(dump.text).toContain('"@type":"type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"');
    expect(dump.text).not.toContain('PRIVATE KEY');
    expect((await get(ADMIN, '/quitquitquit')).status).toBe(405);
    expect((await get(ADMIN, '/ready')).text).toBe('LIVE\n');
    const certificates = JSON.parse((await get(ADMIN, '/certs')).text) as { certificates: { name: string }[] };
    expect(certificates.certificates.map(({ name }) => name)).toEqual(['ROOTCA', 'default']);
    expect((await get(25020, '/stats/prometheus')).text).toContain('istio_agent_cert_expiry_seconds{resource_name="default"}');
    // Another pod (here: any address but the proxy's own) may neither end it nor look inside; what probes and scrapes need stays open.
    expect(await askAgent('POST', '/quitquitquit', '127.0.0.1')).toBe(403);
    expect(await askAgent('POST', '/drain', LISTENER)).toBe(403);
    expect(await askAgent('GET', '/debug/syncz', LISTENER)).toBe(403);
    expect(await askAgent('GET', '/healthz/ready', LISTENER)).toBe(200);
    expect(await askAgent('GET', '/stats/prometheus', LISTENER)).toBe(200);
    expect(await askAgent('GET', '/debug/syncz', HOST)).toBe(200);
    expect(await askAgent('GET', '/drain', BIND)).toBe(405);
    expect(dataPlane.drained).toBeUndefined();
    expect(await askAgent('POST', '/drain', BIND)).toBe(200);
    expect(dataPlane.drained).toBe('inbound');
    expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 503, text: 'the proxy is draining\n' });
  });
});

describe('the root certificates', () => {
  it('are taken anew when the mounted file changes', async () => {
    await startProxy(true);
    await eventually(() => expect(dataPlane.last?.listeners).toHaveProperty('l'));
    const second = await CertificateAuthority.createSelfSigned();
    const before = parseCertificates(second.rootPem);
    expect(before).toHaveLength(1);
    writeFileSync(join(folder, 'root.pem'), second.rootPem);
    await eventually(async () => {
      const { certificates } = JSON.parse((await get(ADMIN, '/certs')).text) as { certificates: { name: string; ca_cert?: unknown[] }[] };
      // The root that signed our certificate stays trusted beside the new one.
      expect(certificates.find(({ name }) => name === 'ROOTCA')?.ca_cert).toHaveLength(2);
    });
  }, 20_000);
});

describe('a proxy that captures DNS', () => {
  it.each([[true, 'delta'], [false, 'state of the world']])('is ready with the names of the mesh, answers them, and takes their changes (delta: %s, %s)', async (delta) => {
    const name = (address: string): Any => packAny('istio.networking.nds.v1.NameTable', NameTable, { table: { 'cart.shop.svc.cluster.local': { ips: [address], registry: 'Kubernetes', shortname: 'cart', namespace: 'shop' } } });
    await startProxy(delta, { ISTIO_META_DNS_CAPTURE: 'true', DNS_PROXY_ADDR: `${BIND}:25053` });
    await eventually(async () => expect((await get(25021, '/healthz/ready')).text).toContain('the names of the mesh have not come yet'));
    controlPlane.set(TYPE_URLS.nameTable, 'name-table', name('10.96.0.7'));
    controlPlane.push(TYPE_URLS.nameTable);
    await eventually(async () => expect((await get(25021, '/healthz/ready')).status).toBe(200));
    const resolver = new Resolver({ timeout: 1000, tries: 2 });
    resolver.setServers([`${BIND}:25053`]);
    expect([await resolver.resolve4('cart'), await resolver.resolve4('cart.shop.svc.cluster.local')]).toEqual([['10.96.0.7'], ['10.96.0.7']]);
    controlPlane.set(TYPE_URLS.nameTable, 'name-table', name('10.96.0.8'));
    controlPlane.push(TYPE_URLS.nameTable);
    await eventually(async () => expect(await resolver.resolve4('cart')).toEqual(['10.96.0.8']));
    expect((await get(25020, '/stats/prometheus')).text).toMatch(/^istio_agent_dns_mesh_answers_total [3-9]\d*$/m);
  });

  it('does not ask for names otherwise', async () => {
    await startProxy(true);
    await eventually(async () => expect((await get(25021, '/healthz/ready')).status).toBe(200));
    expect(controlPlane.requests.map(({ typeUrl }) => typeUrl)).not.toContain(TYPE_URLS.nameTable);
  });
});

describe('the whole proxy', () => {
  it('that is to exit with its last connection ends no sooner than the answer under way', async () => {
    const app = createServer((_request, response) => void setTimeout(() => response.end('late'), 1200));
    await new Promise<void>((resolve) => app.listen(0, APP, resolve));
    controlPlane.set(TYPE_URLS.endpoint, 'a', endpointsAny('a', APP, (app.address() as AddressInfo).port));
    controlPlane.set(TYPE_URLS.listener, 'l', listenerAny('l', '80', 25003));
    const given = sources(true);
    const made = createProxy({ ...given, environment: { ...given.environment, EXIT_ON_ZERO_ACTIVE_CONNECTIONS: 'true', MINIMUM_DRAIN_DURATION: '0.1s' } });
    if (!made.ok) throw new Error(made.error.join(', '));
    await made.value.component.start(new AbortController().signal);
    await eventually(async () => expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 }));
    const answer = fetch(`http://${LISTENER}:25003/`, { headers: { connection: 'close' } }).then((response) => response.text());
    await new Promise((resolve) => setTimeout(resolve, 200));
    await made.value.component.stop();
    expect(await answer).toBe('late');
    app.close();
  });

  it('forwards a request by what the control plane says, and counts it', async () => {
    const app = createServer((_request, response) => response.end('hello from the app'));
    await new Promise<void>((resolve) => app.listen(0, APP, resolve));
    controlPlane.set(TYPE_URLS.endpoint, 'a', endpointsAny('a', APP, (app.address() as AddressInfo).port));
    const stats = { name: 'istio.stats', configType: { $case: 'typedConfig' as const, typedConfig: packAny('stats.PluginConfig', PluginConfig, {}) } };
    controlPlane.set(TYPE_URLS.listener, 'l', listenerAny('l', '80', 25001, [stats]));
    const made = createProxy(sources(true));
    if (!made.ok) throw new Error(made.error.join(', '));
    proxy = made.value.component;
    await proxy.start(new AbortController().signal);
    await eventually(async () => expect(await get(25021, '/healthz/ready')).toMatchObject({ status: 200 }));
    const response = await fetch(`http://${LISTENER}:25001/`);
    expect([response.status, await response.text()]).toEqual([200, 'hello from the app']);
    await eventually(async () => {
      const metrics = (await get(25020, '/stats/prometheus')).text;
      expect(metrics).toMatch(/^istio_requests_total\{reporter="source",source_workload="reviews-v2",source_canonical_service="reviews",.*response_code="200".*connection_security_policy="unknown"\} 1$/m);
      expect(metrics).toMatch(/^envoy_cluster_upstream_rq_total\{cluster_name="a"\} 1$/m);
    });
    const clusters = await get(ADMIN, '/clusters?format=json');
    expect(JSON.parse(clusters.text)).toMatchObject({ cluster_statuses: [{ name: 'a', host_statuses: [{ address: { socket_address: { address: APP } } }] }] });
    expect((await get(ADMIN, '/listeners')).text).toBe(`l::${LISTENER}:25001\n`);
    await new Promise((resolve) => app.close(resolve));
  });
});
