// Applying YAML: how long it waits for what may still come.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { KubeClient } from '../../shared/kube/index.ts';
import { YamlApplier } from './apply-yaml.ts';

test('an interruption ends the wait for a kind that is not served', async () => {
  const server = createServer((_request, response) => { response.writeHead(404).end('{}'); });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = KubeClient.fromDefault({ kubeconfigText: JSON.stringify({ clusters: [{ name: 'c', cluster: { server: url } }], users: [{ name: 'u', user: {} }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }) });
  try {
    await expect(new YamlApplier(client, 'test', AbortSignal.timeout(400)).apply('apiVersion: a.b/v1\nkind: C\nmetadata: { name: d }\n')).rejects.toMatchObject({ name: expect.stringMatching(/AbortError|TimeoutError/) as string });
  } finally {
    client.close();
    server.closeAllConnections();
    server.close();
  }
}, 3000);
