// Captured traffic for real: the node agent's rules, the translator's configuration and the proxy's data plane in a pod of its own network namespace, for each way of
// interception and each set of address families.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { PodNetwork, POD_ADDRESS, reasonToSkip, WORLD_ADDRESS } from './support/pod-network.ts';

const reason = reasonToSkip('capture.test.ts');
const support = (name: string): string => join(import.meta.dirname, 'support', name);
const bracket = (address: string): string => (address.includes(':') ? `[${address}]` : address);

type Family = 'IPv4' | 'IPv6';
const SERVICE = { IPv4: '10.9.9.9', IPv6: 'fd00:9::9' } as const;
const TCP_SERVICE = { IPv4: '10.9.9.10', IPv6: 'fd00:9::10' } as const;

/** A pod that serves HTTP on 9080 and a database on 3306, and two services of the world: HTTP on 80 and a database on 3306. */
function meshOf(families: readonly Family[], mode: 'REDIRECT' | 'TPROXY'): unknown {
  const ips = families.map((family) => POD_ADDRESS[family]);
  const service = (name: string, addresses: Record<Family, string> | undefined, ports: unknown[]): unknown => ({
    metadata: { name, namespace: 'test' },
    spec: { ...(addresses ? { clusterIP: addresses[families[0] ?? 'IPv4'], clusterIPs: families.map((family) => addresses[family]) } : { clusterIP: '10.9.9.200', selector: { app: 'app' } }), ports },
  });
  const slice = (name: string, port: string, number: number): unknown[] => families.map((family) => ({
    metadata: { name: `${name}-${family.toLowerCase()}`, namespace: 'test', labels: { 'kubernetes.io/service-name': name } }, addressType: family,
    ports: [{ name: port, port: number }], endpoints: [{ addresses: [WORLD_ADDRESS[family]], conditions: { ready: true } }],
  }));
  return {
    meshConfig: { protocolDetectionTimeout: '500ms' },
    node: { id: `sidecar~${ips[0] ?? ''}~app-1.test~test.svc.cluster.local`, metadata: { NAMESPACE: 'test', LABELS: { app: 'app' }, INTERCEPTION_MODE: mode, MIZZEN_VERSION: '3.1.0', INSTANCE_IPS: ips.join(',') } },
    mesh: {
      services: [
        service('world', SERVICE, [{ name: 'http', port: 80, targetPort: 8080 }]), service('database', TCP_SERVICE, [{ name: 'data', port: 3306, targetPort: 3306 }]),
        service('app', undefined, [{ name: 'http', port: 9080, targetPort: 9080 }, { name: 'db', port: 3306, targetPort: 3306 }, { name: 'odd', port: 7000, targetPort: 7000 }]),
      ],
      pods: [{ metadata: { name: 'app-1', namespace: 'test', labels: { app: 'app' } }, status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } }],
      endpointSlices: [...slice('world', 'http', 8080), ...slice('database', 'data', 3306)],
      namespaces: [{ metadata: { name: 'test' } }],
      config: [],
    },
  };
}

const CASES = [
  { mode: 'REDIRECT', families: ['IPv4'] }, { mode: 'REDIRECT', families: ['IPv6'] }, { mode: 'REDIRECT', families: ['IPv4', 'IPv6'] },
  { mode: 'TPROXY', families: ['IPv4'] }, { mode: 'TPROXY', families: ['IPv4', 'IPv6'] },
] as const satisfies { mode: 'REDIRECT' | 'TPROXY'; families: Family[] }[];

const TALK = `
import { connect } from 'node:net';
const [host, port, text] = process.argv.slice(1);
const socket = connect({ host, port: Number(port) });
socket.setTimeout(12_000, () => { process.stdout.write('silence'); process.exit(); });
let heard = '';
socket.on('data', (data) => {
  heard += data;
  if (heard.endsWith('\\n') && !heard.includes(text)) socket.write(text + '\\n');
  else if (heard.includes(text)) { process.stdout.write(heard.trim().replaceAll('\\n', ' | ')); process.exit(); }
});
socket.on('error', (error) => { process.stdout.write(error.code); process.exit(); });
socket.on('close', () => { process.stdout.write('closed ' + heard); process.exit(); });
`;

