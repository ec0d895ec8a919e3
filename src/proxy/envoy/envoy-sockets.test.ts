// What an Envoy gets from the agent, without an Envoy: secrets and discovery over sockets, and its bootstrap. test/interop runs the real one.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GrpcClient, GrpcError, GrpcServer, type MessageStream } from '../../shared/grpc/index.ts';
import { Secret as SecretMessage } from '../../shared/xds/generated/envoy/extensions/transport_sockets/tls/v3/secret.ts';
import type { DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import { SecretStore } from '../secrets/index.ts';
import { STREAM_AGGREGATED } from '../xds/index.ts';
import { envoyBootstrap } from './bootstrap.ts';
import { DiscoveryRelay } from './discovery-relay.ts';
import { EnvoyProcess } from './envoy-process.ts';
import { makePrivateFolder } from './private-socket.ts';
import { secretServer, STREAM_SECRETS } from './secret-service.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'envoy-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Reads a stream in the background. */
class Reader<In, Out> {
  readonly stream: MessageStream<In, Out>;
  readonly received: In[] = [];
  readonly ended: Promise<unknown>;
  constructor(stream: MessageStream<In, Out>) {
    this.stream = stream;
    this.ended = (async () => {
      for await (const message of stream) this.received.push(message);
    })().then(() => undefined, (error: unknown) => error);
  }
}

async function open(socket: string, method: typeof STREAM_SECRETS): Promise<Reader<DiscoveryResponse, DiscoveryRequest>> {
  const client = new GrpcClient({ address: `unix:${socket}` });
  onTestFinished(() => client.close());
  return new Reader(await client.openStream(method));
}

const secretsIn = (response: DiscoveryResponse | undefined): string[] => (response?.resources ?? []).map((any) => {
  const { name = '', type } = SecretMessage.decode(any.value ?? new Uint8Array());
  const source = type?.$case === 'tlsCertificate' ? type.tlsCertificate.privateKey : type?.$case === 'validationContext' ? type.validationContext.trustedCa : undefined;
  return `${name} ${source?.specifier?.$case === 'inlineBytes' ? Buffer.from(source.specifier.inlineBytes).toString() : ''}`;
});

describe('secrets', () => {
  test('wait until they are there, and come again when they change', async () => {
    const store = new SecretStore();
    const socket = join(folder(), 'SDS');
    const server = secretServer(store, socket);
    await server.start();
    onTestFinished(() => server.stop());
    const reader = await open(socket, STREAM_SECRETS);
    await reader.stream.send({ typeUrl: TYPE_URLS.secret, resourceNames: ['default', 'ROOTCA'] });
    store.set('other', { kind: 'roots', trustedCaPem: 'x' });
    store.set('default', { kind: 'certificate', certificateChainPem: 'chain', privateKeyPem: 'key 1' });
    await vi.waitFor(() => expect(secretsIn(reader.received[0])).toEqual(['default key 1']));
    store.set('ROOTCA', { kind: 'roots', trustedCaPem: 'roots' });
    await vi.waitFor(() => expect(secretsIn(reader.received[1])).toEqual(['default key 1', 'ROOTCA roots']));
    await reader.stream.send({ typeUrl: TYPE_URLS.secret, resourceNames: ['default', 'ROOTCA'], versionInfo: '2', responseNonce: reader.received[1]?.nonce });
    store.set('default', { kind: 'certificate', certificateChainPem: 'chain', privateKeyPem: 'key 2' });
    await vi.waitFor(() => expect(secretsIn(reader.received[2])).toEqual(['default key 2', 'ROOTCA roots']));
    expect(reader.received).toHaveLength(3);
  });
});

describe('sockets', () => {
  const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

  test('are for their owner alone, whatever the mask', async () => {
    const mask = process.umask(0);
    onTestFinished(() => void process.umask(mask));
    const path = join(folder(), 'sockets');
    makePrivateFolder(path);
    const [secrets, discovery] = [join(path, 'SDS'), join(path, 'XDS')];
    const server = secretServer(new SecretStore(), secrets);
    const relay = new DiscoveryRelay({ socketPath: discovery, address: '127.0.0.1:1', identity: () => ({ rootsPem: undefined, certificateChainPem: undefined, privateKeyPem: undefined }), token: async () => undefined });
    for (const each of [server, relay]) {
      await each.start();
      onTestFinished(() => each.stop());
    }
    expect([path, secrets, discovery].map(modeOf)).toEqual([0o700, 0o600, 0o600]);
  });

  test('get a folder that an agent before left, closed to readers too', () => {
    const path = folder();
    chmodSync(path, 0o755);
    makePrivateFolder(path);
    expect(modeOf(path)).toBe(0o700);
  });

  test('get no folder that is another\'s or that others can write', () => {
    const path = folder();
    expect(() => makePrivateFolder(path, lstatSync(path).uid + 1)).toThrow(/belongs to user \d+, not to \d+ .*remove it, or set configPath/);
    for (const mode of [0o720, 0o702, 0o777]) {
      chmodSync(path, mode);
      expect(() => makePrivateFolder(path), mode.toString(8)).toThrow(`can be written by others (mode ${mode.toString(8)})`);
      expect(modeOf(path)).toBe(mode);
    }
    const own = join(folder(), 'own');
    mkdirSync(own, { mode: 0o700 });
    symlinkSync(own, `${own}-link`);
    expect(() => makePrivateFolder(`${own}-link`)).toThrow(/is no folder/);
  });
});

describe('discovery', () => {
  const identity = { rootsPem: undefined, certificateChainPem: undefined, privateKeyPem: undefined };

  test('is passed on both ways with the pod\'s token, and refusals are counted', async () => {
    const requests: DiscoveryRequest[] = [];
    const tokens: (string | undefined)[] = [];
    const controlPlane = new GrpcServer({ name: 'control-plane', host: '127.0.0.1', port: 0, stopTimeoutMilliseconds: 50 }).addStream(STREAM_AGGREGATED, async (stream, peer) => {
      tokens.push(peer.bearerToken?.reveal());
      for await (const request of stream) {
        requests.push(request);
        await stream.send({ typeUrl: request.typeUrl, versionInfo: '1', nonce: `n${requests.length}` });
      }
    });
    await controlPlane.start();
    onTestFinished(() => controlPlane.stop());
    const socket = join(folder(), 'XDS');
    const relay = new DiscoveryRelay({ socketPath: socket, address: `127.0.0.1:${controlPlane.port}`, identity: () => identity, token: async () => 'the-token', plainText: true });
    await relay.start();
    onTestFinished(() => relay.stop());
    const reader = await open(socket, STREAM_AGGREGATED);
    await reader.stream.send({ typeUrl: TYPE_URLS.cluster, node: { id: 'sidecar~1' } });
    await vi.waitFor(() => expect(reader.received).toMatchObject([{ typeUrl: TYPE_URLS.cluster, nonce: 'n1' }]));
    expect([requests[0]?.node?.id, tokens]).toEqual(['sidecar~1', ['the-token']]);
    expect(relay.status).toMatchObject({ connected: true, responses: 1, refusals: 0 });
    await reader.stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: 'n1', errorDetail: { code: 3, message: 'no such filter' } });
    await vi.waitFor(() => expect(relay.refusals).toEqual([{ typeUrl: TYPE_URLS.cluster, message: 'no such filter' }]));
    await reader.stream.send({ typeUrl: TYPE_URLS.cluster, responseNonce: 'n2' });
    await vi.waitFor(() => expect(relay.refusals).toEqual([]));
    expect(relay.status.refusals).toBe(1);
    await controlPlane.stop();
    expect(await reader.ended).toBeInstanceOf(GrpcError);
    expect(relay.status.connected).toBe(false);
  });

  test('without a control plane Envoy is told to try again', async () => {
    const socket = join(folder(), 'XDS');
    const relay = new DiscoveryRelay({ socketPath: socket, address: '127.0.0.1:1', identity: () => identity, token: async () => undefined });
    await relay.start();
    onTestFinished(() => relay.stop());
    const reader = await open(socket, STREAM_AGGREGATED);
    await reader.stream.send({ typeUrl: TYPE_URLS.cluster });
    expect(await reader.ended).toMatchObject({ code: 'UNAVAILABLE', message: expect.stringContaining('roots of the control plane are not there yet') });
    expect(relay.status.lastError).toContain('roots of the control plane');
  });
});

