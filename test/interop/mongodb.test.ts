// MongoDB's own driver and a server of its protocol (FerretDB) through the capture of a pod in a network namespace: into the pod, out of it, and by mutual TLS from the pod to itself, on ports whose protocol
// is declared as mongo, as TCP or not at all.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { provideGoProgram } from '../../tools/peers/index.ts';
import { POD_ADDRESS, PodNetwork, reasonToSkip, WORLD_ADDRESS } from '../netns/support/pod-network.ts';
import { WHOLE, type Findings } from '../support/mongodb-findings.ts';

const reason = reasonToSkip('mongodb.test.ts');
const CLIENT = join(import.meta.dirname, '../support/mongodb-client.ts');
const PROXY = join(import.meta.dirname, '../netns/support/captured-proxy.ts');

const FAMILIES = ['IPv4', 'IPv6'] as const;
type Family = typeof FAMILIES[number];
/** Addresses of services that only the proxy knows: one of the world, one of the pod. */
const WORLD_SERVICE = { IPv4: '10.9.9.10', IPv6: 'fd00:9::10' } as const;
const POD_SERVICE = { IPv4: '10.9.9.200', IPv6: 'fd00:9::200' } as const;

/** The ports of both services. Undeclared, 27017 is taken for TCP, as in Istio, and 27020 is told by its first bytes. */
const PORTS = [{ name: 'data', port: 27_017 }, { name: 'tcp', port: 27_018 }, { name: 'mongo', port: 27_019 }, { name: 'records', port: 27_020 }];
/** A port that no service names. */
const UNNAMED = 27_021;
/** Milliseconds that the driver waits where it is to be answered, and where it is not. */
const PATIENCE = 15_000;
const LITTLE_PATIENCE = 4000;
const NUMBERS = PORTS.map(({ port }) => port);

function serviceOf(name: string, addresses: Record<Family, string>, endpoints: Record<Family, string>, more: { readonly spec: object; readonly targetPort?: number; readonly pod?: string }): { service: unknown; slices: unknown[] } {
  return {
    service: { metadata: { name, namespace: 'test' }, spec: { clusterIP: addresses.IPv4, clusterIPs: FAMILIES.map((family) => addresses[family]), ports: PORTS.map(({ name: port, port: number }) => ({ name: port, port: number, targetPort: more.targetPort ?? number })), ...more.spec } },
    slices: FAMILIES.map((family) => ({
      metadata: { name: `${name}-${family.toLowerCase()}`, namespace: 'test', labels: { 'kubernetes.io/service-name': name } }, addressType: family,
      ports: PORTS.map(({ name: port, port: number }) => ({ name: port, port: more.targetPort ?? number })),
      endpoints: [{ addresses: [endpoints[family]], conditions: { ready: true }, ...(more.pod === undefined ? {} : { targetRef: { kind: 'Pod', name: more.pod, namespace: 'test' } }) }],
    })),
  };
}

function meshOf(mode: string): unknown {
  const ips = FAMILIES.map((family) => POD_ADDRESS[family]);
  const labels = { app: 'app', 'security.istio.io/tlsMode': 'istio' };
  const [world, app] = [serviceOf('world', WORLD_SERVICE, WORLD_ADDRESS, { spec: {}, targetPort: 27_017 }), serviceOf('app', POD_SERVICE, POD_ADDRESS, { spec: { selector: { app: 'app' } }, pod: 'app-1' })];
  return {
    // Longer than the driver waits: nothing here may depend on it.
    meshConfig: { protocolDetectionTimeout: '60s' },
    node: { id: `sidecar~${POD_ADDRESS.IPv4}~app-1.test~test.svc.cluster.local`, metadata: { NAMESPACE: 'test', LABELS: labels, SERVICE_ACCOUNT: 'app', INTERCEPTION_MODE: 'REDIRECT', MIZZEN_VERSION: '3.1.0', INSTANCE_IPS: ips.join(',') } },
    mesh: {
      services: [world.service, app.service], endpointSlices: [...world.slices, ...app.slices], namespaces: [{ metadata: { name: 'test' } }],
      pods: [{ metadata: { name: 'app-1', namespace: 'test', labels }, spec: { serviceAccountName: 'app' }, status: { phase: 'Running', podIP: ips[0], podIPs: ips.map((ip) => ({ ip })) } }],
      config: [{ apiVersion: 'security.istio.io/v1', kind: 'PeerAuthentication', metadata: { name: 'default', namespace: 'istio-system' }, spec: { mtls: { mode } } }],
    },
  };
}