for (const { mode, families } of CASES) {
  describe.skipIf(reason !== '')(`a pod with ${families.join(' and ')} captured by ${mode}`, () => {
    let network: PodNetwork;

    beforeAll(async () => {
      network = new PodNetwork(`${mode === 'TPROXY' ? 't' : 'r'}${families.length}${families[0].slice(3)}`, families);
      await network.capture({ mode });
      const binds = (port: string, of: Record<Family, string>): string[] => families.flatMap((family) => [of[family], port]);
      await network.start(network.world, 'application', [process.execPath, support('echo-server.ts'), 'world', 'http', ...binds('8080', WORLD_ADDRESS), ...binds('8081', WORLD_ADDRESS)]);
      await network.start(network.world, 'application', [process.execPath, support('echo-server.ts'), 'database', 'first', ...binds('3306', WORLD_ADDRESS), ...binds('4000', WORLD_ADDRESS)]);
      await network.start(network.pod, 'application', [process.execPath, support('echo-server.ts'), 'application', 'http', ...binds('9080', POD_ADDRESS), ...binds('9081', POD_ADDRESS)]);
      await network.start(network.pod, 'application', [process.execPath, support('echo-server.ts'), 'records', 'first', ...binds('3306', POD_ADDRESS), ...binds('7000', POD_ADDRESS), ...binds('7001', POD_ADDRESS)]);
      await network.start(network.pod, mode === 'TPROXY' ? 'transparent-proxy' : 'proxy', [process.execPath, support('captured-proxy.ts')], stringify(meshOf(families, mode)));
    }, 60_000);

    afterAll(() => network?.close());

    for (const family of families) {
      const answer = (namespace: 'pod' | 'world', url: string): { name: string; client: string } => JSON.parse(network.get(network[namespace], url)) as { name: string; client: string };
      const talk = (namespace: 'pod' | 'world', host: string, port: number): string => network.script(network[namespace], TALK, host, String(port), 'hello');
      const source = mode === 'TPROXY' ? WORLD_ADDRESS[family] : family === 'IPv4' ? '127.0.0.6' : '::6';

      it(`reaches services and everything else over ${family}`, () => {
        expect(answer('pod', `http://${bracket(SERVICE[family])}/`).name).toBe('world');
        expect(answer('pod', `http://${bracket(WORLD_ADDRESS[family])}:8081/`).name).toBe('world');
      }, 30_000);

      it(`is reached over ${family} on ports that services name and on others, and ${mode === 'TPROXY' ? 'sees who calls' : 'sees the proxy call'}`, () => {
        for (const port of [9080, 9081]) expect(answer('world', `http://${bracket(POD_ADDRESS[family])}:${port}/`)).toMatchObject({ name: 'application', client: source });
      }, 30_000);

      it(`talks to servers that speak first over ${family}, both ways, whatever their port is called`, () => {
        // A service of both families may be served by an endpoint of either.
        expect(families.map((one) => `greetings from database to ${POD_ADDRESS[one]} | hello`)).toContain(talk('pod', TCP_SERVICE[family], 3306));
        expect(talk('pod', WORLD_ADDRESS[family], 4000)).toBe(`greetings from database to ${POD_ADDRESS[family]} | hello`);
        for (const port of [3306, 7000, 7001]) expect(talk('world', POD_ADDRESS[family], port)).toBe(`greetings from records to ${source} | hello`);
      }, 30_000);

      it(`reaches itself by its own address over ${family}`, () => {
        expect(answer('pod', `http://${bracket(POD_ADDRESS[family])}:9080/`).name).toBe('application');
      }, 30_000);
    }
  });
}
