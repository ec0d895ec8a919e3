// One listener for each filter under test, in a real Envoy and in our own data plane: the very same messages, Envoy's from a file, ours through the compiler of xDS.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { assembleRuntimeConfig, compileCluster, compileListener, EMPTY_RUNTIME_CONFIG } from '../../src/proxy/config/index.ts';
import { createDataPlane, type DataPlane } from '../../src/proxy/listener/index.ts';
import type { Issue, Result } from '../../src/shared/lib/index.ts';
import { Bootstrap } from '../../src/shared/xds/generated/envoy/config/bootstrap/v3/bootstrap.ts';
import type { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { Cluster_DiscoveryType } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import type { Address } from '../../src/shared/xds/generated/envoy/config/core/v3/address.ts';
import { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import type { VirtualHost } from '../../src/shared/xds/generated/envoy/config/route/v3/route_components.ts';
import { Router } from '../../src/shared/xds/generated/envoy/extensions/filters/http/router/v3/router.ts';
import { HttpConnectionManager, type HttpFilter } from '../../src/shared/xds/generated/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.ts';
import { HttpProtocolOptions } from '../../src/shared/xds/generated/envoy/extensions/upstreams/http/v3/http_protocol_options.ts';
import { packAny, type MessageCodec } from '../../src/shared/xds/index.ts';
import type { Echo, Reply } from './applications.ts';
import { freePort } from './proxy-programs.ts';

/** A listener to be made: its filters, in front of the router, and its virtual host. */
export interface FilterCase {
  readonly name: string;
  readonly filters: readonly HttpFilter[];
  readonly virtualHost?: Partial<VirtualHost>;
}

/** A cluster of one endpoint on loopback. */
export interface CaseCluster { readonly name: string; readonly port: number; readonly http2?: boolean }

/** Differ by their nature, or tell of the proxy itself. */
const IGNORED = new Set(['date', 'x-request-id', 'x-envoy-upstream-service-time', 'server', 'x-envoy-expected-rq-timeout-ms', 'connection', 'keep-alive', 'x-envoy-internal', 'x-forwarded-for', 'transfer-encoding', 'content-length', 'x-envoy-attempt-count']);

/** Headers without those that differ by their nature, and without hosts. */
export function comparableHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !IGNORED.has(name) && name !== 'host' && name !== ':authority').sort());
}

/** A reply, and what of its request reached the application, in a form in which both proxies' are equal. */
export function comparableReply({ status, headers, body }: Reply): object {
  let echo: Echo | null = null;
  try {
    echo = JSON.parse(body) as Echo;
  } catch (_plain) {
    // not the application's words
  }
  return { status, headers: comparableHeaders(headers), body: echo ? { ...echo, headers: { ...comparableHeaders(echo.headers), host: String(echo.headers.host).replace(/:\d+$/, '') } } : body };
}

/** Both proxies, running. */
export interface FilterPair {
  readonly envoy: ReadonlyMap<string, number>;
  readonly mizzen: ReadonlyMap<string, number>;
  /** What Envoy has written. */
  log(): string;
  stop(): Promise<void>;
}

/** A filter with its configuration. */
export function filterOf<T>(name: string, type: string, codec: MessageCodec<T>, message: T): HttpFilter {
  return { name, configType: { $case: 'typedConfig', typedConfig: packAny(type, codec, message) } };
}

const addressOf = (port: number): Address => ({ address: { $case: 'socketAddress', socketAddress: { address: '127.0.0.1', portSpecifier: { $case: 'portValue', portValue: port } } } });

