// What applications speak and how they name each other, between meshed pods under STRICT mutual TLS: pods of a StatefulSet by name, external names, pod addresses, WebSocket,
// TCP in which the server speaks first (a real MariaDB among them), MongoDB's driver and a server of its protocol, entry by a node's port, and the kubelet's probes and the scraper, which have no certificate.
import { once } from 'node:events';
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clusterUnderTest } from './support/cluster-under-test.ts';
import { reasonForNoMariaDb, startMariaDb, type MariaDb } from './support/mariadb.ts';
import { MESH_NAMESPACE } from './support/mesh-installation.ts';
import { bundleMongoDbClient, findingsInPod, startFerretDb, type FerretDb } from './support/mongodb.ts';
import { FERRETDB_IMAGE, provideFerretDbImage } from './support/peer-images.ts';
import { TestNamespace } from './support/test-namespace.ts';
import { clientPod, HTTPBIN_IMAGE, httpbinPod, service, TEST_TOOLS_IMAGE } from './support/workloads.ts';
import { WHOLE } from '../support/mongodb-findings.ts';

const NAME = 'protocols';
const IDENTITY = `spiffe://cluster.local/ns/${NAME}/sa`;
const SOON = { timeout: 40_000, interval: 500 };
/** For programs that have patience of their own. */
const LATER = { timeout: 90_000, interval: 500 };
const { cluster, kubectl } = clusterUnderTest();
const noDatabase = reasonForNoMariaDb();
let space: TestNamespace;
let outside: TestNamespace;
let database: MariaDb | undefined;
let documents: FerretDb | undefined;
let driver = '';

/** Serves on three ports from the first argument on: HTTP with a WebSocket echo, gRPC health, and TCP that greets first. SIGUSR2 makes it unwell on all three. */
const SERVER = `
const [http, http2, net, { createHash }] = ['http', 'http2', 'net', 'crypto'].map((name) => require('node:' + name));
const base = Number(process.argv[1]);
let well = true;
const web = http.createServer((request, response) => request.url === '/metrics' ? response.end('application_answers 7\\n') : response.writeHead(well ? 200 : 503).end(request.headers['x-forwarded-client-cert'] ?? ''));
web.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
  socket.on('error', () => {}).write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n');
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 6 && bytes.length >= 6 + (bytes[1] & 127)) {
      const [length, mask] = [bytes[1] & 127, bytes.subarray(2, 6)];
      const payload = bytes.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4]);
      socket.write(Buffer.concat([Buffer.from([bytes[0], length]), payload]));
      if ((bytes[0] & 15) === 8) socket.end();
      bytes = bytes.subarray(6 + length);
    }
  });
});
http2.createServer().on('stream', (stream) => {
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(Buffer.from([0, 0, 0, 0, 2, 8, well ? 1 : 2]));
}).listen(base + 1);
const greeter = net.createServer((socket) => {
  socket.on('error', () => {}).write('welcome\\n');
  socket.on('data', (line) => socket.end('you said ' + line));
}).listen(base + 2);
web.listen(base);
process.on('SIGUSR2', () => { well = false; greeter.close(); });
`;

/** Connects, waits for a greeting, answers it where there is a third argument, and prints what it heard. */
const LISTENER = `
const [host, port, line] = process.argv.slice(1);
const socket = require('node:net').connect(port, host);
let heard = '';
setTimeout(() => process.exit(9), 12000).unref();
socket.on('error', (error) => { console.error(error.message); process.exit(1); });
socket.on('data', (chunk) => { if (heard === '' && line !== undefined) socket.write(line); heard += chunk.toString('latin1'); if (line === undefined) socket.destroy(); });
socket.on('close', () => { process.stdout.write(heard); process.exit(heard === '' ? 1 : 0); });
`;

/** Sends three messages to a WebSocket server, each when the one before has come back, and prints what did. */
const WEBSOCKET_CLIENT = `
const heard = [];
const socket = new WebSocket(process.argv[1]);
socket.onopen = () => socket.send('message 0');
socket.onmessage = ({ data }) => { heard.push(data); if (heard.length < 3) socket.send('message ' + heard.length); else socket.close(1000); };
socket.onerror = ({ message }) => { console.error(message); process.exit(1); };
socket.onclose = ({ code }) => { process.stdout.write(JSON.stringify({ code, heard })); process.exit(0); };
setTimeout(() => process.exit(9), 12000).unref();
`;

