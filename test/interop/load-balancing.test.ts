// A real Envoy as the judge of load balancing: the same clusters in both proxies pick the same endpoint for the same request wherever the choice depends on the
// request alone (ring hash, Maglev, their weights, localities, priorities, subsets and panic), and give the same shares where a schedule decides.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compileCluster } from '../../src/proxy/config/cluster.ts';
import type { ClusterConfig } from '../../src/proxy/config/runtime-config.ts';
import { createDataPlane, type DataPlane } from '../../src/proxy/listener/index.ts';
import { connectionManager, filterChain, listener, route, routeAction, routeConfig, runtimeConfig, virtualHost } from '../../src/proxy/listener/testdata/config-builder.ts';
import { Cluster, Cluster_DiscoveryType, Cluster_LbPolicy, Cluster_RingHashLbConfig_HashFunction } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { HealthStatus } from '../../src/shared/xds/generated/envoy/config/core/v3/health_check.ts';
import type { LocalityLbEndpoints } from '../../src/shared/xds/generated/envoy/config/endpoint/v3/endpoint_components.ts';
import { envoyPath } from './envoy-path.ts';
import { freePort } from './proxy-programs.ts';

const HOSTS = ['127.66.1.1', '127.66.1.2', '127.66.1.3', '127.66.1.4', '127.66.1.5', '127.66.1.6'];
const KEYS = Array.from({ length: 120 }, (_unused, index) => `user-${index * 7919}`);
const agent = new Agent({ keepAlive: true, maxSockets: 4 });

let port = 0;
let envoyPort = 0;
let ownPort = 0;
let envoy: ChildProcess;
let plane: DataPlane;
const servers: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'lb-'));

interface Host { readonly host: number; readonly weight?: number; readonly health?: HealthStatus; readonly metadata?: Record<string, unknown> }

/** One locality; hosts by number, from 1. */
function locality(name: string, hosts: readonly Host[], over: Partial<LocalityLbEndpoints> = {}): LocalityLbEndpoints {
  return {
    locality: { region: name },
    lbEndpoints: hosts.map(({ host, weight = 1, health = HealthStatus.HEALTHY, metadata }) => ({
      hostIdentifier: { $case: 'endpoint', endpoint: { hostname: `host-${host}`, address: { address: { $case: 'socketAddress', socketAddress: { address: HOSTS[host - 1] ?? '', portSpecifier: { $case: 'portValue', portValue: port } } } } } },
      loadBalancingWeight: weight, healthStatus: health, ...(metadata ? { metadata: { filterMetadata: { 'envoy.lb': metadata } } } : {}),
    })),
    ...over,
  };
}

const all = (each: Partial<Host> = {}): Host[] => [1, 2, 3, 4, 5, 6].map((host) => ({ host, ...each }));
const sick = (host: number): Host => ({ host, health: HealthStatus.UNHEALTHY });
const WEIGHTED = { localityConfigSpecifier: { $case: 'localityWeightedLbConfig', localityWeightedLbConfig: {} } } as const;

interface Case { readonly cluster: Partial<Cluster>; readonly endpoints: () => LocalityLbEndpoints[]; readonly subset?: Record<string, string> }

// Envoy hashes host names of such clusters alone.
const BY_NAME = { clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STRICT_DNS } } as const;