test('the bootstrap shows Envoy as one that lacks our filters', () => {
  const node = { id: 'sidecar~10.0.0.1~a.b~b.svc.cluster.local', cluster: 'a.b', metadata: { NAMESPACE: 'b', MIZZEN_VERSION: '3.1.0' }, locality: { region: 'r', zone: 'z', subZone: 's' }, userAgentName: 'x', userAgentVersionType: { $case: 'userAgentVersion' as const, userAgentVersion: '1' } };
  const bootstrap = envoyBootstrap({ node, adminPort: 15_000, deltaXds: true, discoverySocket: '/d', secretSocket: '/s', runtimeValues: { 'a.b': 'c' } });
  expect(bootstrap).toMatchObject({
    node: { id: node.id, metadata: { NAMESPACE: 'b' }, locality: { region: 'r', zone: 'z', sub_zone: 's' } },
    dynamic_resources: { ads_config: { api_type: 'DELTA_GRPC' } }, static_resources: { clusters: [{ name: 'xds-grpc' }, { name: 'sds-grpc' }] },
  });
  expect(JSON.stringify(bootstrap)).not.toContain('MIZZEN_VERSION');
  expect(JSON.stringify(bootstrap)).toContain('"a.b":"c"');
});

test('a binary that cannot be run is said, with what to do', async () => {
  const envoy = new EnvoyProcess({ binary: '/nowhere/envoy', folder: folder(), bootstrap: {}, adminPort: 1, logLevel: 'info', concurrency: 1, drainSeconds: 1, onUnexpectedEnd: () => undefined });
  await expect(envoy.start()).rejects.toThrow(/Envoy can not be run from \/nowhere\/envoy: .*Set ENVOY_BINARY_PATH to its binary/);
  expect(await envoy.notReady()).toMatch(/^Envoy does not answer: /);
});
