// The ADS server over real gRPC, with a client that speaks the protocol by hand and a translator of a few lines.
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { GrpcClient, GrpcError, GrpcServer, type MessageStream } from '../../shared/grpc/index.ts';
import { Table } from '../../shared/lib/index.ts';
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse, DiscoveryRequest, DiscoveryResponse } from '../../shared/xds/generated/envoy/service/discovery/v3/discovery.ts';
import { TYPE_URLS } from '../../shared/xds/index.ts';
import type { MeshSnapshot, NamedResource, SnapshotChange, Translator } from '../../mesh/index.ts';
import { AdsServer, DELTA_AGGREGATED_RESOURCES, STREAM_AGGREGATED_RESOURCES, type IdentifyCaller } from './index.ts';

type Content = Readonly<Record<string, Readonly<Record<string, string>>>>;
const { cluster, endpoint, listener, route } = TYPE_URLS;

function resource(typeUrl: string, name: string, text: string): NamedResource {
  return { name, typeUrl, version: `v-${text}`, message: { text }, encode: () => Buffer.from(text) };
}

/** What a snapshot holds, by type and name; the snapshot itself is only a number here. */
class World {
  content: Content;
  number = 1;
  constructor(content: Content) {
    this.content = content;
  }
  get snapshot(): MeshSnapshot {
    return { number: this.number } as MeshSnapshot;
  }
  readonly translator: Translator = {
    statistics: { entries: 0, hits: 0, misses: 0 },
    generate: (_snapshot, _proxy, typeUrl, names) => {
      const all = this.content[typeUrl] ?? {};
      if (names === 'wildcard') return Object.entries(all).map(([name, text]) => resource(typeUrl, name, text));
      return names.flatMap((name) => (name in all ? [resource(typeUrl, name, all[name] ?? '')] : typeUrl === endpoint ? [resource(typeUrl, name, '')] : []));
    },
  };
}

interface Harness {
  readonly world: World;
  readonly ads: AdsServer;
  readonly members: Table<string, true>;
  readonly address: string;
  publish(content: Content, change?: SnapshotChange): void;
}

async function serve(content: Content, identify?: IdentifyCaller, ready = true): Promise<Harness> {
  const world = new World(content);
  const members = new Table<string, true>();
  members.set('bookinfo', true);
  const ads = new AdsServer({ translator: world.translator, secrets: { secretsFor: async () => [], keepOnly: () => undefined, release: () => undefined }, members, snapshot: () => (ready ? world.snapshot : undefined), pushConcurrency: 4 });
  const server = new GrpcServer({ name: 'test', host: '127.0.0.1', port: 0, stopTimeoutMilliseconds: 100 });
  ads.register(server, identify);
  await ads.start();
  await server.start();
  onTestFinished(async () => {
    await ads.stop();
    await server.stop();
  });
  return {
    world, ads, members, address: `127.0.0.1:${server.port}`,
    publish: (next, change) => {
      world.content = next;
      world.number += 1;
      ads.publish(world.snapshot, change);
    },
  };
}

const node = { id: 'sidecar~10.0.0.1~reviews-1.bookinfo~bookinfo.svc.cluster.local', cluster: 'reviews.bookinfo', metadata: { NAMESPACE: 'bookinfo', SERVICE_ACCOUNT: 'reviews' } };