const server = (name: string, base: number, more: object = {}): object => ({ name, image: HTTPBIN_IMAGE, imagePullPolicy: 'Never', command: ['node', '-e', SERVER, String(base)], ...more });
const often = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 1 };

function serverPod(name: string, containers: readonly object[], annotations: Record<string, string> = {}): object {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: name, 'sidecar.istio.io/inject': 'true' }, annotations }, spec: { terminationGracePeriodSeconds: 1, serviceAccountName: name, containers } };
}

const STATEFUL_SET = {
  apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: { name: 'peers' },
  spec: {
    serviceName: 'peers', replicas: 2, podManagementPolicy: 'Parallel', selector: { matchLabels: { app: 'peers' } },
    template: { metadata: { labels: { app: 'peers', 'sidecar.istio.io/inject': 'true' } }, spec: { terminationGracePeriodSeconds: 1, serviceAccountName: 'peers', containers: [server('server', 8090, { readinessProbe: { tcpSocket: { port: 8090 }, ...often } })] } },
  },
};

/** One container for each kind of probe. */
const PROBED = serverPod('probed', [
  server('http', 8100, { readinessProbe: { httpGet: { path: '/ready', port: 8100 }, ...often } }),
  server('grpc', 8110, { readinessProbe: { grpc: { port: 8111 }, ...often } }),
  server('tcp', 8120, { readinessProbe: { tcpSocket: { port: 8122 }, ...often } }),
  { name: 'exec', image: TEST_TOOLS_IMAGE, imagePullPolicy: 'Never', command: ['sleep', '1000000'], securityContext: { runAsUser: 1000 }, readinessProbe: { exec: { command: ['test', '!', '-e', '/tmp/unwell'] }, ...often } },
], { 'prometheus.io/scrape': 'true', 'prometheus.io/port': '8100', 'prometheus.io/path': '/metrics' });

/** Ports of one database each: undeclared, taken for TCP as in Istio; declared as TCP; declared as mongo; undeclared and told by its first bytes. */
const MONGODB_PORTS = [{ name: 'data', port: 27_017 }, { name: 'tcp', port: 27_018 }, { name: 'mongo', port: 27_019 }, { name: 'records', port: 27_020 }];
const MONGODB = serverPod('mongodb', MONGODB_PORTS.map(({ name, port }) => ({ name, image: FERRETDB_IMAGE, imagePullPolicy: 'Never', args: [`:${port}`], readinessProbe: { tcpSocket: { port }, ...often } })));

const istio = (group: string, kind: string, name: string, spec: object): object => ({ apiVersion: `${group}.istio.io/v1`, kind, metadata: { name }, spec });

beforeAll(async () => {
  [driver] = await Promise.all([bundleMongoDbClient(), provideFerretDbImage()]);
  [space, outside] = await Promise.all([TestNamespace.create(NAME, { member: true }), TestNamespace.create(`${NAME}-outside`)]);
  await outside.apply([clientPod('plain'), httpbinPod('legacy'), service('legacy', [{ name: 'http', port: 80, targetPort: 8080 }])]);
  await space.apply([
    istio('security', 'PeerAuthentication', 'default', { mtls: { mode: 'STRICT' } }),
    ...['caller', 'peers', 'greeter', 'open', 'probed', 'mongodb'].map((name) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name } })),
    clientPod('client', { sidecar: true, serviceAccountName: 'caller' }), httpbinPod('web', { sidecar: true, serviceAccountName: 'caller' }), service('web', [{ name: 'http', port: 80, targetPort: 8080 }]),
    STATEFUL_SET, service('peers', [{ name: 'http', port: 8090 }, { name: 'tcp', port: 8092 }], { clusterIP: 'None' }),
    serverPod('greeter', [server('server', 8090)]), service('greeter', [{ name: 'http', port: 8090 }, { name: 'tcp', port: 8092 }, { name: 'unsaid', port: 9092, targetPort: 8092 }]),
    serverPod('open', [server('server', 8090)]), istio('security', 'PeerAuthentication', 'open', { selector: { matchLabels: { app: 'open' } }, mtls: { mode: 'STRICT' }, portLevelMtls: { 8090: { mode: 'PERMISSIVE' } } }),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'abroad' }, spec: { type: 'ExternalName', externalName: `legacy.${NAME}-outside.svc.cluster.local`, ports: [{ name: 'http', port: 80 }] } },
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'alias' }, spec: { type: 'ExternalName', externalName: `web.${NAME}.svc.cluster.local`, ports: [{ name: 'http', port: 80 }] } },
    PROBED, MONGODB, service('mongodb', MONGODB_PORTS),
  ]);
  await Promise.all([space.ready(), outside.ready()]);
});
afterAll(async () => {
  await Promise.all([database?.stop(), documents?.stop(), space?.remove(), outside?.remove()]);
});

