// HTTP into a pod over port-forward, against a WebSocket server that speaks as an API server does.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { KubeClient } from '../../shared/kube/index.ts';
import { getFromPod } from './pod-request.ts';

const closers: (() => void)[] = [];
afterEach(() => { for (const close of closers.splice(0)) close(); });

/** A client of an API server that hands every port-forward to `serve`, or refuses it with `refusal`. */
async function clientOf(serve: (socket: WebSocket) => void, refusal?: object): Promise<KubeClient> {
  const server = createServer();
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v4.channel.k8s.io' });
  server.on('upgrade', (request, socket, head) => {
    if (refusal) socket.end(`HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n${JSON.stringify(refusal)}`);
    else sockets.handleUpgrade(request, socket, head, (webSocket) => {
      for (const channel of [0, 1]) webSocket.send(Buffer.from([channel, 0x50, 0]));
      serve(webSocket);
    });
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = KubeClient.fromDefault({ kubeconfigText: JSON.stringify({ clusters: [{ name: 'c', cluster: { server: url } }], users: [{ name: 'u', user: {} }], contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }], 'current-context': 'x' }) });
  closers.push(() => { client.close(); server.close(); server.closeAllConnections(); });
  return client;
}

test('a body that comes in many messages is whole', async () => {
  const body = 'x'.repeat(18_000);
  const client = await clientOf((socket) => {
    socket.once('message', () => {
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      for (let at = 0; at < bytes.length; at += 700) socket.send(Buffer.concat([Buffer.of(0), bytes.subarray(at, at + 700)]));
    });
  });
  expect(await getFromPod(client, 'n', 'p', 80, '/')).toBe(body);
});

test('what goes wrong names port and pod once', async () => {
  const silent = await clientOf((socket) => socket.send(Buffer.concat([Buffer.of(1), Buffer.from('error forwarding port 80 to pod p: connect ECONNREFUSED 10.0.0.1:80')])));
  await expect(getFromPod(silent, 'n', 'p', 80, '/')).rejects.toThrow(/^port 80 of pod n\/p: connect ECONNREFUSED 10\.0\.0\.1:80$/);
  const missing = await clientOf(() => undefined, { kind: 'Status', reason: 'NotFound', code: 404, message: 'pods "p" not found' });
  await expect(getFromPod(missing, 'n', 'p', 80, '/')).rejects.toThrow(/^port 80 of pod n\/p: pods "p" not found$/);
});