/** Cases whose every single pick must be equal. */
const PICKS: Readonly<Record<string, Case>> = {
  'ring': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', all())] },
  'ring-murmur': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { $case: 'ringHashLbConfig', ringHashLbConfig: { minimumRingSize: 128, hashFunction: Cluster_RingHashLbConfig_HashFunction.MURMUR_HASH_2 } } }, endpoints: () => [locality('a', all())] },
  'ring-weights': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { $case: 'ringHashLbConfig', ringHashLbConfig: { minimumRingSize: 64 } } }, endpoints: () => [locality('a', [{ host: 1, weight: 5 }, { host: 2, weight: 1 }, { host: 3, weight: 3 }])] },
  'ring-small': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbConfig: { $case: 'ringHashLbConfig', ringHashLbConfig: { minimumRingSize: 1, maximumRingSize: 7 } } }, endpoints: () => [locality('a', [{ host: 1, weight: 2 }, { host: 2, weight: 9 }, { host: 3 }])] },
  'ring-hostname': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, commonLbConfig: { consistentHashingLbConfig: { useHostnameForHashing: true } }, ...BY_NAME }, endpoints: () => [locality('a', all())] },
  'ring-hash-key': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [1, 2, 3].map((host) => ({ host, metadata: { hash_key: `key-${host}` } })))] },
  'ring-some-unhealthy': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [...all().slice(0, 4), sick(5), sick(6)])] },
  'ring-panic': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [{ host: 1 }, sick(2), sick(3), sick(4), sick(5)])] },
  'ring-panic-off': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, commonLbConfig: { healthyPanicThreshold: { value: 0 } } }, endpoints: () => [locality('a', [{ host: 1 }, sick(2), sick(3), sick(4), sick(5)])] },
  'ring-nobody': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, commonLbConfig: { healthyPanicThreshold: { value: 0 } } }, endpoints: () => [locality('a', [sick(1), sick(2)])] },
  'ring-priorities': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [{ host: 1 }, { host: 2 }, sick(3), sick(4)]), locality('b', [{ host: 5 }, { host: 6 }], { priority: 1 })] },
  'ring-priority-fails': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [sick(1), sick(2)]), locality('b', [{ host: 3 }, { host: 4 }], { priority: 1 })] },
  'ring-all-panic': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH }, endpoints: () => [locality('a', [sick(1), sick(2)]), locality('b', [sick(3), sick(4), sick(5), sick(6)], { priority: 1 })] },
  'ring-localities': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, commonLbConfig: WEIGHTED }, endpoints: () => [locality('a', [{ host: 1 }, { host: 2 }], { loadBalancingWeight: 70 }), locality('b', [{ host: 3 }, { host: 4 }, { host: 5 }], { loadBalancingWeight: 30 })] },
  'ring-overprovisioned': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, loadAssignment: { policy: { overprovisioningFactor: 100 } } }, endpoints: () => [locality('a', [{ host: 1 }, { host: 2 }, { host: 3 }, sick(4)]), locality('b', [{ host: 5 }, { host: 6 }], { priority: 1 })] },
  'maglev': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV }, endpoints: () => [locality('a', all())] },
  'maglev-small': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV, lbConfig: { $case: 'maglevLbConfig', maglevLbConfig: { tableSize: 101 } } }, endpoints: () => [locality('a', [{ host: 1, weight: 3 }, { host: 2 }, { host: 3, weight: 2 }, { host: 4 }])] },
  'maglev-localities': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV, commonLbConfig: WEIGHTED, lbConfig: { $case: 'maglevLbConfig', maglevLbConfig: { tableSize: 1021 } } }, endpoints: () => [locality('a', [{ host: 1 }, { host: 2 }], { loadBalancingWeight: 1 }), locality('b', [{ host: 3, weight: 4 }, { host: 4 }], { loadBalancingWeight: 3 })] },
  'maglev-hostname': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV, commonLbConfig: { consistentHashingLbConfig: { useHostnameForHashing: true } }, ...BY_NAME }, endpoints: () => [locality('a', all())] },
  'maglev-bounded': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV, commonLbConfig: { consistentHashingLbConfig: { hashBalanceFactor: 100 } } }, endpoints: () => [locality('a', all())] },
  'subset-one': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbSubsetConfig: { subsetSelectors: [{ keys: ['version'] }] } }, endpoints: () => [locality('a', all().map((one, index) => ({ ...one, metadata: { version: index % 2 === 0 ? 'v1' : 'v2' } })))], subset: { version: 'v2' } },
  'subset-missing': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbSubsetConfig: { subsetSelectors: [{ keys: ['version'] }] } }, endpoints: () => [locality('a', all({ metadata: { version: 'v1' } }))], subset: { version: 'v9' } },
  'subset-default': { cluster: { lbPolicy: Cluster_LbPolicy.MAGLEV, lbSubsetConfig: { fallbackPolicy: 2, defaultSubset: { stage: 'prod' }, subsetSelectors: [{ keys: ['version'] }] } }, endpoints: () => [locality('a', all().map((one, index) => ({ ...one, metadata: { version: 'v1', stage: index < 2 ? 'prod' : 'test' } })))], subset: { version: 'v9' } },
  'subset-keys': { cluster: { lbPolicy: Cluster_LbPolicy.RING_HASH, lbSubsetConfig: { subsetSelectors: [{ keys: ['version', 'stage'], fallbackPolicy: 4, fallbackKeysSubset: ['stage'] }, { keys: ['stage'] }] } }, endpoints: () => [locality('a', all().map((one, index) => ({ ...one, metadata: { version: 'v1', stage: index < 3 ? 'prod' : 'test' } })))], subset: { version: 'v9', stage: 'test' } },
};

