// Captured DNS for real: the node agent's rules lead a pod's queries to the proxy's server, over UDP and TCP in both families; the proxy's own queries go out untouched.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PodNetwork, reasonToSkip, WORLD_ADDRESS } from './support/pod-network.ts';

const reason = reasonToSkip('dns.test.ts');
const support = (name: string): string => join(import.meta.dirname, 'support', name);

const ASK = `
import { Resolver } from 'node:dns/promises';
const [server, type, name] = process.argv.slice(1);
const resolver = new Resolver({ timeout: 2000, tries: 2 });
resolver.setServers([server.includes(':') ? '[' + server + ']' : server]);
process.stdout.write((await resolver.resolve(name, type).catch((error) => [error.code])).join());
`;

/** One query over TCP, as a resolver sends it after a truncated answer. */
const ASK_BY_TCP = `
import { connect } from 'node:net';
const query = Buffer.concat([Buffer.from([0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), ...process.argv[2].split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])), Buffer.from([0, 0, 1, 0, 1])]);
const socket = connect({ host: process.argv[1], port: 53 });
socket.setTimeout(5000, () => socket.destroy());
socket.write(Buffer.concat([Buffer.from([0, query.length]), query]));
socket.once('data', (data) => { process.stdout.write([...data.subarray(-4)].join('.')); socket.destroy(); });
socket.on('error', (error) => process.stdout.write(error.code));
`;

describe.skipIf(reason !== '')('the DNS of a captured pod', () => {
  let network: PodNetwork;

  beforeAll(async () => {
    network = new PodNetwork('d');
    await network.capture({ redirectDns: true });
    await network.start(network.world, 'root', [process.execPath, support('name-server.ts'), WORLD_ADDRESS.IPv4, WORLD_ADDRESS.IPv6]);
    await network.start(network.pod, 'proxy', [process.execPath, support('captured-dns.ts')], JSON.stringify({
      resolvers: [WORLD_ADDRESS.IPv4], table: { 'cart.test.svc.cluster.local': { ips: ['10.96.0.5', 'fd00:96::5'], registry: 'Kubernetes', shortname: 'cart', namespace: 'test' }, 'api.example.com': { ips: ['240.240.0.1'], registry: 'External' } },
    }));
  }, 30_000);

  afterAll(() => network?.close());

  for (const server of Object.values(WORLD_ADDRESS)) {
    it(`is answered for the mesh and passed on for the rest, asked of ${server}`, () => {
      const ask = (type: string, name: string): string => network.script(network.pod, ASK, server, type, name);
      expect([ask('A', 'cart.test.svc.cluster.local'), ask('AAAA', 'cart.test'), ask('A', 'api.example.com'), ask('AAAA', 'api.example.com')]).toEqual(['10.96.0.5', 'fd00:96::5', '240.240.0.1', 'ENODATA']);
      expect([ask('A', 'www.elsewhere.org'), ask('AAAA', 'www.elsewhere.org')]).toEqual(['192.0.2.1', '2001:db8::1']);
      expect([network.script(network.pod, ASK_BY_TCP, server, 'cart.test'), network.script(network.pod, ASK_BY_TCP, server, 'www.elsewhere.org')]).toEqual(['10.96.0.5', '192.0.2.1']);
    }, 30_000);
  }

  it('is not asked by the proxy itself', () => {
    expect(network.scriptAs('proxy', network.pod, ASK, WORLD_ADDRESS.IPv4, 'A', 'cart.test')).toBe('192.0.2.1');
  }, 30_000);
});