const podAddress = async (name: string): Promise<string> => (await space.get<{ status: { podIP: string } }>('pod', name)).status.podIP;
const ask = (url: string) => space.request('client', url, { container: 'client' });
const node = (script: string, ...args: readonly string[]) => space.exec('web', ['node', '-e', script, ...args], { container: 'httpbin', timeoutMilliseconds: 20_000 });

describe('a StatefulSet behind a headless service', () => {
  it.each(['peers-0.peers', `peers-1.peers.${NAME}.svc.cluster.local`, 'peers'])('is called as %s over mutual TLS', async (host) => {
    const answer = await vi.waitFor(async () => {
      const reply = await ask(`http://${host}:8090/`);
      expect(reply).toMatchObject({ status: 200, body: expect.stringContaining(`URI=${IDENTITY}/caller`) });
      return reply;
    }, SOON);
    expect(answer.body).toContain(`By=${IDENTITY}/peers`);
  });

  it('greets first on the TCP port of each of its pods, by name and by address', async () => {
    for (const host of ['peers-0.peers', 'peers-1.peers', await podAddress('peers-0')]) {
      await vi.waitFor(async () => expect(await node(LISTENER, host, '8092', host), host).toMatchObject({ stdout: `welcome\nyou said ${host}` }), SOON);
    }
  });
});

describe('names and addresses that are not the mesh\'s', () => {
  it('an ExternalName leads to a service without sidecars', async () => {
    await vi.waitFor(async () => expect(await ask('http://abroad/headers')).toMatchObject({ status: 200, body: expect.stringContaining('X-Request-Id') }), SOON);
  });

  it('an ExternalName leads to a meshed service over mutual TLS', async () => {
    await vi.waitFor(async () => expect(await ask('http://alias/headers')).toMatchObject({ status: 200, body: expect.stringContaining(`URI=${IDENTITY}/caller`) }), SOON);
  });

  it('a pod\'s address is called in plain text, which STRICT refuses and a PERMISSIVE port takes', async () => {
    const address = await podAddress('open');
    await vi.waitFor(async () => expect(await ask(`http://${address}:8090/`)).toMatchObject({ status: 200, body: '' }), SOON);
    expect((await node(LISTENER, address, '8092')).stdout).toBe('');
    expect((await ask(`http://${await podAddress('greeter')}:8090/`)).status).not.toBe(200);
  });
});