/** Cases of which the shares over so many requests must be equal. */
const SHARES: Readonly<Record<string, Case & { readonly requests: number; readonly within: number }>> = {
  'turns': { cluster: {}, endpoints: () => [locality('a', all())], requests: 60, within: 0 },
  'turns-by-weight': { cluster: {}, endpoints: () => [locality('a', [{ host: 1, weight: 1 }, { host: 2, weight: 2 }, { host: 3, weight: 4 }])], requests: 70, within: 1 },
  'least-by-weight': { cluster: { lbPolicy: Cluster_LbPolicy.LEAST_REQUEST }, endpoints: () => [locality('a', [{ host: 1, weight: 1 }, { host: 2, weight: 4 }])], requests: 50, within: 1 },
  'turns-by-locality': { cluster: { commonLbConfig: WEIGHTED }, endpoints: () => [locality('a', [{ host: 1 }, { host: 2 }], { loadBalancingWeight: 3 }), locality('b', [{ host: 3 }], { loadBalancingWeight: 1 })], requests: 80, within: 2 },
  'locality-in-part': { cluster: { commonLbConfig: WEIGHTED }, endpoints: () => [locality('a', [{ host: 1 }, sick(2)], { loadBalancingWeight: 1 }), locality('b', [{ host: 3 }, { host: 4 }], { loadBalancingWeight: 1 })], requests: 85, within: 2 },
  'spill': { cluster: {}, endpoints: () => [locality('a', [{ host: 1 }, sick(2)]), locality('b', [{ host: 3 }], { priority: 1 })], requests: 300, within: 45 },
  'degraded': { cluster: {}, endpoints: () => [locality('a', [{ host: 1 }, { host: 2, health: HealthStatus.DEGRADED }])], requests: 300, within: 45 },
};

const CASES: Readonly<Record<string, Case>> = { ...PICKS, ...SHARES, sticky: { cluster: {}, endpoints: () => [locality('a', all())] } };

function message(name: string, { cluster, endpoints }: Case): Cluster {
  return { name, clusterDiscoveryType: { $case: 'type', type: Cluster_DiscoveryType.STATIC }, connectTimeout: { seconds: 2 }, ...cluster, loadAssignment: { ...cluster.loadAssignment, clusterName: name, endpoints: endpoints() } };
}

function compiled(name: string, one: Case): ClusterConfig {
  // By way of the bytes, as from a control plane.
  const result = compileCluster(Cluster.decode(Cluster.encode(message(name, one)).finish()));
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function bootstrap(adminPort: number): object {
  const routes = Object.entries(CASES).map(([name, { subset }]) => ({
    match: { prefix: `/${name}/` },
    route: { cluster: name, hash_policy: [{ header: { header_name: 'x-key' } }], ...(subset ? { metadata_match: { filter_metadata: { 'envoy.lb': subset } } } : {}) },
  }));
  return {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: adminPort } } },
    static_resources: {
      clusters: Object.entries(CASES).map(([name, one]) => Cluster.toJSON(message(name, one))),
      listeners: [{
        name: 'in', address: { socket_address: { address: '127.0.0.1', port_value: envoyPort } },
        filter_chains: [{ filters: [{ name: 'hcm', typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', stat_prefix: 'in',
          route_config: { virtual_hosts: [{ name: 'v', domains: ['*'], routes }] },
          http_filters: [{ name: 'session', typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.stateful_session.v3.StatefulSession',
            session_state: { name: 'envoy.http.stateful_session.cookie', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.http.stateful_session.cookie.v3.CookieBasedSessionState', cookie: { name: 'stay', path: '/sticky', ttl: '60s' } } },
          } }, { name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
        } }] }],
      }],
    },
  };
}