const at = (address: string, ports: readonly number[]): string[] => ports.map((port) => `${address.includes(':') ? `[${address}]` : address}:${port}`);

describe.skipIf(reason !== '')('MongoDB in a captured pod and around it', () => {
  const networks: PodNetwork[] = [];
  let ferretDb = '';

  /** What the driver finds at each address, by address. */
  const ask = (network: PodNetwork, namespace: 'pod' | 'world', addresses: readonly string[], patience = PATIENCE): Record<string, Findings> => {
    const findings = JSON.parse(network.run(network[namespace], [process.execPath, CLIENT, patience, ...addresses].join(' '))) as Findings[];
    return Object.fromEntries(findings.map((each, index) => [addresses[index], each]));
  };
  const eachWhole = (addresses: readonly string[]): Record<string, Findings> => Object.fromEntries(addresses.map((address) => [address, WHOLE]));

  /** A network whose pod has databases and no proxy yet. */
  const networkOf = async (label: string): Promise<PodNetwork> => {
    const network = new PodNetwork(label);
    networks.push(network);
    await network.capture({});
    for (const port of [...NUMBERS, UNNAMED]) await network.start(network.pod, 'root', [ferretDb, `:${port}`]);
    return network;
  };

  beforeAll(async () => {
    const peer = await provideGoProgram('ferretdb');
    if (!peer.found) throw new Error(peer.reason);
    ferretDb = peer.path;
  }, 600_000);

  afterAll(async () => {
    for (const network of networks) await network.close();
  });

  describe('in plain text', () => {
    let network: PodNetwork;
    let withoutProxy: Findings | undefined;

    beforeAll(async () => {
      network = await networkOf('mp');
      await network.start(network.world, 'root', [ferretDb, ':27017']);
      [withoutProxy] = Object.values(ask(network, 'world', at(POD_ADDRESS.IPv4, [27_017]), LITTLE_PATIENCE));
      await network.start(network.pod, 'proxy', [process.execPath, PROXY], stringify(meshOf('PERMISSIVE')));
    }, 60_000);

    it('is captured: without the proxy nobody answers', () => {
      expect(withoutProxy?.failure).toContain('ECONNREFUSED');
    });

    it.each(FAMILIES)('is asked from outside over %s, on ports of each kind', (family) => {
      const addresses = at(POD_ADDRESS[family], [...NUMBERS, UNNAMED]);
      expect(ask(network, 'world', addresses)).toEqual(eachWhole(addresses));
    }, 60_000);

    it.each(FAMILIES)('is asked outside from the pod over %s, as a service on ports of each kind and past every service', (family) => {
      const addresses = [...at(WORLD_SERVICE[family], NUMBERS), ...at(WORLD_ADDRESS[family], [27_017])];
      expect(ask(network, 'pod', addresses)).toEqual(eachWhole(addresses));
    }, 60_000);
  });

  describe('under STRICT mutual TLS', () => {
    let network: PodNetwork;

    beforeAll(async () => {
      network = await networkOf('ms');
      await network.start(network.pod, 'proxy', [process.execPath, PROXY], stringify(meshOf('STRICT')));
    }, 60_000);

    it.each(FAMILIES)('is asked by the service\'s address over %s, out of the pod and back into it, on ports of each kind', (family) => {
      const addresses = at(POD_SERVICE[family], NUMBERS);
      expect(ask(network, 'pod', addresses)).toEqual(eachWhole(addresses));
    }, 60_000);

    it.each(FAMILIES)('says nothing to strangers without a certificate over %s', (family) => {
      for (const [address, { failure }] of Object.entries(ask(network, 'world', at(POD_ADDRESS[family], [...NUMBERS, UNNAMED]), LITTLE_PATIENCE))) expect(failure, address).toMatch(/closed$|ECONNRESET/);
    }, 60_000);
  });
});