describe('protocols other than requests with answers', () => {
  it('WebSocket', async () => {
    await vi.waitFor(async () => expect(await node(WEBSOCKET_CLIENT, 'ws://greeter:8090/')).toMatchObject({ stdout: JSON.stringify({ code: 1000, heard: ['message 0', 'message 1', 'message 2'] }) }), SOON);
  });

  it.each([{ what: 'a port declared as TCP', port: 8092 }, { what: 'a port of undeclared protocol', port: 9092 }])('a server that speaks first on $what', async ({ port }) => {
    await vi.waitFor(async () => expect(await node(LISTENER, 'greeter', String(port), 'hello')).toMatchObject({ stdout: 'welcome\nyou said hello' }), SOON);
  });

  it('a real MariaDB outside the cluster, as a ServiceEntry', async ({ skip }) => {
    if (noDatabase !== '') return skip(noDatabase);
    database = await startMariaDb(cluster.hostAddress ?? '');
    await space.apply(istio('networking', 'ServiceEntry', 'database', {
      hosts: ['database.example.com'], addresses: ['240.88.0.1'], location: 'MESH_EXTERNAL', resolution: 'STATIC',
      ports: [{ number: 3306, name: 'tcp', protocol: 'TCP' }], endpoints: [{ address: cluster.hostAddress, ports: { tcp: database.port } }],
    }));
    await vi.waitFor(async () => expect((await node(LISTENER, '240.88.0.1', '3306')).stdout).toContain('MariaDB'), SOON);
  });

  it('MongoDB\'s driver over mutual TLS, on ports declared as mongo, as TCP and not at all, while strangers get nothing', async () => {
    const addresses = MONGODB_PORTS.map(({ port }) => `mongodb.${NAME}:${port}`);
    await vi.waitFor(async () => expect(await findingsInPod(space, 'web', 'httpbin', driver, addresses)).toEqual(Object.fromEntries(addresses.map((address) => [address, WHOLE]))), LATER);
    for (const [address, { failure }] of Object.entries(await findingsInPod(outside, 'legacy', 'httpbin', driver, addresses, 4000))) expect(failure, address).toMatch(/closed$|ECONNRESET/);
  });

  it('MongoDB\'s driver to a database outside the cluster, as a ServiceEntry', async () => {
    documents = await startFerretDb(cluster.hostAddress ?? '');
    await space.apply(istio('networking', 'ServiceEntry', 'documents', {
      hosts: ['documents.example.com'], addresses: ['240.88.0.2'], location: 'MESH_EXTERNAL', resolution: 'STATIC',
      ports: [{ number: 27_017, name: 'mongo', protocol: 'MONGO' }, { number: 27_018, name: 'tcp', protocol: 'TCP' }],
      endpoints: [{ address: cluster.hostAddress, ports: { mongo: documents.port, tcp: documents.port } }],
    }));
    const addresses = ['240.88.0.2:27017', '240.88.0.2:27018'];
    await vi.waitFor(async () => expect(await findingsInPod(space, 'web', 'httpbin', driver, addresses)).toEqual(Object.fromEntries(addresses.map((address) => [address, WHOLE]))), LATER);
  });
});

describe('from outside the mesh', () => {
  it('a request enters by any node\'s port of the ingress gateway', async () => {
    const host = `${NAME}.example.com`;
    await space.apply([
      istio('networking', 'Gateway', 'entry', { selector: { istio: 'ingressgateway' }, servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: [host] }] }),
      istio('networking', 'VirtualService', 'entry', { hosts: [host], gateways: ['entry'], http: [{ route: [{ destination: { host: 'web' } }] }] }),
    ]);
    const { spec } = JSON.parse(await kubectl.run(['--namespace', MESH_NAMESPACE, 'get', 'service', 'istio-ingressgateway', '--output=json'])) as { spec: { ports: { port: number; nodePort: number }[] } };
    const port = spec.ports.find((each) => each.port === 80)?.nodePort;
    for (const { address } of cluster.nodes) {
      await vi.waitFor(async () => {
        const request = get({ host: address, port, path: '/headers', headers: { host }, agent: false, timeout: 5000 });
        const [response] = await once(request, 'response');
        expect({ status: response.statusCode, body: await text(response) }).toEqual({ status: 200, body: expect.stringContaining(`URI=spiffe://cluster.local/ns/${MESH_NAMESPACE}/sa/`) });
      }, SOON);
    }
  });

  it('metrics of proxy and application are scraped while the application itself is closed', async () => {
    const address = await podAddress('probed');
    expect(await outside.request('plain', `http://${address}:8100/metrics`)).toMatchObject({ status: 0 });
    const answer = await outside.request('plain', `http://${address}:15020/stats/prometheus`);
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('application_answers 7') });
    expect(answer.body).toMatch(/istio_agent_\w+/);
  });

  it('the kubelet\'s probes see the application: well, then unwell', async () => {
    const readiness = async (): Promise<Record<string, boolean>> => {
      const { status } = await space.get<{ status: { containerStatuses: { name: string; ready: boolean }[] } }>('pod', 'probed');
      return Object.fromEntries(status.containerStatuses.filter(({ name }) => name !== 'istio-proxy').map(({ name, ready }) => [name, ready]));
    };
    expect(await readiness()).toEqual({ http: true, grpc: true, tcp: true, exec: true });
    await space.execText('probed', ['touch', '/tmp/unwell'], { container: 'exec' });
    for (const container of ['http', 'grpc', 'tcp']) await space.execText('probed', ['node', '-e', 'process.kill(1, "SIGUSR2")'], { container });
    await vi.waitFor(async () => expect(await readiness()).toEqual({ http: false, grpc: false, tcp: false, exec: false }), SOON);
  });
});
