import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { attempt, type ProbeTarget } from './probe.ts';

const podIp = '127.93.9.1';
const target: ProbeTarget = {
  podIp, container: { ports: [{ name: 'web', containerPort: 1 }] },
  exec: async (command) => ({ code: command[0] === 'true' ? 0 : 1, output: command.join(' ') }),
};
const servers: Server[] = [];
afterEach(() => { for (const server of servers.splice(0)) server.close(); });

async function listen(server: Server): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, podIp, resolve));
  return (server.address() as AddressInfo).port;
}

describe('a probe', () => {
  it('takes 200 to 399 for success over HTTP, and sends the headers it was given', async () => {
    const port = await listen(http.createServer((request, response) => { response.statusCode = Number(request.headers['x-status']); response.end(); }));
    const probe = (status: string): object => ({ httpGet: { port, path: '/ready', httpHeaders: [{ name: 'X-Status', value: status }] } });
    expect(await attempt(probe('204'), target, 1000)).toEqual({ success: true, message: 'ok' });
    expect(await attempt(probe('302'), target, 1000)).toMatchObject({ success: true });
    expect(await attempt(probe('503'), target, 1000)).toEqual({ success: false, message: 'HTTP probe failed with statuscode: 503' });
  });

  it('comes from the node, unless it asks another host', async () => {
    const seen: (string | undefined)[] = [];
    const port = await listen(http.createServer((request, response) => { seen.push(request.socket.remoteAddress); response.end(); }));
    const fromNode = { ...target, localAddress: '127.93.0.1' };
    expect(await attempt({ httpGet: { port } }, fromNode, 1000)).toMatchObject({ success: true });
    const server = http2.createServer();
    server.on('session', (session) => { seen.push(session.socket.remoteAddress); });
    await attempt({ grpc: { port: await listen(server as unknown as Server) } }, fromNode, 500);
    expect(await attempt({ httpGet: { port, host: podIp } }, { ...fromNode, podIp: '127.93.9.2' }, 1000)).toMatchObject({ success: true });
    expect(seen).toEqual(['127.93.0.1', '127.93.0.1', '127.0.0.1']);
  });

  it('fails when the answer does not come in time, or the port is unknown', async () => {
    const port = await listen(http.createServer(() => undefined));
    expect(await attempt({ httpGet: { port } }, target, 50)).toMatchObject({ success: false, message: expect.stringContaining('deadline exceeded') });
    expect(await attempt({ httpGet: { port: 'other' } }, target, 50)).toEqual({ success: false, message: "couldn't find port: other" });
  });

  it('connects over TCP and runs commands', async () => {
    const port = await listen(http.createServer());
    expect(await attempt({ tcpSocket: { port } }, target, 1000)).toMatchObject({ success: true });
    expect(await attempt({ tcpSocket: { port: 'web' } }, target, 1000)).toMatchObject({ success: false, message: expect.stringContaining('ECONNREFUSED') });
    expect(await attempt({ exec: { command: ['true'] } }, target, 1000)).toMatchObject({ success: true });
    expect(await attempt({ exec: { command: ['false', 'x'] } }, target, 1000)).toEqual({ success: false, message: 'false x' });
  });

  it('asks a gRPC health service', async () => {
    const server = http2.createServer();
    server.on('stream', (stream) => {
      let asked = Buffer.alloc(0);
      stream.on('data', (chunk: Buffer) => { asked = Buffer.concat([asked, chunk]); });
      stream.on('end', () => {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, asked.toString().endsWith('good') ? 1 : 2]));
      });
    });
    const port = await listen(server);
    expect(await attempt({ grpc: { port, service: 'good' } }, target, 1000)).toEqual({ success: true, message: 'ok' });
    expect(await attempt({ grpc: { port, service: 'bad' } }, target, 1000)).toEqual({ success: false, message: 'service unhealthy' });
    expect(await attempt({ grpc: { port: 1 } }, target, 1000)).toMatchObject({ success: false });
  });
});
