// Envoy's JWT filter beside ours, configured by the very same messages: requirements, rules, per-route choices and keys behind a cluster that the mesh does not write.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { assembleRuntimeConfig, compileCluster, compileListener, EMPTY_RUNTIME_CONFIG } from '../../src/proxy/config/index.ts';
import { createDataPlane, type DataPlane } from '../../src/proxy/listener/index.ts';
import { Cluster } from '../../src/shared/xds/generated/envoy/config/cluster/v3/cluster.ts';
import { Listener } from '../../src/shared/xds/generated/envoy/config/listener/v3/listener.ts';
import { DiscoveryResponse } from '../../src/shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { packAny } from '../../src/shared/xds/index.ts';
import { FILTER_CASES, filterClusters, filterListener, servedKeys, type FilterQuestion } from '../support/jwt-filter-cases.ts';
import { ask, type Reply } from './applications.ts';
import { envoyPath } from './envoy-path.ts';
import { fetchText, freePort } from './proxy-programs.ts';

const HOSTS = { envoy: '127.93.2.1', own: '127.93.2.2', servers: '127.93.2.3' } as const;
const CASES = FILTER_CASES.filter(({ envoyRefuses }) => !envoyRefuses);
const PORT = 28_200;
const PORTS = { echo: PORT - 1, keys: PORT - 2 };

let directory: string;
let envoy: ChildProcess | undefined;
let plane: DataPlane | undefined;
const servers: Server[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'jwt-'));
  await serve(PORTS.echo, (url, headers) => ({ status: 200, body: JSON.stringify({ url, headers }) }));
  await serve(PORTS.keys, servedKeys);
  plane = ownPlane();
  await plane.settled();
  const admin = await freePort();
  envoy = await startEnvoy(admin);
  const page = async (path: string): Promise<string> => (await fetchText(`http://127.0.0.1:${admin}${path}`).catch(() => ({ body: '' }))).body;
  await vi.waitFor(async () => expect((await page('/ready')).trim()).toBe('LIVE'), { timeout: 20_000 });
  await vi.waitFor(async () => expect((await page('/listeners')).trim().split('\n')).toHaveLength(CASES.length), { timeout: 10_000 });
}, 60_000);
afterAll(async () => {
  envoy?.kill('SIGKILL');
  plane?.close();
  for (const server of servers) server.close();
  rmSync(directory, { recursive: true, force: true });
});

async function serve(port: number, answer: (url: string, headers: object) => { readonly status: number; readonly body: string }): Promise<void> {
  const server = createServer((request, response) => {
    const { status, body } = answer(request.url ?? '', request.headers);
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, HOSTS.servers, resolve));
}

function ownPlane(): DataPlane {
  const unwrap = <T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T => {
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    return result.value;
  };
  const listeners = CASES.map(({ filter }, index) => unwrap(compileListener(filterListener(filter, HOSTS.own, PORT + index))));
  const clusters = filterClusters(HOSTS.servers, PORTS).map((message) => unwrap(compileCluster(message)));
  const made = createDataPlane({});
  const { rejected } = made.apply(assembleRuntimeConfig({ listeners: new Map(listeners.map((config) => [config.name, config])), routes: new Map(), clusters: new Map(clusters.map((config) => [config.name, config])), endpoints: new Map(), hasSecret: () => true }, EMPTY_RUNTIME_CONFIG).config);
  if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
  return made;
}

async function startEnvoy(admin: number): Promise<ChildProcess> {
  const source = (name: string, resources: DiscoveryResponse['resources']): object => {
    const path = join(directory, `${name}.pb`);
    writeFileSync(path, DiscoveryResponse.encode({ versionInfo: '1', resources: [...(resources ?? [])] }).finish());
    return { path_config_source: { path }, resource_api_version: 'V3' };
  };
  const bootstrap = {
    node: { id: 'jwt', cluster: 'jwt' }, admin: { address: { socket_address: { address: '127.0.0.1', port_value: admin } } },
    dynamic_resources: {
      cds_config: source('clusters', filterClusters(HOSTS.servers, PORTS).map((message) => packAny('envoy.config.cluster.v3.Cluster', Cluster, message))),
      lds_config: source('listeners', CASES.map(({ filter }, index) => packAny('envoy.config.listener.v3.Listener', Listener, filterListener(filter, HOSTS.envoy, PORT + index)))),
    },
  };
  writeFileSync(join(directory, 'bootstrap.json'), JSON.stringify(bootstrap));
  return spawn(await envoyPath(), ['--config-path', join(directory, 'bootstrap.json'), '--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'error'], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** What differs by the proxy's own address is made alike; of the headers only those that have to do with tokens count. */
function seen({ status, headers, body }: Reply): unknown {
  const asked = status === 200 && body !== '' ? (JSON.parse(body) as { url: string; headers: Record<string, string> }) : undefined;
  const told = asked && [asked.url, asked.headers['authorization'], asked.headers['x-b'], asked.headers['x-payload']];
  return { status, told, text: asked ? undefined : body, challenge: headers['www-authenticate']?.replaceAll(/127\.93\.2\.[12]/g, 'HOST') };
}

describe.each(CASES.map((row, index) => ({ ...row, port: PORT + index })))('$name', ({ questions, port }) => {
  test.each(questions.map((question, index) => ({ question, what: `${index}: ${question.method ?? 'GET'} ${question.path}` })))('$what', async ({ question }: { question: FilterQuestion }) => {
    const { status, ...asked } = question;
    const own = await ask(HOSTS.own, port, asked);
    const theirs = await ask(HOSTS.envoy, port, asked);
    expect(seen(own)).toEqual(seen(theirs));
    expect(own.status).toBe(status);
  });
});