/** Reads a stream with a limit on patience. */
class Reader<In, Out> {
  readonly stream: MessageStream<In, Out>;
  readonly #received: In[] = [];
  readonly ended: Promise<unknown>;
  constructor(stream: MessageStream<In, Out>) {
    this.stream = stream;
    this.ended = (async () => {
      for await (const message of stream) this.#received.push(message);
    })().then(() => undefined, (error: unknown) => error);
  }
  async next(): Promise<In> {
    await vi.waitFor(() => expect(this.#received.length).toBeGreaterThan(0), { timeout: 3_000, interval: 5 });
    return this.#received.shift() as In;
  }
  async quiet(): Promise<void> {
    await sleep(60);
    expect(this.#received).toEqual([]);
  }
}

class SotwClient extends Reader<DiscoveryResponse, DiscoveryRequest> {
  static async connect({ address }: Harness): Promise<SotwClient> {
    const client = new GrpcClient({ address });
    onTestFinished(() => client.close());
    return new SotwClient(await client.openStream(STREAM_AGGREGATED_RESOURCES));
  }
  request(typeUrl: string, resourceNames: string[] = [], extra: DiscoveryRequest = {}): Promise<void> {
    return this.stream.send({ node, typeUrl, resourceNames, ...extra });
  }
  ack(response: DiscoveryResponse, resourceNames: string[] = []): Promise<void> {
    return this.stream.send({ typeUrl: response.typeUrl, resourceNames, versionInfo: response.versionInfo, responseNonce: response.nonce });
  }
  nack(response: DiscoveryResponse, message: string, resourceNames: string[] = []): Promise<void> {
    return this.stream.send({ typeUrl: response.typeUrl, resourceNames, responseNonce: response.nonce, errorDetail: { code: 3, message } });
  }
}

class DeltaClient extends Reader<DeltaDiscoveryResponse, DeltaDiscoveryRequest> {
  static async connect({ address }: Harness): Promise<DeltaClient> {
    const client = new GrpcClient({ address });
    onTestFinished(() => client.close());
    return new DeltaClient(await client.openStream(DELTA_AGGREGATED_RESOURCES));
  }
  subscribe(typeUrl: string, names: string[] = [], extra: DeltaDiscoveryRequest = {}): Promise<void> {
    return this.stream.send({ node, typeUrl, resourceNamesSubscribe: names, ...extra });
  }
  ack(response: DeltaDiscoveryResponse): Promise<void> {
    return this.stream.send({ typeUrl: response.typeUrl, responseNonce: response.nonce });
  }
}

const texts = (response: DiscoveryResponse): string[] => (response.resources ?? []).map((any) => Buffer.from(any.value ?? []).toString());
const deltaTexts = (response: DeltaDiscoveryResponse): string[] => (response.resources ?? []).map((any) => Buffer.from(any.resource?.value ?? []).toString());
const endpointsChanged = (...clusters: string[]): SnapshotChange => ({ endpointsOnly: true, kinds: new Set(['Endpoints']), changedClusters: new Set(clusters), changedWorkloads: new Set() });

/** Waits until the server has taken every acknowledgement. */
async function settled({ ads }: Harness): Promise<void> {
  await vi.waitFor(() => expect([...ads.connections].flatMap((connection) => connection.status()).filter((status) => status.outstanding)).toEqual([]), { interval: 5 });
  await sleep(20);
}

describe('state of the world', () => {
  const content: Content = { [cluster]: { a: 'A', b: 'B' }, [endpoint]: { a: 'EA', b: 'EB' }, [listener]: { l: 'L' }, [route]: { r: 'R' } };

  test('answers a subscription, then only what changes, with version and nonce', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(cluster);
    const first = await client.next();
    expect([texts(first), first.versionInfo, first.typeUrl]).toEqual([['A', 'B'], '1', cluster]);
    await client.ack(first);
    harness.publish({ ...content, [cluster]: { a: 'A2' } });
    const second = await client.next();
    expect([texts(second), second.versionInfo]).toEqual([['A2'], '2']);
    expect(second.nonce).not.toBe(first.nonce);
    await client.ack(second);
    harness.publish({ ...content, [cluster]: { a: 'A2' } });
    await client.quiet();
    await vi.waitFor(() => expect([...harness.ads.connections].map((connection) => connection.status()[0])).toMatchObject([{ sentVersion: '2', acknowledgedVersion: '2', outstanding: false }]));
  });

  test('removing the last resource is told', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(listener);
    await client.ack(await client.next());
    harness.publish({});
    expect(texts(await client.next())).toEqual([]);
  });

  test('keeps one response of a type on the way and merges what came meanwhile', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(cluster);
    const first = await client.next();
    for (const text of ['1', '2', '3']) harness.publish({ [cluster]: { a: text } });
    await client.quiet();
    await client.ack(first);
    const second = await client.next();
    expect([texts(second), second.versionInfo]).toEqual([['3'], '4']);
    await client.ack(second);
    await client.quiet();
  });

  test('records a refusal, and sends the next version all the same', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(listener);
    await client.nack(await client.next(), 'bad filter');
    const status = () => [...harness.ads.connections][0]?.status()[0];
    await vi.waitFor(() => expect(status()).toMatchObject({ lastError: 'bad filter', outstanding: false }));
    harness.publish({ [listener]: { l: 'L2' } });
    await client.ack(await client.next());
    await vi.waitFor(() => expect(status()).toMatchObject({ lastError: '', acknowledgedVersion: '2' }));
  });

