// The data plane of a captured pod with what mizzend would send it: YAML of the mesh (standard input) is translated for the pod and applied. Started by the tests
// of this folder inside a pod's network namespace; prints a line when it listens.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parse } from 'yaml';
import { buildSnapshot, createTranslator, parseProxyDescription, type SnapshotInput } from '../../../src/mesh/index.ts';
import type { AgentView } from '../../../src/proxy/admin/index.ts';
import { agentServers } from '../../../src/proxy/agent-servers.ts';
import { createDataPlane } from '../../../src/proxy/listener/index.ts';
import { MeshIdentities } from '../../../src/proxy/listener/testdata/mesh-identities.ts';
import { redirectedDestination } from '../../../src/proxy/net/redirected-destination.ts';
import { loadSocketCalls } from '../../../src/proxy/net/socket-calls.ts';
import { transparentSockets } from '../../../src/proxy/net/transparent-sockets.ts';
import { readProxyOptions } from '../../../src/proxy/options/index.ts';
import { StatsStore } from '../../../src/proxy/stream/stats-store.ts';
import { Configuration, ResourceStore } from '../../../src/proxy/xds/index.ts';
import { parseMeshConfig } from '../../../src/shared/api/mesh-config/mesh-config.ts';
import { CertificateAuthority, KeyPair } from '../../../src/shared/pki/index.ts';
import { TYPE_URLS } from '../../../src/shared/xds/index.ts';

interface MeshFile {
  readonly meshConfig?: unknown;
  readonly node: { readonly id: string; readonly metadata: Readonly<Record<string, unknown>> };
  /** Environment of the agent, where its ports are wanted too. */
  readonly agent?: Readonly<Record<string, string>>;
  readonly mesh: Pick<SnapshotInput, 'services' | 'pods' | 'endpointSlices' | 'namespaces' | 'config'>;
}

const file = parse(readFileSync(0, 'utf8')) as MeshFile;
const meshConfig = parseMeshConfig(file.meshConfig ?? {});
const proxy = parseProxyDescription(file.node);
if (!meshConfig.ok || !proxy.ok) throw new Error(JSON.stringify([meshConfig, proxy]));
const { snapshot } = buildSnapshot({ number: 1, meshConfig: meshConfig.value, rootNamespace: 'istio-system', domain: 'cluster.local', trustDomain: 'cluster.local', ...file.mesh });
const translator = createTranslator();
const store = new ResourceStore();

const take = (typeUrl: string, names: 'wildcard' | readonly string[]): void => {
  const table = store.table(typeUrl);
  for (const resource of translator.generate(snapshot, proxy.value, typeUrl, names)) {
    const problem = table?.take({ typeUrl, value: resource.encode() }, '1').problem;
    if (problem !== undefined) throw new Error(problem);
  }
  if (table) table.received = true;
};

const calls = loadSocketCalls();
const secrets = await (await MeshIdentities.create({ CertificateAuthority, KeyPair })).secretsOf('app');
const stats = new StatsStore();
const plane = createDataPlane({
  secrets, stats, originalDestination: redirectedDestination(calls), transparent: transparentSockets(calls), onBindError: ({ name, error }) => process.stderr.write(`${name}: ${error}\n`),
});
const configuration = new Configuration({ store, hasSecret: () => true, apply: (config) => plane.apply(config) });
take(TYPE_URLS.cluster, 'wildcard');
take(TYPE_URLS.listener, 'wildcard');
const { endpoints, routes } = configuration.interest();
take(TYPE_URLS.endpoint, [...endpoints]);
take(TYPE_URLS.route, [...routes]);
const rejected = configuration.update();
if (rejected.length > 0) throw new Error(JSON.stringify(rejected));
await plane.settled();
if (!plane.isReady()) throw new Error(`not ready: ${JSON.stringify([plane.listeners(), configuration.warming])}`);
if (file.agent) {
  const interfaces = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).filter(({ scopeid = 0 }) => scopeid === 0).map(({ address }) => address));
  const options = readProxyOptions({ role: 'sidecar', flags: {}, environment: file.agent, readFile: () => undefined, interfaces });
  if (!options.ok) throw new Error(options.error.join('\n'));
  const view: AgentView = {
    notReady: () => (plane.isReady() ? undefined : 'not ready'), proxyMetrics: () => `# TYPE proxy_listeners gauge\nproxy_listeners ${plane.listeners().length}\n`,
    secrets: () => [], ads: () => ({ connected: true, since: undefined, lastError: '', responses: 1, refusals: 0 }), syncz: () => ({}), drain: () => undefined, quit: () => undefined,
  };
  for (const server of agentServers(options.value, view)) await server.start();
}
process.stdout.write('ready\n');