function ownPlane(): DataPlane {
  const routes = Object.entries(CASES).map(([name, { subset }]) => {
    const action = routeAction(name, { hashPolicies: [{ terminal: false, kind: 'header', name: 'x-key' }] });
    return route({ ...action, clusters: action.clusters.map((one) => ({ ...one, metadataMatch: subset ?? null })) }, { prefix: `/${name}/` });
  });
  const made = createDataPlane();
  const { rejected } = made.apply(runtimeConfig({
    listeners: [listener('in', '127.0.0.1', [filterChain([connectionManager({ statPrefix: 'in', filters: [{ name: 'session', kind: 'stateful_session', strict: false, session: { kind: 'cookie', name: 'stay', path: '/sticky', ttlSeconds: 60 } }] })])], { port: ownPort })], clusters: Object.entries(CASES).map(([name, one]) => compiled(name, one)), routes: [routeConfig([virtualHost(routes)])],
  }));
  expect(rejected).toEqual([]);
  return made;
}

function ask(at: number, path: string, key: string, cookies: string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: at, path, agent, headers: { 'x-key': key, ...(cookies.length > 0 ? { cookie: cookies.join('; ') } : {}) } }, (response) => {
      let body = '';
      cookies.splice(0, cookies.length, ...(response.headers['set-cookie'] ?? []));
      response.setEncoding('utf8').on('data', (text: string) => (body += text)).on('end', () => resolve(response.statusCode === 200 ? body : String(response.statusCode))).on('error', reject);
    }).on('error', reject).end();
  });
}

async function answers(at: number, name: string, keys: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) found.push(await ask(at, `/${name}/`, key));
  return found;
}

beforeAll(async () => {
  for (const host of HOSTS) {
    const server = createServer((_request, response) => response.end(host.slice(-1)));
    await new Promise<void>((resolve) => server.listen(port, host, resolve));
    port = (server.address() as AddressInfo).port;
    servers.push(server);
  }
  [envoyPort, ownPort] = [await freePort(), await freePort()];
  const config = join(folder, 'envoy.json');
  writeFileSync(config, JSON.stringify(bootstrap(await freePort())));
  envoy = spawn(await envoyPath(), ['-c', config, '--concurrency', '1', '--use-dynamic-base-id', '--log-level', 'warn', '--log-path', join(folder, 'log')], { stdio: 'ignore' });
  plane = ownPlane();
  for (const at of [envoyPort, ownPort]) {
    for (let turn = 0; ; turn += 1) {
      const up = await ask(at, '/turns/', '').then(() => true, () => false);
      if (up) break;
      if (envoy.exitCode !== null || turn > 400) throw new Error(`no answer on ${at}:\n${readFileSync(join(folder, 'log'), 'utf8').slice(-2000)}`);
      await sleep(50);
    }
  }
}, 120_000);

afterAll(async () => {
  envoy.kill('SIGKILL');
  agent.destroy();
  plane.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('Envoy and our proxy', () => {
  test.each(Object.keys(PICKS))('pick the same: %s', async (name) => {
    expect(await answers(ownPort, name, KEYS)).toEqual(await answers(envoyPort, name, KEYS));
  }, 60_000);

  test('read each other\'s sticky sessions', async () => {
    for (const [first, second] of [[envoyPort, ownPort], [ownPort, envoyPort]] as const) {
      const given: string[] = ['a=b'];
      const host = await ask(first, '/sticky/x', '', given);
      expect(given).toEqual([expect.stringMatching(/^stay="[^"]+"; Max-Age=60; Path=\/sticky; HttpOnly$/)]);
      const cookie = given[0]?.split(';')[0] ?? '';
      for (let turn = 0; turn < 6; turn += 1) {
        const sent = [cookie];
        // Nothing new is set, as the session is where it was.
        expect([await ask(second, '/sticky/y', '', sent), sent]).toEqual([host, []]);
      }
    }
  });

  test.each(Object.entries(SHARES).map(([name, { requests, within }]) => ({ name, requests, within })))('share alike: $name', async ({ name, requests, within }) => {
    const keys = Array.from({ length: requests }, () => 'x');
    const tally = (list: readonly string[]): Map<string, number> => list.reduce((map, one) => map.set(one, (map.get(one) ?? 0) + 1), new Map<string, number>());
    const [own, theirs] = [tally(await answers(ownPort, name, keys)), tally(await answers(envoyPort, name, keys))];
    expect([...own.keys()].sort()).toEqual([...theirs.keys()].sort());
    for (const [host, count] of theirs) expect(Math.abs((own.get(host) ?? 0) - count), `${host}: ${own.get(host) ?? 0} beside ${count}`).toBeLessThanOrEqual(within);
  }, 60_000);
});
