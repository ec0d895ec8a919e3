import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
beforeAll(async () => { cluster = await TestCluster.start('127.77.0.2', { historyLimit: 5 }); });
afterAll(async () => { await cluster.stop(); });

const PATH = '/api/v1/namespaces/default/configmaps';
const brief = (lines: readonly { type: string; object: { metadata: { name: string } } }[]): string[] => lines.map((line) => `${line.type} ${line.object.metadata.name}`);

describe('watches', () => {
  it('tell every change after a resourceVersion, in order', async () => {
    const { body } = await cluster.get(PATH);
    const watch = cluster.watch(`${PATH}?watch=1&resourceVersion=${String(body.metadata.resourceVersion)}`);
    await cluster.post(PATH, { metadata: { name: 'w1' } });
    await cluster.patch('merge', `${PATH}/w1`, { data: { a: 'b' } });
    await cluster.delete(`${PATH}/w1`);
    await eventually(() => watch.lines.length === 3, 'three events');
    expect(brief(watch.lines)).toEqual(['ADDED w1', 'MODIFIED w1', 'DELETED w1']);
    const revisions = watch.lines.map((line) => Number(line.object.metadata.resourceVersion));
    expect([...revisions].sort((a, b) => a - b)).toEqual(revisions);
    watch.stop();
    const resumed = cluster.watch(`${PATH}?watch=1&resourceVersion=${String(revisions[0])}`);
    await eventually(() => resumed.lines.length === 2, 'two missed events');
    expect(brief(resumed.lines)).toEqual(['MODIFIED w1', 'DELETED w1']);
    resumed.stop();
  });

  it('with a selector, show what enters and leaves it', async () => {
    const watch = cluster.watch(`${PATH}?watch=1&labelSelector=in%3Dyes`);
    await cluster.post(PATH, { metadata: { name: 'w2' } });
    await cluster.patch('merge', `${PATH}/w2`, { metadata: { labels: { in: 'yes' } } });
    await cluster.patch('merge', `${PATH}/w2`, { data: { a: 'b' } });
    await cluster.patch('merge', `${PATH}/w2`, { metadata: { labels: { in: 'no' } } });
    await cluster.delete(`${PATH}/w2`);
    await eventually(() => watch.lines.length === 3, 'three events');
    expect(brief(watch.lines)).toEqual(['ADDED w2', 'MODIFIED w2', 'DELETED w2']);
    watch.stop();
  });

  it('send the initial state and say where it ends', async () => {
    await cluster.post(PATH, { metadata: { name: 'w3' } });
    const watch = cluster.watch(`${PATH}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name%3Dw3`);
    await eventually(() => watch.lines.length === 2, 'object and bookmark');
    expect(watch.lines[0]).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'w3' } } });
    expect(watch.lines[1]).toMatchObject({ type: 'BOOKMARK', object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } });
    watch.stop();
  });

  it('end with 410 when the resourceVersion is too old', async () => {
    const { body } = await cluster.get(PATH);
    for (let index = 0; index < 12; index += 1) await cluster.post(PATH, { metadata: { name: `old-${String(index)}` } });
    const watch = cluster.watch(`${PATH}?watch=1&resourceVersion=${String(body.metadata.resourceVersion)}`);
    await watch.ended;
    expect(watch.lines).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: expect.stringContaining('too old resource version') } }]);
  });

  it('end at timeoutSeconds with a bookmark', async () => {
    const { body } = await cluster.get(PATH);
    const watch = cluster.watch(`${PATH}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${String(body.metadata.resourceVersion)}`);
    await watch.ended;
    expect(watch.lines.map((line) => line.type)).toEqual(['BOOKMARK']);
  });

  it('reach in-process clients too, objects first', async () => {
    const seen: string[] = [];
    const stop = cluster.server.client.watch({ group: '', resource: 'configmaps' }, (event) => { if (event.object.metadata.name.startsWith('in-')) seen.push(`${event.type} ${event.object.metadata.name}`); });
    await cluster.post(PATH, { metadata: { name: 'in-1' } });
    await cluster.server.client.patch({ group: '', resource: 'configmaps' }, 'default', 'in-1', { data: { a: 'b' } });
    await cluster.server.client.delete({ group: '', resource: 'configmaps' }, 'default', 'in-1');
    await eventually(() => seen.length === 3, 'three events');
    expect(seen).toEqual(['ADDED in-1', 'MODIFIED in-1', 'DELETED in-1']);
    stop();
  });
});

describe('a restart of the HTTP server', () => {
  it('keeps objects, address and certificates; watches resume', async () => {
    const created = await cluster.post(PATH, { metadata: { name: 'survivor' } });
    const watch = cluster.watch(`${PATH}?watch=1&resourceVersion=${String(created.body.metadata.resourceVersion)}`);
    await eventually(async () => (await cluster.get(PATH)).code === 200, 'it serves');
    await cluster.server.stop();
    await watch.ended;
    await cluster.server.client.patch({ group: '', resource: 'configmaps' }, 'default', 'survivor', { data: { while: 'down' } });
    await cluster.server.start();
    // Connections that the stop has closed may still be in the client's pool.
    await eventually(() => cluster.get(PATH).then(() => true, () => false), 'it serves again');
    const resumed = cluster.watch(`${PATH}?watch=1&resourceVersion=${String(created.body.metadata.resourceVersion)}`);
    await eventually(() => resumed.lines.length === 1, 'the missed event');
    expect(resumed.lines[0]).toMatchObject({ type: 'MODIFIED', object: { metadata: { name: 'survivor' }, data: { while: 'down' } } });
    resumed.stop();
  });
});
