// The publisher over real tables: a change that cannot be made into a snapshot costs nobody the one in force.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { MeshConfig } from '../../shared/api/mesh-config/mesh-config.ts';
import type { Service } from '../../shared/api/core/network.ts';
import { Table } from '../../shared/lib/index.ts';
import type { IngestTables } from '../ingest/index.ts';
import { SnapshotPublisher, type PublishedSnapshot } from './snapshot-publisher.ts';

const service = (name: string): Service => ({ metadata: { name, namespace: 'shop' }, spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 80 }] } });
/** An object that the types forbid, as a defect in our own code would meet it. */
const poison = { metadata: { name: 'poison', namespace: 'shop' }, get spec(): never {
  throw new TypeError('unreadable');
} } as unknown as Service;

const limits = { quietMilliseconds: 1, maximumMilliseconds: 5 };
let publisher: SnapshotPublisher | undefined;
afterEach(async () => publisher?.stop());

function setUp() {
  const services = new Table<string, Service>();
  const pods = new Table<string, never>();
  const meshConfig = new Table<'current', MeshConfig>();
  meshConfig.set('current', MeshConfig.parse({}));
  const tables = { members: new Table(), namespaces: new Table(), nodes: new Table(), services, endpointSlices: new Table(), pods, config: new Table(), issues: new Table() } as unknown as IngestTables;
  const made = new SnapshotPublisher(tables, meshConfig, { domain: 'cluster.local', debounce: { full: limits, endpoints: limits } });
  const published: PublishedSnapshot[] = [];
  made.onPublish((snapshot) => published.push(snapshot));
  publisher = made;
  return { services, pods, published, publisher: made };
}

test('a snapshot that cannot be built leaves the one before in force, says so, and the next change is built whole', async () => {
  const { services, pods, published, publisher: made } = setUp();
  services.set('shop/a', service('a'));
  await made.start();
  expect(made.current?.services.size).toBe(1);
  services.set('shop/poison', poison);
  await vi.waitFor(() => expect(made.issues.map(({ code }) => code)).toEqual(['MESH_SNAPSHOT_FAILED']));
  expect(made.issues[0]?.message).toContain('unreadable');
  expect([made.current?.number, published.length]).toEqual([1, 1]);
  services.delete('shop/poison');
  services.set('shop/b', service('b'));
  await vi.waitFor(() => expect(made.current?.services.size).toBe(2));
  expect([made.issues, made.current?.number]).toEqual([[], 2]);
  expect(pods.size).toBe(0);
});

test('a listener that throws does not end the publisher', async () => {
  const { services, publisher: made } = setUp();
  await made.start();
  made.onPublish(() => {
    throw new Error('a listener broke');
  });
  services.set('shop/a', service('a'));
  await vi.waitFor(() => expect(made.issues[0]?.message).toContain('a listener broke'));
  services.set('shop/b', service('b'));
  await vi.waitFor(() => expect(made.current?.services.size).toBe(2));
  await sleep(20);
});
