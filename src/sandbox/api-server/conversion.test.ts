import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it, describe } from 'vitest';
import { CertificateAuthority } from '../auth/index.ts';
import { eventually, TestCluster } from './test-cluster.ts';

let cluster: TestCluster;
let hook: Server;
const schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

/** v1 says `size`, v2 says `scale`. */
function convert(object: Record<string, unknown>, apiVersion: string): object {
  const { size, scale, ...rest } = object;
  return { ...rest, apiVersion, [apiVersion.endsWith('v1') ? 'size' : 'scale']: size ?? scale };
}

beforeAll(async () => {
  cluster = await TestCluster.start('127.77.0.8');
  const authority = await CertificateAuthority.open();
  const serving = await authority.issue({ commonName: 'hook', usage: 'server', addresses: ['127.77.0.88'] });
  hook = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as { request: { uid: string; desiredAPIVersion: string; objects: Record<string, unknown>[] } };
      response.end(JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response: { uid: review.request.uid, result: { status: 'Success' }, convertedObjects: review.request.objects.map((object) => convert(object, review.request.desiredAPIVersion)) } }));
    });
  });
  await new Promise<void>((resolve) => { hook.listen(0, '127.77.0.88', () => { resolve(); }); });
  const url = `https://127.77.0.88:${String((hook.address() as AddressInfo).port)}/convert`;
  await cluster.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'boxes.example.com' },
    spec: {
      group: 'example.com', scope: 'Cluster', names: { plural: 'boxes', kind: 'Box' },
      versions: [{ name: 'v1', served: true, storage: false, schema: { openAPIV3Schema: schema } }, { name: 'v2', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
      conversion: { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v1'], clientConfig: { url, caBundle: Buffer.from(authority.certificatePem).toString('base64') } } },
    },
  });
});
afterAll(async () => {
  await cluster.stop();
  hook.closeAllConnections();
  hook.close();
});

describe('conversion webhooks', () => {
  it('stand between the stored and the wanted version, in writes, reads, lists and watches', async () => {
    const created = await cluster.post('/apis/example.com/v1/boxes', { apiVersion: 'example.com/v1', kind: 'Box', metadata: { name: 'b' }, size: 3 });
    expect(created).toMatchObject({ code: 201, body: { apiVersion: 'example.com/v1', size: 3 } });
    expect((await cluster.get('/apis/example.com/v2/boxes/b')).body).toMatchObject({ apiVersion: 'example.com/v2', scale: 3, metadata: { uid: created.body.metadata.uid } });
    expect((await cluster.get('/apis/example.com/v1/boxes')).body.items).toMatchObject([{ apiVersion: 'example.com/v1', size: 3 }]);
    const watch = cluster.watch('/apis/example.com/v1/boxes?watch=1');
    await cluster.patch('merge', '/apis/example.com/v2/boxes/b', { scale: 4 });
    await eventually(() => watch.lines.length === 2, 'two events');
    expect(watch.lines.map((line) => [line.type, line.object.size])).toEqual([['ADDED', 3], ['MODIFIED', 4]]);
    watch.stop();
  });

  it('that are away fail the request', async () => {
    hook.closeAllConnections();
    await new Promise((resolve) => { hook.close(resolve); });
    expect(await cluster.get('/apis/example.com/v1/boxes/b')).toMatchObject({ code: 500, body: { message: expect.stringMatching(/conversion webhook for example\.com\/v2, Kind=Box failed: Post .*(ECONNREFUSED|connection refused)/) } });
  });
});