  test('an endpoint change goes to the clusters it is about, subsets included, and to no other type', async () => {
    const names = ['outbound|80||x', 'outbound|80|v1|x', 'outbound|80||y'];
    const of = (text: string): Content => ({ [cluster]: { c: text }, [endpoint]: Object.fromEntries(names.map((name) => [name, text + name])) });
    const harness = await serve(of('1'));
    const client = await SotwClient.connect(harness);
    await client.request(cluster);
    await client.ack(await client.next());
    await client.request(endpoint, names);
    await client.ack(await client.next(), names);
    await settled(harness);
    harness.publish(of('2'), endpointsChanged('outbound|80||x'));
    const pushed = await client.next();
    expect([pushed.typeUrl, texts(pushed)]).toEqual([endpoint, ['2outbound|80||x', '2outbound|80|v1|x']]);
    await client.quiet();
  });

  test('answers added names, and gives clusters that warm again their endpoints', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(endpoint, ['a']);
    const first = await client.next();
    await client.request(endpoint, ['a', 'b', 'none'], { responseNonce: first.nonce });
    const second = await client.next();
    expect(texts(second)).toEqual(['EB', '']);
    await client.ack(second, ['a', 'b', 'none']);
    await client.request(cluster);
    await client.ack(await client.next());
    await client.ack(second, ['a', 'b', 'none']);
    expect(texts(await client.next())).toEqual(['EA', 'EB', '']);
  });

  test('a proxy that reconnects with its old nonce is answered', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request(cluster, [], { versionInfo: '7', responseNonce: 'from-another-replica' });
    expect(texts(await client.next())).toEqual(['A', 'B']);
  });

  test('types that are not served are left without an answer', async () => {
    const harness = await serve(content);
    const client = await SotwClient.connect(harness);
    await client.request('type.googleapis.com/istio.v1.HealthInformation');
    await client.request(cluster);
    expect((await client.next()).typeUrl).toBe(cluster);
  });
});