function listenerOf({ name, filters, virtualHost }: FilterCase, port: number): Listener {
  const manager: HttpConnectionManager = {
    statPrefix: name,
    httpFilters: [...filters, filterOf('envoy.filters.http.router', 'envoy.extensions.filters.http.router.v3.Router', Router, {})],
    routeSpecifier: { $case: 'routeConfig', routeConfig: { name, virtualHosts: [{ name: 'all', domains: ['*'], routes: [{ match: { pathSpecifier: { $case: 'prefix', prefix: '/' } }, action: { $case: 'route', route: { clusterSpecifier: { $case: 'cluster', cluster: 'app' } } } }], ...virtualHost }] } },
  };
  const filter = { name: 'envoy.filters.network.http_connection_manager', configType: { $case: 'typedConfig' as const, typedConfig: packAny('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', HttpConnectionManager, manager) } };
  return { name, address: addressOf(port), filterChains: [{ filters: [filter] }] };
}

function clusterOf({ name, port, http2 }: CaseCluster): Cluster {
  const options: HttpProtocolOptions = { upstreamProtocolOptions: { $case: 'explicitHttpConfig', explicitHttpConfig: { protocolConfig: { $case: 'http2ProtocolOptions', http2ProtocolOptions: {} } } } };
  return {
    name, clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STATIC }, connectTimeout: { seconds: 2 },
    loadAssignment: { clusterName: name, endpoints: [{ lbEndpoints: [{ hostIdentifier: { $case: 'endpoint', endpoint: { address: addressOf(port) } } }] }] },
    ...(http2 ? { typedExtensionProtocolOptions: { 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': packAny('envoy.extensions.upstreams.http.v3.HttpProtocolOptions', HttpProtocolOptions, options) } } : {}),
  };
}

function accepted<T>(result: Result<T, Issue[]>): T {
  if (!result.ok) throw new Error(`our proxy refuses what Envoy takes: ${JSON.stringify(result.error)}`);
  return result.value;
}

/** Starts both with a listener for each case. */
export async function startFilterPair(envoyBinary: string, cases: readonly FilterCase[], clusters: readonly CaseCluster[]): Promise<FilterPair> {
  const ports = { envoy: new Map<string, number>(), mizzen: new Map<string, number>() };
  for (const { name } of cases) for (const kind of ['envoy', 'mizzen'] as const) ports[kind].set(name, await freePort());
  const folder = mkdtempSync(join(tmpdir(), 'mz-filters-'));
  const messages = clusters.map(clusterOf);
  const bootstrap: Bootstrap = { node: { id: 'pair', cluster: 'pair' }, staticResources: { clusters: messages, listeners: cases.map((one) => listenerOf(one, ports.envoy.get(one.name) ?? 0)) } };
  writeFileSync(join(folder, 'bootstrap.pb'), Bootstrap.encode(bootstrap).finish());
  const log = join(folder, 'envoy.log');
  const envoy: ChildProcess = spawn(envoyBinary, ['--config-path', join(folder, 'bootstrap.pb'), '--concurrency', '1', '--disable-hot-restart', '--log-level', 'warning', '--log-path', log], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => envoy.once('exit', () => resolve()));
  const plane: DataPlane = createDataPlane({ localCluster: 'pair' });
  const stop = async (): Promise<void> => {
    plane.close();
    envoy.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const compiled = cases.map((one) => accepted(compileListener(Listener.decode(Listener.encode(listenerOf(one, ports.mizzen.get(one.name) ?? 0)).finish()))));
    const { config } = assembleRuntimeConfig({
      listeners: new Map(compiled.map((one) => [one.name, one])), clusters: new Map(messages.map((message) => accepted(compileCluster(message))).map((one) => [one.name, one])), routes: new Map(), endpoints: new Map(), hasSecret: () => true,
    }, EMPTY_RUNTIME_CONFIG);
    const { rejected } = plane.apply(config);
    if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
    await plane.settled();
    for (const port of ports.envoy.values()) await waitForPort(port, envoy, () => readFileSync(log, 'utf8'));
  } catch (error) {
    await stop();
    throw error;
  }
  return { ...ports, log: () => readFileSync(log, 'utf8'), stop };
}

async function waitForPort(port: number, envoy: ChildProcess, log: () => string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (envoy.exitCode !== null) throw new Error(`Envoy ended: ${log()}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`Envoy does not listen: ${log()}`);
}