describe('delta', () => {
  test('sends differences and removals', async () => {
    const harness = await serve({ [cluster]: { a: 'A', b: 'B' } });
    const client = await DeltaClient.connect(harness);
    await client.subscribe(cluster);
    const first = await client.next();
    expect([deltaTexts(first), first.systemVersionInfo]).toEqual([['A', 'B'], '1']);
    await client.ack(first);
    harness.publish({ [cluster]: { a: 'A', c: 'C' } });
    const second = await client.next();
    expect([deltaTexts(second), second.removedResources]).toEqual([['C'], ['b']]);
    await client.ack(second);
    await client.quiet();
  });

  test.each([{ what: 'an Envoy, which waits for the endpoints of a changed cluster', metadata: {}, again: true }, { what: 'our own proxy, which keeps them', metadata: { MIZZEN_VERSION: '3.1.0' }, again: false }])('$what', async ({ metadata, again }) => {
    const harness = await serve({ [cluster]: { a: 'A', b: 'B' }, [endpoint]: { a: 'EA', b: 'EB' } });
    const client = await DeltaClient.connect(harness);
    await client.subscribe(cluster, [], { node: { ...node, metadata: { ...node.metadata, ...metadata } } });
    await client.ack(await client.next());
    await client.subscribe(endpoint, ['a', 'b']);
    await client.ack(await client.next());
    await settled(harness);
    harness.publish({ [cluster]: { a: 'A2', b: 'B' }, [endpoint]: { a: 'EA', b: 'EB' } });
    expect(deltaTexts(await client.next())).toEqual(['A2']);
    // The clusters are not acknowledged before the endpoints came.
    if (again) expect(deltaTexts(await client.next())).toEqual(['EA']);
    await client.quiet();
  });

  test('a reconnecting proxy gets only what it lacks', async () => {
    const harness = await serve({ [cluster]: { a: 'A', b: 'B2' } });
    const client = await DeltaClient.connect(harness);
    await client.subscribe(cluster, [], { initialResourceVersions: { a: 'v-A', b: 'v-B', gone: 'v-G' } });
    const first = await client.next();
    expect([deltaTexts(first), first.removedResources]).toEqual([['B2'], ['gone']]);
  });

  test('names are subscribed and unsubscribed; one that does not exist is told as removed', async () => {
    const harness = await serve({ [route]: { r: 'R', s: 'S' } });
    const client = await DeltaClient.connect(harness);
    await client.subscribe(route, ['r']);
    await client.ack(await client.next());
    await client.subscribe(route, ['s', 'none']);
    const second = await client.next();
    expect([deltaTexts(second), second.removedResources]).toEqual([['S'], ['none']]);
    await client.ack(second);
    await client.stream.send({ typeUrl: route, resourceNamesUnsubscribe: ['s'] });
    await settled(harness);
    harness.publish({ [route]: { r: 'R', s: 'S2' } });
    await client.quiet();
  });

  test('what was refused is sent again with the next change', async () => {
    const harness = await serve({ [listener]: { l: 'L', m: 'M' } });
    const client = await DeltaClient.connect(harness);
    await client.subscribe(listener);
    const first = await client.next();
    await client.stream.send({ typeUrl: listener, responseNonce: first.nonce, errorDetail: { code: 3, message: 'no' } });
    harness.publish({ [listener]: { l: 'L', m: 'M2' } });
    expect(deltaTexts(await client.next())).toEqual(['L', 'M2']);
  });
});

describe('who is served', () => {
  const failure = async (harness: Harness, changes: object = {}): Promise<unknown> => {
    const client = await SotwClient.connect(harness);
    await client.request(cluster, [], { node: { ...node, ...changes } });
    return client.ended;
  };

  test('an instance without a snapshot says it is unavailable', async () => {
    expect(await failure(await serve({}, undefined, false))).toMatchObject({ code: 'UNAVAILABLE' });
  });

  test('a caller whose node claims another identity is refused', async () => {
    const harness = await serve({}, async () => ({ namespace: 'bookinfo', serviceAccount: 'details' }));
    expect(await failure(harness)).toMatchObject({ code: 'PERMISSION_DENIED', message: 'the caller is bookinfo/details, but its node says it is bookinfo/reviews' });
  });

  test('an unknown caller is refused with what identification says', async () => {
    const harness = await serve({}, async () => {
      throw new GrpcError('UNAUTHENTICATED', 'who are you');
    });
    expect(await failure(harness)).toMatchObject({ code: 'UNAUTHENTICATED', message: 'who are you' });
  });

  test('a namespace that is no member is refused, and one that leaves is let go', async () => {
    const harness = await serve({ [cluster]: { a: 'A' } });
    expect(await failure(harness, { id: 'sidecar~10.0.0.1~x.other~other.svc.cluster.local', metadata: { NAMESPACE: 'other' } })).toMatchObject({ code: 'PERMISSION_DENIED' });
    const client = await SotwClient.connect(harness);
    await client.request(cluster);
    await client.next();
    harness.members.delete('bookinfo');
    expect(await client.ended).toMatchObject({ code: 'PERMISSION_DENIED' });
    await vi.waitFor(() => expect([...harness.ads.connections]).toEqual([]));
  });

  test('a node without the four parts of its id is refused', async () => {
    expect(await failure(await serve({}), { id: 'reviews' })).toMatchObject({ code: 'INVALID_ARGUMENT' });
  });

  test('stopping ends streams so that proxies go elsewhere', async () => {
    const harness = await serve({ [cluster]: { a: 'A' } });
    const client = await SotwClient.connect(harness);
    await client.request(cluster);
    await client.next();
    await harness.ads.stop();
    expect(await client.ended).toMatchObject({ code: 'UNAVAILABLE' });
    expect(await failure(harness)).toMatchObject({ code: 'UNAVAILABLE' });
  });
});
